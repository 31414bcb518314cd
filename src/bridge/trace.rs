//! Where the lines of a trace go.

use std::sync::Arc;

use super::error::HostError;
use super::guest::Guest;
use super::observer::tell;
use crate::client::CallbackScope;
use crate::config;

/// Takes the lines of a trace (`docs/trace.md`).
#[uniffi::export(foreign)]
pub trait TraceSink: Send + Sync {
    /// One line, a JSON object, without its line feed. Called on a thread of the trace's own, for
    /// objects with the same sink on several at once. It must not wait for an object.
    fn line(&self, text: String) -> Result<(), HostError>;
}

/// The sink as the library calls it.
pub(super) fn config_sink(sink: Arc<dyn TraceSink>) -> config::TraceSink {
    // It goes with the connections that have it.
    let (sink, _) = Guest::new(sink, || {});
    config::TraceSink::lines(move |line| {
        let _scope = CallbackScope::enter();
        tell("a trace sink", sink.line(line.to_owned()));
    })
}
