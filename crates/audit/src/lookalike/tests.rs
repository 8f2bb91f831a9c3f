use super::*;
use crate::finding::Severity;
use likeness::drawn;

#[track_caller]
fn check(our: &str, other: &str, expect: Option<Likeness>) {
    assert_eq!(classify(our, other), expect, "{our} and {other}");
    // Nothing is found that is not classified, and nothing that is classified is not found.
    let ours = ProjectName::parse(our).unwrap();
    let others = BTreeSet::from([ProjectName::parse(other).unwrap()]);
    let found = find(&BTreeSet::from([&ours]), &others, &BTreeMap::new());
    let found = found.get(&ours).map(|alike| alike[0].likeness);
    assert_eq!(found, expect, "{our} among {other}");
}

#[test]
fn slips_are_found_in_names_that_are_long_enough() {
    use Likeness::*;
    for (our, other, expect) in [
        ("teapotlib", "teapotlib", None),
        // One letter more, less, another, doubled, swapped.
        ("teapotlib", "teappotlib", Some(Doubled)),
        ("teappotlib", "teapotlib", Some(Doubled)),
        ("teapotlib", "teapotxlib", Some(Inserted)),
        ("teapotlib", "xteapotlib", Some(Inserted)),
        ("teapotlib", "teapotlibx", Some(Inserted)),
        ("teapotlib", "teapolib", Some(Omitted)),
        ("teapotlib", "eapotlib", Some(Omitted)),
        ("teapotlib", "teapoylib", Some(Replaced)),
        ("teapotlib", "etapotlib", Some(Swapped)),
        ("teapotlib", "teapotlbi", Some(Swapped)),
        ("teapotlib", "teapotlibs", Some(Plural)),
        ("teapot-lib", "teapots-lib", Some(Plural)),
        // Two changes are two names.
        ("teapotlib", "teappottlib", None),
        ("teapotlib", "tepoatlib", None),
        // Five to seven letters: no replaced one.
        ("kettle", "kettlee", Some(Doubled)),
        ("kettle", "kettl", Some(Omitted)),
        ("kettle", "nettle", None),
        // A short word in a long name.
        ("teapot-log", "teapot-dog", None),
        ("teapot-logger", "teapot-logher", Some(Replaced)),
        ("teapot-log", "teapot-loog", Some(Doubled)),
        // Up to four letters: only what looks the same, and affixes.
        ("cups", "cup", None),
        ("cup", "cups", None),
        ("cups", "cusp", None),
        ("cup", "cap", None),
        ("cup", "c-u-p", Some(Separators)),
        ("cup", "python-cup", Some(Affix)),
        ("cup", "pycup", None),
        ("cl0d", "clod", Some(Glyphs)),
    ] {
        check(our, other, expect);
    }
}

#[test]
fn what_is_drawn_alike_is_found_in_both_directions() {
    use Likeness::Glyphs;
    for (one, two) in [
        ("modern-kiln", "modem-kiln"),
        ("wafer", "vvafer"),
        ("cloud-pot", "doud-pot"),
        ("teapot", "teap0t"),
        ("kettle", "kett1e"),
        ("kiln", "kiin"),
        // Several at once.
        ("modern-oil", "modem-0i1"),
    ] {
        check(one, two, Some(Glyphs));
        check(two, one, Some(Glyphs));
    }
    assert_eq!(drawn("rn-vv-cl-0-1-i"), "mwdoll");
}

#[test]
fn separators_affixes_and_order_are_found_in_both_directions() {
    use Likeness::*;
    for (one, two, expect) in [
        ("tea-pot", "teapot", Separators),
        ("tea-p-ot", "te-apot", Separators),
        ("teapot", "python-teapot", Affix),
        ("teapot", "py-teapot", Affix),
        ("teapot", "pyteapot", Affix),
        ("teapot", "teapot-python", Affix),
        ("teapot", "teapot-py", Affix),
        ("py-teapot", "teapot-python", Affix),
        ("pyteapot", "python-teapot", Affix),
        ("tea-pot-client", "client-tea-pot", WordOrder),
        ("teapot2", "teapot", Number),
    ] {
        check(one, two, Some(expect));
        check(two, one, Some(expect));
    }
    // `python-` before nothing much, and a word that happens to begin with `py`.
    check("python-ab", "ab", None);
    check("pyre", "re", None);
    check("pyres", "res", None);
}

#[test]
fn numbered_names_are_siblings() {
    check("teapotlib1", "teapotlib2", None);
    check("teapotlib12", "teapotlib21", None);
    check("teapotlib1", "teapotlib12", Some(Likeness::Number));
    check("teapot3lib", "teapotxlib", None);
}

#[test]
fn severity_is_by_how_likely_chance_is() {
    for (our, other, expect) in [
        ("teapotlib", "teappotlib", Severity::Medium),
        ("teapotlib", "teapot1ib", Severity::Medium),
        // Eight letters and seven.
        ("teapotli", "teapotlix", Severity::Medium),
        ("teapotl", "teapotlx", Severity::Low),
        // A short word of a long name.
        ("teapot-loggy", "teapot-loggyx", Severity::Low),
        ("teapot-logger", "teapot-loggerx", Severity::Medium),
        ("teapot-log", "teapot-1og", Severity::Medium),
        // Nobody chooses a name that is drawn the same by chance, unless it is very short.
        ("cup-log", "cup-1og", Severity::Medium),
        ("kett1", "kettl", Severity::Medium),
        ("cu1", "cul", Severity::Low),
        ("teapotlib", "teapotlibs", Severity::Low),
        ("teapotlib", "python-teapotlib", Severity::Low),
        ("teapotlib", "tea-potlib", Severity::Low),
    ] {
        let (our, other) = (ProjectName::parse(our).unwrap(), ProjectName::parse(other).unwrap());
        let likeness = classify(our.as_str(), other.as_str()).expect("alike");
        let alike = LookAlike { name: &other, likeness, uses: None, common_word: false };
        assert_eq!(alike.severity(&our), expect, "{our} and {other}");
    }
}

