//! Item 33: many numbered events each way while the connection is upgraded, and while it is cut.

use std::hash::{BuildHasher, RandomState};
use std::thread;
use std::time::Duration;

use roamio::client::{EmitOptions, Socket, SocketEvent, SocketState};
use roamio::config::ManagerConfig;
use roamio::error::Code;
use serde_json::json;

use crate::case::Case;
use crate::host::{Host, Told};
use crate::relay::Relay;

/// Room for everything at once, and no time limit.
fn roomy(mut config: ManagerConfig) -> ManagerConfig {
    config.common.limits.wire_queue_events = 50_000;
    config.common.limits.wire_queue_bytes = 64 << 20;
    config.common.limits.host_queue_events = 50_000;
    config.common.limits.host_queue_bytes = 64 << 20;
    config.ack_timeout = None;
    config
}

/// The number of a `tick`.
fn tick(told: &Told) -> Option<u32> {
    match told {
        Told::Socket(_, SocketEvent::Event { payload, .. }) if payload.name() == "tick" => {
            Some(payload.decode(0).unwrap())
        }
        _ => None,
    }
}

fn until_tick(host: &mut Host, wanted: u32) {
    host.until(&format!("tick {wanted}"), |told| (tick(told) == Some(wanted)).then_some(()));
}

/// Everything that the server emitted, in the order in which it came.
fn ticks(host: &Host) -> Vec<u32> {
    host.log.iter().filter_map(tick).collect()
}

fn ledger(host: &mut Host, socket: &Socket, run: &str) -> Vec<u32> {
    let told = host.answer(socket, "ledger", &json!([run]).to_string());
    serde_json::from_value(told[0].clone()).unwrap()
}

pub fn conformance_33_burst_during_upgrade(case: Case) {
    const COUNT: u32 = 1_000;
    let mut host = Host::new(roomy(case.config(&case.shared().url())));
    let root = host.socket("/");
    let run = format!("burst over {:?} {}", case.via, RandomState::new().hash_one(()));
    let emit = |number: u32| root.emit_json("mark", &(&run, number)).unwrap();
    root.emit("burst", &format!("[{COUNT},20,1]")).unwrap();
    // Before there is a connection, from the first moment of it, and after the upgrade.
    (0..200).for_each(emit);
    root.connect(None).unwrap();
    host.until_state("/", SocketState::Connected);
    for number in 200..900 {
        emit(number);
        if number % 20 == 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }
    host.until_over(case.via.last());
    (900..COUNT).for_each(emit);
    host.until_count("all ticks", COUNT as usize, |told| tick(told).is_some());
    assert_eq!(ticks(&host), (0..COUNT).collect::<Vec<_>>());
    assert_eq!(ledger(&mut host, &root, &run), (0..COUNT).collect::<Vec<_>>());
    assert_eq!(host.states("/", SocketState::Connected), 1);
}

/// When the connection is cut.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// So long after the first events, which is while the connection is upgraded.
    After(Duration),
    /// That many bytes after the server's event of this number.
    AfterTick(u32, usize),
}

pub fn conformance_33_a_cut_loses_only_what_was_never_acknowledged(case: Case) {
    let random = RandomState::new().hash_one(());
    cut(case, Cut::After(Duration::from_micros(random % 150_000)));
    cut(case, Cut::AfterTick((random >> 20) as u32 % 9_000, (random >> 40) as usize % 4_096));
}

fn cut(case: Case, cut: Cut) {
    const COUNT: u32 = 10_000;
    /// The numbers below are those of [`Host::ask`].
    const FIRST: u32 = 1_000_000;
    let relay = Relay::new(case.shared().port());
    let mut host = Host::new(roomy(case.config(&relay.url())));
    let root = host.joined("/");
    let run = format!("{cut:?} over {:?} {}", case.via, RandomState::new().hash_one(()));
    root.emit("burst", &format!("[{COUNT},100,1]")).unwrap();
    let emitting = thread::spawn({
        let (root, run, tell) = (root.clone(), run.clone(), host.tell.clone());
        move || {
            for number in 0..COUNT {
                let tell = tell.clone();
                let args = json!([run, number]).to_string();
                let options = EmitOptions::default();
                let emitted = root.emit_with_ack("mark", &args, options, move |result| {
                    let _ = tell.send(Told::Outcome(FIRST + number, result));
                });
                emitted.unwrap();
            }
        }
    });
    match cut {
        Cut::After(time) => {
            thread::sleep(time);
        }
        Cut::AfterTick(number, bytes) => {
            until_tick(&mut host, number);
            relay.reset_after(bytes);
            // They may be all through already.
            thread::sleep(Duration::from_millis(50));
            relay.reset_after(usize::MAX);
        }
    }
    // Between two requests of polling a cut costs nothing.
    let lost = |told: &Told| match told {
        Told::Socket(_, SocketEvent::State { transition, .. }) => {
            (transition.state == SocketState::Rejoining).then_some(())
        }
        _ => None,
    };
    while host.within(Duration::from_millis(50), lost).is_none() {
        relay.reset();
    }
    host.until_state("/", SocketState::Connected);
    emitting.join().unwrap();
    let is_outcome = |told: &Told| matches!(told, Told::Outcome(..));
    host.until_count("all outcomes", COUNT as usize, is_outcome);

    // What the server emitted came in order, up to the cut.
    let ticks = ticks(&host);
    assert_eq!(ticks, (0..ticks.len() as u32).collect::<Vec<_>>(), "{run}");
    // What the client emitted came in order, and once.
    let ledger = ledger(&mut host, &root, &run);
    assert!(ledger.is_sorted_by(|before, after| before < after), "{run}: {ledger:?}");
    let mut outcomes: Vec<Option<bool>> = vec![None; COUNT as usize];
    for told in &host.log {
        let Told::Outcome(number, result) = told else { continue };
        // The question for the ledger has a number, too.
        let Some(number) = number.checked_sub(FIRST) else { continue };
        if let Err(error) = result {
            assert_eq!(error.code(), Code::AckLost, "{run}: {number}: {error}");
        }
        let before = outcomes[number as usize].replace(result.is_ok());
        assert_eq!(before, None, "{run}: {number} has two outcomes");
    }
    let mut lost = Vec::new();
    for (number, outcome) in (0..).zip(outcomes) {
        let arrived = ledger.binary_search(&number).is_ok();
        match outcome {
            Some(true) => assert!(arrived, "{run}: {number} is acknowledged and did not arrive"),
            Some(false) => lost.push(number),
            None => panic!("{run}: {number} has no outcome"),
        }
        assert!(arrived || outcome == Some(false), "{run}: {number} was lost without a word");
    }
    // One cut, one gap.
    let gap = lost.first().zip(lost.last()).map_or(0, |(first, last)| last - first + 1);
    assert_eq!(gap as usize, lost.len(), "{run}: {lost:?}");
    assert_eq!(host.states("/", SocketState::Rejoining), 1, "{run}");
}
