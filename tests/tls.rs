//! TLS and proxies, through the public API against a local Socket.IO server (conformance 93, 94).

#![cfg(target_os = "linux")] // The messages are OpenSSL's.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

#[path = "tls/certificates.rs"]
mod certificates;
#[path = "tls/client.rs"]
mod client;
#[path = "tls/proxies.rs"]
mod proxies;
#[path = "tls/server.rs"]
mod server;
#[path = "tls/through.rs"]
mod through;
#[path = "tls/trust.rs"]
mod trust;