#[test]
fn ours_and_what_is_used_as_much_are_no_look_alikes() {
    let names = |texts: &[&str]| -> BTreeSet<ProjectName> {
        texts.iter().map(|text| ProjectName::parse(text).unwrap()).collect()
    };
    let ours = names(&["teapotlib", "teapotlibx"]);
    let others = names(&["teapotlib", "teapotlibx", "teapotlibq"]);
    let count = |uses: &[(&str, u64)]| {
        let uses: BTreeMap<ProjectName, u64> =
            uses.iter().map(|(name, uses)| (ProjectName::parse(name).unwrap(), *uses)).collect();
        let found = find(&ours.iter().collect(), &others, &uses);
        found.get(ours.first().unwrap()).map_or(0, Vec::len)
    };
    // `teapotlibx` is ours.
    assert_eq!(count(&[]), 1);
    for (ours, theirs, expect) in [
        (1000, 0, 1),
        (1000, 99, 1),
        (1000, 100, 0),
        (1000, 5000, 0),
        // Ours is not among those that are used; the other is.
        (0, 1, 0),
        (u64::MAX, u64::MAX, 0),
    ] {
        assert_eq!(
            count(&[("teapotlib", ours), ("teapotlibq", theirs)]),
            expect,
            "{ours} {theirs}"
        );
    }
}

#[test]
fn a_word_of_several_names_is_no_slip() {
    let names = |texts: &[&str]| -> BTreeSet<ProjectName> {
        texts.iter().map(|text| ProjectName::parse(text).unwrap()).collect()
    };
    let our = ProjectName::parse("kiln-transport").unwrap();
    let check = |others: &[&str], expect: Option<Severity>| {
        let others = names(others);
        let found = find(&BTreeSet::from([&our]), &others, &BTreeMap::new());
        let severity = found.get(&our).map(|alike| alike[0].severity(&our));
        assert_eq!(severity, expect, "{others:?}");
    };
    check(&["kiln-transports"], Some(Severity::Low));
    check(&["kiln-transporty"], Some(Severity::Medium));
    check(&["kiln-transporty", "a-transporty"], Some(Severity::Medium));
    check(&["kiln-transporty", "a-transporty", "b-transporty"], Some(Severity::Low));
    check(&["kiln-transfort", "a-transfort"], Some(Severity::Medium));
    check(&["kiln-transfort", "a-transfort", "b-transfort"], None);
}

/// Names of invented tools, as plausible lists of an index have them: common words, alone and
/// combined. None of them imitates another on purpose.
fn plausible_names() -> BTreeSet<ProjectName> {
    let words = "array async audio backup batch block bridge broker build cache chart client cloud \
        code color command config console context crypto data date deploy disk docs driver engine \
        event export feed field file filter flow font form frame gateway git graph grid hash heap \
        host html http image import index input job json kernel key lab lang layer ledger lint list \
        load lock log mail map markdown math matrix memory menu merge message meter mock model \
        monitor network node notify object option order page panel parse password path pattern \
        peer pipe pixel plugin pool port process proxy query queue random record registry relay \
        render report request rest route rule sample scan schema script search secret sensor \
        server service session shell signal site socket sound source spec stack state storage \
        stream string sync syntax table task template term test text thread tile time timer token \
        tool trace track tree type unit update upload user util validate vector video view watch \
        web widget window worker writer yaml zone";
    let words: Vec<&str> = words.split_whitespace().collect();
    let pairs = words.iter().flat_map(|one| words.iter().map(move |two| format!("{one}-{two}")));
    let texts = words.iter().map(|word| (*word).to_owned()).chain(pairs);
    texts.map(|text| ProjectName::parse(&text).unwrap()).collect()
}

#[test]
fn plausible_lists_give_few_false_alarms() {
    // Every fortieth name is ours; nobody imitates anybody.
    let names = plausible_names();
    let ours: BTreeSet<&ProjectName> = names.iter().step_by(40).collect();
    let found = find(&ours, &names, &BTreeMap::new());
    let severe: Vec<String> = found
        .iter()
        .flat_map(|(our, alike)| alike.iter().map(move |it| (our, it)))
        .filter(|(our, it)| it.severity(our) >= Severity::Medium)
        .map(|(our, it)| format!("{our} {}", it.name))
        .collect();
    assert!(names.len() > 20_000 && ours.len() > 500, "{} {}", names.len(), ours.len());
    // The same words in another order are a line below; they are most of what is found.
    assert!(severe.len() * 100 <= ours.len(), "{}: {severe:?}", severe.len());
    // And of planted ones none is overlooked.
    let planted: BTreeSet<ProjectName> = ours
        .iter()
        .filter(|our| our.as_str().len() > 9)
        .map(|our| ProjectName::parse(&our.as_str().replacen('e', "ee", 1)).unwrap())
        .filter(|name| !names.contains(name))
        .collect();
    let all = names.union(&planted).cloned().collect();
    let found = find(&ours, &all, &BTreeMap::new());
    let seen: BTreeSet<&ProjectName> = found.values().flatten().map(|it| it.name).collect();
    assert!(planted.len() > 200);
    assert!(planted.iter().all(|name| seen.contains(name)));
}
