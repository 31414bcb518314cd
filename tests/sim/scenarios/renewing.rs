//! Fresh logins in place of a session: requirement 2.7, rows L and E, `rejoin`.

use std::time::Duration;

use roamio::config::{ConferenceConfig, PortalProtocol};
use roamio::error::Code;
use roamio::proto::io::{ConferenceState, Hint};
use roamio_portal::model::{ModelConfig, Protocol};

use crate::link::Side;
use crate::world::{Dials, Provider, Setup, World};

fn config() -> ConferenceConfig {
    ConferenceConfig { ask_token: true, ..ConferenceConfig::default() }
}

fn world(provider: Provider, config: ConferenceConfig) -> World {
    let mut world = World::new(Setup { config, ..Setup::default() });
    world.provider = provider;
    world
}

fn ready(provider: Provider) -> World {
    ready_with(provider, config())
}

fn ready_with(provider: Provider, config: ConferenceConfig) -> World {
    let mut world = world(provider, config);
    world.login();
    world.run_until(5_000, World::is_ready);
    world
}

/// The states since the first `Ready`, with the codes of their causes.
fn path(world: &World) -> Vec<(ConferenceState, Option<Code>)> {
    let steps = world.app.steps.iter().skip(2);
    steps.map(|step| (step.state, step.cause.as_ref().map(|cause| cause.code()))).collect()
}

fn participants(world: &World) -> usize {
    world.server.portal.participants("room").len()
}

/// The session was replaced for this, and the new one works.
fn expect_rejoined(world: &mut World, limit: u64, cause: Code) {
    let delivered = world.app.position as u64;
    world.run_until(limit, |world| world.app.rejoined == 1);
    assert_eq!(world.app.wanted, [Some(cause)]);
    let path = path(world);
    assert_eq!(path[0].0, ConferenceState::Resuming);
    assert_eq!(
        path[1..],
        [(ConferenceState::Joining, Some(cause)), (ConferenceState::Ready, None)]
    );
    assert_eq!(world.app.gaps, [(delivered + 1, 0, false)], "one gap, in the old numbers");
    assert_eq!(world.watch.count("login"), 2);
    world.burst("anew-", 3, 0);
    let text = world.text();
    world.run_for(1_000);
    assert_eq!((world.app.code(text), world.app.position), (None, 4), "numbered anew");
    world.app.check_end(&world.server.portal);
}

#[test]
fn req_2_7_w05_a_restarted_portal_is_joined_anew() {
    let mut world = ready(Provider::Gives);
    world.burst("before-", 5, 0);
    world.run_for(1_000);
    world.restart_portal();
    expect_rejoined(&mut world, 5_000, Code::ServerRestarted);
    assert_eq!(participants(&world), 1);
}

#[test]
fn req_2_7_w06_after_the_tickets_life_it_is_joined_anew() {
    let mut world = ready(Provider::Gives);
    world.black_out();
    world.dials = Dials::Hang;
    world.run_for(601_000);
    world.dials = Dials::Succeed;
    expect_rejoined(&mut world, 80_000, Code::TicketExpired);
    assert_eq!(world.watch.count("relogin"), 1, "the portal is asked once");
}

#[test]
fn req_2_7_w07_after_the_window_it_is_joined_anew() {
    let mut world = ready(Provider::Gives);
    world.black_out();
    world.dials = Dials::Hang;
    world.run_for(200_000);
    world.dials = Dials::Succeed;
    expect_rejoined(&mut world, 80_000, Code::SessionLost);
}

#[test]
fn w31_two_hours_asleep_and_another_network_is_a_fresh_login_within_two_seconds() {
    let mut world = ready(Provider::Gives);
    world.hint(Hint::Suspended);
    world.sleep(7_200_000, 0);
    world.roam(false);
    world.hint(Hint::Resumed);
    world.hint(Hint::NetworkChanged);
    world.run_until(2_000, |world| world.app.rejoined == 1 && world.is_ready());
    assert_eq!(world.app.gaps.len(), 1);
}

#[test]
fn req_2_7_a_refusal_ends_the_session_for_what_it_was_lost() {
    let mut world = ready(Provider::Refuses);
    world.restart_portal();
    world.run_until(5_000, World::is_ended);
    assert_eq!(world.app.end_code(), Some(Code::ServerRestarted));
    assert!(world.app.gaps.is_empty());
}

