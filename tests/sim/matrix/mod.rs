//! The cells of the fault matrix that concern a conference without I/O: every network fault in
//! every phase of a session, each at three moments: before the portal has read what is under way,
//! after it has acted on it, and in the middle of its answer.
//!
//! A test is named by its cell: `f11_p12_...` is fault 11 in phase 12. `tests/coverage/FAULT-MATRIX.md`
//! shows which cells there are.

mod after;
mod cells;
mod fault;
mod phase;

use fault::Fault;
use phase::Phase;

/// One cell, with every variant of its fault, at its moments.
fn play(faults: impl Into<Vec<Fault>>, phase: Phase) {
    for fault in faults.into() {
        for moment in phase.moments() {
            let mut world = phase.reach(*moment);
            world.note(format!("{fault:?} strikes in {phase:?}, {moment:?}"));
            let (steps, logins) = (world.app.steps.len(), world.watch.count("login"));
            let (struck, dials) = (world.now, world.watch.total_dials);
            fault.strike(&mut world);
            match phase {
                Phase::Login => after::login(&mut world, fault),
                Phase::Logout => after::logout(&mut world),
                Phase::Teardown => after::teardown(&mut world),
                _ => after::session(&mut world, fault, (phase, *moment), struck),
            }
            assert!(world.watch.count("login") <= logins.max(1), "no second login");
            if fault.is_seamless() && phase.is_undisturbed() {
                assert_eq!(world.app.steps.len(), steps, "nothing to be noticed");
                assert!(world.app.migrated <= 1);
            }
            if matches!(fault, Fault::Lossy(_) | Fault::Narrow(_) | Fault::Flapping) {
                let minutes = (world.now - struck).div_ceil(60_000);
                assert!(world.watch.total_dials - dials <= 1 + minutes, "one dial a minute");
            }
            world.app.check_end(&world.server.portal);
        }
    }
}
