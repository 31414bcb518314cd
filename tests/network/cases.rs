//! What happens to the device, and how long it may take.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::device::{Device, Told};
use crate::rig::{Link, Place, Rig};
use roamio::client::ConferenceEvent;
use roamio::proto::io::ConferenceState;

/// The runs of each case, unless `ROAMIO_RUNS` says otherwise.
const RUNS: usize = 3;

/// A case: its name, what it does so often, and the aims for the middle and the 99th percentile of
/// what it measures, in milliseconds. A run fails by what is lost, doubled or not done; the aims bind
/// only where somebody measures, because a busy machine may miss them.
struct Case {
    name: &'static str,
    play: fn(usize) -> Result<Vec<Duration>, String>,
    aims: (u128, u128),
}

const CASES: [Case; 6] = [
    Case { name: "f11_told_hand_over", play: told, aims: (900, 1_600) },
    Case { name: "f11_untold_hand_over_with_a_request", play: untold, aims: (4_600, 4_600) },
    Case { name: "f12_destroyed_sockets", play: destroyed, aims: (1_600, 2_000) },
    Case { name: "f13_longest_pause_when_made_before_broken", play: beside, aims: (150, 150) },
    Case { name: "f06_silence_from_the_portal", play: silent_down, aims: (9_000, 12_000) },
    Case { name: "f07_silence_to_the_portal", play: silent_up, aims: (9_000, 12_000) },
];

/// Plays the cases whose names contain the argument, if there is one.
pub(crate) fn main() -> ExitCode {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let measured = std::env::var("ROAMIO_RUNS").ok().and_then(|runs| runs.parse().ok());
    let runs = measured.unwrap_or(RUNS);
    let cases = CASES
        .iter()
        .filter(|case| wanted.as_ref().is_none_or(|it| case.name.contains(it.as_str())));
    if let Err(why) = Rig::new() {
        eprintln!("network: {} tests SKIPPED, not passed: {why}", cases.count());
        return ExitCode::SUCCESS;
    }
    let mut failed = 0;
    for Case { name, play, aims } in cases {
        let played = catch_unwind(AssertUnwindSafe(|| play(runs).unwrap()));
        let verdict = match played {
            Ok(mut times) if !times.is_empty() => {
                times.sort_unstable();
                let at =
                    |part: usize| times[(times.len() * part).div_ceil(100).max(1) - 1].as_millis();
                println!(
                    "{name}: {} runs, p50 {} ms, p99 {} ms, max {} ms",
                    times.len(),
                    at(50),
                    at(99),
                    at(100)
                );
                measured.is_none() || (at(50) <= aims.0 && at(99) <= aims.1)
            }
            _ => false,
        };
        println!("test {name} ... {}", if verdict { "ok" } else { "FAILED" });
        failed += usize::from(!verdict);
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Move to and fro; each time somebody talks, and all of it arrives.
fn hand_overs(
    runs: usize,
    mut move_to: impl FnMut(&mut Device, Link) -> Instant,
) -> Result<Vec<Duration>, String> {
    let mut device = Device::joined()?;
    let mut at = Link::Wifi;
    let mut times = Vec::new();
    for _ in 0..runs {
        at = at.other();
        device.burst(20, Duration::from_millis(20));
        let moved = move_to(&mut device, at);
        times.push(device.until_back().saturating_duration_since(moved));
        device.assert_works();
        device.assert_nothing_lost_or_doubled();
    }
    Ok(times)
}

/// From the hint to the relogin's answer.
fn told(runs: usize) -> Result<Vec<Duration>, String> {
    hand_overs(runs, |device, link| {
        device.rig.hand_over(link);
        let told = Instant::now();
        device.conference.network_changed().unwrap();
        told
    })
}

/// From the change of the address to the relogin's answer, while an answer is awaited that does not
/// come.
fn untold(runs: usize) -> Result<Vec<Duration>, String> {
    hand_overs(runs, |device, link| {
        device.portal.swallow_acks(Some(&device.participant), "text", 1);
        device.text();
        let executed =
            |device: &Device| device.portal.ledger(&device.participant).unwrap().requests.len();
        let before = executed(device);
        while executed(device) == before {
            device.until_notified(device.notifications.len() + 1);
        }
        let changed = Instant::now();
        device.rig.hand_over(link);
        changed
    })
}

/// From the end of the sockets to the relogin's answer, without a hint.
fn destroyed(runs: usize) -> Result<Vec<Duration>, String> {
    let mut times = Vec::new();
    for _ in 0..runs {
        let mut device = Device::joined()?;
        device.burst(20, Duration::from_millis(20));
        device.rig.hand_over(Link::Cell);
        let destroyed = Instant::now();
        device.rig.destroy_sockets();
        times.push(device.until_back().saturating_duration_since(destroyed));
        device.assert_works();
        device.assert_nothing_lost_or_doubled();
    }
    Ok(times)
}

/// The longest pause between two of the notifications that are issued every 10 ms, while both links
/// work. The session moves once, is ready all the time, and has an answer on the old connection long
/// after the move (`owt-portal` 17, 2.10). It is a new one in every run: after its
/// first relogin the portal forgets nothing of it any more, and the answers grow for ever.
fn beside(runs: usize) -> Result<Vec<Duration>, String> {
    const TEXTS: usize = 150;
    let mut pauses = Vec::new();
    for _ in 0..runs {
        let mut device = Device::joined()?;
        let late = Duration::from_secs(2);
        device.portal.delay_acks(Some(&device.participant), "text", 1, late);
        device.text();
        device.until_notified(1);
        device.burst(TEXTS as u64, Duration::from_millis(10));
        device.until_notified(2);
        device.rig.give_address(Link::Cell);
        device.rig.use_link(Link::Cell);
        device.conference.network_changed().unwrap();
        device.until("migration", |told| match told {
            Told::Event(ConferenceEvent::Migrated) => Some(()),
            Told::Event(ConferenceEvent::State(step)) => panic!("{step:?}"),
            _ => None,
        });
        device.outcome().unwrap();
        device.until_notified(1 + TEXTS);
        let delivered = device.notifications[1..].windows(2);
        let pause = delivered.map(|pair| pair[1].0.saturating_duration_since(pair[0].0)).max();
        pauses.extend(pause);
        device.assert_works();
        device.assert_nothing_lost_or_doubled();
    }
    Ok(pauses)
}

fn silent_down(runs: usize) -> Result<Vec<Duration>, String> {
    silences(runs, Place::Router)
}

fn silent_up(runs: usize) -> Result<Vec<Duration>, String> {
    silences(runs, Place::Client)
}

/// From the beginning of a silence in one direction, in which an answer is awaited, to the relogin's
/// answer after it was noticed and has ended.
fn silences(runs: usize, sender: Place) -> Result<Vec<Duration>, String> {
    let mut times = Vec::new();
    for _ in 0..runs {
        let mut device = Device::joined()?;
        device.rig.silence(Link::Wifi, sender);
        let begun = Instant::now();
        device.text();
        device.until("resuming", |told| match told {
            Told::Event(ConferenceEvent::State(step)) => {
                (step.state == ConferenceState::Resuming).then_some(())
            }
            _ => None,
        });
        device.rig.heal(Link::Wifi, sender);
        times.push(device.until_back().saturating_duration_since(begun));
        device.assert_works();
        device.assert_nothing_lost_or_doubled();
    }
    Ok(times)
}
