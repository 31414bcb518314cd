//! Counting what a measured piece of code takes from the allocator.

#![allow(unreachable_pub)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// The system's allocator, counted.
pub struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the allocator's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the allocator's contract.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the allocator's contract.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Allocations of the whole process so far.
pub fn allocations() -> u64 {
    ALLOCATIONS.load(Ordering::Relaxed)
}

/// Nanoseconds and allocations per message: the best of several rounds, after a warm-up.
pub struct Figures {
    pub nanoseconds: f64,
    pub allocations: f64,
}

/// Run `round`, which handles `messages` messages, and take the best figures.
pub fn measure(messages: u64, mut round: impl FnMut()) -> Figures {
    round();
    let mut best = Figures { nanoseconds: f64::MAX, allocations: f64::MAX };
    for _ in 0..9 {
        let (before, start) = (allocations(), Instant::now());
        round();
        let nanoseconds = start.elapsed().as_nanos() as f64 / messages as f64;
        best.nanoseconds = best.nanoseconds.min(nanoseconds);
        let taken = (allocations() - before) as f64 / messages as f64;
        best.allocations = best.allocations.min(taken);
    }
    best
}

/// An event frame of about `size` bytes whose argument is what a portal sends.
pub fn event_args(size: usize) -> String {
    let frame = r#"[{"from":"a","to":"all","message":""}]"#;
    format!(
        r#"[{{"from":"a","to":"all","message":"{}"}}]"#,
        "m".repeat(size.saturating_sub(frame.len() + 10))
    )
}
