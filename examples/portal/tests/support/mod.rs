//! What the tests of the running portal share: raw clients and ways to wait.
//!
//! Nothing here sleeps for a fixed time: every wait is for something, and has a generous deadline.

// Every test program uses a part of this.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, dead_code)]

pub(crate) mod client;
pub(crate) mod http;
pub(crate) mod polling;

use std::{future::Future, time::Duration};

use roamio_portal::{
    Server,
    model::{Millis, Portal},
};

/// How long anything may take before a test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Wait for a future, within the deadline.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(value) => value,
        Err(_) => panic!("timed out waiting for {what}"),
    }
}

/// Wait until something holds.
pub(crate) async fn eventually(what: &str, holds: impl Fn() -> bool) {
    within(what, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// Wait until the portal is in a state.
pub(crate) async fn until(server: &Server, what: &str, state: impl Fn(&Portal, Millis) -> bool) {
    eventually(what, || server.with_model(|model, now| state(model, now))).await;
}

/// Wait until the portal's own clock has advanced by more than this.
pub(crate) async fn pass(server: &Server, duration: Millis) {
    let start = server.with_model(|_, now| now);
    until(server, "the portal's clock", |_, now| now > start + duration).await;
}
