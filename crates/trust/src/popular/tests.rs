use super::*;

fn find(text: &str) -> Option<(&'static str, Likeness)> {
    let name = ProjectName::parse(text).unwrap();
    look_alike(&name).map(|alike| (alike.name, alike.likeness))
}

#[test]
fn the_list_is_made_of_normalised_names_once_each() {
    let popular = &*POPULAR;
    assert!(popular.names.len() > 1000);
    assert_eq!(popular.names.len(), popular.set.len());
    for name in &popular.names {
        assert_eq!(ProjectName::parse(name).unwrap().as_str(), *name);
    }
}

#[test]
fn slips_are_found() {
    for (text, expect, likeness) in [
        ("reqeusts", "requests", Likeness::Swapped),
        ("requestss", "requests", Likeness::Doubled),
        ("reqquests", "requests", Likeness::Doubled),
        ("requsts", "requests", Likeness::Omitted),
        ("crytpography", "cryptography", Likeness::Swapped),
        ("cryptograpy", "cryptography", Likeness::Omitted),
        ("tensorfIow", "tensorflow", Likeness::Glyphs),
        ("tensorf1ow", "tensorflow", Likeness::Glyphs),
        ("beautifulsoop4", "beautifulsoup4", Likeness::Replaced),
        ("scikitlearn", "scikit-learn", Likeness::Separators),
        ("python-dateutils", "python-dateutil", Likeness::Plural),
    ] {
        let found = find(text);
        // A plural is what honest names differ in.
        let expect = (likeness != Likeness::Plural).then_some((expect, likeness));
        assert_eq!(found, expect, "{text}");
    }
}

#[test]
fn popular_names_and_their_families_are_no_look_alikes() {
    for name in &POPULAR.names {
        assert_eq!(find(name), None);
    }
    for text in [
        "types-requests",
        "requests-stubs",
        "python-requests",
        "pytest-requests",
        "django-redis",
        "types-pyyaml",
        "pandas-stubs",
        "py-requests",
        "requests-py",
        "numpy2",
        "torch-stubs",
        "sphinxcontrib-requests",
        "teapot",
        "acme-web",
        "kettle",
        "my-project",
        "internal-tools",
    ] {
        assert_eq!(find(text), None, "{text}");
    }
}

/// The quick look passes over nothing that the whole comparison would find.
#[test]
fn every_slip_in_a_popular_name_is_near_it() {
    let popular = &*POPULAR;
    for name in popular.names.iter().filter(|name| name.len() >= 8).take(300) {
        for position in 1..name.len() {
            let (before, after) = name.split_at(position);
            for slip in [
                format!("{before}x{after}"),
                format!("{}{after}", &before[..position - 1]),
                format!("{}q{after}", &before[..position - 1]),
            ] {
                let Ok(slip) = ProjectName::parse(&slip) else { continue };
                let found = classify(name, slip.as_str());
                let is_slip = found.is_some_and(|it| is_slip_of(name, slip.as_str(), it));
                assert!(!is_slip || is_near(name, slip.as_str()), "{name} {slip}");
            }
        }
    }
}
