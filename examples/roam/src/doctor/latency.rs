//! How long the way there and back takes.

use roamio::client::Hint;

use super::examination::PATIENCE;
use super::probe::{Probe, Told};
use super::report::Step;
use super::trace::What;

/// Questions for a sign of life.
const ROUNDS: usize = 5;

/// Ask the server for signs of life. Over polling the TCP connect is all that is known.
pub(super) fn step(probe: &mut Probe, websocket: bool) -> Step {
    let mut times = Vec::new();
    while websocket && times.len() < ROUNDS && probe.manager.hint(Hint::Resumed).is_ok() {
        let mut asked = None;
        let answered = probe.until(PATIENCE, |told| match told {
            Told::Record(record) => match record.what {
                What::Probe {} => {
                    asked = Some(record.t);
                    None
                }
                What::Pong {} => asked.map(|asked| record.t - asked),
                _ => None,
            },
            _ => None,
        });
        let Some(ms) = answered else { break };
        times.push(ms);
    }
    times.sort_unstable();
    match (times.as_slice(), probe.manager.stats().round_trip_ms) {
        ([least, .., most], _) => {
            let found = format!("there and back, {least} to {most} ms");
            Step::ok("latency", Some(times[times.len() / 2]), found)
        }
        (_, ms) => Step::ok("latency", Some(ms), "there and back, of the TCP connect"),
    }
}
