//! Who published files, as the provenance objects of the index say (PEP 740).

use countermark_packaging::provenance::{MAX_PROVENANCE, Provenance};
use futures_util::stream::{self, StreamExt as _};
use url::Url;

use super::{Gatherer, Known, Pair, codes};
use crate::http::{Client, HttpError, Request};
use crate::receive::until_interrupted;
use crate::report::Note;

/// Objects that are asked for at a time.
const AT_A_TIME: usize = 8;

const ACCEPT: &str = "application/vnd.pypi.integrity.v1+json, application/json;q=0.9";

/// The publishers of a file and of the one before; none where the index says that there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Both {
    pub(super) new: Option<String>,
    pub(super) old: Option<String>,
}

/// The publishers of all pairs, in their order. Where the user said stop, none of them is known.
pub(super) async fn of_all(gatherer: &Gatherer<'_>, pairs: &[Pair<'_>]) -> Vec<Result<Both, Note>> {
    let asking = pairs.iter().map(|pair| of_pair(gatherer, pair));
    let all = stream::iter(asking).buffered(AT_A_TIME).collect::<Vec<_>>();
    tokio::select! {
        all = all => all,
        () = until_interrupted(gatherer.sight.interrupted) => {
            pairs.iter().map(|pair| Err(unknown(&pair.new, "the run was stopped"))).collect()
        }
    }
}

async fn of_pair(gatherer: &Gatherer<'_>, pair: &Pair<'_>) -> Result<Both, Note> {
    let new = of_file(gatherer.sight.http, &pair.new).await?;
    let Some(old) = &pair.old else { return Ok(Both { new, old: None }) };
    // What an index said once of a file it cannot unsay.
    let recorded =
        gatherer.recorded.files.iter().find(|known| known.file.digest == old.file.digest);
    let old = match recorded {
        Some(recorded) => recorded.publisher.clone(),
        None => of_file(gatherer.sight.http, old).await?,
    };
    Ok(Both { new, old })
}

async fn of_file(http: &Client, known: &Known) -> Result<Option<String>, Note> {
    let Some(url) = &known.provenance else { return Ok(None) };
    let url = Url::parse(url).map_err(|error| unknown(known, &error.to_string()))?;
    let request = Request::document(&url, ACCEPT, MAX_PROVENANCE);
    let document = match http.fetch(&request).await {
        Ok(document) => document,
        Err(HttpError::Status { code: 404 | 410, .. }) => {
            let why = "the index says that it has one and does not give it";
            return Err(contradicted(known, why));
        }
        Err(error) => return Err(unknown(known, &error.to_string())),
    };
    let object = Provenance::parse(&document.body)
        .map_err(|error| contradicted(known, &error.to_string()))?;
    if !object.is_of(&known.file.digest) {
        return Err(contradicted(known, "its attestations are about another file"));
    }
    Ok(Some(object.publisher()))
}

fn unknown(known: &Known, why: &str) -> Note {
    let name = &known.file.name;
    Note::new(codes::UNKNOWN, format!("the provenance of `{name}` is not known: {why}"))
}

fn contradicted(known: &Known, why: &str) -> Note {
    let name = &known.file.name;
    Note::new(codes::CONTRADICTED, format!("the provenance of `{name}` cannot be used: {why}"))
}
