//! The one timer of a task. It follows the clock that goes on in suspend where the system has such
//! a timer; elsewhere it is tokio's, which stands still there, and the task looks at the clock at
//! every wake-up besides.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use crate::proto::time::Timestamp;

/// Fires once per deadline.
#[derive(Debug)]
pub(crate) struct Timer {
    deadline: Option<Timestamp>,
    source: Source,
}

#[derive(Debug)]
enum Source {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    Boottime(boottime::BoottimeFd),
    Sleep(Pin<Box<Sleep>>),
}

impl Timer {
    /// A timer without a deadline. Call it inside of the runtime.
    pub(crate) fn new() -> Self {
        // Without a file descriptor to spare, tokio's timer is good enough.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Ok(fd) = boottime::BoottimeFd::new() {
            return Self { deadline: None, source: Source::Boottime(fd) };
        }
        Self { deadline: None, source: Source::Sleep(Box::pin(sleep(Duration::MAX))) }
    }

    /// Fire at `deadline`, or not at all. Costs nothing when it is the same as before.
    pub(crate) fn set(&mut self, deadline: Option<Timestamp>, now: Timestamp) {
        if deadline == self.deadline {
            return;
        }
        self.deadline = deadline;
        match &mut self.source {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Source::Boottime(fd) => fd.set(deadline),
            Source::Sleep(timer) => {
                let wait = deadline
                    .map_or(Duration::MAX, |deadline| Duration::from_millis(deadline.since(now)));
                timer.set(sleep(wait));
            }
        }
    }

    /// Ready once when the deadline has come. It may also be ready too early; then set it again.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.deadline.is_none() {
            return Poll::Pending;
        }
        let fired = match &mut self.source {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Source::Boottime(fd) => fd.poll(cx),
            Source::Sleep(timer) => timer.as_mut().poll(cx),
        };
        if fired.is_ready() {
            self.deadline = None;
        }
        fired
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod boottime {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::task::{Context, Poll, ready};

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    use crate::log::log;
    use crate::proto::time::Timestamp;

    /// A timerfd on CLOCK_BOOTTIME.
    #[derive(Debug)]
    pub(super) struct BoottimeFd(AsyncFd<OwnedFd>);

    impl BoottimeFd {
        #[expect(
            deprecated,
            reason = "its replacement asks the caller to vouch for types that may change their \
                      descriptor; an `OwnedFd` cannot"
        )]
        pub(super) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let fd = timerfd_create(TimerfdClockId::Boottime, flags)?;
            Ok(Self(AsyncFd::with_interest(fd, Interest::READABLE)?))
        }

        pub(super) fn set(&self, deadline: Option<Timestamp>) {
            const NEVER: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
            let at = deadline.map_or(NEVER, |Timestamp(ms)| Timespec {
                tv_sec: i64::try_from(ms / 1_000).unwrap_or(i64::MAX),
                // All zero would switch the timer off.
                tv_nsec: ((ms % 1_000) * 1_000_000).max(1) as _,
            });
            let times = Itimerspec { it_interval: NEVER, it_value: at };
            if let Err(error) = timerfd_settime(&self.0, TimerfdTimerFlags::ABSTIME, &times) {
                log!(Error, "the timer cannot be set: {error}");
            }
        }

        pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
            loop {
                let Ok(mut ready) = ready!(self.0.poll_read_ready(cx)) else {
                    // Only while the runtime shuts down.
                    return Poll::Pending;
                };
                let mut expirations = [0; 8];
                let read = rustix::io::read(&self.0, &mut expirations);
                ready.clear_ready();
                if read.is_ok() {
                    return Poll::Ready(());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;
    use crate::driver::clock::now;

    async fn fires_in_time(mut timer: Timer) {
        let start = now().mono;
        timer.set(Some(start + 3_600_000), start);
        assert!(poll_fn(|cx| Poll::Ready(timer.poll(cx).is_pending())).await);
        for wait in [30, 5] {
            let start = now().mono;
            timer.set(Some(start + wait), start);
            poll_fn(|cx| timer.poll(cx)).await;
            let passed = now().mono.since(start);
            assert!((wait..wait + 1_000).contains(&passed), "{passed} ms instead of {wait}");
        }
        timer.set(Some(Timestamp(0)), start);
        poll_fn(|cx| timer.poll(cx)).await;
        timer.set(Some(start), start);
        timer.set(None, start);
        assert!(poll_fn(|cx| Poll::Ready(timer.poll(cx).is_pending())).await, "switched off");
    }

    #[tokio::test]
    async fn the_systems_timer_fires_in_time() {
        let timer = Timer::new();
        #[cfg(any(target_os = "linux", target_os = "android"))]
        assert!(matches!(timer.source, Source::Boottime(_)));
        fires_in_time(timer).await;
    }

    #[tokio::test]
    async fn the_fallback_fires_in_time() {
        let source = Source::Sleep(Box::pin(sleep(Duration::MAX)));
        fires_in_time(Timer { deadline: None, source }).await;
    }
}
