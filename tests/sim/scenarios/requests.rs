//! One outcome per request: requirements 4.x.

use roamio::error::Code;
use roamio::proto::io::{Command, Hint, OfflineRequest};

use crate::app::What;
use crate::link::{Flow, Side};
use crate::world::{Dials, Setup, World, outgoing};

fn ready() -> World {
    World::ready(Setup::default())
}

#[test]
fn req_4_1_sent_requests_end_lost_and_queued_ones_are_sent_once() {
    let mut world = ready();
    world.freeze(world.session_link(), Side::Server, Flow::Held);
    let sent = world.text();
    world.run_for(100);
    world.reset(world.session_link(), Side::Both);
    world.run_for(1);
    let queued = world.text();
    world.run_until(5_000, World::is_ready);
    world.run_for(1_000);
    assert_eq!(world.app.code(sent), Some(Code::AckLost));
    assert_eq!(world.app.code(queued), None);
    assert_eq!(world.watch.count("text"), 2, "nothing is sent twice");
}

#[test]
fn req_4_2_every_request_ends_once_on_every_path() {
    let paths: [fn(&mut World); 5] = [
        |world| world.close(),
        |world| {
            world.logout();
        },
        |world| {
            world.portal(|portal, me, now| portal.drop_participant(me, now));
        },
        |world| world.restart_portal(),
        |world| {
            world.black_out();
            world.dials = Dials::Hang;
        },
    ];
    for path in paths {
        let mut world = ready();
        world.server.portal.swallow_acks(None, "text", 2);
        world.text();
        world.text();
        world.run_for(200);
        let cancelled = world.text();
        world.cancel(cancelled);
        world.cancel(cancelled);
        path(&mut world);
        if !world.app.finished {
            world.text();
        }
        world.run_for(60_000);
        assert_eq!(world.app.open_requests(), 0);
    }
}

