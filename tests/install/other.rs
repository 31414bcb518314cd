//! Another library in Rust, as a program may have one beside roamio: threads, panics, collections.

use std::collections::HashMap;
use std::panic::catch_unwind;
use std::thread;

/// Count the bytes of all numbers up to `last` in a thread, survive a panic, and give the sum.
#[unsafe(no_mangle)]
pub extern "C" fn other_count(last: u32) -> u32 {
    let counted = thread::spawn(move || {
        let lengths: HashMap<u32, usize> = (1..=last).map(|n| (n, n.to_string().len())).collect();
        lengths.values().sum::<usize>()
    });
    let caught = catch_unwind(|| std::panic::resume_unwind(Box::new("stopped")));
    assert!(caught.is_err());
    counted.join().map_or(0, |sum| sum as u32)
}
