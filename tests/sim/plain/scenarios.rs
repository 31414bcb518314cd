//! Named behaviours of a manager and its sockets.

use roamio::error::Code;
use roamio::proto::io::{Command, DisconnectReason, ManagerState, Offline, SocketState};

use super::server::Door;
use super::world::PlainWorld;

const ADMIN: &str = "/admin";

/// A manager whose `/admin` has been asked for and not answered.
fn pending() -> PlainWorld {
    let mut world = PlainWorld::joined(&["/"]);
    world.server.middleware = 500;
    world.attach(1, ADMIN);
    world.connect(1, Some(r#"{"a":1}"#));
    world.run_for(100);
    assert_eq!(world.socket(1).state, SocketState::Joining);
    world
}

// ---- the six rules of several namespaces on one connection ----------------------------------

#[test]
fn rule_1_a_disconnect_before_the_engine_is_open_is_local() {
    let mut world = PlainWorld::new(1);
    world.attach(0, "/");
    world.attach(1, ADMIN);
    world.connect(0, None);
    world.connect(1, None);
    world.disconnect(1);
    world.run_for(1_000);
    assert_eq!(world.socket(0).state, SocketState::Connected);
    assert!(world.socket(1).reasons.is_empty(), "it was never connected");
    assert!(world.server.members(ADMIN).is_empty());
}

#[test]
fn rule_1_the_last_disconnect_stops_the_dial() {
    let mut world = PlainWorld::new(1);
    world.attach(0, "/");
    world.connect(0, None);
    world.disconnect(0);
    world.run_for(60_000);
    assert_eq!((world.state, world.dialled.len()), (ManagerState::Idle, 1));
    assert!(world.links.is_empty());
}

#[test]
fn rule_2_a_disconnect_while_the_reply_is_due_leaves_on_arrival() {
    let mut world = pending();
    world.disconnect(1);
    assert_eq!(world.socket(1).state, SocketState::Idle);
    assert!(world.socket(1).reasons.is_empty());
    world.run_for(2_000);
    assert!(world.server.members(ADMIN).is_empty() && world.socket(1).sids.is_empty());
    assert_eq!(world.socket(0).steps, 2, "the sibling is undisturbed");
}

#[test]
fn rule_2_a_refusal_after_the_disconnect_is_nobodys_business() {
    let mut world = pending();
    world.server.doors.insert(ADMIN.into(), Door::Refusing);
    world.disconnect(1);
    world.run_for(2_000);
    assert!(world.socket(1).refusals.is_empty());
    assert_eq!(world.socket(0).steps, 2);
}

#[test]
fn rule_3_connecting_again_adopts_the_reply_that_is_due() {
    let mut world = pending();
    world.disconnect(1);
    world.connect(1, Some(r#"{"a":1}"#));
    world.run_for(2_000);
    assert_eq!(world.socket(1).state, SocketState::Connected);
    assert_eq!(world.server.auths.len(), 2, "one CONNECT for each namespace");
}

#[test]
fn rule_3_another_auth_payload_joins_anew() {
    let mut world = pending();
    world.disconnect(1);
    world.connect(1, Some(r#"{"a":2}"#));
    world.run_for(3_000);
    assert_eq!(world.socket(1).sids.len(), 1, "the host hears of the second joining only");
    assert_eq!(world.server.auths[1..], [r#"{"a":1}"#, r#"{"a":2}"#]);
}

#[test]
fn rule_3_the_first_auth_payload_again_is_the_one_that_counts() {
    let mut world = pending();
    world.disconnect(1);
    world.connect(1, Some(r#"{"a":2}"#));
    world.disconnect(1);
    world.connect(1, Some(r#"{"a":1}"#));
    world.run_for(3_000);
    assert_eq!(world.socket(1).state, SocketState::Connected);
    assert_eq!(world.server.auths.last().map(String::as_str), Some(r#"{"a":1}"#));
}

#[test]
fn rule_4_connect_keeps_its_distance_from_disconnect() {
    let mut world = PlainWorld::joined(&["/", ADMIN]);
    for _ in 0..20 {
        world.disconnect(1);
        world.connect(1, None);
        world.run_for(7);
    }
    // The world measures the distance, and the server would fail the test.
    world.run_for(2_000);
    assert_eq!(world.socket(1).state, SocketState::Connected);
    assert_eq!(world.socket(0).steps, 2);
}

#[test]
fn rule_5_only_the_last_socket_closes_the_connection() {
    let mut world = PlainWorld::joined(&["/", ADMIN, "/other"]);
    world.disconnect(0);
    world.disconnect(2);
    world.run_for(5_000);
    assert_eq!((world.state, world.open_links().len()), (ManagerState::Connected, 1));
    assert_eq!(world.socket(1).steps, 2);
    world.disconnect(1);
    world.run_for(1_000);
    assert_eq!((world.state, world.links.len()), (ManagerState::Idle, 0));
}

#[test]
fn rule_6_events_of_a_namespace_that_is_left_are_dropped() {
    let mut world = pending();
    world.disconnect(1);
    world.run_for(450);
    world.server.emit(ADMIN, None, r#"["say","late"]"#);
    world.run_for(2_000);
    assert!(world.socket(1).events.is_empty());
}

#[test]
fn a_detached_socket_leaves_and_its_namespace_can_be_attached_again() {
    let mut world = PlainWorld::joined(&["/", ADMIN]);
    world.detach(1);
    assert!(world.socket(1).detached);
    world.attach(2, ADMIN);
    world.connect(2, None);
    world.run_for(1_000);
    assert_eq!(world.socket(2).state, SocketState::Connected);
    assert_eq!(world.socket(0).steps, 2);
}

#[test]
fn a_socket_detached_while_its_reply_is_due_is_left_on_arrival() {
    let mut world = pending();
    world.detach(1);
    world.attach(2, ADMIN);
    world.connect(2, Some(r#"{"b":1}"#));
    world.run_for(3_000);
    assert_eq!(world.socket(2).state, SocketState::Connected);
    assert_eq!(world.server.auths.last().map(String::as_str), Some(r#"{"b":1}"#));
    assert_eq!(world.server.members(ADMIN).len(), 1);
}

// ---- joining ---------------------------------------------------------------------------------

#[test]
fn a_refused_namespace_rests_and_its_error_carries_the_servers_json() {
    let mut world = PlainWorld::joined(&["/"]);
    world.server.doors.insert(ADMIN.into(), Door::Refusing);
    world.attach(1, ADMIN);
    world.connect(1, None);
    world.run_for(60_000);
    let (error, active) = &world.socket(1).refusals[0];
    assert_eq!((error.code(), error.message(), *active), (Code::ConnectError, "no", false));
    assert_eq!(error.server_json(), Some(r#"{"message":"no","data":{"why":7}}"#));
    assert_eq!(world.socket(1).state, SocketState::Idle);
    assert_eq!(world.server.auths.len(), 2, "no second try");
    world.server.doors.clear();
    world.connect(1, None);
    world.run_for(1_000);
    assert_eq!(world.socket(1).state, SocketState::Connected);
}

#[test]
fn a_silent_namespace_alone_costs_its_connection_after_ten_seconds() {
    let mut world = PlainWorld::new(1);
    world.server.doors.insert("/".into(), Door::Silent);
    world.attach(0, "/");
    world.connect(0, None);
    world.run_for(10_100);
    let (error, active) = &world.socket(0).refusals[0];
    assert_eq!((error.code(), *active), (Code::ConnectTimeout, true));
    world.server.doors.clear();
    world.run_for(10_000);
    assert_eq!(world.socket(0).state, SocketState::Connected);
}

#[test]
fn a_silent_namespace_beside_a_joined_one_waits_on() {
    let mut world = PlainWorld::joined(&["/"]);
    world.server.doors.insert(ADMIN.into(), Door::Silent);
    world.attach(1, ADMIN);
    world.connect(1, None);
    world.run_for(35_000);
    assert_eq!(world.socket(1).refusals.len(), 3);
    assert_eq!((world.socket(0).steps, world.dialled.len()), (2, 1));
}

#[test]
fn a_server_of_the_old_protocol_is_told_apart() {
    let mut world = PlainWorld::new(1);
    world.server.doors.insert("/".into(), Door::Silent);
    world.attach(0, "/");
    world.connect(0, None);
    world.run_for(100);
    let link = world.open_links()[0];
    world.server.say(link, "40");
    world.run_for(100);
    let (error, _) = &world.socket(0).refusals[0];
    assert!(error.message().contains("2.x"), "{error}");
}

#[test]
fn events_before_the_reply_come_after_it_in_order() {
    let mut world = pending();
    let link = world.open_links()[0];
    for number in 0..3 {
        world.server.say(link, format!(r#"42{ADMIN},["say",{number}]"#));
    }
    world.run_for(100);
    assert!(world.socket(1).events.is_empty());
    world.run_for(1_000);
    assert_eq!(world.socket(1).events, ["0", "1", "2"]);
}

#[test]
fn a_disconnect_before_the_reply_is_a_refusal() {
    let mut world = pending();
    let link = world.open_links()[0];
    world.server.say(link, format!("41{ADMIN},"));
    world.run_for(50);
    assert_eq!(world.socket(1).refusals.len(), 1);
    assert_eq!(world.socket(1).state, SocketState::Idle);
}

#[test]
fn a_server_disconnect_is_final_until_the_user_connects() {
    let mut world = PlainWorld::joined(&["/", ADMIN]);
    world.server.kick(ADMIN);
    world.run_for(60_000);
    assert_eq!(world.socket(1).reasons, [DisconnectReason::ServerDisconnect]);
    assert_eq!(world.socket(1).state, SocketState::Idle);
    assert_eq!(world.socket(0).steps, 2);
    world.connect(1, None);
    world.run_for(1_000);
    assert_eq!(world.socket(1).state, SocketState::Connected);
}

// ---- emitting --------------------------------------------------------------------------------

#[test]
fn buffered_events_leave_in_order_before_the_socket_says_connected() {
    let mut world = PlainWorld::new(1);
    world.attach(0, "/");
    for text in ["a", "b", "c"] {
        world.emit(0, "/", text);
    }
    assert_eq!(world.stack.queued().0, 3);
    world.connect(0, None);
    world.run_for(1_000);
    world.emit(0, "/", "d");
    world.run_for(100);
    let heard = world.heard("/");
    assert_eq!(heard, [r#"["say","a"]"#, r#"["say","b"]"#, r#"["say","c"]"#, r#"["say","d"]"#]);
    assert_eq!(world.stack.queued(), (0, 0));
}

#[test]
fn an_ack_is_the_outcome() {
    let mut world = PlainWorld::joined(&["/", ADMIN]);
    let requests = [world.ask(0, "/", "x", None), world.ask(1, ADMIN, "y", None)];
    world.run_for(100);
    for (request, reply) in requests.iter().zip([r#""say","x""#, r#""say","y""#]) {
        let payload = world.outcomes[request].as_ref().unwrap().as_ref().unwrap();
        assert_eq!(payload.args().collect::<Vec<_>>().join(","), reply);
    }
}

#[test]
fn written_requests_are_lost_with_the_connection_and_unwritten_ones_survive() {
    let mut world = PlainWorld::joined(&["/"]);
    world.server.mute = true;
    let written = world.ask(0, "/", "written", None);
    world.run_for(100);
    world.reset_all();
    world.run_for(1);
    let buffered = world.ask(0, "/", "buffered", None);
    assert_eq!(world.code(written), Some(Code::AckLost));
    world.server.mute = false;
    world.run_for(10_000);
    assert_eq!(world.code(buffered), None);
    assert_eq!(world.heard("/").len(), 2, "nothing is sent twice");
}

#[test]
fn a_request_that_runs_out_of_time_in_the_queue_is_never_sent() {
    let mut world = PlainWorld::new(1);
    world.attach(0, "/");
    let request = world.ask(0, "/", "late", Some(500));
    world.run_for(500);
    assert_eq!(world.code(request), Some(Code::NotSent));
    world.connect(0, None);
    world.run_for(1_000);
    assert!(world.heard("/").is_empty());
    assert_eq!(world.stack.queued(), (0, 0), "it does not count any more");
}

#[test]
fn a_cancelled_request_is_never_sent() {
    let mut world = PlainWorld::new(1);
    world.attach(0, "/");
    let request = world.ask(0, "/", "no", None);
    world.command(Command::Cancel { request });
    assert_eq!(world.code(request), Some(Code::Cancelled));
    assert_eq!(world.stack.queued(), (0, 0));
    world.connect(0, None);
    world.run_for(1_000);
    assert!(world.heard("/").is_empty());
}

#[test]
fn an_ack_after_its_time_is_ignored() {
    let mut world = PlainWorld::joined(&["/"]);
    world.server.mute = true;
    let request = world.ask(0, "/", "slow", Some(1_000));
    world.run_for(1_000);
    assert_eq!(world.code(request), Some(Code::AckTimeout));
    let link = world.open_links()[0];
    world.server.say(link, "430[1]");
    world.run_for(100);
    assert_eq!(world.state, ManagerState::Connected);
}

#[test]
fn a_volatile_event_is_dropped_unless_it_leaves_at_once() {
    let mut world = PlainWorld::new(1);
    world.attach(0, "/");
    world.emit_as(0, "/", "early", None, None, Offline::Volatile);
    world.connect(0, None);
    world.run_for(1_000);
    world.emit_as(0, "/", "now", None, None, Offline::Volatile);
    world.run_for(100);
    assert_eq!(world.heard("/"), [r#"["say","now"]"#]);
}

#[test]
fn leaving_a_namespace_ends_its_requests_only() {
    let mut world = PlainWorld::joined(&["/", ADMIN]);
    world.server.mute = true;
    let (left, kept) = (world.ask(1, ADMIN, "x", None), world.ask(0, "/", "y", None));
    world.run_for(100);
    world.disconnect(1);
    assert_eq!(world.code(left), Some(Code::AckLost));
    assert!(world.outcomes[&kept].is_none());
}

#[test]
fn an_event_is_answered_once_and_only_on_its_own_connection() {
    let mut world = PlainWorld::joined(&["/"]);
    world.server.emit("/", Some(5), r#"["say",1]"#);
    world.run_for(100);
    let token = world.socket(0).owed[0];
    world.answer(0, token);
    world.answer(0, token);
    world.run_for(100);
    assert_eq!(world.heard("/"), ["5[7]"]);
    world.server.emit("/", Some(6), r#"["say",2]"#);
    world.run_for(100);
    let stale = world.socket(0).owed[1];
    world.reset_all();
    world.run_for(10_000);
    world.answer(0, stale);
    world.run_for(100);
    assert_eq!(world.heard("/").len(), 1, "the new connection knows nothing of it");
}

#[test]
fn close_ends_everything_at_once() {
    let mut world = PlainWorld::joined(&["/", ADMIN]);
    world.server.mute = true;
    let request = world.ask(0, "/", "x", None);
    world.command(Command::Close);
    assert!(world.finished);
    assert_eq!(world.code(request), Some(Code::Closed));
    assert_eq!(world.state, ManagerState::Closed);
    assert_eq!(world.socket(1).state, SocketState::Closed);
    world.run_for(60_000);
    assert!(world.links.is_empty() && world.stack.poll_timeout().is_none());
}

#[test]
fn a_conferences_commands_are_refused() {
    let mut world = PlainWorld::new(1);
    let request = roamio::proto::io::RequestId(99);
    world.outcomes.insert(request, None);
    world.command(Command::Logout { request });
    assert_eq!(world.code(request), Some(Code::Unsupported));
}