#[test]
fn req_4_3_an_answer_on_another_connection_completes_nothing() {
    let mut world = ready();
    world.server.portal.swallow_acks(None, "text", 1);
    let old = world.text();
    world.run_for(100);
    world.reset(world.session_link(), Side::Both);
    world.run_for(100);
    assert_eq!(world.app.code(old), Some(Code::AckLost));
    world.run_until(5_000, World::is_ready);
    world.server.portal.swallow_acks(None, "text", 1);
    let new = world.text();
    // The old request's id, on the new connection.
    world.inject(world.session_link(), r#"431["ok",{"stolen":1}]"#);
    world.run_for(1_000);
    assert!(world.app.outcome(new).is_none());
}

#[test]
fn req_4_3_an_answer_belongs_to_the_connection_of_its_request() {
    let mut world = ready();
    world.server.portal.swallow_acks(None, "text", 1);
    let request = world.text();
    world.run_for(100);
    world.roam(true);
    world.hint(Hint::NetworkChanged);
    world.run_until(1_000, |world| world.app.migrated == 1);
    // The old connection still owes the answer; the new one cannot give it.
    world.inject(world.session_link(), r#"431["ok"]"#);
    world.run_for(100);
    assert!(world.app.outcome(request).is_none());
}

#[test]
fn req_4_5_a_request_above_max_payload_is_refused_here() {
    let mut world = ready();
    let request = world.app.ask(What::Text, world.now, 15_000);
    let data = format!(r#"{{"to":"all","message":"{}"}}"#, "x".repeat(1_000_001));
    let event = outgoing("text", &data);
    world.command(Command::Request {
        request,
        event,
        timeout_ms: None,
        offline: OfflineRequest::Wait,
        idempotent: false,
    });
    assert_eq!(world.app.code(request), Some(Code::TooLarge));
    assert_eq!(world.watch.count("text"), 0);
}

#[test]
fn w24_a_thousand_requests_of_an_outage_are_sent_once_in_order() {
    let mut world = ready();
    world.dials = Dials::Hang;
    world.reset(world.session_link(), Side::Both);
    world.run_for(1);
    let impatient = world.text_within(Some(2_000));
    let requests: Vec<_> = (0..1_000).map(|_| world.text_within(Some(120_000))).collect();
    world.run_for(5_000);
    assert_eq!(world.app.code(impatient), Some(Code::NotSent));
    world.dials = Dials::Succeed;
    world.run_until(60_000, |world| world.app.open_requests() == 0);
    assert!(requests.iter().all(|request| world.app.code(*request).is_none()));
    let me = world.app.participant.clone().unwrap();
    let done = &world.server.portal.ledger(&me).unwrap().requests;
    let order: Vec<&str> = done.iter().map(|done| done.data["message"].as_str().unwrap()).collect();
    let asked: Vec<String> = requests.iter().map(|id| crate::app::App::message(*id)).collect();
    assert_eq!(order, asked);
}

#[test]
fn w27_an_answer_without_sense_is_a_rejection_with_the_raw_text() {
    let answers = [
        (r#"["maybe",1]"#, r#"["maybe",1]"#),
        ("[]", "[]"),
        (r#"[1,2,3]"#, "[1,2,3]"),
        (r#"[{"ok":1}]"#, r#"[{"ok":1}]"#),
        (r#"["error","no"]"#, r#""no""#),
        (r#"["error",{"why":1}]"#, r#"{"why":1}"#),
        (r#"["error"]"#, "null"),
    ];
    for (answer, raw) in answers {
        let mut world = ready();
        world.server.portal.swallow_acks(None, "text", 1);
        // Its effect is not asked for: the model executes it in spite of the answer.
        let request = world.app.ask(What::Logout, world.now, 15_000);
        let event = outgoing("text", r#"{"to":"all","message":"w27"}"#);
        world.command(Command::Request {
            request,
            event,
            timeout_ms: None,
            offline: OfflineRequest::Wait,
            idempotent: false,
        });
        world.inject(world.session_link(), format!("431{answer}"));
        world.run_for(1_000);
        let error = world.app.outcome(request).unwrap().as_ref().unwrap_err().clone();
        assert_eq!(error.code(), Code::RequestRejected, "{answer}");
        assert_eq!(error.server_json(), Some(raw));
    }
}

#[test]
fn w28_an_answer_after_the_limit_is_ignored() {
    let mut world = ready();
    world.server.portal.delay_acks(None, "text", 1, 5_000);
    let request = world.text_within(Some(1_000));
    world.run_for(1_000);
    assert_eq!(world.app.code(request), Some(Code::AckTimeout));
    world.run_for(10_000);
    assert!(world.is_ready() && world.app.complaints.is_empty());
}

#[test]
fn w33_answers_out_of_order_reach_their_own_requests() {
    let mut world = ready();
    world.server.portal.swallow_acks(None, "text", 3);
    let requests: Vec<_> = (0..3).map(|_| world.text()).collect();
    world.run_until(1_000, |world| {
        requests.iter().all(|request| world.app.executions(*request, &world.server.portal) == 1)
    });
    let link = world.session_link();
    for id in [3, 1, 2] {
        world.inject(link, format!(r#"43{id}["ok",{id}]"#));
        world.run_for(100);
    }
    for (request, id) in requests.iter().zip(1..) {
        let reply = world.app.outcome(*request).unwrap().as_ref().unwrap();
        assert_eq!(reply.decode::<u64>(0).unwrap(), id);
    }
}

#[test]
fn a_request_without_a_session_is_refused_at_once() {
    let mut world = World::new(Setup::default());
    let early = world.text();
    assert_eq!(world.app.code(early), Some(Code::NotLoggedIn));
    world.login();
    let waiting = world.text();
    world.run_for(2_000);
    assert_eq!(world.app.code(waiting), None, "requests wait for the login");
}

#[test]
fn silence_while_an_answer_is_due_is_asked_about_after_three_seconds() {
    let mut world = ready();
    world.freeze(world.session_link(), Side::Both, Flow::BlackHole);
    let request = world.text();
    world.run_until(6_100, |world| !world.is_ready());
    assert_eq!(world.app.code(request), Some(Code::AckLost));
    world.run_until(2_000, World::is_ready);
}

#[test]
fn a_slow_portal_on_a_living_path_is_left_alone() {
    let mut world = ready();
    world.server.portal.delay_acks(None, "text", 1, 12_000);
    let request = world.text();
    world.run_for(14_000);
    assert_eq!(world.app.code(request), None);
    assert_eq!(world.watch.total_dials, 1);
}
