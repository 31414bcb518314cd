//! Where log lines go.

use std::sync::Arc;

use super::error::HostError;
use super::guest::Guest;
use crate::client::CallbackScope;
use crate::log::{Hook, Level, set_hook};

/// Takes the log lines of the library.
#[uniffi::export(foreign)]
pub trait LogSink: Send + Sync {
    /// One line: its level, the part of the library that it comes from, the text. It holds no token,
    /// ticket or payload. Called on any thread, also by several at once; must return soon.
    fn line(&self, level: Level, target: String, text: String) -> Result<(), HostError>;
}

/// Send the log lines of this process up to a level to a sink, in place of the former one; without a
/// sink nothing is logged, as at the start.
#[uniffi::export(default(level = None, sink = None))]
pub fn set_log(level: Option<Level>, sink: Option<Arc<dyn LogSink>>) {
    set_hook(level.zip(sink).map(|(level, sink)| {
        let (sink, _) = Guest::new(sink, || set_hook(None));
        let hook = move |level: Level, target: &str, text: &str| {
            let _scope = CallbackScope::enter();
            // A sink that fails has nobody to be told of it.
            let _ = sink.line(level, target.to_owned(), text.to_owned());
        };
        (level, Arc::new(hook) as Arc<Hook>)
    }));
}
