//! What of the host the library holds, and for how long.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::error::RoamioError;
use super::observer::Place;
use crate::client::CallbackScope;
use crate::error::{Code, Error};

/// Objects of the host that the library may still call. A language's runtime must not end before
/// they are let go of.
static GUESTS: LazyLock<Guests> = LazyLock::new(Guests::default);

#[derive(Default)]
struct Guests {
    present: Mutex<Present>,
    gone: Condvar,
}

#[derive(Default)]
struct Present {
    /// How each is sent away.
    leave: HashMap<u64, Arc<Leave>>,
    last: u64,
}

type Leave = dyn Fn() + Send + Sync;

impl Guests {
    fn present(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something of the host, held until this is dropped.
pub(super) struct Guest<T> {
    // Dropped in this order: nobody is told before the host's object is let go of.
    it: T,
    _stay: Stay,
}

/// Counts as present until it is dropped.
struct Stay {
    number: u64,
    told: Option<watch::Sender<()>>,
}

/// Tells when a guest is gone.
#[derive(Clone)]
pub(super) struct Gone(watch::Receiver<()>);

impl<T> Guest<T> {
    /// Hold what is called on behalf of the object in `place`, until that is detached.
    pub(super) fn of<O: Send + Sync + 'static>(
        it: T,
        place: &Place<O>,
        detach: fn(&O),
    ) -> (Self, Gone) {
        let place = place.clone();
        Self::new(it, move || {
            if let Some(object) = place.get() {
                detach(&object);
            }
        })
    }

    /// Hold `it`; `leave` makes the library let go of it, soon and without waiting.
    pub(super) fn new(it: T, leave: impl Fn() + Send + Sync + 'static) -> (Self, Gone) {
        let (told, gone) = watch::channel(());
        let mut present = GUESTS.present();
        present.last += 1;
        let number = present.last;
        present.leave.insert(number, Arc::new(leave));
        (Self { it, _stay: Stay { number, told: Some(told) } }, Gone(gone))
    }
}

impl<T> std::ops::Deref for Guest<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.it
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        // Whoever waits for it is told on this thread, by a call into the host. The host's runtime
        // must not end before that has returned.
        drop(self.told.take());
        let leave = GUESTS.present().leave.remove(&self.number);
        GUESTS.gone.notify_all();
        // After the lock, because it may own an object.
        drop(leave);
    }
}

impl Gone {
    /// Wait until the guest is gone.
    pub(super) async fn wait(mut self) {
        // Nothing is ever sent; the error says that the sender is dropped.
        while self.0.changed().await.is_ok() {}
    }
}

/// Close every object of this process, and wait up to `limit` until the library calls nothing of the
/// host any more, not even for logs. To be called before the host's language runtime ends.
///
/// Throws `TIMED_OUT` when an observer does not return in time, and `WOULD_DEADLOCK` inside an
/// observer.
#[uniffi::export]
pub fn shutdown(limit: Duration) -> Result<(), RoamioError> {
    if CallbackScope::is_inside() {
        return Err(Error::new(Code::WouldDeadlock, "waiting inside a callback").into());
    }
    let leave: Vec<_> = GUESTS.present().leave.values().map(Arc::clone).collect();
    for leave in leave {
        leave();
    }
    let present = GUESTS.present();
    let waited = GUESTS.gone.wait_timeout_while(present, limit, |some| !some.leave.is_empty());
    let (_present, waited) = waited.unwrap_or_else(PoisonError::into_inner);
    if waited.timed_out() {
        return Err(Error::new(Code::TimedOut, "an observer has not returned yet").into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::channel;
    use std::task::{Context, Wake, Waker};

    use super::*;

    #[test]
    fn a_guest_is_let_go_of_before_its_end_is_told() {
        struct Host(Arc<AtomicBool>);
        impl Drop for Host {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Release);
            }
        }
        let (leave, left) = channel();
        let let_go = Arc::new(AtomicBool::new(false));
        let (guest, gone) = Guest::new(Host(Arc::clone(&let_go)), move || {
            // Nobody listens once it is gone.
            let _ = leave.send(());
        });
        let refused = shutdown(Duration::ZERO).expect_err("the guest stays");
        assert_eq!(refused.failure().code, Code::TimedOut);
        left.recv().expect("it was asked to leave");
        std::thread::spawn(|| drop(guest));
        tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime")
            .block_on(gone.wait());
        assert!(let_go.load(Ordering::Acquire));
        shutdown(Duration::from_secs(20)).expect("nobody is left");
    }

    #[test]
    fn a_guest_is_present_until_those_who_wait_were_told() {
        struct Told {
            number: u64,
            present: Mutex<Option<bool>>,
        }
        impl Wake for Told {
            fn wake(self: Arc<Self>) {
                let present = GUESTS.present().leave.contains_key(&self.number);
                *self.present.lock().expect("no panic") = Some(present);
            }
        }
        let (guest, gone) = Guest::new((), || {});
        let told = Arc::new(Told { number: guest._stay.number, present: Mutex::default() });
        let waker = Waker::from(Arc::clone(&told));
        let mut waiting = pin!(gone.wait());
        let polled = waiting.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        drop(guest);
        assert_eq!(*told.present.lock().expect("no panic"), Some(true));
    }
}
