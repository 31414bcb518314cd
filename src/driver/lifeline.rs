//! When a driver is really over: the task is gone, and so are the sockets it let go of.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::driver::runtime::Runtime;

/// Where to wait for the end.
#[derive(Debug, Default)]
pub(crate) struct Finish {
    finished: Mutex<bool>,
    changed: Condvar,
}

impl Finish {
    /// The guard whose last owner ends the wait. It keeps the I/O thread alive.
    pub(crate) fn lifeline(self: &Arc<Self>, runtime: Runtime) -> Arc<Lifeline> {
        Arc::new(Lifeline { finish: Arc::clone(self), _runtime: runtime })
    }

    /// Wait for the end, for at most `timeout`. True: it has come.
    pub(crate) fn wait(&self, timeout: Duration) -> bool {
        let finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(finished, timeout, |finished| !*finished);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Held by the task and by every connection that is still saying goodbye.
#[derive(Debug)]
pub(crate) struct Lifeline {
    finish: Arc<Finish>,
    _runtime: Runtime,
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        *self.finish.finished.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.finish.changed.notify_all();
    }
}
