//! The conformance items, against servers that somebody else wrote and against scripted ones.
//!
//! `conformance/case.rs` tells how an item is written down, `conformance/COVERAGE.md` what is covered.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs, unreachable_pub)]

#[path = "conformance/beyond.rs"]
mod beyond;
#[path = "conformance/case.rs"]
mod case;
#[path = "conformance/coverage.rs"]
mod coverage;
#[path = "conformance/fake.rs"]
mod fake;
#[path = "coverage/found.rs"]
mod found;
#[path = "conformance/host.rs"]
mod host;
#[path = "conformance/relay.rs"]
mod relay;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "conformance/server.rs"]
mod server;

#[path = "conformance/a.rs"]
mod a;
#[path = "conformance/b.rs"]
mod b;
#[path = "conformance/c.rs"]
mod c;
#[path = "conformance/d.rs"]
mod d;
#[path = "conformance/e.rs"]
mod e;
#[path = "conformance/f.rs"]
mod f;
#[path = "conformance/g.rs"]
mod g;
#[path = "conformance/h.rs"]
mod h;
#[path = "conformance/i.rs"]
mod i;