#[test]
fn req_2_7_no_answer_within_the_providers_limit_ends_the_session() {
    let mut world = ready(Provider::Silent);
    world.restart_portal();
    world.run_until(5_000, |world| world.app.wanted.len() == 1);
    let asked = world.now;
    world.run_until(20_000, World::is_ended);
    assert_eq!((world.app.end_code(), world.now), (Some(Code::ServerRestarted), asked + 20_000));
    // Too late.
    world.provider = Provider::Gives;
    let question = world.app.questions.pop_front().expect("it was asked");
    world.answer(question);
    world.run_for(60_000);
    assert_eq!((world.watch.count("login"), world.links.len()), (1, 0));
}

#[test]
fn req_2_7_only_the_first_answer_to_a_question_counts() {
    let mut world = ready(Provider::Silent);
    world.restart_portal();
    world.run_until(5_000, |world| world.app.wanted.len() == 1);
    world.run_for(10_000);
    world.provider = Provider::Gives;
    let question = world.app.questions.pop_front().expect("it was asked");
    world.answer(question);
    world.provider = Provider::Refuses;
    world.answer(question);
    world.run_until(5_000, World::is_ready);
    assert_eq!(world.watch.count("login"), 2);
}

#[test]
fn req_2_7_the_old_token_is_never_used_again() {
    let mut world = ready(Provider::Repeats);
    world.restart_portal();
    world.run_until(5_000, World::is_ended);
    assert_eq!(world.app.end_code(), Some(Code::ServerRestarted));
    assert_eq!(world.watch.count("login"), 1);
}

#[test]
fn req_2_7_fresh_tokens_that_are_refused_are_asked_for_ever_slower_and_not_for_ever() {
    let mut world = ready(Provider::GivesBad);
    world.run_for(100_000);
    world.restart_portal();
    let lost = world.now;
    world.run_until(60_000, World::is_ended);
    assert_eq!(world.app.end_code(), Some(Code::LoginRejected));
    assert_eq!(world.app.wanted.len(), 5);
    assert!(world.now - lost >= 15_000, "after 1, 2, 4 and 8 s");
    let waits: Vec<_> =
        world.app.retries.iter().rev().take(4).map(|retry| retry.delay_ms).collect();
    assert_eq!(waits, [Some(8_000), Some(4_000), Some(2_000), Some(1_000)]);
    assert_eq!(participants(&world), 0);
}

#[test]
fn req_2_7_a_session_that_lasted_is_replaced_at_once_however_often() {
    let mut world = ready(Provider::Gives);
    for turn in 1..=8 {
        world.run_for(61_000);
        world.restart_portal();
        world.run_until(6_000, |world| world.app.rejoined == turn && world.is_ready());
    }
}

#[test]
fn l_a_first_login_without_answer_asks_once_and_its_outcome_is_that_of_the_second() {
    let mut world = world(Provider::Gives, config());
    let login = world.login();
    let link = world.run_until_answered("login", 1);
    world.reset(link, Side::Both);
    world.run_until(5_000, World::is_ready);
    assert_eq!(world.app.wanted, [Some(Code::LoginUnknown)]);
    assert_eq!((world.app.code(login), world.app.rejoined), (None, 0));
    assert!(world.app.gaps.is_empty(), "there was no session before");
    // The ghost of the first goes with its window.
    assert_eq!(participants(&world), 2);
    world.run_for(61_000);
    assert_eq!(participants(&world), 1);
}

#[test]
fn l_a_second_login_without_answer_is_the_end() {
    let mut world = world(Provider::Gives, config());
    world.server.portal.swallow_acks(None, "login", 2);
    let login = world.login();
    world.run_until(40_000, World::is_ended);
    assert_eq!(world.app.code(login), Some(Code::LoginUnknown));
    assert_eq!((world.app.wanted.len(), world.watch.count("login")), (1, 2));
}

