//! Item 74: at-least-once delivery.

use std::time::{Duration, Instant};

use roamio::client::{EmitOptions, Socket, SocketEvent, SocketState};
use roamio::config::{Retries, SocketOptions};
use roamio::error::Code;
use serde_json::{Value, json};

use super::{greeting, ledger, mark, run};
use crate::case::Case;
use crate::fake::Fake;
use crate::host::{Host, Told};
use crate::relay::Relay;
use crate::server::Server;

fn options(window: u32, times: u32, ack_timeout_ms: u64) -> SocketOptions {
    SocketOptions {
        retries: Some(Retries { times, window, ..Retries::default() }),
        ack_timeout: Some(Duration::from_millis(ack_timeout_ms)),
        ..SocketOptions::default()
    }
}

fn reliable(host: &Host, options: SocketOptions) -> Socket {
    let tell = host.tell.clone();
    let told = move |event| {
        let _ = tell.send(Told::Socket("/", event));
    };
    host.manager.socket_with("/", options, told).unwrap()
}

/// A server that tells every packet it gets.
fn telling(case: Case) -> Server {
    case.start(json!({ "log": ["packet"] }))
}

/// The arguments of an event of this name.
fn event(line: &Value, name: &str) -> Option<Value> {
    let text = line["data"].as_str().filter(|text| text.starts_with('2'))?;
    let event: Vec<Value> = serde_json::from_str(&text[text.find('[')?..]).ok()?;
    (event[0] == name).then(|| Value::from(event[1..].to_vec()))
}

/// The arguments of all events of this name that the server was sent, in order: that many and, if
/// they are there already, more.
fn arrived(server: &Server, name: &str, count: usize) -> Vec<Value> {
    server.until_count(name, count, |line| event(line, name).is_some());
    server.log().iter().filter_map(|line| event(line, name)).collect()
}

/// Each number where it stands first.
fn firsts(ledger: &[u64]) -> Vec<u64> {
    let mut firsts = Vec::new();
    for number in ledger {
        if !firsts.contains(number) {
            firsts.push(*number);
        }
    }
    firsts
}

pub fn conformance_74_an_event_without_ack_goes_once_more_than_there_are_retries(case: Case) {
    let server = telling(case);
    let mut host = case.host(&server);
    let root = reliable(&host, options(1, 2, 100));
    root.connect(None).unwrap();
    host.until_state("/", SocketState::Connected);
    let start = Instant::now();
    let asked = host.ask(&root, "silence", "[\"asked\"]");
    root.emit("silence", "[\"plain\"]").unwrap();
    let last = host.ask(&root, "ack", "[\"end\"]");
    assert_eq!(host.outcome(asked).unwrap_err().code(), Code::AckTimeout);
    // The library counts whole milliseconds.
    assert!(start.elapsed() >= Duration::from_millis(296), "{:?}", start.elapsed());
    let dropped = host.until("a dropped event", |told| match told {
        Told::Socket(_, SocketEvent::Dropped { payload, error }) => {
            Some((payload.arg(0).unwrap().to_owned(), error.code()))
        }
        _ => None,
    });
    assert_eq!(dropped, ("\"plain\"".to_owned(), Code::AckTimeout));
    // The queue has gone on.
    assert_eq!(host.outcome(last).unwrap().arg(0), Some("\"end\""));
    let (asked, plain) = (json!(["asked"]), json!(["plain"]));
    let expected = [asked.clone(), asked.clone(), asked, plain.clone(), plain.clone(), plain];
    assert_eq!(arrived(&server, "silence", 6), expected);
}

