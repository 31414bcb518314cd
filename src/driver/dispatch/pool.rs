//! The library's dispatch threads: at most four, made on demand, gone when idle.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::Mailbox;
use crate::log::log;

const MAX_THREADS: usize = 4;

const IDLE: Duration = Duration::from_secs(10);

/// A mailbox keeps its thread for this many deliveries while others wait.
const TURN: usize = 256;

static POOL: Pool = Pool {
    state: Mutex::new(State { ready: VecDeque::new(), threads: 0, idle: 0 }),
    more: Condvar::new(),
};

struct Pool {
    state: Mutex<State>,
    more: Condvar,
}

struct State {
    /// Mailboxes that have something to deliver, each at most once.
    ready: VecDeque<Arc<Mailbox>>,
    threads: usize,
    idle: usize,
}

/// Let some thread deliver what is in `mailbox`. The caller makes sure that it is not ready or
/// running already. False: the system gives not even one thread, and the mailbox waits until
/// [`serve`] finds one.
pub(super) fn schedule(mailbox: Arc<Mailbox>) -> bool {
    let mut state = POOL.lock();
    state.ready.push_back(mailbox);
    POOL.staff(state)
}

/// Try again to find a thread for whoever waits. False: there is still none.
pub(super) fn serve() -> bool {
    let state = POOL.lock();
    state.ready.is_empty() || POOL.staff(state)
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wake or start a thread for what is ready. False: there is none to do it.
    fn staff(&'static self, mut state: MutexGuard<'_, State>) -> bool {
        let start = state.idle < state.ready.len() && state.threads < MAX_THREADS;
        state.threads += usize::from(start);
        drop(state);
        if !start {
            self.more.notify_one();
            return true;
        }
        let started = thread::Builder::new().name("roamio-host".into()).spawn(|| self.work());
        let Err(error) = started else { return true };
        log!(Error, "cannot start a dispatch thread: {error}");
        let mut state = self.lock();
        state.threads -= 1;
        // Where another start is under way, whoever makes it answers for everything that is ready.
        state.threads > 0 || state.ready.is_empty()
    }

    fn work(&self) {
        while let Some(mailbox) = self.next() {
            // If there is more, this thread itself is there for it.
            mailbox.turn(TURN);
        }
    }

    /// The mailbox that has waited longest. `None` when nothing came for a while: the thread goes.
    fn next(&self) -> Option<Arc<Mailbox>> {
        let mut state = self.lock();
        if state.ready.is_empty() {
            state.idle += 1;
            let waited = self.more.wait_timeout_while(state, IDLE, |state| state.ready.is_empty());
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.idle -= 1;
        }
        let mailbox = state.ready.pop_front();
        state.threads -= usize::from(mailbox.is_none());
        mailbox
    }
}
