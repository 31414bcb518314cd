//! A device that moves between real networks: Linux network namespaces, real sockets and routes, and
//! 100 ms to the portal and back.
//!
//! Needs root and `ip`; where that is missing the tests are skipped, which is said loudly. To measure
//! with 50 runs of each, against the aims:
//!
//! ```text
//! ROAMIO_RUNS=50 cargo test --release --test network
//! ```

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[cfg(target_os = "linux")]
#[path = "network/cases.rs"]
mod cases;
#[cfg(target_os = "linux")]
#[path = "network/device.rs"]
mod device;
#[cfg(target_os = "linux")]
#[path = "network/relay.rs"]
mod relay;
#[cfg(target_os = "linux")]
#[path = "network/rig.rs"]
mod rig;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    cases::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("network: SKIPPED, there are no network namespaces on this system");
}