pub fn conformance_74_a_window_of_1_keeps_the_order_and_the_head_goes_again_after_a_loss(
    case: Case,
) {
    let server = telling(case);
    let relay = Relay::new(server.port());
    let mut host = Host::new(case.config(&relay.url()));
    let root = reliable(&host, options(1, 10, 30_000));
    let name = run(case, "74");
    let head = host.ask(&root, "late", "[500,\"head\"]");
    let requests: Vec<u32> =
        (0..10).map(|number| host.ask(&root, "mark", &mark(&name, number))).collect();
    root.connect(None).unwrap();
    server.until("the head", |line| {
        line["data"].as_str().is_some_and(|text| text.contains("\"head\"")).then_some(())
    });
    relay.refuse(true);
    relay.reset();
    host.until_state("/", SocketState::Rejoining);
    host.until_retry();
    assert_eq!(
        server.count(|line| event(line, "mark").is_some()),
        0,
        "one at a time, none while disconnected"
    );
    let count = |told: &Told| matches!(told, Told::Outcome(..));
    assert_eq!(host.count(count), 0);
    relay.refuse(false);
    assert_eq!(host.outcome(head).unwrap().arg(0), Some("\"head\""));
    for request in requests {
        host.outcome(request).unwrap();
    }
    assert_eq!(arrived(&server, "late", 2).len(), 2, "once on each connection");
    assert_eq!(ledger(&mut host, &root, &name), (0..10).collect::<Vec<_>>());
}

pub fn conformance_74_nothing_goes_twice_that_the_connect_handler_emits(case: Case) {
    for window in [1, 16] {
        let mut host = case.host(case.shared());
        let name = run(case, &format!("74 handler {window}"));
        let own = name.clone();
        let root = greeting(&host, options(window, 3, 30_000), move |socket| {
            socket.emit("mark", &mark(&own, 2)).unwrap();
            socket.emit("mark", &mark(&own, 3)).unwrap();
        });
        root.emit("mark", &mark(&name, 1)).unwrap();
        root.connect(None).unwrap();
        host.until_state("/", SocketState::Connected);
        let last = host.ask(&root, "mark", &mark(&name, 4));
        host.outcome(last).unwrap();
        assert_eq!(ledger(&mut host, &root, &name), [1, 2, 3, 4]);
    }
}

pub fn conformance_74_a_window_of_16_keeps_the_order_of_first_deliveries_across_cuts(case: Case) {
    const CUTS: [usize; 4] = [1_000, 300, 700, 1_500];
    const EVENTS: u64 = 60;
    let relay = Relay::new(case.shared().port());
    let mut host = Host::new(case.config(&relay.url()));
    let root = reliable(&host, options(16, 1_000, 30_000));
    root.connect(None).unwrap();
    host.until_state("/", SocketState::Connected);
    let name = run(case, "74 cuts");
    let mut requests = Vec::new();
    for (cut, bytes) in CUTS.into_iter().enumerate() {
        // That many bytes are far from all of it.
        relay.reset_after(bytes);
        let numbers = EVENTS * cut as u64..EVENTS * (cut as u64 + 1);
        requests.extend(numbers.map(|number| host.ask(&root, "mark", &mark(&name, number))));
        host.until_state("/", SocketState::Rejoining);
        host.until_state("/", SocketState::Connected);
    }
    for request in requests {
        host.outcome(request).unwrap();
    }
    let ledger = ledger(&mut host, &root, &name);
    let all = CUTS.len() * EVENTS as usize;
    assert_eq!(firsts(&ledger), (0..all as u64).collect::<Vec<_>>());
    // After each cut at most what had no ack went again.
    assert!(ledger.len() <= all + CUTS.len() * 16, "{}", ledger.len());
}

