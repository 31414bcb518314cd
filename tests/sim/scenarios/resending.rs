//! Requests that may be sent once more, and those that do not wait: requirement 4.1.

use roamio::config::{ConferenceConfig, PortalProtocol};
use roamio::error::Code;
use roamio::proto::io::{Hint, RequestId};

use crate::link::{Flow, Side};
use crate::world::{Dials, Setup, World};

fn ready() -> World {
    World::ready(Setup::default())
}

/// How a request ended: its code, whether it was sent twice, and how often the portal executed it.
fn ended(world: &World, request: RequestId) -> (Option<Code>, bool, usize) {
    let resent = match world.app.outcome(request).expect("an outcome") {
        Ok(reply) => reply.resent(),
        Err(error) => error.resent(),
    };
    (world.app.code(request), resent, world.app.executions(request, &world.server.portal))
}

/// Lose the connection, and come back.
fn lose_and_resume(world: &mut World) {
    world.reset(world.session_link(), Side::Both);
    world.run_for(1);
    world.run_until(10_000, World::is_ready);
}

#[test]
fn req_4_1_an_idempotent_request_is_sent_once_more_and_says_so() {
    for read in [false, true] {
        let mut world = ready();
        if read {
            world.server.portal.swallow_acks(None, "text", 1);
        } else {
            world.freeze(world.session_link(), Side::Server, Flow::Held);
        }
        let request = world.idempotent_text();
        world.run_for(100);
        lose_and_resume(&mut world);
        world.run_for(1_000);
        assert_eq!(ended(&world, request), (None, true, 1 + usize::from(read)));
    }
}

#[test]
fn req_4_1_what_is_sent_again_keeps_its_place_in_front_of_what_waits() {
    let mut world = ready();
    world.freeze(world.session_link(), Side::Server, Flow::Held);
    let requests = [world.idempotent_text(), world.idempotent_text()];
    world.run_for(100);
    world.reset(world.session_link(), Side::Both);
    world.run_for(1);
    let later = world.text();
    world.run_until(5_000, World::is_ready);
    world.run_for(1_000);
    let order = world.portal(|portal, me, _| {
        let ledger = portal.ledger(me).expect("a session");
        let messages = ledger.requests.iter().filter(|request| request.name == "text");
        messages
            .map(|request| request.data["message"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    });
    let expected = [requests[0], requests[1], later].map(crate::app::App::message);
    assert_eq!(order, expected);
}

#[test]
fn req_4_1_an_idempotent_request_is_not_sent_a_third_time() {
    let mut world = ready();
    world.server.portal.swallow_acks(None, "text", 2);
    let request = world.idempotent_text();
    for _ in 0..2 {
        world.run_for(100);
        lose_and_resume(&mut world);
    }
    world.run_for(20_000);
    assert_eq!(ended(&world, request), (Some(Code::AckLost), true, 2));
    assert_eq!(world.watch.count("text"), 2);
}

#[test]
fn req_4_1_an_answer_that_was_lost_in_a_migration_is_asked_for_again() {
    for protocol in [PortalProtocol::V1_1, PortalProtocol::V1_2] {
        let config = ConferenceConfig { protocol, ..ConferenceConfig::default() };
        let mut world = World::ready(Setup { config, ..Setup::default() });
        world.server.portal.swallow_acks(None, "text", 1);
        let request = world.idempotent_text();
        world.run_for(100);
        world.roam(true);
        world.hint(Hint::NetworkChanged);
        world.run_until(2_000, |world| world.app.migrated == 1);
        assert!(world.app.outcome(request).is_none(), "the old connection may still answer");
        world.run_for(6_000);
        assert_eq!(ended(&world, request), (None, true, 2));
    }
}

#[test]
fn req_4_1_sending_again_has_the_same_time_limit() {
    let mut world = ready();
    world.server.portal.swallow_acks(None, "text", 1);
    let (request, asked) = (world.idempotent_text(), world.now);
    world.run_for(100);
    world.dials = Dials::Refused;
    world.reset(world.session_link(), Side::Both);
    world.run_until(15_000, |world| world.app.outcome(request).is_some());
    assert_eq!(world.now - asked, 15_000);
    world.dials = Dials::Succeed;
    world.run_until(10_000, World::is_ready);
    world.run_for(1_000);
    assert_eq!(ended(&world, request), (Some(Code::AckLost), false, 1));
}

#[test]
fn req_4_1_what_waits_to_be_sent_again_can_be_cancelled_and_ends_with_the_session() {
    type Way = (fn(&mut World, RequestId), Code);
    let ways: [Way; 2] = [
        (|world, request| world.cancel(request), Code::Cancelled),
        (|world, _| world.restart_portal(), Code::AckLost),
    ];
    for (act, code) in ways {
        let mut world = ready();
        world.server.portal.swallow_acks(None, "text", 1);
        let request = world.idempotent_text();
        world.run_for(100);
        world.reset(world.session_link(), Side::Both);
        world.run_for(1);
        assert!(world.app.outcome(request).is_none());
        act(&mut world, request);
        world.run_for(10_000);
        assert_eq!(ended(&world, request), (Some(code), false, 1));
        assert_eq!(world.watch.count("text"), 1);
    }
}

#[test]
fn req_4_1_a_request_that_does_not_wait_ends_not_sent_at_once() {
    let mut world = World::new(Setup::default());
    world.login();
    let early = world.impatient_text();
    assert_eq!(world.app.code(early), Some(Code::NotSent));
    world.run_until(5_000, World::is_ready);
    let fine = world.impatient_text();
    world.run_for(1_000);
    assert_eq!(world.app.code(fine), None);
    world.reset(world.session_link(), Side::Both);
    world.run_for(1);
    let late = world.impatient_text();
    assert_eq!(world.app.code(late), Some(Code::NotSent));
    world.run_until(5_000, World::is_ready);
    world.run_for(1_000);
    assert_eq!(world.watch.count("text"), 1);
}

#[test]
fn req_4_1_a_request_held_by_a_migration_that_fails_does_not_wait_for_another() {
    let mut world = ready();
    world.server.portal.swallow_acks(None, "relogin", 1);
    world.roam(true);
    world.hint(Hint::NetworkChanged);
    world.run_until_sent("relogin", 1);
    let request = world.impatient_text();
    assert!(world.app.outcome(request).is_none(), "the session is ready");
    world.black_out();
    world.dials = Dials::Refused;
    world.run_until(60_000, |world| world.app.outcome(request).is_some());
    assert_eq!(ended(&world, request), (Some(Code::NotSent), false, 0));
}
