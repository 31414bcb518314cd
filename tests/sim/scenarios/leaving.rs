//! Leaving: requirements 6.x.

use roamio::error::Code;
use roamio::proto::io::ConferenceState;
use roamio_portal::model::ModelConfig;

use crate::link::Side;
use crate::world::{Dials, Setup, World};

fn ready() -> World {
    World::ready(Setup::default())
}

#[test]
fn req_6_1_leaving_waits_for_the_answer_and_closes() {
    let mut world = ready();
    let logout = world.logout();
    assert_eq!(world.app.state, ConferenceState::Leaving);
    world.run_until(1_000, World::is_ended);
    assert_eq!((world.app.code(logout), world.app.end_code()), (None, None));
    world.run_for(60_000);
    assert!(world.links.is_empty());
    assert!(world.server.portal.participants("room").is_empty());
}

#[test]
fn req_6_1_a_logout_without_answer_is_unconfirmed_after_three_seconds() {
    let mut world = ready();
    world.server.portal.swallow_acks(None, "logout", 1);
    let logout = world.logout();
    world.run_until(3_000, World::is_ended);
    assert_eq!(world.app.code(logout), Some(Code::LeftUnconfirmed));
    assert_eq!(world.app.end_code(), Some(Code::LeftUnconfirmed));
}

#[test]
fn req_6_1_w25_leaving_while_away_comes_back_to_say_so() {
    let mut world = ready();
    world.reset(world.session_link(), Side::Both);
    world.burst("missed-", 3, 0);
    world.run_for(10);
    let logout = world.logout();
    world.run_until(3_000, World::is_ended);
    assert_eq!(world.app.code(logout), None);
    assert_eq!(world.app.notified, 3, "what was missed is delivered all the same");
    assert!(world.server.portal.participants("room").is_empty());
    assert!(!world.app.steps.iter().skip(3).any(|step| step.state == ConferenceState::Ready));
}

#[test]
fn req_6_1_notifications_keep_their_order_while_leaving() {
    let model = ModelConfig { relogin_delay: 300, ..ModelConfig::default() };
    let mut world = World::ready(Setup { model, latency: 100, ..Setup::default() });
    world.server.portal.swallow_acks(None, "logout", 1);
    world.burst("stream-", 200, 20);
    world.run_for(500);
    world.reset(world.session_link(), Side::Both);
    world.run_for(50);
    world.logout();
    // The application compares each notification with the ledger.
    world.run_until(3_100, World::is_ended);
    assert!(world.app.replayed > 0);
}

#[test]
fn req_6_1_w25_leaving_without_a_path_is_unconfirmed() {
    let mut world = ready();
    world.dials = Dials::Hang;
    world.black_out();
    world.reset(world.session_link(), Side::Client);
    world.run_for(1_000);
    let logout = world.logout();
    world.run_until(3_000, World::is_ended);
    assert_eq!(world.app.code(logout), Some(Code::LeftUnconfirmed));
    let dials = world.watch.total_dials;
    world.run_for(120_000);
    assert_eq!(world.watch.total_dials, dials);
}

#[test]
fn req_6_1_a_session_that_is_gone_already_is_left() {
    let mut world = ready();
    world.reset(world.session_link(), Side::Both);
    world.run_for(10);
    world.portal(|portal, me, now| portal.drop_participant(me, now));
    let logout = world.logout();
    world.run_until(3_000, World::is_ended);
    assert_eq!((world.app.code(logout), world.app.end_code()), (None, None));
}

#[test]
fn req_6_1_a_lost_logout_is_said_again_on_the_next_connection() {
    let mut world = ready();
    let logout = world.logout();
    world.reset(world.session_link(), Side::Both);
    world.run_until(3_000, World::is_ended);
    assert_eq!((world.app.code(logout), world.watch.count("logout")), (None, 2));
}

#[test]
fn req_6_2_closing_leaves_the_participant_for_the_window() {
    let mut world = ready();
    world.close();
    assert!(world.app.finished, "nothing is waited for");
    world.run_for(1_000);
    assert_eq!(world.server.portal.participants("room").len(), 1);
    assert_eq!(world.watch.count("logout"), 0);
    world.run_for(60_000);
    assert!(world.server.portal.participants("room").is_empty());
}

#[test]
fn req_6_3_a_thousand_sessions_leave_no_timer_and_no_connection() {
    for seed in 0..1_000 {
        let mut world = World::ready(Setup { seed, ..Setup::default() });
        world.run_for(seed % 50);
        if seed % 2 == 0 {
            world.logout();
        }
        world.close();
        assert!(world.app.finished);
        assert_eq!(world.stack.poll_timeout(), None);
        world.run_for(1_000);
        assert!(world.links.is_empty());
    }
}

#[test]
fn several_logouts_have_one_outcome_each() {
    let mut world = ready();
    let logouts = [world.logout(), world.logout(), world.logout()];
    world.run_for(1_000);
    assert!(logouts.iter().all(|logout| world.app.code(*logout).is_none()));
    assert_eq!(world.watch.count("logout"), 1);
}

#[test]
fn a_close_overtakes_a_logout() {
    let mut world = ready();
    let logout = world.logout();
    world.close();
    assert_eq!(world.app.code(logout), Some(Code::Closed));
}

#[test]
fn requests_are_refused_while_leaving() {
    let mut world = ready();
    world.logout();
    let request = world.text();
    assert_eq!(world.app.code(request), Some(Code::InvalidState));
}
