//! Sockets from their first word to their last.

use roamio::config::{Endpoint, ManagerConfig};
use roamio::error::Code;
use roamio::proto::io::{Command, ManagerState, RequestId, SocketState};

use super::server::Door;
use super::world::PlainWorld;

fn config() -> ManagerConfig {
    let (endpoint, _) = Endpoint::parse("http://127.0.0.1:1").unwrap();
    ManagerConfig::new(endpoint)
}

#[test]
fn the_last_wanted_socket_can_be_detached_whatever_stands_before_it() {
    let mut world = PlainWorld::joined(&["/a", "/b", "/c"]);
    for number in 0..3 {
        world.detach(number);
        assert!(world.socket(number).detached);
    }
    world.run_for(1_000);
    assert_eq!(world.state, ManagerState::Idle);
}

#[test]
fn after_the_end_nothing_is_told() {
    let mut world = PlainWorld::joined(&["/"]);
    world.server.doors.insert("/slow".into(), Door::Silent);
    world.attach(1, "/slow");
    world.connect(1, None);
    world.run_for(100);
    world.command(Command::Close);
    assert!(world.finished);
    let steps = world.socket(1).steps;
    world.disconnect(0);
    world.detach(0);
    world.detach(1);
    world.run_for(60_000);
    assert!(!world.socket(0).detached && !world.socket(1).detached);
    assert_eq!(world.socket(1).steps, steps);
    assert!(world.socket(1).refusals.is_empty(), "{:?}", world.socket(1).refusals);
}

#[test]
fn events_before_the_connect_reply_are_bounded_by_their_bytes() {
    let mut config = config();
    config.common.limits.host_queue_bytes = 10_000;
    let mut world = PlainWorld::with(config, 1);
    world.server.doors.insert("/".into(), Door::Silent);
    world.attach(0, "/");
    world.connect(0, None);
    world.run_for(100);
    let link = world.open_links()[0];
    let event = format!("42[\"early\",\"{}\"]", "x".repeat(980));
    (0..10).for_each(|_| world.server.say(link, event.clone()));
    world.run_for(100);
    assert!(world.retries.is_empty());
    (0..2).for_each(|_| world.server.say(link, event.clone()));
    world.run_for(100);
    assert_eq!(world.retries[0].error.code(), Code::SocketPacket);
}

#[test]
fn a_refusal_has_the_servers_words() {
    for (json, message) in [
        (r#"{"message":"caf\u00e9","data":[1]}"#, "café"),
        (r#""plain text""#, "plain text"),
        (r#"{"message":7}"#, "the server refused the namespace"),
        ("", "the server refused the namespace"),
    ] {
        let mut world = PlainWorld::joined(&["/other"]);
        world.server.doors.insert("/".into(), Door::Silent);
        world.attach(1, "/");
        world.connect(1, None);
        world.run_for(100);
        let link = world.open_links()[0];
        world.server.say(link, format!("44{json}"));
        world.run_for(100);
        let (error, active) = &world.socket(1).refusals[0];
        assert_eq!((error.code(), error.message(), *active), (Code::ConnectError, message, false));
        let told = if json.is_empty() { "{}" } else { json };
        assert_eq!(error.server_json(), Some(told));
        assert_eq!(world.socket(1).state, SocketState::Idle);
    }
}

fn ask_a_mute_server(config: ManagerConfig) -> (PlainWorld, RequestId) {
    let mut world = PlainWorld::with(config, 1);
    world.server.mute = true;
    world.attach(0, "/");
    world.connect(0, None);
    world.run_for(1_000);
    let request = world.ask(0, "/", "hello?", None);
    (world, request)
}

#[test]
fn an_ack_without_a_limit_of_its_own_has_the_managers() {
    let (mut world, request) = ask_a_mute_server(config());
    world.run_for(29_999);
    assert_eq!(world.outcomes[&request], None);
    world.run_for(1);
    assert_eq!(world.code(request), Some(Code::AckTimeout));
}

#[test]
fn acks_can_be_waited_for_without_end() {
    let (mut world, request) = ask_a_mute_server(ManagerConfig { ack_timeout: None, ..config() });
    world.run_for(600_000);
    assert_eq!(world.outcomes[&request], None);
}

#[test]
fn an_ack_for_a_freed_socket_answers_nothing_of_the_next_one_on_its_namespace() {
    let mut world = PlainWorld::joined(&["/", "/other"]);
    world.server.mute = true;
    world.ask(0, "/", "first", None);
    world.detach(0);
    world.run_for(1_000);
    world.attach(2, "/");
    world.connect(2, None);
    world.run_for(1_000);
    let second = world.ask(2, "/", "second", None);
    // The server still runs the handler of the former socket, on the same connection.
    let link = world.open_links()[0];
    world.server.say(link, "430[\"late\"]");
    world.run_for(100);
    assert_eq!(world.outcomes[&second], None);
}

#[test]
fn a_namespace_that_nobody_wants_costs_no_sibling_its_connection() {
    let mut world = PlainWorld::joined(&["/"]);
    for name in ["/silent", "/late"] {
        world.server.doors.insert(name.into(), Door::Silent);
    }
    world.attach(1, "/silent");
    world.connect(1, None);
    world.run_for(100);
    world.disconnect(1);
    world.run_for(19_000);
    world.attach(2, "/late");
    world.connect(2, None);
    world.disconnect(0);
    world.run_for(2_000);
    assert_eq!((world.dialled.len(), world.open_links().len()), (1, 1));
    assert!(world.socket(2).refusals.is_empty());
}

#[test]
fn a_sibling_that_has_just_left_to_come_back_keeps_the_connection() {
    let mut world = PlainWorld::joined(&["/"]);
    world.server.doors.insert("/silent".into(), Door::Silent);
    world.attach(1, "/silent");
    world.connect(1, None);
    world.run_for(9_950);
    world.disconnect(0);
    world.connect(0, None);
    world.run_for(1_000);
    assert_eq!((world.dialled.len(), world.socket(1).refusals.len()), (1, 1));
    assert_eq!(world.socket(0).state, SocketState::Connected);
}
