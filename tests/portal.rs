//! Conferences against the embedded portal, over real TCP and TLS.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs, unreachable_pub)]

#[path = "portal/ends.rs"]
mod ends;
#[path = "portal/host.rs"]
mod host;
#[path = "portal/lasting.rs"]
mod lasting;
#[path = "portal/requirements.rs"]
mod requirements;
#[path = "portal/roaming.rs"]
mod roaming;
#[path = "portal/room.rs"]
mod room;
#[path = "portal/tickets.rs"]
mod tickets;
#[path = "portal/tls.rs"]
mod tls;
