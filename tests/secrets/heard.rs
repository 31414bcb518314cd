//! Everything that the library says in this process.

use std::fmt::Display;
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use roamio::config::TraceSink;
use roamio::log::{Level, set_hook};

const LONG: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Text {
    text: Mutex<String>,
    grown: Condvar,
}

/// Logs, at their most detailed, traces and texts; shared by all tests of this process, which has one
/// log.
#[derive(Clone, Default)]
pub struct Heard(Arc<Text>);

pub static HEARD: LazyLock<Heard> = LazyLock::new(Heard::listen);

impl Heard {
    fn listen() -> Self {
        let heard = Self::default();
        let logs = heard.clone();
        let hook = move |level: Level, target: &str, text: &str| {
            logs.add(format!("{level:?} {target}: {text}"));
        };
        set_hook(Some((Level::Debug, Arc::new(hook))));
        heard
    }

    pub fn add(&self, line: impl Display) {
        *self.text() += &format!("{line}\n");
        self.0.grown.notify_all();
    }

    pub fn trace(&self) -> Option<TraceSink> {
        let heard = self.clone();
        Some(TraceSink::lines(move |line| heard.add(line)))
    }

    /// Wait until it is so.
    pub fn until(&self, what: &str, mut holds: impl FnMut(&str) -> bool) {
        let waits = |text: &mut String| !holds(text);
        let waited = self.0.grown.wait_timeout_while(self.text(), LONG, waits);
        let (text, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "{what} was not heard in:\n{}", *text);
    }

    pub fn text(&self) -> MutexGuard<'_, String> {
        self.0.text.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
