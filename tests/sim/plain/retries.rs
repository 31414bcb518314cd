//! At-least-once delivery: what goes again, when, and how often.

use std::panic::catch_unwind;
use std::time::Duration;

use roamio::config::{Endpoint, ManagerConfig, Retries, SocketOptions};
use roamio::error::Code;
use roamio::proto::io::{Command, Offline, RequestId, SocketId, SocketState};
use roamio::proto::rng::Rng;

use super::world::PlainWorld;
use crate::link::Millis;
use crate::world::{Below, Dials};

const ACK_MS: Millis = 1_000;

fn options(retries: Retries) -> SocketOptions {
    let ack_timeout = Some(Duration::from_millis(ACK_MS));
    SocketOptions { retries: Some(retries), ack_timeout, ..SocketOptions::default() }
}

/// A connected socket 0 of a server that takes its time, or does not answer at all.
fn world(retries: Retries) -> PlainWorld {
    let mut world = PlainWorld::new(7);
    world.attach_with(0, "/", options(retries));
    world.connect(0, None);
    world.run_for(500);
    assert_eq!(world.socket(0).state, SocketState::Connected);
    world
}

fn of_window(window: u32, times: u32) -> Retries {
    Retries { window, times, ..Retries::default() }
}

/// The second element of every event that was heard, without its quotes.
fn said(world: &PlainWorld) -> Vec<String> {
    let word = |json: &&str| json.split('"').nth(3).unwrap_or_default().to_owned();
    world.heard("/").iter().map(word).collect()
}

#[test]
fn conformance_74_an_event_without_ack_goes_once_more_than_there_are_retries() {
    let mut world = world(of_window(1, 2));
    world.server.mute = true;
    let start = world.now;
    let request = world.ask(0, "/", "a", None);
    world.emit(0, "/", "b");
    world.run_for(10 * ACK_MS);
    let times: Vec<Millis> = world.server.heard.iter().map(|heard| heard.at - start - 10).collect();
    assert_eq!(times, [0, 1_000, 2_000, 3_000, 4_000, 5_000]);
    assert_eq!(said(&world), ["a", "a", "a", "b", "b", "b"]);
    assert_eq!(world.code(request), Some(Code::AckTimeout));
    assert_eq!(world.socket(0).dropped, [("\"b\"".to_owned(), Code::AckTimeout)]);
    assert_eq!(world.stack.queued(), (0, 0));
}

#[test]
fn conformance_74_a_window_of_one_has_one_event_on_its_way() {
    let mut world = PlainWorld::new(7);
    world.latency = 100;
    world.attach_with(0, "/", options(of_window(1, 3)));
    let requests: Vec<RequestId> =
        ["a", "b", "c"].iter().map(|text| world.ask(0, "/", text, None)).collect();
    world.connect(0, None);
    while world.socket(0).state != SocketState::Connected {
        world.run_for(1);
    }
    assert_eq!(world.stack.queued().0, 3, "what has no ack counts");
    world.run_for(150);
    assert_eq!(said(&world), ["a"]);
    world.run_for(200);
    assert_eq!(said(&world), ["a", "b"]);
    world.run_for(400);
    assert_eq!(said(&world), ["a", "b", "c"]);
    assert!(requests.iter().all(|request| world.code(*request).is_none()));
    assert_eq!(world.stack.queued(), (0, 0));
}

#[test]
fn conformance_74_a_full_window_waits_and_no_more_than_it_is_unacknowledged() {
    let mut world = world(of_window(16, 3));
    world.server.mute = true;
    (0..40).for_each(|number| world.emit(0, "/", &number.to_string()));
    world.run_for(500);
    assert_eq!(said(&world).len(), 16);
    let link = world.open_links()[0];
    world.server.say(link, "433[]");
    world.server.say(link, "433[]");
    world.run_for(100);
    assert_eq!(said(&world)[16..], ["16"], "a repeated ack opens nothing");
}

#[test]
fn conformance_74_an_overdue_ack_repeats_only_its_own_event_and_a_late_one_settles_it() {
    let mut world = world(of_window(16, 3));
    world.server.mute = true;
    let requests: Vec<RequestId> =
        ["a", "b", "c"].iter().map(|text| world.ask(0, "/", text, None)).collect();
    world.run_for(500);
    let link = world.open_links()[0];
    world.server.say(link, "430[]");
    world.server.say(link, "432[]");
    world.run_for(700);
    assert_eq!(said(&world), ["a", "b", "c", "b"]);
    assert!(world.outcomes[&requests[1]].is_none());
    // It answers the first try, after the second has gone.
    world.server.say(link, "431[\"late\"]");
    world.run_for(10 * ACK_MS);
    assert_eq!(said(&world).len(), 4);
    assert!(requests.iter().all(|request| world.code(*request).is_none()));
}

