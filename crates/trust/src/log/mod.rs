//! What an outsider saw of a file, in a log that anybody can check: the record, the policy about it, and
//! what an answer of a log proves.

pub mod policy;
pub mod record;
pub mod wire;
