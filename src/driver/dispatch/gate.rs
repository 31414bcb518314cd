//! The end of one object's life, as the host sees it: who may still be called.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::driver::Completion;
use crate::error::{Code, Error, Result};
use crate::payload::Payload;

pub(super) type Call = Box<dyn FnOnce(Result<Payload>) + Send>;

/// Stands between the library and the host's code of one object (manager, socket, conference).
///
/// It owns what the host still has to be told about its requests, so that a close can settle them
/// without asking the I/O thread.
///
/// ```text
///  open --close()--> closed --(dispatch side: completions get CLOSED, sink dropped)--> ended
/// ```
#[derive(Default)]
pub struct Gate {
    closed: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    next: u64,
    /// In the order of the calls.
    pending: BTreeMap<u64, Call>,
    ended: bool,
}

impl Gate {
    /// Nothing but completions may be called from now on. True for the first call.
    pub fn close(&self) -> bool {
        // The lock makes sure that no request slips in behind the end.
        let _state = self.state();
        !self.closed.swap(true, Ordering::AcqRel)
    }

    /// Whether the object was closed.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Wait until the sink is dropped. False when that took longer than `timeout`.
    pub fn wait_ended(&self, timeout: Duration) -> bool {
        let state = self.state();
        let waited = self.changed.wait_timeout_while(state, timeout, |state| !state.ended);
        waited.unwrap_or_else(PoisonError::into_inner).0.ended
    }

    /// Keep `call` until its request has an outcome, then call it once. After a close the outcome
    /// is `CLOSED`, whatever became of the request. At most `most` are kept: those that the host
    /// does not take would pile up with nobody reading less from the network for it.
    ///
    /// # Errors
    /// [`Code::Closed`], [`Code::QueueFull`]; `call` is dropped.
    pub fn expect(
        self: &Arc<Self>,
        most: usize,
        call: impl FnOnce(Result<Payload>) + Send + 'static,
    ) -> Result<Expected> {
        let mut state = self.state();
        if self.is_closed() {
            return Err(closed());
        }
        if state.pending.len() >= most {
            return Err(Error::new(Code::QueueFull, "too many outcomes are outstanding"));
        }
        let key = state.next;
        state.next += 1;
        state.pending.insert(key, Box::new(call));
        Ok(Expected { gate: Arc::clone(self), key })
    }

    /// The dispatch side has called everything that it had to, and dropped the sink.
    pub(super) fn end(&self) {
        self.state().ended = true;
        self.changed.notify_all();
    }

    /// The completion that waits longest.
    pub(super) fn take_first(&self) -> Option<Call> {
        self.state().pending.pop_first().map(|(_, call)| call)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}

/// The error of a closed object.
pub(crate) fn closed() -> Error {
    Error::new(Code::Closed, "the object was closed")
}

/// A completion that its gate keeps.
#[derive(Debug)]
pub struct Expected {
    gate: Arc<Gate>,
    key: u64,
}

impl Expected {
    /// What the driver calls with the outcome.
    pub fn completion(&self) -> Completion {
        let (gate, key) = (Arc::clone(&self.gate), self.key);
        Completion::new(move |result| {
            let call = gate.state().pending.remove(&key);
            if let Some(call) = call {
                call(if gate.is_closed() { Err(closed()) } else { result });
            }
        })
    }

    /// The call that would have started the request failed: forget the completion uncalled. False:
    /// the end of the object was faster, and has called it.
    pub fn withdraw(self) -> bool {
        let call = self.gate.state().pending.remove(&self.key);
        // The host's values may be dropped with it, so not under the lock.
        call.is_some()
    }
}
