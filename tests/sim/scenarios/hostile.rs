//! A portal gone mad: whatever it sends, the core stays sane.

use bytes::Bytes;
use roamio::error::Code;
use roamio::proto::io::{ConferenceState, Hint, Input};
use roamio_portal::model::ModelConfig;

use crate::link::Side;
use crate::world::{Dials, Setup, World};

fn ready() -> World {
    World::ready(Setup::default())
}

/// Say something to a ready session, and wait for what comes of it.
fn say(frame: impl Into<Bytes>) -> World {
    let mut world = ready();
    world.inject(world.session_link(), frame);
    world.run_for(5_000);
    world
}

/// The connection was given up for this, and the session came back.
fn gave_up(world: &World) -> Option<Code> {
    assert!(world.is_ready(), "{:?}", world.app.end);
    let resuming = world.app.steps.iter().find(|step| step.state == ConferenceState::Resuming);
    resuming.and_then(|step| step.cause.as_ref()).map(|cause| cause.code())
}

#[test]
fn packets_that_cannot_be_read_cost_the_connection_and_not_the_session() {
    let deep = format!("42[\"text\",{}{}]", "[".repeat(60_000), "]".repeat(60_000));
    let frames: [(&str, Code); 7] = [
        ("", Code::EnginePacket),
        ("9", Code::EnginePacket),
        ("4", Code::SocketPacket),
        ("47", Code::SocketPacket),
        ("42", Code::SocketPacket),
        ("42[]", Code::SocketPacket),
        (&deep, Code::SocketPacket),
    ];
    for (frame, code) in frames {
        let world = say(frame.to_owned());
        assert_eq!(gave_up(&world), Some(code), "{}", &frame[..frame.len().min(40)]);
    }
}

#[test]
fn packets_for_others_and_answers_to_nothing_are_ignored() {
    for frame in [
        "42/other,[\"text\",1]",
        "40/other,{\"sid\":\"x\"}",
        "41/other,",
        "4399[\"ok\"]",
        "430[\"ok\",{}]",
        "40{\"sid\":\"again\"}",
        "0{\"sid\":\"again\",\"upgrades\":[],\"pingInterval\":1000,\"pingTimeout\":1000}",
        "6",
        "3",
    ] {
        let world = say(frame);
        assert_eq!(gave_up(&world), None, "{frame}");
        assert_eq!(world.app.notified, 0, "{frame}");
    }
}

#[test]
fn attachments_that_never_come_hold_nothing_up_for_ever() {
    let mut world = ready();
    world.inject(world.session_link(), "451-[\"file\",{\"_placeholder\":true,\"num\":0}]");
    world.run_for(1_000);
    // The next text packet shows that they are not coming.
    world.burst("after-", 1, 0);
    world.run_for(5_000);
    assert_eq!(gave_up(&world), Some(Code::Attachments));
    world.app.check_end(&world.server.portal);
}

#[test]
fn a_binary_frame_without_a_header_costs_the_connection() {
    let mut world = ready();
    let link = world.session_link();
    world.input(Input::Binary { wire: link, frame: Bytes::from_static(b"\0\0") });
    world.run_for(5_000);
    assert_eq!(gave_up(&world), Some(Code::Attachments));
}

#[test]
fn packets_before_the_namespace_is_joined_cost_only_the_attempt() {
    for frame in ["430[\"ok\"]", "41", "44{\"message\":\"no\"}", "2", "1"] {
        let mut world = World::new(Setup::default());
        world.login();
        world.run_until(5_000, |world| !world.open_links().is_empty());
        let link = world.open_links()[0];
        world.inject(link, frame);
        world.run_until(60_000, |world| world.is_ready() || world.is_ended());
        assert!(world.is_ready(), "{frame}: {:?}", world.app.end);
        assert_eq!(world.watch.count("login"), 1);
        world.app.position = 0;
    }
}

#[test]
fn a_drop_and_a_41_in_one_batch_are_one_end() {
    let mut world = ready();
    let link = world.session_link();
    world.portal(|portal, me, now| portal.notify(me, "drop", None, now));
    world.inject(link, "41");
    world.inject(link, "41");
    world.run_for(60_000);
    assert_eq!(world.app.end_code(), Some(Code::Dropped));
    assert_eq!(world.watch.total_dials, 1);
}

