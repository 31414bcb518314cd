//! How a host that dispatches by itself learns that there is something: a callback, a descriptor.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::host::guarded;
use super::scope::Scope;
use crate::error::{Code, Error, Result};

thread_local! {
    /// This thread is in a wake callback.
    static WAKING: Cell<bool> = const { Cell::new(false) };
}

type Callback = Box<dyn Fn() + Send>;

/// Both ways; each is used if the host asked for it.
#[derive(Default)]
pub(super) struct Wake {
    /// Locked while it runs, so that taking it away waits for a call that has begun.
    callback: Mutex<Option<Callback>>,
    silenced: AtomicBool,
    #[cfg(unix)]
    pub(super) signal: once_cell::sync::OnceCell<signal::Signal>,
}

impl Wake {
    /// Call it from now on; the former one is not called any more.
    ///
    /// # Errors
    /// [`Code::WouldDeadlock`] inside a wake callback, which would have to wait for itself.
    pub(super) fn set(&self, callback: Callback) -> Result<()> {
        if WAKING.get() {
            return Err(Error::new(Code::WouldDeadlock, "inside a wake callback"));
        }
        let former = self.callback().replace(callback);
        drop(former);
        Ok(())
    }

    /// Call nothing any more. When this returns no call is running, unless it is the caller.
    pub(super) fn silence(&self) {
        self.silenced.store(true, Ordering::Release);
        if !WAKING.get() {
            let former = self.callback().take();
            drop(former);
        }
    }

    /// There is something to dispatch.
    pub(super) fn wake(&self) {
        #[cfg(unix)]
        if let Some(signal) = self.signal.get() {
            signal.set();
        }
        self.call();
    }

    /// As [`Wake::wake`], without the descriptor.
    pub(super) fn call(&self) {
        let slot = self.callback();
        if let Some(callback) = slot.as_ref().filter(|_| !self.silenced.load(Ordering::Acquire)) {
            let _scope = Scope::enter();
            WAKING.set(true);
            guarded(callback);
            WAKING.set(false);
        }
    }

    fn callback(&self) -> MutexGuard<'_, Option<Callback>> {
        self.callback.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is nothing any more.
    pub(super) fn clear(&self) {
        #[cfg(unix)]
        if let Some(signal) = self.signal.get() {
            signal.clear();
        }
    }
}

#[cfg(unix)]
pub(super) mod signal {
    //! A descriptor that is readable while there is something to dispatch.

    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

    use crate::error::{Code, Error, Result};

    /// An eventfd, or a pipe where there is none.
    pub(in super::super) struct Signal {
        read: OwnedFd,
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        write: OwnedFd,
    }

    impl Signal {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        pub(in super::super) fn new() -> Result<Self> {
            use rustix::event::{EventfdFlags, eventfd};
            let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
            Ok(Self { read: eventfd(0, flags).map_err(unsupported)? })
        }

        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        pub(in super::super) fn new() -> Result<Self> {
            use rustix::fs::{OFlags, fcntl_setfl};
            use rustix::io::{FdFlags, fcntl_setfd};
            let (read, write) = rustix::pipe::pipe().map_err(unsupported)?;
            for end in [&read, &write] {
                fcntl_setfd(end, FdFlags::CLOEXEC).map_err(unsupported)?;
                fcntl_setfl(end, OFlags::NONBLOCK).map_err(unsupported)?;
            }
            Ok(Self { read, write })
        }

        pub(in super::super) fn as_fd(&self) -> BorrowedFd<'_> {
            self.read.as_fd()
        }

        /// An error means that it is set already.
        pub(in super::super) fn set(&self) {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            let write = &self.read;
            #[cfg(not(any(target_os = "linux", target_os = "android")))]
            let write = &self.write;
            let _ = rustix::io::write(write, &1_u64.to_ne_bytes());
        }

        /// An error means that it is not set.
        pub(super) fn clear(&self) {
            let mut buffer = [0; 64];
            let _ = rustix::io::read(&self.read, &mut buffer);
        }
    }

    fn unsupported(error: rustix::io::Errno) -> Error {
        Error::new(Code::Unsupported, format!("no descriptor for waking: {error}"))
    }
}
