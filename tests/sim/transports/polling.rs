//! Long-polling alone.

use std::time::Duration;

use bytes::Bytes;
use roamio::config::{ManagerConfig, Revision, SocketOptions, Transport, TransportConfig};
use roamio::error::Code;
use roamio::proto::io::{
    Command, Exchange, Hint, HttpResponse, Input, SocketId, SocketState, WireId,
};

use super::world::{SOCKET, World};

fn polling(config: &mut ManagerConfig) {
    config.common.transports = TransportConfig::only(Transport::Polling);
}

#[test]
fn a_socket_joins_and_talks_over_polling_alone() {
    let mut world = World::joined(polling);
    for number in 0..100 {
        world.emit(number);
        world.say(&format!(r#"42["m",{number}]"#));
    }
    world.run_for(2_000);
    let expected: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    assert_eq!(world.received, expected);
    assert_eq!(world.server.received.len(), 100);
    assert_eq!(world.transports, [(Transport::Polling, false)]);
    assert!(world.dials.is_empty());
    assert_eq!(world.server.mistakes, [""; 0]);
}

#[test]
fn heartbeats_keep_a_silent_session_alive() {
    let mut world = World::joined(polling);
    world.run_for(500_000);
    assert_eq!(world.states.last(), Some(&SocketState::Connected));
    assert_eq!(world.states.len(), 2);
    assert_eq!(world.server.alive(), 1);
}

#[test]
fn packets_of_one_post_stay_below_the_limit_of_the_server() {
    let mut world = World::new(polling);
    world.server.max_payload = 2_000;
    world.connect();
    world.run_until("joined", |world| world.states.last() == Some(&SocketState::Connected));
    for number in 0..500 {
        world.emit_json(&format!(r#"[{number},"{}"]"#, "x".repeat(number)));
    }
    world.run_for(60_000);
    assert_eq!(world.server.received.len(), 500);
    assert!(world.server.received[499].starts_with(r#"["n",499,"#));
    let largest = world.server.posts.iter().map(String::len).max();
    assert!(largest.is_some_and(|bytes| (1_500..=2_000).contains(&bytes)), "{largest:?}");
}

#[test]
fn disconnecting_the_last_socket_says_goodbye_and_gives_up_no_get_before() {
    let mut world = World::joined(polling);
    world.emit(1);
    world.emit(2);
    world.command(Command::Disconnect { socket: SOCKET });
    world.run_for(5_000);
    assert_eq!(world.server.received, [r#"["n",1]"#, r#"["n",2]"#]);
    assert_eq!((world.server.goodbyes, world.server.alive()), (1, 0));
    assert_eq!(world.states.last(), Some(&SocketState::Idle));
}

#[test]
fn a_parse_error_tells_the_server_that_the_session_is_over() {
    let mut world = World::joined(polling);
    world.say(r#"42["disconnect"]"#);
    world.run_until("lost", |world| world.states.last() == Some(&SocketState::Rejoining));
    world.emit(1);
    world.run_for(5_000);
    assert_eq!(world.causes, [Code::SocketPacket]);
    assert_eq!((world.server.goodbyes, world.server.alive(), world.server.joins), (1, 1, 2));
    assert_eq!(world.server.received, [r#"["n",1]"#]);
    assert_eq!(world.server.mistakes, [""; 0]);
}

#[test]
fn leaving_and_joining_again_are_two_posts() {
    let mut world = World::joined(polling);
    world.command(Command::Attach {
        socket: SocketId(2),
        namespace: "/other".into(),
        options: SocketOptions::default(),
    });
    world.command(Command::Connect { socket: SocketId(2), auth: None });
    world.run_for(1_000);
    world.latency = (400, 400);
    world.emit(1);
    world.command(Command::Disconnect { socket: SOCKET });
    world.connect();
    world.run_for(10_000);
    let posts: Vec<&str> = world.server.posts.iter().rev().take(3).map(String::as_str).collect();
    assert_eq!(posts, ["40", "41", r#"42["n",1]"#]);
}

#[test]
fn nothing_behind_a_close_packet_counts() {
    let mut world = World::joined(polling);
    world.say("42[\"m\",1]\u{1e}1\u{1e}42[\"m\",2]");
    world.run_until("lost", |world| world.states.last() == Some(&SocketState::Rejoining));
    assert_eq!(
        (world.received.as_slice(), world.causes.last()),
        (&["1".to_owned()][..], Some(&Code::EngineClosed))
    );
    world.run_until("again", |world| world.states.last() == Some(&SocketState::Connected));
}

#[test]
fn a_session_that_the_server_forgot_is_made_anew() {
    let mut world = World::joined(polling);
    let wire = WireId(1);
    let body = Bytes::from_static(br#"{"code":1,"message":"Session ID unknown"}"#);
    let result = Ok(HttpResponse { status: 400, body, ..HttpResponse::default() });
    world.input(Input::Response { wire, exchange: Exchange::Poll, result });
    assert_eq!(world.causes, [Code::UnknownSid]);
    world.run_until("again", |world| world.states.last() == Some(&SocketState::Connected));
    assert_eq!(world.server.joins, 2);
}

#[test]
fn an_answer_that_nobody_waits_for_changes_nothing() {
    let mut world = World::joined(polling);
    let body = Bytes::from_static(b"1");
    let result = Ok(HttpResponse { status: 200, body, ..HttpResponse::default() });
    world.input(Input::Response {
        wire: WireId(9),
        exchange: Exchange::Poll,
        result: result.clone(),
    });
    world.input(Input::Response { wire: WireId(1), exchange: Exchange::Post, result });
    world.run_for(1_000);
    assert_eq!(world.states.last(), Some(&SocketState::Connected));
}

#[test]
fn a_post_without_an_answer_ends_the_session_in_time() {
    let mut world = World::joined(|config| {
        polling(config);
        config.common.timeouts.post = Duration::from_secs(2);
    });
    world.latency = (100_000, 100_000);
    world.emit(1);
    let before = world.now;
    world.run_until("lost", |world| world.states.last() == Some(&SocketState::Rejoining));
    assert_eq!(world.now - before, 2_000);
}

#[test]
fn a_hint_probes_with_a_noop_and_its_answer_proves_life() {
    let mut world = World::joined(polling);
    world.run_for(1_000);
    world.command(Command::Hint(Hint::Resumed));
    world.run_for(10_000);
    assert_eq!(world.states.last(), Some(&SocketState::Connected));
    world.latency = (100_000, 100_000);
    world.command(Command::Hint(Hint::Resumed));
    world.run_for(1_100);
    assert_eq!(world.states.last(), Some(&SocketState::Rejoining));
}

#[test]
fn a_post_that_was_answered_during_a_sleep_is_no_loss() {
    let mut world = World::joined(polling);
    world.run_for(1_000);
    world.emit(1);
    world.command(Command::Hint(Hint::Suspended));
    world.now += 30_000;
    world.command(Command::Hint(Hint::Resumed));
    world.run_for(5_000);
    assert_eq!(world.states, [SocketState::Joining, SocketState::Connected]);
}

#[test]
fn a_session_that_is_given_up_for_a_bad_packet_ends_on_the_server_too() {
    let mut world = World::joined(polling);
    world.run_for(1_000);
    world.say("4?");
    world.run_until("given up", |world| world.states.last() == Some(&SocketState::Rejoining));
    world.emit(1);
    world.run_for(5_000);
    assert_eq!(world.states.last(), Some(&SocketState::Connected));
    assert_eq!((world.server.goodbyes, world.server.alive()), (1, 1));
    assert_eq!(world.server.received, [r#"["n",1]"#]);
}

#[test]
fn what_came_between_the_open_packet_and_the_end_counts_in_protocol_4_too() {
    let mut world = World::new(|config| {
        polling(config);
        config.common.transports.revision = Revision::V3;
    });
    world.connect();
    let open = r#"0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;
    let packets = [open, "40", r#"42["m",1]"#, "1"];
    let body: String = packets.iter().map(|packet| format!("{}:{packet}", packet.len())).collect();
    let result = Ok(HttpResponse { status: 200, body: body.into(), ..HttpResponse::default() });
    world.input(Input::Response { wire: WireId(1), exchange: Exchange::Poll, result });
    assert_eq!(world.received, ["1"]);
    let states = [SocketState::Joining, SocketState::Connected, SocketState::Rejoining];
    assert_eq!(world.states, states);
}

#[test]
fn while_the_host_is_slow_nothing_is_polled_and_the_session_lives() {
    let mut world = World::joined(polling);
    world.run_for(1_000);
    world.input(Input::HostQueue { full: true });
    let gets = world.gets;
    world.say(r#"42["m",1]"#);
    world.say(r#"42["m",2]"#);
    world.run_for(100_000);
    assert!(world.gets <= gets + 1);
    world.input(Input::HostQueue { full: false });
    world.run_for(1_000);
    assert_eq!(world.received, ["1", "2"]);
    assert_eq!(world.states.last(), Some(&SocketState::Connected));
}

#[test]
fn conformance_40_an_attempt_without_a_transport_fails_and_is_not_repeated() {
    let mut world = World::new(|config| config.common.transports.order.clear());
    world.connect();
    world.run_for(60_000);
    assert_eq!(world.retries.len(), 1);
    assert_eq!(world.retries[0].code(), Code::Unsupported);
    assert_eq!(world.states.last(), Some(&SocketState::Idle));
}

#[test]
fn a_body_of_countless_packets_ends_the_session_before_it_fills_the_memory() {
    let mut world = World::joined(polling);
    let body = vec![r#"42["m",1]"#; 65_536].join("\u{1e}");
    world.say(&body);
    world.run_for(1_000);
    assert_eq!((world.received.len(), world.causes.len()), (65_536, 0));
    world.say(&format!("{body}\u{1e}6"));
    world.run_until("lost", |world| world.states.last() == Some(&SocketState::Rejoining));
    assert_eq!(world.causes.last(), Some(&Code::PayloadLimit));
}
