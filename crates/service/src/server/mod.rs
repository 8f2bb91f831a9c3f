//! The HTTP server that the log, the witness and the pages share: limits, life and death of connections.
