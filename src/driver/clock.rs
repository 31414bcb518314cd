//! The only place that reads a clock.
#![allow(clippy::disallowed_methods)]

use std::time::{Duration, SystemTime};

use crate::proto::time::{Now, Timestamp, millis};

/// Both clocks, read now.
pub fn now() -> Now {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Now { mono: Timestamp(millis(monotonic())), wall: millis(since_1970) }
}

/// Time since boot, sleep included.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn monotonic() -> Duration {
    since_boot(rustix::time::ClockId::Boottime)
}

/// Apple's CLOCK_MONOTONIC goes on while the device sleeps; what `Instant` uses there does not.
#[cfg(target_vendor = "apple")]
fn monotonic() -> Duration {
    since_boot(rustix::time::ClockId::Monotonic)
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn since_boot(clock: rustix::time::ClockId) -> Duration {
    let time = rustix::time::clock_gettime(clock);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}

/// Elsewhere `Instant`, counted from its first use. Windows' performance counter goes on in sleep;
/// on other systems it may stand still, and then a session learns from the `resumed` hint or from
/// the network that time has passed.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn monotonic() -> Duration {
    use once_cell::sync::OnceCell;
    use std::time::Instant;
    static FIRST: OnceCell<Instant> = OnceCell::new();
    FIRST.get_or_init(Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_does_not_go_back_and_runs_in_milliseconds() {
        let before = now();
        std::thread::sleep(Duration::from_millis(20));
        let passed = now().mono.since(before.mono);
        assert!((19..10_000).contains(&passed), "{passed} ms");
        assert!(before.wall > 1_700_000_000_000);
    }
}
