use super::*;

fn linux(version: (u32, u32)) -> InterpreterTags {
    InterpreterTags {
        implementation: "cp".into(),
        version,
        abis: cpython_abis(version, false, false),
        platforms: linux_platforms("x86_64", Libc::Glibc(2, 36)),
    }
}

fn rank(tags: &CompatibleTags, filename: &str) -> Option<u32> {
    tags.rank(&WheelFilename::parse(filename).unwrap())
}

#[test]
fn wheels_are_ranked_best_first() {
    let tags = linux((3, 11)).compatible();
    let order = [
        "a-1-cp311-cp311-linux_x86_64.whl",
        "a-1-cp311-cp311-manylinux_2_36_x86_64.whl",
        "a-1-cp311-cp311-manylinux_2_17_x86_64.whl",
        "a-1-cp311-cp311-manylinux2014_x86_64.whl",
        "a-1-cp311-cp311-manylinux1_x86_64.whl",
        "a-1-cp311-abi3-manylinux_2_17_x86_64.whl",
        "a-1-cp311-none-manylinux_2_17_x86_64.whl",
        "a-1-cp310-abi3-manylinux_2_17_x86_64.whl",
        "a-1-cp32-abi3-manylinux_2_17_x86_64.whl",
        "a-1-py311-none-manylinux_2_17_x86_64.whl",
        "a-1-py3-none-manylinux_2_17_x86_64.whl",
        "a-1-py30-none-linux_x86_64.whl",
        "a-1-cp311-none-any.whl",
        "a-1-py311-none-any.whl",
        "a-1-py2.py3-none-any.whl",
        "a-1-py30-none-any.whl",
    ];
    let ranks: Vec<_> = order.iter().map(|filename| rank(&tags, filename).unwrap()).collect();
    assert!(ranks.is_sorted_by(|a, b| a < b), "{ranks:?}");
}

#[test]
fn wheels_of_other_interpreters_have_no_rank() {
    let tags = linux((3, 11)).compatible();
    for filename in [
        "a-1-cp312-cp312-linux_x86_64.whl",
        "a-1-cp312-abi3-linux_x86_64.whl",
        "a-1-cp310-cp310-linux_x86_64.whl",
        "a-1-cp310-none-any.whl",
        "a-1-cp31-abi3-linux_x86_64.whl",
        "a-1-cp311-cp311-manylinux_2_37_x86_64.whl",
        "a-1-cp311-cp311-manylinux_2_4_x86_64.whl",
        "a-1-cp311-cp311-musllinux_1_2_x86_64.whl",
        "a-1-cp311-cp311-linux_aarch64.whl",
        "a-1-cp311-cp311-any.whl",
        "a-1-py2-none-any.whl",
        "a-1-py312-none-any.whl",
    ] {
        assert_eq!(rank(&tags, filename), None, "{filename}");
    }
}

#[test]
fn free_threaded_builds_do_not_use_the_stable_abi_of_others() {
    let abis = cpython_abis((3, 14), true, false);
    assert_eq!(abis, ["cp314t"]);
    let tags = InterpreterTags { abis, ..linux((3, 14)) }.compatible();
    assert_eq!(rank(&tags, "a-1-cp314-abi3-linux_x86_64.whl"), None);
    assert!(rank(&tags, "a-1-cp314-abi3t-linux_x86_64.whl").is_some());
    assert!(rank(&tags, "a-1-cp314-cp314t-linux_x86_64.whl").is_some());
    assert_eq!(cpython_abis((3, 13), true, true), ["cp313td", "cp313t"]);
    assert_eq!(cpython_abis((3, 12), true, false), ["cp312"]);
}

#[test]
fn other_implementations_have_their_own_order() {
    let tags = InterpreterTags {
        implementation: "pp".into(),
        version: (3, 10),
        abis: vec!["pypy310_pp73".into()],
        platforms: vec!["linux_x86_64".into()],
    };
    let first: Vec<String> = tags.compatible().iter().take(3).map(Tag::to_string).collect();
    assert_eq!(
        first,
        ["pp310-pypy310_pp73-linux_x86_64", "pp310-none-linux_x86_64", "py310-none-linux_x86_64"]
    );
    assert!(rank(&tags.compatible(), "a-1-pp3-none-any.whl").is_some());
    assert_eq!(rank(&tags.compatible(), "a-1-pp310-none-any.whl"), None);
}

#[test]
fn platforms_are_expanded() {
    let check = |platform: &str, begin: &[&str], last: &str| {
        let platforms = platforms_for(platform).unwrap();
        assert_eq!(platforms[..begin.len()], *begin, "{platform}");
        assert_eq!(platforms.last().unwrap(), last, "{platform}");
    };
    check(
        "manylinux_2_18_x86_64",
        &["manylinux_2_18_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"],
        "manylinux1_x86_64",
    );
    check("manylinux2014_aarch64", &["manylinux_2_17_aarch64"], "manylinux2014_aarch64");
    check("manylinux2010_i686", &["manylinux_2_12_i686", "manylinux2010_i686"], "manylinux1_i686");
    check("musllinux_1_1_x86_64", &["musllinux_1_1_x86_64"], "musllinux_1_0_x86_64");
    check(
        "macosx_12_0_arm64",
        &["macosx_12_0_arm64", "macosx_12_0_universal2", "macosx_11_0_arm64"],
        "macosx_10_4_universal2",
    );
    check(
        "macosx_10_9_x86_64",
        &["macosx_10_9_x86_64", "macosx_10_9_intel"],
        "macosx_10_4_universal",
    );
    check("win_amd64", &["win_amd64"], "win_amd64");
    check("win32", &["win32"], "win32");
    check("linux-x86_64", &["linux_x86_64"], "linux_x86_64");
    for platform in [
        "",
        "plan9",
        "manylinux_x86_64",
        "manylinux_2_x86_64",
        "macosx_9_0_ppc",
        "manylinux_2_999_x86_64",
    ] {
        assert!(platforms_for(platform).is_err(), "{platform}");
    }
}
