//! TLS and proxies, through the public API against the reference server (conformance 93, 94), with
//! either TLS library.

#![cfg(target_os = "linux")] // The messages are OpenSSL's where they are not rustls's.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs, unreachable_pub, dead_code)]

#[path = "conformance/server.rs"]
mod server;

#[path = "tls/certificates.rs"]
mod certificates;
#[path = "tls/client.rs"]
mod client;
#[path = "tls/front.rs"]
mod front;
#[path = "tls/proxies.rs"]
mod proxies;
#[path = "tls/through.rs"]
mod through;
#[path = "tls/trust.rs"]
mod trust;
