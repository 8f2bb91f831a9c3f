//! Records that are made up from their number, so that whoever looks up knows which names there are.

use countermark_packaging::digest::{Algorithm, Digest};
use countermark_packaging::name::ProjectName;
use countermark_trust::log::record::{Fields, Observation, Observer};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::Failure;

/// How many files a project has; public indexes have about as many on average.
pub(super) const FILES: u64 = 25;

/// The name of a record's project and its file: five files a release, five releases a project.
pub(super) fn file_name(number: u64) -> (String, String) {
    let project = format!("project{}", number / FILES);
    let release = number / 5 % 5;
    (project.clone(), format!("{project}-1.{release}-cp31{}-none-any.whl", number % 5))
}

pub(super) fn record(number: u64, observer: &Observer) -> Result<Observation, Failure> {
    let (project, file) = file_name(number);
    of(&project, file, number, observer)
}

/// One more file of a project that is somewhere among those of the first `records`, as an index gets them
/// once it is filled.
pub(super) fn later(
    number: u64,
    records: u64,
    observer: &Observer,
) -> Result<Observation, Failure> {
    let among = (records / FILES).max(1);
    let project = format!("project{}", number.wrapping_mul(2_654_435_761) % among);
    let file = format!("{project}-2.{number}-py3-none-any.whl");
    of(&project, file, u64::MAX - number, observer)
}

fn of(project: &str, file: String, number: u64, by: &Observer) -> Result<Observation, Failure> {
    let digest = Sha256::digest(number.to_be_bytes());
    let seconds = 1_700_000_000 + i64::try_from(number % (1 << 26))?;
    Ok(Observation::new(Fields {
        project: ProjectName::parse(project)?,
        file,
        digest: Digest::new(Algorithm::Sha256, &digest)?,
        size: Some(100_000 + number % 1000),
        uploaded: Some(Timestamp::from_second(seconds)?),
        observer: by.clone(),
        first_seen: Timestamp::from_second(seconds + 60)?,
    })?)
}
