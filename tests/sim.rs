//! Deterministic simulation: the whole core against a portal, over a network that does what it
//! likes, under a clock that only the test moves.
//!
//! A failing random run names its seed. To see it again, with every frame and event:
//!
//! ```text
//! ROAMIO_TRACE=1 ROAMIO_SEED=1234 cargo test --test sim one_seed -- --nocapture
//! ```

#![allow(clippy::unwrap_used)]

#[path = "sim/app.rs"]
mod app;
#[path = "sim/chaos.rs"]
mod chaos;
#[path = "sim/link.rs"]
mod link;
#[path = "sim/matrix/mod.rs"]
mod matrix;
#[path = "sim/plain/mod.rs"]
mod plain;
#[path = "sim/scenarios/mod.rs"]
mod scenarios;
#[path = "sim/server.rs"]
mod server;
#[path = "sim/transports/mod.rs"]
mod transports;
#[path = "sim/watch.rs"]
mod watch;
#[path = "sim/world.rs"]
mod world;

use std::panic::catch_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// How many seeds a run of the tests tries, unless `ROAMIO_SEEDS` says otherwise.
const SEEDS: u64 = 10_000;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the speed of the simulation is real time")]
fn random_runs_keep_every_promise() {
    let first = number("ROAMIO_SEED").unwrap_or(1);
    let count = number("ROAMIO_SEEDS").unwrap_or(SEEDS);
    let (next, total) = (AtomicU64::new(first), Mutex::new(chaos::Report::default()));
    let begun = Instant::now();
    let failed: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..std::thread::available_parallelism().map_or(2, |n| n.get()))
            .map(|_| {
                scope.spawn(|| {
                    let mut failed = Vec::new();
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= first + count {
                            return failed;
                        }
                        match catch_unwind(|| chaos::run(seed)) {
                            Ok(report) => total.lock().expect("a sum").add(report),
                            Err(_) => failed.push(seed),
                        }
                    }
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a worker")).collect()
    });
    let total = total.into_inner().expect("a sum");
    let hours = total.virtual_ms as f64 / 3_600_000.0;
    let seconds = begun.elapsed().as_secs_f64();
    println!("seeds {first}..{}: {hours:.1} simulated hours in {seconds:.1} s", first + count);
    println!("{:#?}", total.counts);
    for seed in &failed {
        println!("ROAMIO_TRACE=1 ROAMIO_SEED={seed} cargo test --test sim one_seed -- --nocapture");
    }
    assert!(failed.is_empty(), "{} of {count} seeds failed", failed.len());
}

/// The run of `ROAMIO_SEED`; without it, of seed 1 twice, which must be the same.
#[test]
fn one_seed() {
    match number("ROAMIO_SEED") {
        Some(seed) => println!("{:#?}", chaos::run(seed)),
        None => assert_eq!(chaos::run(1), chaos::run(1)),
    }
}
