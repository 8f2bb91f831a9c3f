//! Which file of the release before a file is compared with: the one of the same kind, for the same
//! Python and platform where there is one.

use countermark_packaging::filename::{DistributionFilename, WheelFilename};

/// The position of the nearest file; none where there is none.
pub(super) fn nearest<'a>(
    new: &DistributionFilename,
    olds: impl Iterator<Item = &'a DistributionFilename>,
) -> Option<usize> {
    let ranked = olds.enumerate().map(|(position, old)| (distance(new, old), position));
    ranked.min().map(|(_, position)| position)
}

/// How unlike two files are: another kind, another system and processor, another Python, and last
/// another spelling of the same.
fn distance(new: &DistributionFilename, old: &DistributionFilename) -> [bool; 5] {
    match (new, old) {
        (DistributionFilename::Sdist(_), DistributionFilename::Sdist(_)) => [false; 5],
        (DistributionFilename::Wheel(new), DistributionFilename::Wheel(old)) => [
            false,
            families(new) != families(old),
            new.python != old.python,
            new.abi != old.abi,
            new.platform != old.platform,
        ],
        _ => [true; 5],
    }
}

/// `linux x86_64` for every version of the C library, and so on.
fn families(wheel: &WheelFilename) -> Vec<String> {
    let mut families: Vec<String> = wheel.platform.iter().map(|tag| family(tag)).collect();
    families.sort();
    families.dedup();
    families
}

fn family(tag: &str) -> String {
    let kept: Vec<&str> = tag
        .split('_')
        .filter(|part| !part.bytes().all(|byte| byte.is_ascii_digit()) || *part == "64")
        .map(|part| if part.starts_with("manylinux") { "manylinux" } else { part })
        .collect();
    kept.join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(new: &str, olds: &[&str]) -> Option<String> {
        let parse = |name: &str| DistributionFilename::parse(name).unwrap();
        let parsed: Vec<DistributionFilename> = olds.iter().map(|name| parse(name)).collect();
        nearest(&parse(new), parsed.iter()).map(|position| olds[position].to_owned())
    }

    #[test]
    fn the_same_kind_for_the_same_platform_comes_first() {
        let olds = [
            "tea-1.0.tar.gz",
            "tea-1.0-py3-none-any.whl",
            "tea-1.0-cp312-cp312-win_amd64.whl",
            "tea-1.0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            "tea-1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            "tea-1.0-cp312-cp312-manylinux_2_17_aarch64.whl",
            "tea-1.0-cp312-cp312-musllinux_1_2_x86_64.whl",
            "tea-1.0-cp312-cp312-macosx_10_9_x86_64.whl",
        ];
        let check =
            |new: &str, expect: &str| assert_eq!(pick(new, &olds).unwrap(), expect, "{new}");
        check("tea-1.1.tar.gz", olds[0]);
        check("tea-1.1-py3-none-any.whl", olds[1]);
        check("tea-1.1-cp312-cp312-win_amd64.whl", olds[2]);
        check("tea-1.1-cp312-cp312-manylinux_2_28_x86_64.whl", olds[3]);
        check("tea-1.1-cp311-cp311-manylinux_2_28_x86_64.whl", olds[4]);
        check("tea-1.1-cp312-cp312-manylinux_2_28_aarch64.whl", olds[5]);
        check("tea-1.1-cp312-cp312-musllinux_1_1_x86_64.whl", olds[6]);
        check("tea-1.1-cp312-cp312-macosx_11_0_x86_64.whl", olds[7]);
    }

    #[test]
    fn another_kind_is_better_than_none() {
        let sdist = ["tea-1.0.tar.gz"];
        assert_eq!(pick("tea-1.1-py3-none-any.whl", &sdist).unwrap(), sdist[0]);
        let wheel = ["tea-1.0-py3-none-any.whl"];
        assert_eq!(pick("tea-1.1.tar.gz", &wheel).unwrap(), wheel[0]);
        assert_eq!(pick("tea-1.1.tar.gz", &[]), None);
    }
}
