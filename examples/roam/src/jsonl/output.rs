//! Where lines go, whoever has them: one whole line at a time, and a memory for `wait`.

use std::collections::VecDeque;
use std::io::Write;
use std::process;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::line::Line;

/// Lines that a `wait` looks back at.
const REMEMBERED: usize = 1_000;

/// Standard output, shared by the callbacks and the reader of commands.
#[derive(Clone)]
pub(crate) struct Output(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    more: Condvar,
}

struct State {
    sink: Box<dyn Write + Send>,
    /// What no `wait` has passed yet.
    recent: VecDeque<String>,
}

impl Output {
    pub(crate) fn new(sink: impl Write + Send + 'static) -> Self {
        let state = State { sink: Box::new(sink), recent: VecDeque::new() };
        Self(Arc::new(Shared { state: Mutex::new(state), more: Condvar::new() }))
    }

    /// Write a line. Who does not read any more has ended this program.
    pub(crate) fn line(&self, line: Line) {
        let line = line.end();
        let mut state = self.state();
        let written = writeln!(state.sink, "{line}").and_then(|()| state.sink.flush());
        if written.is_err() {
            process::exit(1);
        }
        if state.recent.len() == REMEMBERED {
            state.recent.pop_front();
        }
        state.recent.push_back(line);
        drop(state);
        self.0.more.notify_all();
    }

    /// Wait for a line that has these members; lines up to it are passed. False: it did not come in
    /// time.
    #[allow(clippy::disallowed_methods)]
    pub(crate) fn wait(&self, members: &Map<String, Value>, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        let mut state = self.state();
        loop {
            while let Some(line) = state.recent.pop_front() {
                if matches(&line, members) {
                    return true;
                }
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.0.more.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn matches(line: &str, members: &Map<String, Value>) -> bool {
    let line: Value = serde_json::from_str(line).unwrap_or_default();
    members.iter().all(|(name, value)| line.get(name) == Some(value))
}
