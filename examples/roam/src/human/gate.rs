//! What the reader of lines waits for: that one is in, and that everything is answered.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often somebody who waits is told so.
const TICK: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Whether it was let in; none before that is known.
    entered: Option<bool>,
    /// Outcomes that are still to come.
    asked: usize,
}

impl Gate {
    /// It is in, or never will be. What was said first counts.
    pub(super) fn enter(&self, is_in: bool) {
        self.state().entered.get_or_insert(is_in);
        self.changed.notify_all();
    }

    /// Whether it was let in.
    pub(super) fn has_entered(&self) -> bool {
        self.state().entered == Some(true)
    }

    /// One outcome more is to come.
    pub(super) fn ask(&self) {
        self.state().asked += 1;
    }

    /// It has come.
    pub(super) fn answered(&self) {
        self.state().asked -= 1;
        self.changed.notify_all();
    }

    /// Wait until it is in or never will be, and say how long it has taken so far.
    pub(super) fn wait_entered(&self, limit: Duration, mut tell: impl FnMut(Duration)) {
        let since = Instant::now();
        let mut state = self.state();
        while state.entered.is_none() && since.elapsed() < limit {
            let waited = self.changed.wait_timeout(state, TICK);
            let (next, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = next;
            if timeout.timed_out() {
                drop(state);
                tell(since.elapsed());
                state = self.state();
            }
        }
    }

    /// Wait until nothing is to come any more. All outcomes have limits.
    pub(super) fn wait_answered(&self) {
        let mut state = self.state();
        while state.asked > 0 {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