#[test]
fn conformance_74_after_a_reconnect_what_has_no_ack_goes_again_before_newer_events() {
    let mut world = world(of_window(2, 3));
    world.server.mute = true;
    ["a", "b", "c"].iter().for_each(|text| world.emit(0, "/", text));
    world.run_for(100);
    world.reset_all();
    world.run_for(1);
    world.emit(0, "/", "d");
    world.server.mute = false;
    world.run_for(10_000);
    assert_eq!(said(&world), ["a", "b", "a", "b", "c", "d"]);
    assert_eq!(world.stack.queued(), (0, 0));
}

#[test]
fn conformance_74_the_queue_pauses_while_disconnected_and_a_loss_counts_as_a_try() {
    let mut world = world(of_window(1, 1));
    world.server.mute = true;
    let request = world.ask(0, "/", "a", None);
    world.run_for(100);
    world.dials = Dials::Refused;
    world.reset_all();
    world.run_for(60_000);
    assert!(world.outcomes[&request].is_none(), "nothing runs out while disconnected");
    world.dials = Dials::Succeed;
    while world.socket(0).state != SocketState::Connected {
        world.run_for(1);
    }
    world.run_for(50);
    assert_eq!(said(&world), ["a", "a"]);
    world.reset_all();
    world.run_for(1);
    assert_eq!(world.code(request), Some(Code::AckLost), "the last try was lost");
}

#[test]
fn without_a_time_limit_only_a_reconnect_repeats() {
    let (endpoint, _) = Endpoint::parse("http://127.0.0.1:1").unwrap();
    let config = ManagerConfig { ack_timeout: None, ..ManagerConfig::new(endpoint) };
    let mut world = PlainWorld::with(config, 1);
    let options = SocketOptions { retries: Some(Retries::default()), ..Default::default() };
    world.attach_with(0, "/", options);
    world.connect(0, None);
    world.run_for(500);
    world.server.mute = true;
    world.emit(0, "/", "a");
    world.run_for(600_000);
    assert_eq!(said(&world), ["a"]);
    world.reset_all();
    world.run_for(10_000);
    assert_eq!(said(&world), ["a", "a"]);
}