pub fn conformance_74_an_overdue_ack_repeats_only_its_own_event(case: Case) {
    let server = telling(case);
    let mut host = case.host(&server);
    let root = reliable(&host, options(16, 3, 30_000));
    root.connect(None).unwrap();
    let name = run(case, "74 overdue");
    host.until_state("/", SocketState::Connected);
    let before = host.ask(&root, "mark", &mark(&name, 0));
    let short = EmitOptions { timeout: Some(Duration::from_millis(200)), ..EmitOptions::default() };
    let overdue = host.ask_with(&root, "late", "[300,\"overdue\"]", short);
    let behind = host.ask(&root, "mark", &mark(&name, 1));
    for request in [before, behind] {
        host.outcome(request).unwrap();
    }
    let settled = |told: &Told| matches!(told, Told::Outcome(number, _) if *number == overdue);
    assert_eq!(host.count(settled), 0, "nobody waits for it");
    // The answer to the first try settles it, after the second has gone.
    assert_eq!(host.outcome(overdue).unwrap().arg(0), Some("\"overdue\""));
    let end = host.ask(&root, "late", "[400]");
    host.outcome(end).unwrap();
    let overdue = arrived(&server, "late", 3);
    assert_eq!(overdue.iter().filter(|args| args[1] == "overdue").count(), 2);
    assert_eq!(ledger(&mut host, &root, &name), [0, 1]);
    assert_eq!(host.count(settled), 1);
}

pub fn conformance_74_a_key_tells_repeated_events(case: Case) {
    let server = telling(case);
    let relay = Relay::new(server.port());
    let mut host = Host::new(case.config(&relay.url()));
    let retries = Some(Retries { idempotency_key: true, ..Retries::default() });
    let root = reliable(&host, SocketOptions { retries, ..options(16, 3, 30_000) });
    root.connect(None).unwrap();
    host.until_state("/", SocketState::Connected);
    root.emit("silence", "[\"a\"]").unwrap();
    root.emit("silence", "[\"b\"]").unwrap();
    host.answer(&root, "ack", "[]");
    relay.reset();
    host.until_state("/", SocketState::Rejoining);
    host.until_state("/", SocketState::Connected);
    host.answer(&root, "ack", "[]");
    let arrived = arrived(&server, "silence", 4);
    let texts: Vec<&Value> = arrived.iter().map(|args| &args[0]).collect();
    let keys: Vec<&Value> = arrived.iter().map(|args| &args[1]).collect();
    assert_eq!(texts, ["a", "b", "a", "b"]);
    assert_eq!((keys[0], keys[1]), (keys[2], keys[3]));
    assert!(keys[0].is_string() && keys[0] != keys[1], "{keys:?}");
}

/// The server says when the window moves on.
pub fn conformance_74_no_more_than_the_window_is_on_its_way(case: Case) {
    for window in [1, 16] {
        let mut fake = Fake::start();
        let mut host = Host::new(case.config(&fake.url()));
        let root = reliable(&host, options(window, 3, 60_000));
        for number in 0..40 {
            root.emit("event", &format!("[{number}]")).unwrap();
        }
        root.connect(None).unwrap();
        let mut session = fake.open(case.via);
        session.join("/", "first");
        let event = |number: u32| format!("42{number}[\"event\",{number}]");
        (0..window).for_each(|number| session.expect(&event(number)));
        assert_eq!(session.recv_within(Duration::from_millis(30)), None);
        // An ack that is in the middle makes room for one.
        let acked = window / 2;
        session.send(&format!("43{acked}[]"));
        session.expect(&event(window));
        assert_eq!(session.recv_within(Duration::from_millis(30)), None);
        session.reset();

        // What has no ack goes again in its order, before newer events.
        let mut session = fake.open(case.via);
        session.join("/", "second");
        let again = (0..=window).filter(|number| *number != acked);
        again.for_each(|number| session.expect(&event(number)));
        assert_eq!(session.recv_within(Duration::from_millis(30)), None);
        for number in (0..=window).filter(|number| *number != acked) {
            session.send(&format!("43{number}[]"));
        }
        for number in window + 1..40 {
            session.expect(&event(number));
            session.send(&format!("43{number}[]"));
        }
        session.send("42[\"end\"]");
        host.event("end");
        let dropped = |told: &Told| matches!(told, Told::Socket(_, SocketEvent::Dropped { .. }));
        assert_eq!(host.count(dropped), 0);
    }
}
