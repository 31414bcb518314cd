//! Whose thread runs the tasks: one of this process, or the caller's runtime.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::error::{Code, Error, Result};

/// The I/O thread of this process, while anybody uses it.
static SHARED: Mutex<Weak<IoThread>> = Mutex::new(Weak::new());

/// The right to run tasks. The I/O thread ends when the last one that shares it is dropped, on
/// whatever thread that happens.
#[derive(Clone, Debug)]
pub(crate) struct Runtime {
    handle: Handle,
    _thread: Option<Arc<IoThread>>,
}

#[derive(Debug)]
struct IoThread {
    handle: Handle,
    /// Dropping it ends the thread.
    _stop: oneshot::Sender<()>,
}

impl Runtime {
    /// The I/O thread of this process, started if need be.
    pub(crate) fn shared() -> Result<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let thread = match shared.upgrade() {
            Some(thread) => thread,
            None => {
                let thread = IoThread::start().map_err(|error| {
                    Error::new(Code::Unsupported, format!("cannot start the I/O thread: {error}"))
                })?;
                let thread = Arc::new(thread);
                *shared = Arc::downgrade(&thread);
                thread
            }
        };
        Ok(Self { handle: thread.handle.clone(), _thread: Some(thread) })
    }

    /// A runtime that somebody else keeps alive.
    pub(crate) const fn of_caller(handle: Handle) -> Self {
        Self { handle, _thread: None }
    }

    pub(crate) const fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl IoThread {
    fn start() -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        thread::Builder::new().name("roamio-io".into()).spawn(move || {
            // An error is the drop of the sender, which is the signal.
            let _ = runtime.block_on(stopped);
        })?;
        Ok(Self { handle, _stop: stop })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_users_share_one_thread() {
        let (one, two) = (Runtime::shared().expect("starts"), Runtime::shared().expect("starts"));
        let name_of = |runtime: &Runtime| {
            let (tell, told) = std::sync::mpsc::channel();
            runtime.handle().spawn(async move {
                let thread = thread::current();
                tell.send((thread.id(), thread.name().map(str::to_owned))).expect("waits");
            });
            told.recv().expect("the task ran")
        };
        assert_eq!(name_of(&one), name_of(&two));
        assert_eq!(name_of(&one).1.as_deref(), Some("roamio-io"));
    }

    #[test]
    fn the_last_user_may_go_on_the_thread_itself() {
        let thread = Arc::new(IoThread::start().expect("starts"));
        let weak = Arc::downgrade(&thread);
        let handle = thread.handle.clone();
        let (tell, told) = std::sync::mpsc::channel();
        handle.spawn(async move {
            drop(thread);
            tell.send(()).expect("waits");
        });
        told.recv().expect("the drop returned");
        assert!(weak.upgrade().is_none());
    }
}