#[test]
fn what_another_token_does_not_help_is_the_end_at_once() {
    let dropped: fn(&mut World) = |world| {
        world.portal(|portal, me, now| portal.drop_participant(me, now));
    };
    let superseded: fn(&mut World) = |world| {
        for _ in 0..4 {
            world.run_until(10_000, World::is_ready);
            world.portal(|portal, me, now| portal.kick(me, now));
            world.run_for(100);
        }
    };
    for (fate, code) in [(dropped, Code::Dropped), (superseded, Code::Superseded)] {
        let mut world = ready(Provider::Gives);
        fate(&mut world);
        world.run_until(10_000, World::is_ended);
        assert_eq!((world.app.end_code(), world.app.wanted.len()), (Some(code), 0));
    }
    let model = ModelConfig { protocols: vec![Protocol::V1_1], ..ModelConfig::default() };
    let mut world = World::new(Setup { config: config(), model, ..Setup::default() });
    world.provider = Provider::Gives;
    world.login();
    world.run_until(5_000, World::is_ended);
    assert_eq!((world.app.end_code(), world.app.wanted.len()), (Some(Code::ProtocolVersion), 0));
}

#[test]
fn e_what_was_sent_is_lost_and_what_was_not_goes_out_after_the_rejoin() {
    let mut world = ready(Provider::Silent);
    world.server.portal.swallow_acks(None, "text", 1);
    let sent = world.text();
    world.run_until_sent("text", 1);
    world.run_for(50);
    world.restart_portal();
    world.run_until(5_000, |world| world.app.wanted.len() == 1);
    let (queued, impatient) = (world.text(), world.text_within(Some(500)));
    world.run_for(1_000);
    assert_eq!(world.app.code(sent), Some(Code::AckLost));
    assert_eq!(world.app.code(impatient), Some(Code::NotSent));
    assert!(world.app.outcome(queued).is_none());
    world.provider = Provider::Gives;
    let question = world.app.questions.pop_front().expect("it was asked");
    world.answer(question);
    world.run_until(5_000, |world| world.app.open_requests() == 0);
    assert_eq!(world.app.code(queued), None);
}

#[test]
fn a_replay_too_large_for_the_link_is_replaced_by_a_fresh_login() {
    let mut world = ready(Provider::Gives);
    world.reset(world.session_link(), Side::Both);
    world.burst("missed-", 400, 0);
    world.drip = Some((100, 200));
    for nth in 1..=3 {
        let link = world.run_until_answered("relogin", nth);
        world.run_for(2_000);
        world.reset(link, Side::Both);
    }
    world.drip = None;
    world.run_until(10_000, |world| world.app.rejoined == 1);
    assert_eq!(world.app.wanted, [Some(Code::SessionLost)]);
}

#[test]
fn leaving_while_a_token_is_asked_for_ends_it() {
    let expired: fn(&mut World) = |world| {
        world.portal(|portal, _, now| portal.expire_tickets(now));
        world.reset(world.session_link(), Side::Both);
    };
    // A restarted portal knows nobody; where a ticket is expired the participant may still be there.
    for (lose, outcome) in
        [(World::restart_portal as fn(&mut World), None), (expired, Some(Code::LeftUnconfirmed))]
    {
        let mut world = ready(Provider::Silent);
        lose(&mut world);
        world.run_until(10_000, |world| world.app.wanted.len() == 1);
        let (logout, rejoin) = (world.logout(), world.rejoin());
        world.run_for(10);
        assert_eq!((world.app.code(logout), world.app.end_code()), (outcome, outcome));
        assert_eq!(world.app.code(rejoin), Some(Code::NotLoggedIn));
    }
}

// ---- rejoin ---------------------------------------------------------------------------------

#[test]
fn rejoin_logs_the_old_participant_out_and_another_one_in() {
    let mut world = ready(Provider::Gives);
    world.burst("before-", 5, 0);
    world.run_for(1_000);
    let old = world.app.participant.clone();
    let rejoin = world.rejoin();
    let text = world.text();
    world.run_until(5_000, |world| world.app.rejoined == 1);
    assert_eq!(world.app.wanted, [None], "the session lives");
    assert_eq!((world.app.code(rejoin), world.watch.count("logout")), (None, 1));
    assert_eq!(participants(&world), 1);
    assert_ne!(world.app.participant, old);
    assert_eq!(world.app.gaps, [(6, 0, false)]);
    let states: Vec<_> = path(&world).into_iter().map(|(state, _)| state).collect();
    use ConferenceState::{Joining, Leaving, Ready};
    assert_eq!(states, [Leaving, Joining, Ready]);
    world.run_for(1_000);
    assert_eq!(world.app.code(text), None, "it has waited");
}

