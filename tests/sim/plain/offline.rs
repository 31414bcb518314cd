//! What becomes of events that cannot be written at once, and who hears of it.

use roamio::error::Code;
use roamio::proto::io::{Command, Offline, SocketId, SocketState};

use super::world::PlainWorld;

/// A manager with the socket 0, which is not connected.
fn apart() -> PlainWorld {
    let mut world = PlainWorld::new(1);
    world.attach(0, "/");
    world
}

fn join(world: &mut PlainWorld) {
    world.connect(0, None);
    world.run_for(1_000);
    assert_eq!(world.socket(0).state, SocketState::Connected);
}

fn say(world: &mut PlainWorld, text: &str, offline: Offline) {
    world.emit_as(0, "/", text, None, None, offline);
}

fn latest(key: &str) -> Offline {
    Offline::Latest(key.into())
}

#[test]
fn conformance_70_an_event_may_wait_for_some_time_only() {
    let mut world = apart();
    say(&mut world, "short", Offline::WaitFor(500));
    say(&mut world, "long", Offline::WaitFor(5_000));
    let request = world.request();
    world.emit_as(0, "/", "asked", Some(request), None, Offline::WaitFor(500));
    world.run_for(499);
    assert!(world.socket(0).dropped.is_empty());
    world.run_for(1);
    assert_eq!(world.socket(0).dropped, [("\"short\"".to_owned(), Code::NotSent)]);
    assert_eq!(world.code(request), Some(Code::NotSent));
    join(&mut world);
    assert_eq!(world.heard("/"), [r#"["say","long"]"#]);
    assert_eq!((world.stack.queued(), world.socket(0).dropped.len()), ((0, 0), 1));
}

#[test]
fn conformance_72_an_event_whose_time_ends_with_the_reply_is_not_written() {
    let mut world = apart();
    world.server.middleware = 470;
    say(&mut world, "late", Offline::WaitFor(500));
    let late = world.ask(0, "/", "late", Some(500));
    world.connect(0, None);
    let start = world.now;
    while world.socket(0).state != SocketState::Connected {
        world.run_for(1);
    }
    let joined = world.now - start;
    assert!(joined > 500, "{joined}");

    // The same again, with the reply in the very millisecond of the end.
    let mut again = apart();
    again.server.middleware = 470;
    say(&mut again, "late", Offline::WaitFor(joined));
    let request = again.ask(0, "/", "late", Some(joined));
    again.connect(0, None);
    again.run_for(joined);
    assert_eq!(again.socket(0).state, SocketState::Connected);
    again.run_for(1_000);
    assert!(again.heard("/").is_empty() && world.heard("/").is_empty());
    assert_eq!((again.code(request), world.code(late)), (Some(Code::NotSent), Some(Code::NotSent)));
}

#[test]
fn conformance_70_the_latest_of_each_key_is_kept_in_the_place_of_the_first() {
    let mut world = apart();
    say(&mut world, "a1", latest("a"));
    say(&mut world, "plain", Offline::Wait);
    let replaced = world.request();
    world.emit_as(0, "/", "b1", Some(replaced), None, latest("b"));
    for number in 2..100 {
        say(&mut world, &format!("a{number}"), latest("a"));
    }
    let kept = world.request();
    world.emit_as(0, "/", "b2", Some(kept), None, latest("b"));
    assert_eq!(world.code(replaced), Some(Code::Cancelled));
    assert_eq!(world.stack.queued().0, 3, "one of each key");
    join(&mut world);
    assert_eq!(world.heard("/"), [r#"["say","a99"]"#, r#"["say","plain"]"#, r#"["say","b2"]"#]);
    assert_eq!((world.code(kept), world.stack.queued()), (None, (0, 0)));
    assert!(world.socket(0).dropped.is_empty(), "the host has replaced them itself");
    // Connected, nothing waits that could be replaced.
    say(&mut world, "a100", latest("a"));
    say(&mut world, "a101", latest("a"));
    world.run_for(100);
    assert_eq!(world.heard("/").len(), 5);
}

#[test]
fn conformance_70_an_event_can_be_refused_while_not_connected() {
    let mut world = apart();
    say(&mut world, "no", Offline::Fail);
    let request = world.request();
    world.emit_as(0, "/", "no", Some(request), None, Offline::Fail);
    assert_eq!(world.socket(0).dropped, [("\"no\"".to_owned(), Code::NotSent)]);
    assert_eq!(world.code(request), Some(Code::NotSent));
    join(&mut world);
    say(&mut world, "yes", Offline::Fail);
    world.run_for(100);
    assert_eq!(world.heard("/"), [r#"["say","yes"]"#]);
}

#[test]
fn conformance_71_a_volatile_event_is_dropped_without_a_word_unless_it_was_asked_for() {
    let mut world = apart();
    say(&mut world, "early", Offline::Volatile);
    let request = world.request();
    world.emit_as(0, "/", "early", Some(request), None, Offline::Volatile);
    assert!(world.socket(0).dropped.is_empty());
    assert_eq!(world.code(request), Some(Code::NotSent));
}

#[test]
fn conformance_70_what_waits_survives_failed_attempts_and_goes_before_what_the_connect_handler_emits()
 {
    let mut world = PlainWorld::joined(&["/"]);
    world.dials = crate::world::Dials::Refused;
    world.reset_all();
    world.run_for(10_000);
    for text in ["a", "b"] {
        world.emit(0, "/", text);
    }
    world.run_for(20_000);
    world.dials = crate::world::Dials::Succeed;
    while world.socket(0).state != SocketState::Connected {
        world.run_for(1);
    }
    world.emit(0, "/", "handler");
    world.run_for(100);
    assert_eq!(world.heard("/"), [r#"["say","a"]"#, r#"["say","b"]"#, r#"["say","handler"]"#]);
}

#[test]
fn conformance_67_what_is_written_is_told_to_those_who_watch() {
    let mut world = apart();
    let watch = |watch| Command::WatchSent { socket: SocketId(0), watch };
    world.command(watch(true));
    world.emit(0, "/", "buffered");
    assert!(world.socket(0).sent.is_empty(), "not written yet");
    join(&mut world);
    assert_eq!(world.socket(0).sent, ["\"buffered\""]);
    let request = world.ask(0, "/", "asked", None);
    assert_eq!(world.socket(0).sent.len(), 2);
    world.command(watch(false));
    world.emit(0, "/", "unwatched");
    world.run_for(100);
    assert_eq!((world.socket(0).sent.len(), world.code(request)), (2, None));
    assert_eq!(world.heard("/").len(), 3);
}
