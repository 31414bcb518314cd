//! How long and how often: waits, attempts and limits under repeated or mistaken provocation.

use roamio::config::ConferenceConfig;
use roamio::error::Code;
use roamio::proto::io::{ConferenceState, Hint};
use roamio_portal::model::ModelConfig;

use crate::link::{Millis, Side};
use crate::world::{Dials, Setup, World};

fn ready() -> World {
    World::ready(Setup::default())
}

/// Somebody else takes the session. Gives how long we were away; nothing when we stay away.
fn kick(world: &mut World) -> Option<Millis> {
    world.portal(|portal, me, now| portal.kick(me, now));
    let kicked = world.now;
    world.run_until(5_000, |world| !world.is_ready());
    world.run_until(10_000, |world| world.is_ready() || world.is_ended());
    world.is_ready().then(|| world.now - kicked)
}

#[test]
fn a_host_that_repeats_that_there_is_no_network_does_not_stop_the_dials() {
    let mut world = ready();
    world.dials = Dials::Refused;
    world.hint(Hint::NetworkLost);
    world.reset(world.session_link(), Side::Both);
    let before = world.watch.total_dials;
    for _ in 0..30 {
        world.run_for(20_000);
        world.hint(Hint::NetworkLost);
    }
    let dials = world.watch.total_dials - before;
    assert!((10..=21).contains(&dials), "{dials} dials in ten minutes");
}

#[test]
fn time_without_a_network_uses_up_no_quick_attempts() {
    for hints in [&[Hint::NetworkLost][..], &[Hint::NetworkLost, Hint::Suspended, Hint::Resumed]] {
        let model = ModelConfig { ticket_lifetime: 6_000_000, ..ModelConfig::default() };
        let mut world = World::ready(Setup { model, ..Setup::default() });
        world.dials = Dials::Refused;
        world.reset(world.session_link(), Side::Both);
        hints.iter().for_each(|hint| world.hint(*hint));
        world.run_for(600_000);
        let before = world.app.retries.len();
        world.hint(Hint::NetworkAvailable);
        world.run_for(100_000);
        let delays = world.app.retries[before..].iter().map(|retry| retry.delay_ms);
        assert!(delays.clone().count() > 20 && delays.flatten().all(|delay| delay <= 5_000));
        world.run_for(200_000);
        let slow = world.app.retries.iter().rev().take(5).any(|retry| retry.delay_ms > Some(5_000));
        assert!(slow, "the quick attempts come to an end");
    }
}

#[test]
fn a_round_trip_of_long_ago_does_not_decide_how_long_a_dead_path_is_waited_for() {
    let mut world = World::new(Setup::default());
    world.dials = Dials::Slow(8_000);
    world.login();
    world.run_until(15_000, World::is_ready);
    world.run_for(120_000);
    world.black_out();
    world.text();
    world.run_until(7_000, |world| world.app.state == ConferenceState::Resuming);
}

#[test]
fn a_sleep_between_probe_and_pong_is_no_round_trip() {
    let mut world = ready();
    world.run_for(3_000);
    world.hint(Hint::NetworkLost);
    world.hint(Hint::Suspended);
    world.sleep(20_000, 0);
    world.hint(Hint::Resumed);
    world.run_for(1_000);
    world.black_out();
    world.text();
    world.run_until(7_000, |world| world.app.state == ConferenceState::Resuming);
}

#[test]
fn an_abandoned_relogin_of_our_own_excuses_one_intruder() {
    let mut world = ready();
    world.reset(world.session_link(), Side::Both);
    let abandoned = world.run_until_sent("relogin", 1);
    world.reset(abandoned, Side::Both);
    world.run_until(5_000, World::is_ready);
    let mut away = Vec::new();
    while let Some(time) = kick(&mut world) {
        away.push(time);
        assert!(away.len() < 10, "a war without an end");
    }
    assert_eq!(world.app.end_code(), Some(Code::Superseded));
    assert_eq!(away.len(), 4, "{away:?}");
    assert!(away[1] < 500 && away[2] > 1_000 && away[3] > 2_000, "{away:?}");
}

#[test]
fn the_wait_after_an_intruder_is_told() {
    let mut world = ready();
    kick(&mut world);
    assert!(world.app.retries.is_empty(), "the first time there is no wait");
    kick(&mut world);
    kick(&mut world);
    let delays: Vec<_> = world.app.retries.iter().map(|retry| retry.delay_ms).collect();
    assert_eq!(delays, [Some(1_000), Some(2_000)]);
    assert_eq!(world.app.retries[0].error.code(), Code::ServerDisconnect);
}

#[test]
fn what_comes_before_the_answer_is_bounded_in_bytes() {
    let model = ModelConfig { join_delay: 2_000, ..ModelConfig::default() };
    let mut config = ConferenceConfig::default();
    config.common.limits.host_queue_bytes = 4 << 20;
    let mut world = World::new(Setup { model, config, ..Setup::default() });
    let login = world.login();
    let link = world.run_until_sent("login", 1);
    let notification = format!(r#"42["n","{}"]"#, "x".repeat(1 << 20));
    for _ in 0..3 {
        world.inject(link, notification.clone());
    }
    world.run_for(100);
    assert!(world.app.outcome(login).is_none());
    world.inject(link, notification);
    world.run_for(100);
    assert_eq!(world.app.code(login), Some(Code::LoginUnknown));
}