#[test]
fn rejoin_while_away_comes_back_to_log_out() {
    let mut world = ready(Provider::Gives);
    world.reset(world.session_link(), Side::Both);
    world.run_for(10);
    let rejoin = world.rejoin();
    world.run_until(5_000, |world| world.app.rejoined == 1);
    assert_eq!((world.app.code(rejoin), world.watch.count("logout")), (None, 1));
    assert_eq!(participants(&world), 1);
}

#[test]
fn rejoin_goes_on_when_the_logout_gets_no_answer() {
    let mut world = ready(Provider::Gives);
    world.server.portal.swallow_acks(None, "logout", 1);
    world.rejoin();
    world.run_until(5_000, |world| world.app.rejoined == 1);
}

#[test]
fn rejoin_without_a_token_leaves_the_session_as_it_is() {
    for (provider, code) in
        [(Provider::Refuses, Code::Cancelled), (Provider::Silent, Code::TimedOut)]
    {
        let mut world = ready(provider);
        let rejoin = world.rejoin();
        world.run_for(20_001);
        assert_eq!(world.app.code(rejoin), Some(code));
        assert!(path(&world).is_empty() && world.app.gaps.is_empty());
        world.app.check_end(&world.server.portal);
    }
}

#[test]
fn a_session_lost_while_its_rejoin_waits_for_a_token_uses_that_token() {
    let mut world = ready(Provider::Silent);
    let rejoin = world.rejoin();
    world.restart_portal();
    world.run_until(5_000, |world| world.app.state == ConferenceState::Joining);
    world.provider = Provider::Gives;
    let question = world.app.questions.pop_front().expect("it was asked");
    world.answer(question);
    world.run_until(5_000, |world| world.app.rejoined == 1);
    assert_eq!((world.app.code(rejoin), world.app.wanted.len()), (None, 1));
}

#[test]
fn a_logout_during_a_rejoin_leaves_for_good() {
    let mut world = ready(Provider::Gives);
    world.server.portal.delay_acks(None, "logout", 1, 1_000);
    let rejoin = world.rejoin();
    world.run_until_sent("logout", 1);
    let logout = world.logout();
    world.run_until(5_000, World::is_ended);
    assert_eq!((world.app.code(logout), world.app.end_code()), (None, None));
    assert_eq!(world.app.code(rejoin), Some(Code::SessionLost));
    assert_eq!((participants(&world), world.watch.count("login")), (0, 1));
}

#[test]
fn req_1_5_a_close_during_the_login_of_a_rejoin_tells_the_portal_first() {
    let model = ModelConfig { join_delay: 2_000, ..ModelConfig::default() };
    let mut world = World::new(Setup { config: config(), model, ..Setup::default() });
    world.provider = Provider::Gives;
    world.login();
    world.run_until(5_000, World::is_ready);
    let rejoin = world.rejoin();
    world.run_until_sent("login", 2);
    world.close();
    assert_eq!(world.app.code(rejoin), Some(Code::Closed));
    world.run_until(1_000, |world| world.app.finished);
    world.run_for(5_000);
    assert_eq!(participants(&world), 0, "no ghost is left");
}

#[test]
fn rejoin_is_refused_where_it_makes_no_sense() {
    let mut world = ready(Provider::Gives);
    world.logout();
    let late = world.rejoin();
    assert_eq!(world.app.code(late), Some(Code::InvalidState));
    let mut world = World::ready(Setup::default());
    let unasked = world.rejoin();
    assert_eq!(world.app.code(unasked), Some(Code::InvalidState));
}

#[test]
fn rejoin_on_gap_makes_the_room_known_again() {
    let keep = Duration::from_secs(60);
    let config = ConferenceConfig {
        rejoin_on_gap: true,
        protocol: PortalProtocol::V1_1,
        fast_resume: keep,
        ..config()
    };
    let mut world = ready_with(Provider::Gives, config);
    for turn in 1..=3 {
        world.reset(world.session_link(), Side::Both);
        world.run_until(20_000, |world| world.app.rejoined == turn);
        // The gap of the resume, and that of the rejoin, which asks for no other.
        assert_eq!(world.app.gaps.len() as u64, 2 * turn);
        world.run_for(5_000);
        assert_eq!(world.app.rejoined, turn);
        assert_eq!(participants(&world), 1);
    }
}
