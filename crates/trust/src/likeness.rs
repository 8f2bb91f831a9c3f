//! How two names of projects are alike, and whether a slip of the finger or of the eye makes one of
//! the other. Names are normalised, so they are ASCII.

/// Names with fewer letters are near to many others by chance: only what looks the same counts.
const SHORT: usize = 5;

/// Names with as many letters or more are not hit by chance.
const LONG: usize = 8;

/// The same for the one word in which a letter differs.
const SHORT_WORD: usize = 6;

/// What people put before or after a name to say that it is for Python.
const AFFIXES: [(&str, &str); 5] =
    [("python-", ""), ("py-", ""), ("", "-python"), ("", "-py"), ("py", "")];

/// How a name is alike. The order is from the most to the least alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Likeness {
    /// The same when drawn: `rn` and `m`, `vv` and `w`, `cl` and `d`, `0` and `o`, `1`, `l` and `i`.
    Glyphs,
    /// Two letters beside each other change places.
    Swapped,
    /// A letter is doubled, or a double one is single.
    Doubled,
    /// It has one letter more.
    Inserted,
    /// It has one letter less.
    Omitted,
    /// One letter is another.
    Replaced,
    /// Only hyphens, dots and underscores differ.
    Separators,
    /// `python-`, `py-`, `-python` and the like.
    Affix,
    /// The same words in another order.
    WordOrder,
    /// Singular and plural.
    Plural,
    /// With or without a digit.
    Number,
}

impl Likeness {
    /// For people, after the name.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Glyphs => "looks the same when drawn",
            Self::Swapped => "two letters change places",
            Self::Doubled => "a letter is doubled or not",
            Self::Inserted => "one letter more",
            Self::Omitted => "one letter less",
            Self::Replaced => "one letter is another",
            Self::Separators => "only separators differ",
            Self::Affix => "with or without `python` or `py`",
            Self::WordOrder => "the same words in another order",
            Self::Plural => "singular and plural",
            Self::Number => "with or without a digit",
        }
    }

    /// Whether it is a slip of the finger or of the eye, and nothing that names honestly differ in.
    #[must_use]
    pub const fn is_slip(self) -> bool {
        match self {
            Self::Glyphs
            | Self::Swapped
            | Self::Doubled
            | Self::Inserted
            | Self::Omitted
            | Self::Replaced => true,
            Self::Separators | Self::Affix | Self::WordOrder | Self::Plural | Self::Number => false,
        }
    }
}

/// Whether one of the two names is there because of a slip in the other, and not by chance: the name
/// and the word in which they differ are long, or both are drawn the same.
#[must_use]
pub fn is_slip_of(our: &str, other: &str, likeness: Likeness) -> bool {
    let word = changed_word(our, other).len();
    // What is drawn the same is not an honest other word, however short.
    let is_drawn_alike = likeness == Likeness::Glyphs;
    let is_word_long = word >= SHORT_WORD || is_drawn_alike;
    let least = if is_drawn_alike { SHORT } else { LONG };
    likeness.is_slip() && letters(our) >= least && is_word_long
}

/// How `other` is alike to `our`; `None` when it is not, or when so short a name says nothing. Both
/// are normalised.
#[must_use]
pub fn classify(our: &str, other: &str) -> Option<Likeness> {
    if our == other {
        return None;
    }
    let length = letters(our).min(letters(other));
    if squashed(our).eq(squashed(other)) {
        return Some(Likeness::Separators);
    }
    if differ_by_affix(our, other) {
        return Some(Likeness::Affix);
    }
    if drawn(our) == drawn(other) {
        return Some(Likeness::Glyphs);
    }
    if length < SHORT {
        return None;
    }
    if is_reordered(our, other) {
        return Some(Likeness::WordOrder);
    }
    let likeness = one_change(our.as_bytes(), other.as_bytes())?;
    let chance = letters(our) < LONG || changed_word(our, other).len() < SHORT_WORD;
    // One of many letters in one of few places: honest names differ by that.
    (likeness != Likeness::Replaced || !chance).then_some(likeness)
}

