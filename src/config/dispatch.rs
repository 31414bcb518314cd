//! Whose threads run the host's callbacks.

use std::fmt;
use std::sync::Arc;

/// Whose threads run the host's callbacks (`driver::dispatch`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DispatchMode {
    /// A pool of at most four threads of the library; serial for one manager.
    #[default]
    Thread,
    /// The host calls `dispatch` from its own loop.
    Manual,
    /// The host's own loop or queue runs a [`Job`] whenever there is something.
    Executor(Executor),
    /// The thread that does the I/O, right where something arrives, with no queue and no wake-up
    /// between: the lowest latency, for hosts whose callbacks never block. One that does stops all
    /// traffic of all managers. On a runtime of the caller callbacks run only while that is driven.
    Inline,
}

/// Where a host runs things: a main queue, a looper, a game's loop.
///
/// The function gets a [`Job`], sees that it is run soon, and says true; or it says false and drops
/// the job, because it can run nothing any more. In that case, and when a job is dropped unrun
/// later, the library's own threads run the callbacks from then on.
///
/// It is called by any thread, inside any call and for several managers at once. It must not wait,
/// and should not run the job itself: the callbacks would run inside a call of the host.
///
/// There is at most one job per manager that has not begun, and it runs a bounded number of
/// callbacks, so that a busy connection does not keep the rest of the host's loop waiting.
#[derive(Clone)]
pub struct Executor(Arc<dyn Fn(Job) -> bool + Send + Sync>);

impl Executor {
    /// An executor that queues with `post`.
    pub fn new(post: impl Fn(Job) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(post))
    }

    pub(crate) fn post(&self, job: Job) -> bool {
        (self.0)(job)
    }
}

impl PartialEq for Executor {
    /// The same one, not another that does the same.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Executor {}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Executor")
    }
}

/// Who gives jobs.
pub(crate) trait Work: Send + Sync {
    /// The host runs the job.
    fn work(self: Arc<Self>);
    /// The host has dropped the job.
    fn refuse(self: Arc<Self>);
}

/// Callbacks that wait for an [`Executor`].
#[must_use = "dropped unrun it says that the executor runs nothing any more"]
pub struct Job(Option<Arc<dyn Work>>);

impl Job {
    pub(crate) fn new(work: Arc<dyn Work>) -> Self {
        Self(Some(work))
    }

    /// Run the callbacks, on this thread. Hold no lock that they take.
    pub fn run(mut self) {
        if let Some(work) = self.0.take() {
            work.work();
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Some(work) = self.0.take() {
            work.refuse();
        }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Job")
    }
}
