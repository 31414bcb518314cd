//! The host's own loop or queue runs the callbacks: one job at a time is on its way.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{BATCH, Mailbox, Scope};
use crate::config::{Executor, Job, Work};
use crate::driver::process;
use crate::log::log;

thread_local! {
    /// This thread is giving a job to an executor.
    static POSTING: Cell<bool> = const { Cell::new(false) };
}

impl Mailbox {
    pub(super) fn post(self: &Arc<Self>, executor: &Executor) {
        let job = Job::new(Arc::clone(self) as Arc<dyn Work>);
        let posting = POSTING.replace(true);
        let scope = Scope::enter();
        let posted = catch_unwind(AssertUnwindSafe(|| executor.post(job)));
        drop(scope);
        POSTING.set(posting);
        if posted.is_err() {
            log!(Error, "an executor panicked");
        }
        if !posted.unwrap_or(false) {
            self.take_over();
        }
    }
}

impl Work for Mailbox {
    fn work(self: Arc<Self>) {
        // In a forked child nobody gives jobs, but its copy of the host's queue may have some.
        if process::check().is_err() || self.state().taken_over {
            return;
        }
        // An executor that runs the job at once gets no other for the rest: it would go ever deeper.
        self.turn(if POSTING.get() { usize::MAX } else { BATCH });
    }

    fn refuse(self: Arc<Self>) {
        if process::check().is_ok() {
            self.take_over();
        }
    }
}