/// The form that names have in common when they look the same: without separators, and with one
/// letter for those that are drawn alike.
#[must_use]
pub fn drawn(name: &str) -> String {
    let mut form = String::with_capacity(name.len());
    for byte in squashed(name) {
        match byte {
            b'0' => form.push('o'),
            b'1' | b'i' => form.push('l'),
            _ => form.push(char::from(byte)),
        }
        for (two, one) in [("rn", 'm'), ("vv", 'w'), ("cl", 'd')] {
            if form.ends_with(two) {
                form.truncate(form.len() - two.len());
                form.push(one);
            }
        }
    }
    form
}

/// A name with each affix, and the bare name with each of them.
#[must_use]
pub fn with_other_affix(our: &str) -> Vec<String> {
    let mut bases = vec![our];
    bases.extend(AFFIXES.iter().filter_map(|affix| without(our, *affix)));
    let mut candidates: Vec<String> = bases.iter().map(|base| (*base).to_owned()).collect();
    for base in bases {
        candidates.extend(AFFIXES.iter().map(|(before, after)| format!("{before}{base}{after}")));
    }
    candidates
}

/// The name without an affix that it has. What is left is a name of at least three letters; after
/// `py` without a hyphen of at least five, because many words begin so.
fn without<'a>(name: &'a str, (before, after): (&str, &str)) -> Option<&'a str> {
    let base = name.strip_prefix(before)?.strip_suffix(after)?;
    let least = if before == "py" { SHORT } else { 3 };
    (letters(base) >= least && !base.starts_with('-')).then_some(base)
}

fn differ_by_affix(our: &str, other: &str) -> bool {
    let bases = |name| {
        let mut bases = vec![name];
        bases.extend(AFFIXES.iter().filter_map(|affix| without(name, *affix)));
        bases
    };
    let theirs = bases(other);
    bases(our).iter().any(|base| theirs.contains(base))
}

fn squashed(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().filter(|byte| *byte != b'-')
}

fn letters(name: &str) -> usize {
    squashed(name).count()
}

fn is_reordered(our: &str, other: &str) -> bool {
    let words = |name: &str| {
        let mut words: Vec<String> = name.split('-').map(str::to_owned).collect();
        words.sort_unstable();
        words
    };
    our.len() == other.len() && words(our) == words(other)
}

/// The word of `name` in which it begins to differ from another.
#[must_use]
pub fn changed_word<'a>(name: &'a str, other: &str) -> &'a str {
    let same = name.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let mut start = 0;
    for word in name.split('-') {
        if same <= start + word.len() {
            return word;
        }
        start += word.len() + 1;
    }
    ""
}

/// The one change between two names, if it is one, and not only of a digit into another.
fn one_change(our: &[u8], other: &[u8]) -> Option<Likeness> {
    let same = our.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (ours, theirs) = (&our[same..], &other[same..]);
    if ours.len() + 1 == theirs.len() {
        return (ours == &theirs[1..]).then(|| one_letter(other, same, Likeness::Inserted))?;
    }
    if theirs.len() + 1 == ours.len() {
        return (theirs == &ours[1..]).then(|| one_letter(our, same, Likeness::Omitted))?;
    }
    if ours.len() != theirs.len() {
        return None;
    }
    let is_letter = |byte: u8| byte.is_ascii_lowercase();
    let (&mine, &yours) = (ours.first()?, theirs.first()?);
    if ours[1..] == theirs[1..] {
        return (is_letter(mine) && is_letter(yours)).then_some(Likeness::Replaced);
    }
    let (&my_next, &your_next) = (ours.get(1)?, theirs.get(1)?);
    let swapped = mine == your_next && my_next == yours && ours[2..] == theirs[2..];
    // Digits that change places make another number, not another spelling.
    (swapped && (is_letter(mine) || is_letter(my_next))).then_some(Likeness::Swapped)
}

/// What one letter more makes of a name; `longer` is the one that has it.
fn one_letter(longer: &[u8], position: usize, otherwise: Likeness) -> Option<Likeness> {
    let letter = longer[position];
    let next = longer.get(position + 1).copied();
    let ends_word = next.is_none_or(|byte| byte == b'-');
    let before = position.checked_sub(1).map(|before| longer[before]);
    if letter == b'-' {
        None
    } else if letter.is_ascii_digit() {
        Some(Likeness::Number)
    } else if before == Some(letter) || next == Some(letter) {
        Some(Likeness::Doubled)
    } else if letter == b's' && ends_word {
        Some(Likeness::Plural)
    } else {
        Some(otherwise)
    }
}
