//! Between two connections: what holds when a move is needless, refused, lost, or cut short.

use roamio::config::{ConferenceConfig, PortalProtocol};
use roamio::error::Code;
use roamio::proto::io::{ConferenceState, Hint, Input, WireId};
use roamio_portal::model::ModelConfig;

use crate::link::{Flow, Side};
use crate::world::{Setup, World};

fn ready() -> World {
    World::ready(Setup::default())
}

fn without_ticket() -> World {
    let config = ConferenceConfig { sdk_type: "Python".into(), ..ConferenceConfig::default() };
    World::ready(Setup { config, ..Setup::default() })
}

/// Start a move to another address. Gives the new connection, on which the relogin is on its way.
fn begin_move(world: &mut World) -> WireId {
    let nth = world.watch.count("relogin") + 1;
    world.roam(true);
    world.hint(Hint::NetworkChanged);
    world.run_until_sent("relogin", nth)
}

#[test]
fn without_a_ticket_a_living_connection_is_not_moved_away_from() {
    let mut world = without_ticket();
    world.run_for(40_000);
    world.roam(true);
    world.hint(Hint::NetworkChanged);
    world.run_for(3_000);
    assert_eq!((world.is_ready(), world.watch.total_dials), (true, 1));
}

#[test]
fn without_a_ticket_a_dead_connection_ends_the_session_once_and_for_all() {
    let mut world = without_ticket();
    let link = world.session_link();
    world.freeze(link, Side::Client, Flow::BlackHole);
    world.run_for(40_000);
    world.roam(true);
    world.hint(Hint::NetworkChanged);
    world.input(Input::Activity { wire: link, partial: false, pong: true });
    world.run_for(90);
    world.hint(Hint::Suspended);
    // What arrives now wakes the session, whose connection is found dead.
    world.open_links().iter().for_each(|link| world.freeze(*link, Side::Client, Flow::Held));
    world.run_for(6_000);
    world.open_links().iter().for_each(|link| world.thaw(*link));
    world.run_for(1_000);
    world.hint(Hint::Resumed);
    // The world checks that no timer runs after the end.
    world.run_for(20_000);
    assert_eq!(world.app.end_code(), Some(Code::SessionLost));
}

#[test]
fn bytes_that_were_on_their_way_do_not_answer_for_a_dead_path() {
    let mut world = ready();
    world.run_for(3_000);
    let old = world.session_link();
    world.freeze(old, Side::Server, Flow::BlackHole);
    world.hint(Hint::NetworkChanged);
    world.burst("on-its-way-", 1, 0);
    world.run_until(3_000, |world| world.app.state == ConferenceState::Resuming);
    world.run_until(1_000, World::is_ready);
    assert_ne!(world.session_link(), old);
}

#[test]
fn a_hint_asks_again_although_a_question_is_out() {
    let mut world = ready();
    let link = world.session_link();
    world.freeze(link, Side::Server, Flow::BlackHole);
    world.text();
    world.run_for(5_500);
    world.hint(Hint::NetworkLost);
    world.burst("on-its-way-", 1, 0);
    world.run_until(1_100, |world| world.app.state == ConferenceState::Resuming);
}

#[test]
fn a_message_that_is_long_on_its_way_keeps_the_pong_waiting() {
    let mut world = ready();
    world.run_for(3_000);
    let (link, now) = (world.session_link(), world.now);
    world.with_link(link, |link| {
        for part in 1..=30 {
            link.down.push_after(100 * part, crate::link::ToClient::Part, now);
        }
    });
    world.burst("long-", 1, 0);
    world.hint(Hint::NetworkChanged);
    world.run_for(5_000);
    assert_eq!((world.session_link(), world.app.notified), (link, 1));
    assert_eq!(world.app.steps.len(), 2);
}

#[test]
fn while_the_host_is_full_no_answer_is_demanded_and_then_it_is() {
    for alive in [true, false] {
        let mut world = ready();
        world.run_for(1_000);
        world.host_full(true);
        world.hint(Hint::Resumed);
        if !alive {
            world.black_out();
        }
        world.run_for(10_000);
        assert_eq!(world.app.steps.len(), 2, "nothing is read, so nothing is missed");
        world.host_full(false);
        world.run_for(1_100);
        assert_eq!(world.app.steps.len() == 2, alive);
    }
}

#[test]
fn a_probe_is_put_off_when_the_host_gets_full() {
    let mut world = ready();
    world.run_for(1_000);
    world.hint(Hint::Resumed);
    world.host_full(true);
    world.run_for(10_000);
    world.host_full(false);
    world.run_for(3_000);
    assert_eq!(world.app.steps.len(), 2);
}

#[test]
fn any_hint_after_a_sleep_renews_the_probes() {
    for hint in [Hint::NetworkAvailable, Hint::NetworkLost, Hint::NetworkChanged] {
        let mut world = ready();
        let link = world.session_link();
        // The answer arrives, and is read only after the hint.
        world.freeze(link, Side::Client, Flow::Held);
        world.hint(Hint::NetworkLost);
        world.hint(Hint::Suspended);
        world.run_for(10_000);
        world.hint(hint);
        world.thaw(link);
        world.run_for(3_000);
        assert_eq!(world.app.steps.len(), 2, "{hint:?}");
    }
}

