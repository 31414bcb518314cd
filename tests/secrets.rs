//! Secrets stay secret (fault-matrix rows S01 and S15).
//!
//! Secrets are planted wherever a host, a portal or a server can put one, while the library logs and
//! traces as much as it can. And at the end of `make test` everything that was logged and traced in
//! any process of the suite is searched for every token and ticket that a portal issued.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs, unreachable_pub)]

#[path = "secrets/conference.rs"]
mod conference;
#[path = "secrets/heard.rs"]
mod heard;
#[allow(dead_code)]
#[path = "portal/host.rs"]
mod host;
#[path = "secrets/plain.rs"]
mod plain;
#[path = "secrets/search.rs"]
mod search;
#[path = "secrets/suite.rs"]
mod suite;
#[path = "secrets/values.rs"]
mod values;

use search::Search;

/// Fail if one of these texts, or a part of one, is in what was heard.
fn assert_unheard(secrets: &[&str]) {
    let search = Search::new(secrets.iter().copied(), 1);
    let text = heard::HEARD.text();
    let found = search.find(text.as_bytes()).map(String::from_utf8_lossy);
    assert_eq!(found, None, "a secret was told");
}