#[test]
fn conformance_74_a_key_tells_the_server_what_it_has_already() {
    let retries = Retries { idempotency_key: true, ..of_window(16, 3) };
    let mut world = world(retries);
    world.command(Command::WatchSent { socket: SocketId(0), watch: true });
    world.server.mute = true;
    world.emit(0, "/", "a");
    world.emit(0, "/", "b");
    world.run_for(1_500);
    let heard: Vec<Vec<String>> =
        world.heard("/").iter().map(|json| serde_json::from_str(json).unwrap()).collect();
    let keys: Vec<&str> = heard.iter().map(|event| event[2].as_str()).collect();
    assert_eq!((heard.len(), heard[0].len()), (4, 3));
    assert_eq!((keys[0], keys[1]), (keys[2], keys[3]));
    let (random, first) = keys[0].split_once('-').expect("two parts");
    assert_eq!((random.len(), first), (16, "1"));
    assert!(random.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(keys[1], format!("{random}-2"));
    assert_eq!(world.socket(0).sent, ["\"a\"", "\"b\"", "\"a\"", "\"b\""], "without the key");
    world.run_for(10 * ACK_MS);
    assert_eq!(world.socket(0).dropped[0].0, "\"a\"");
}

#[test]
fn volatile_events_and_policies_have_their_way_with_retries_too() {
    let mut world = world(of_window(1, 3));
    world.server.mute = true;
    world.emit(0, "/", "head");
    world.emit_as(0, "/", "volatile", None, None, Offline::Volatile);
    world.emit_as(0, "/", "short", None, None, Offline::WaitFor(300));
    for number in 0..5 {
        let latest = Offline::Latest("key".into());
        world.emit_as(0, "/", &format!("latest {number}"), None, None, latest);
    }
    world.run_for(500);
    assert_eq!(world.socket(0).dropped, [("\"short\"".to_owned(), Code::NotSent)]);
    world.server.mute = false;
    world.run_for(5_000);
    assert_eq!(said(&world), ["head", "volatile", "head", "latest 4"]);
}

#[test]
fn a_cancelled_or_freed_event_makes_room_in_the_window() {
    let mut world = world(of_window(1, 3));
    world.server.mute = true;
    let request = world.ask(0, "/", "a", None);
    world.emit(0, "/", "b");
    world.command(Command::Cancel { request });
    assert_eq!(world.code(request), Some(Code::Cancelled));
    world.run_for(100);
    assert_eq!(said(&world), ["a", "b"]);
    world.emit(0, "/", "c");
    world.detach(0);
    assert_eq!(world.stack.queued(), (0, 0));
    world.attach(1, "/");
    world.connect(1, None);
    world.run_for(10_000);
    assert_eq!(said(&world), ["a", "b"], "a new socket has nothing to repeat");
}

#[test]
fn leaving_pauses_the_queue_until_the_socket_joins_again() {
    let mut world = world(of_window(1, 3));
    world.server.mute = true;
    world.emit(0, "/", "a");
    world.emit(0, "/", "b");
    world.run_for(100);
    world.disconnect(0);
    world.run_for(10_000);
    assert_eq!(said(&world), ["a"]);
    world.server.mute = false;
    world.connect(0, None);
    world.run_for(1_000);
    assert_eq!(said(&world), ["a", "a", "b"]);
}

#[test]
fn after_the_end_nothing_is_due() {
    let mut world = world(of_window(2, 3));
    world.server.mute = true;
    ["a", "b", "c"].iter().for_each(|text| world.emit(0, "/", text));
    world.emit_as(0, "/", "d", None, None, Offline::WaitFor(300));
    world.command(Command::Close);
    assert!(world.finished && world.stack.poll_timeout().is_none());
}

// ---- chaos -----------------------------------------------------------------------------------

/// One run: a connection that comes and goes, a server that answers or not, and 60 events.
fn run(seed: u64) {
    let mut rng = Rng::new(seed);
    let window = [1, 2, 16][rng.below(3) as usize];
    let mut world = PlainWorld::new(seed);
    world.latency = [0, 10, 200][rng.below(3) as usize];
    // Nothing is given up: every event must arrive.
    world.attach_with(0, "/", options(of_window(window, u32::MAX)));
    world.connect(0, None);
    let mut requests = Vec::new();
    for number in 0..60 {
        match rng.below(10) {
            0 => world.reset_all(),
            1 => world.black_out(),
            2 => world.server.mute = !world.server.mute,
            3 => world.dials = [Dials::Succeed, Dials::Refused][rng.below(2) as usize],
            4 if rng.below(4) == 0 => {
                world.disconnect(0);
                world.run_for(rng.below(300));
                world.connect(0, None);
            }
            _ => {}
        }
        let text = format!("{number}");
        match rng.below(2) {
            0 => requests.push(world.ask(0, "/", &text, None)),
            _ => world.emit(0, "/", &text),
        }
        world.run_for([0, 0, 20, 400, 3_000][rng.below(5) as usize]);
        let acked = world.server.acked.len();
        let first = first_deliveries(&world).len();
        assert!(first <= acked + window as usize, "{first} delivered, {acked} acked");
    }
    (world.dials, world.server.mute) = (Dials::Succeed, false);
    world.run_for(120_000);
    let all: Vec<String> = (0..60).map(|number| number.to_string()).collect();
    assert_eq!(first_deliveries(&world), all, "each arrives, first in its turn");
    assert!(requests.iter().all(|request| world.code(*request).is_none()));
    assert!(world.socket(0).dropped.is_empty());
    assert_eq!(world.stack.queued(), (0, 0));
}

/// What was heard, each at its first time only.
fn first_deliveries(world: &PlainWorld) -> Vec<String> {
    let mut first: Vec<String> = Vec::new();
    for word in said(world) {
        if !first.contains(&word) {
            first.push(word);
        }
    }
    first
}

#[test]
fn conformance_74_whatever_happens_every_event_arrives_and_the_first_time_in_its_turn() {
    let only = std::env::var("ROAMIO_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = only.map_or(1..=500, |seed: u64| seed..=seed);
    let failed: Vec<u64> = seeds.filter(|seed| catch_unwind(|| run(*seed)).is_err()).collect();
    for seed in &failed {
        println!("ROAMIO_TRACE=1 ROAMIO_SEED={seed} cargo test --test sim whatever -- --nocapture");
    }
    assert!(failed.is_empty(), "{} seeds failed", failed.len());
}