#[test]
fn an_answer_without_status_to_login_or_relogin_is_the_end() {
    let mut world = World::new(Setup::default());
    world.server.portal.swallow_acks(None, "login", 1);
    let login = world.login();
    let link = world.run_until_sent("login", 1);
    world.inject(link, "430[{}]");
    world.run_until(1_000, World::is_ended);
    assert_eq!(world.app.code(login), Some(Code::LoginRejected));

    let mut world = ready();
    world.server.portal.swallow_acks(None, "relogin", 1);
    world.reset(world.session_link(), Side::Both);
    let link = world.run_until_sent("relogin", 1);
    world.inject(link, "431[]");
    world.run_until(1_000, World::is_ended);
    assert_eq!(world.app.end_code(), Some(Code::ReloginRejected));
}

#[test]
fn a_login_answer_with_a_ticket_of_the_wrong_type_is_a_session_without_resume() {
    for ticket in ["7", "{}", "\"%%%\"", "null", "[]"] {
        let mut world = World::new(Setup::default());
        world.server.portal.swallow_acks(None, "login", 1);
        world.login();
        let link = world.run_until_sent("login", 1);
        let body = format!(r#"430["ok",{{"id":"me","reconnectionTicket":{ticket}}}]"#);
        world.inject(link, body);
        world.run_for(1_000);
        assert!(world.is_ready(), "{ticket}");
        assert_eq!(world.app.resumable, Some(false));
        assert_eq!(world.app.complaints.len(), usize::from(ticket != "null"), "{ticket}");
    }
}

#[test]
fn a_replay_that_is_no_list_brings_nothing_and_keeps_the_ticket() {
    for messages in ["7", "{}", "\"x\"", "null", "[7,null,{},{\"event\":5},[]]"] {
        let mut world = ready();
        world.server.portal.swallow_acks(None, "relogin", 1);
        world.reset(world.session_link(), Side::Both);
        let link = world.run_until_sent("relogin", 1);
        world.inject(link, format!(r#"431["ok",{{"ticket":"","messages":{messages}}}]"#));
        world.run_for(500);
        assert!(world.is_ready(), "{messages}");
        assert_eq!(world.app.notified, 0, "{messages}");
    }
}

#[test]
fn a_message_above_the_limit_costs_the_connection() {
    let world = say(format!("42[\"text\",\"{}\"]", "x".repeat(17 << 20)));
    assert_eq!(gave_up(&world), Some(Code::PayloadLimit));
}

#[test]
fn a_replay_above_the_limit_does_not_loop_for_ever() {
    // 17 MiB come with every answer.
    let model = ModelConfig { reply_padding: 17 << 20, ..ModelConfig::default() };
    let mut world = World::ready(Setup { model, ..Setup::default() });
    world.reset(world.session_link(), Side::Both);
    world.run_until(120_000, World::is_ended);
    assert_eq!(world.app.end_code(), Some(Code::SessionLost));
    assert!(world.watch.count("relogin") <= 3);
}

#[test]
fn a_ping_flood_is_answered_once_per_drain() {
    let mut world = ready();
    let link = world.session_link();
    for _ in 0..10_000 {
        world.inject(link, "2");
    }
    world.input(Input::Writable { wire: link, writable: false });
    world.run_for(100);
    assert_eq!(world.stack.queued().0, 1);
    world.input(Input::Writable { wire: link, writable: true });
    assert_eq!(world.stack.queued().0, 0);
}

#[test]
fn input_of_a_link_that_is_over_changes_nothing() {
    let mut world = ready();
    let old = world.session_link();
    world.reset(old, Side::Both);
    world.run_until(2_000, |world| !world.is_ready());
    world.run_until(2_000, World::is_ready);
    let steps = world.app.steps.len();
    for frame in ["41", "42[\"drop\",null]", "431[\"ok\"]", "1"] {
        world.input(Input::Text { wire: old, frame: Bytes::from_static(frame.as_bytes()) });
    }
    world.input(Input::Closed { wire: old, error: Code::NetworkLost.into() });
    world.input(Input::Activity { wire: old, partial: true, pong: true });
    assert_eq!((world.app.steps.len(), world.app.notified), (steps, 0));
}

#[test]
fn a_portal_that_accepts_and_says_nothing_is_tried_again_with_patience() {
    let mut world = World::new(Setup::default());
    world.dials = Dials::Hang;
    world.login();
    world.run_for(60_000);
    assert!((3..=4).contains(&world.watch.total_dials), "{}", world.watch.total_dials);
    world.dials = Dials::Succeed;
    world.hint(Hint::NetworkAvailable);
    world.run_until(21_000, World::is_ready);
}
