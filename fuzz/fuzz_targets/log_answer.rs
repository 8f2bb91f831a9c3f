//! What a log, an observer or an accuser sends: any bytes are read or refused, what is read is written
//! as it was, and nobody is convicted by noise.

#![no_main]

use countermark_trust::log::evidence::{Evidence, convict};
use countermark_trust::log::lookup;
use countermark_trust::log::policy::LogPolicy;
use countermark_trust::log::proofs;
use countermark_trust::log::record::Observation;
use countermark_trust::log::wire::{Batch, Description, LookupAnswer, LookupRequest, Receipts};
use countermark_trust::policy::{Policy, Section};
use libfuzzer_sys::fuzz_target;

/// A policy with the key and the witness of the example in the documentation, whose secrets nobody has
/// who fuzzes.
fn policy() -> LogPolicy {
    let page = countermark_trust::policy::page::policy_page();
    let table = page.find("[policy.log]\n").map_or("", |start| &page[start..]);
    let end = table.find("```").unwrap_or(table.len());
    Policy::parse("p", &table.as_bytes()[..end], Section::File).expect("the example").log().clone()
}

fuzz_target!(|data: &[u8]| {
    if let Ok(record) = Observation::parse(data) {
        assert_eq!(record.text().as_bytes(), data);
    }
    if let Ok(request) = LookupRequest::parse(data) {
        let again = LookupRequest::parse(&request.write().expect("it was read"));
        assert_eq!(again.expect("it was written"), request);
    }
    if let Ok(answer) = LookupAnswer::parse(data) {
        assert_eq!(LookupAnswer::parse(&answer.write()).expect("it was written"), answer);
    }
    if let Ok(batch) =
        std::str::from_utf8(data).map_err(|_| ()).and_then(|it| Batch::parse(it).map_err(|_| ()))
    {
        assert_eq!(batch.text().as_bytes(), data);
    }
    let _ = Receipts::parse(data);
    let _ = Description::parse(data);
    let policy = policy();
    if let Ok(evidence) = Evidence::parse(data) {
        let keys = [policy.keys[0].vkey.clone()];
        assert!(convict(&evidence, &keys).is_err());
    }
    let now = "2026-11-22T08:00:00Z".parse().expect("a time");
    assert!(lookup::verify(&policy, None, &LookupRequest::default(), data, now).is_err());
    assert!(proofs::verify(&policy, data, now).is_err());
});