#[test]
fn any_hint_after_a_sleep_notices_a_dead_path() {
    let mut world = ready();
    world.hint(Hint::Suspended);
    world.sleep(5_000, 0);
    world.black_out();
    world.hint(Hint::NetworkAvailable);
    world.run_until(1_100, |world| world.app.state == ConferenceState::Resuming);
}

#[test]
fn an_old_ticket_does_not_end_a_session_that_lives() {
    let model = ModelConfig { ticket_lifetime: 10_000, ..ModelConfig::default() };
    let mut world = World::ready(Setup { model, ..Setup::default() });
    world.server.portal.swallow_acks(None, "refreshReconnectionTicket", 100);
    world.run_for(30_000);
    let fresh = begin_move(&mut world);
    world.reset(fresh, Side::Both);
    world.run_for(50);
    assert!(world.is_ready());
    let request = world.text();
    world.run_for(1_000);
    assert_eq!(world.app.code(request), None);
}

#[test]
fn a_last_relogin_that_a_hint_cut_short_is_made_again() {
    let model = ModelConfig { ticket_lifetime: 60_000, ..Default::default() };
    let mut world = World::ready(Setup { model, ..Setup::default() });
    world.run_for(2_000);
    world.reset(world.session_link(), Side::Both);
    world.hint(Hint::Suspended);
    world.sleep(100_000, 0);
    world.hint(Hint::Resumed);
    let link = world.run_until_sent("relogin", 1);
    world.freeze(link, Side::Server, Flow::Held);
    world.run_for(600);
    world.roam(false);
    world.hint(Hint::NetworkChanged);
    assert_eq!(world.app.state, ConferenceState::Resuming);
    world.run_until_sent("relogin", 2);
}

#[test]
fn a_request_waits_until_a_lost_relogin_has_not_taken_the_session() {
    let mut world = ready();
    let fresh = begin_move(&mut world);
    let request = world.text();
    // The portal has done it; neither its answer nor its `41` is here yet.
    world.run_until_answered("relogin", 1);
    world.reset(fresh, Side::Both);
    world.run_for(5_000);
    assert_eq!(world.app.code(request), None);
    assert!(world.is_ready());
}

#[test]
fn a_request_goes_out_when_the_old_connection_proves_to_live() {
    let mut world = ready();
    let fresh = begin_move(&mut world);
    let request = world.text();
    world.reset(fresh, Side::Both);
    world.run_for(200);
    assert_eq!(world.app.code(request), None);
    assert_eq!(world.app.steps.len(), 2);
}

#[test]
fn a_logout_during_a_move_that_fails_is_said_on_the_old_connection() {
    let fails: [fn(&mut World, WireId); 2] = [
        |world, fresh| world.reset(fresh, Side::Both),
        |world, fresh| world.inject(fresh, r#"431["error","Connection is in service"]"#),
    ];
    for fail in fails {
        let mut world = ready();
        let fresh = begin_move(&mut world);
        world.freeze(fresh, Side::Server, Flow::Held);
        let logout = world.logout();
        fail(&mut world, fresh);
        world.run_until(1_000, World::is_ended);
        assert_eq!((world.app.code(logout), world.watch.count("logout")), (None, 1));
    }
}

#[test]
fn leaving_uses_the_connection_that_stands_by() {
    let mut world = ready();
    world.run_for(2_000);
    world.freeze(world.session_link(), Side::Both, Flow::BlackHole);
    world.hint(Hint::NetworkChanged);
    world.run_for(500);
    assert_eq!(world.open_links().len(), 2);
    let logout = world.logout();
    world.run_until(3_000, World::is_ended);
    assert_eq!((world.app.code(logout), world.watch.total_dials), (None, 2));
    assert!(world.server.portal.participants("room").is_empty());
}

#[test]
fn what_went_to_an_abandoned_connection_is_an_uncertain_gap() {
    // The answer to the second relogin comes after the old connection's `41`, or before it.
    for (slow_old, slow_answer) in [(0, 300), (300, 0)] {
        let config =
            ConferenceConfig { protocol: PortalProtocol::V1_1, ..ConferenceConfig::default() };
        let mut world = World::ready(Setup { config, ..Setup::default() });
        let old = world.session_link();
        let first = begin_move(&mut world);
        world.freeze(first, Side::Server, Flow::Held);
        // The portal learns late that it is closed.
        world.with_link(first, |link| link.up.latency = 1_000);
        world.run_for(600);
        let second = begin_move(&mut world);
        world.freeze(second, Side::Server, Flow::Held);
        world.with_link(old, |link| link.down.latency += slow_old);
        world.with_link(second, |link| link.down.latency += slow_answer);
        world.thaw(first);
        world.run_until_answered("relogin", 1);
        world.burst("lost-", 2, 0);
        world.thaw(second);
        world.run_until(2_000, |world| world.app.migrated == 1);
        world.run_for(1_000);
        assert_eq!(world.app.gaps, [(1, 0, false)]);
        world.burst("later-", 2, 0);
        world.run_for(1_000);
        assert_eq!(world.app.notified, 2);
    }
}
