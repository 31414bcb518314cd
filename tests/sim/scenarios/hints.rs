//! What the host says about the network: right, wrong, and in storms.

use roamio::config::{ConferenceConfig, PortalProtocol};
use roamio::error::Code;
use roamio::proto::io::{ConferenceState, Hint};

use crate::link::{Flow, Millis, Side};
use crate::world::{Below, Dials, Setup, World};

fn ready() -> World {
    World::ready(Setup::default())
}

#[test]
fn b05_a_storm_of_hints_makes_few_dials_and_harms_nothing() {
    let mut world = ready();
    let dials = world.watch.total_dials;
    for _ in 0..6_000 {
        let hints =
            [Hint::NetworkChanged, Hint::NetworkAvailable, Hint::NetworkLost, Hint::Resumed];
        let hint = hints[world.rng.below(4) as usize];
        world.hint(hint);
        world.run_for(10);
    }
    assert!(world.watch.total_dials - dials <= 120, "{} dials", world.watch.total_dials);
    assert_eq!(world.app.steps.len(), 2, "a living session does not move");
    let request = world.text();
    world.run_for(1_000);
    assert_eq!(world.app.code(request), None);
}

#[test]
fn a_changed_network_on_a_living_path_with_the_same_address_moves_nothing() {
    let mut world = ready();
    let link = world.session_link();
    world.hint(Hint::NetworkChanged);
    world.run_for(3_000);
    assert_eq!(world.session_link(), link);
    assert_eq!((world.watch.count("relogin"), world.open_links().len()), (0, 1));
}

#[test]
fn a_changed_network_on_a_dead_path_is_ready_within_a_second_and_six_round_trips() {
    for latency in [1, 20, 100] {
        let mut world = World::ready(Setup { latency, ..Setup::default() });
        world.black_out();
        world.hint(Hint::NetworkChanged);
        let told = world.now;
        world.run_until(5_000, |world| world.app.state == ConferenceState::Resuming);
        world.run_until(5_000, World::is_ready);
        assert!(world.now - told <= 1_000 + 12 * latency, "{} ms", world.now - told);
    }
}

#[test]
fn a_dial_starts_at_once_when_the_network_changes() {
    let mut world = ready();
    world.dials = Dials::Refused;
    world.reset(world.session_link(), Side::Both);
    world.run_until(50_000, |world| {
        world.app.retries.last().is_some_and(|retry| retry.delay_ms > Some(3_000))
    });
    world.run_for(600);
    let dials = world.watch.total_dials;
    world.dials = Dials::Succeed;
    world.hint(Hint::NetworkChanged);
    assert_eq!(world.watch.total_dials, dials + 1);
    world.run_until(500, World::is_ready);
}

#[test]
fn without_a_network_dials_are_half_a_minute_apart_and_an_available_one_ends_the_wait() {
    let mut world = ready();
    world.hint(Hint::NetworkLost);
    world.dials = Dials::Refused;
    world.black_out();
    world.run_for(5_000);
    let dials = world.watch.total_dials;
    world.run_for(120_000);
    assert!(world.watch.total_dials - dials <= 5, "{}", world.watch.total_dials - dials);
    world.dials = Dials::Succeed;
    world.hint(Hint::NetworkAvailable);
    world.run_until(1_000, |world| world.is_ready() || world.is_ended());
}

#[test]
fn a_wrong_word_that_the_network_is_lost_does_no_harm() {
    let mut world = ready();
    world.hint(Hint::NetworkLost);
    world.run_for(60_000);
    assert_eq!((world.app.steps.len(), world.watch.total_dials), (2, 1));
}

#[test]
fn while_suspended_nothing_is_sent_and_no_timer_runs() {
    let mut world = ready();
    world.black_out();
    world.hint(Hint::Suspended);
    assert_eq!(world.stack.poll_timeout(), None);
    world.run_for(300_000);
    assert_eq!((world.app.steps.len(), world.watch.total_dials), (2, 1));
    world.hint(Hint::Resumed);
    world.run_until(1_000, |world| world.app.state == ConferenceState::Resuming);
}

#[test]
fn a_call_in_suspension_counts_as_resumed() {
    let mut world = ready();
    world.hint(Hint::Suspended);
    let request = world.text();
    world.run_for(1_000);
    assert_eq!(world.app.code(request), None);
}

#[test]
fn a_probe_that_was_out_when_the_device_fell_asleep_ends_nothing() {
    let mut world = ready();
    world.hint(Hint::NetworkLost);
    world.hint(Hint::Suspended);
    // The answer arrives and is not read.
    world.sleep(10_000, 0);
    world.hint(Hint::Resumed);
    world.run_for(3_000);
    assert_eq!((world.app.steps.len(), world.watch.total_dials), (2, 1));
}

#[test]
fn after_a_resume_a_dead_path_is_noticed_within_a_second() {
    let mut world = ready();
    world.sleep(20_000, 0);
    world.black_out();
    world.hint(Hint::Resumed);
    world.run_until(1_000, |world| world.app.state == ConferenceState::Resuming);
    world.run_until(1_000, World::is_ready);
}

#[test]
fn f21_a_flapping_link_makes_no_dial_storm() {
    let mut world = ready();
    for _ in 0..85 {
        let links = world.open_links();
        links.iter().for_each(|link| world.freeze(*link, Side::Both, Flow::Held));
        world.dials = Dials::Refused;
        world.hint(Hint::NetworkLost);
        world.run_for(300);
        links.iter().for_each(|link| world.thaw(*link));
        world.dials = Dials::Succeed;
        world.hint(Hint::NetworkAvailable);
        world.run_for(400);
    }
    assert_eq!(world.app.steps.len(), 2, "TCP repairs what liveness does not declare dead");
    assert_eq!(world.watch.total_dials, 1);
}

#[test]
fn make_before_break_between_two_living_networks_is_one_migration() {
    for protocol in [PortalProtocol::V1_1, PortalProtocol::V1_2] {
        let config = ConferenceConfig { protocol, ..ConferenceConfig::default() };
        let mut world = World::ready(Setup { config, ..Setup::default() });
        world.burst("steady-", 300, 10);
        world.run_for(1_000);
        world.roam(true);
        world.hint(Hint::NetworkChanged);
        let requests: Vec<_> = (0..10)
            .map(|_| {
                world.run_for(30);
                world.text()
            })
            .collect();
        world.run_for(10_000);
        assert_eq!((world.app.migrated, world.app.steps.len()), (1, 2), "{protocol:?}");
        assert!(requests.iter().all(|request| world.app.code(*request).is_none()));
        assert_eq!(world.open_links().len(), 1);
        world.app.check_end(&world.server.portal);
    }
}

#[test]
fn a_move_goes_on_when_the_new_network_does_not_carry_the_first_dials() {
    for fails_for in [0, 10, 700, 3_000, 20_000] {
        let mut world = ready();
        world.dials = Dials::Refused;
        world.roam(true);
        world.hint(Hint::NetworkChanged);
        world.run_for(fails_for);
        assert_eq!(world.app.steps.len(), 2, "the old connection is in use");
        world.dials = Dials::Succeed;
        world.run_until(5_500, |world| world.app.migrated == 1);
        world.run_for(60_000);
        assert_eq!((world.app.migrated, world.app.steps.len()), (1, 2));
        assert!(
            world.app.retries.is_empty(),
            "nothing is lost that the application could wait for"
        );
    }
}

#[test]
fn a_move_that_only_fails_is_given_up() {
    let mut world = ready();
    world.dials = Dials::Refused;
    world.roam(true);
    world.hint(Hint::NetworkChanged);
    // A minute after the word of the host, and one after the address was seen to be another one.
    world.run_for(125_000);
    let dials = world.watch.total_dials;
    assert!((10..=60).contains(&dials), "{dials} dials");
    world.run_for(600_000);
    assert_eq!((world.watch.total_dials, world.app.steps.len()), (dials, 2));
}

#[test]
fn a_move_is_given_up_when_the_device_is_back_where_it_was() {
    let mut world = ready();
    let home = world.local;
    world.dials = Dials::Refused;
    world.roam(true);
    world.hint(Hint::NetworkChanged);
    world.run_for(3_000);
    world.local = home;
    // It is seen with the next dial, after which one more may be planned.
    world.run_for(15_000);
    let dials = world.watch.total_dials;
    world.dials = Dials::Succeed;
    world.run_for(60_000);
    assert_eq!((world.watch.total_dials, world.watch.count("relogin")), (dials, 0));
}

#[test]
fn a_refused_move_leaves_the_session_where_it_is() {
    let mut world = ready();
    let old = world.session_link();
    world.server.portal.swallow_acks(None, "relogin", 1);
    world.roam(true);
    world.hint(Hint::NetworkChanged);
    let fresh = world.run_until_sent("relogin", 1);
    // The old connection is frozen, so that its `41` is not seen.
    world.freeze(old, Side::Client, Flow::Held);
    world.inject(fresh, r#"431["error","Connection is in service"]"#);
    world.run_for(100);
    assert!(world.is_ready());
    assert_eq!(world.app.complaints.len(), 1);
}

#[test]
fn w32_a_host_that_does_not_keep_up_is_told_once_and_loses_nothing() {
    let mut world = World::ready(Setup { ping: (2_000, 2_000), ..Setup::default() });
    world.burst("flood-", 10_000, 1);
    world.run_for(1_000);
    world.host_full(true);
    let before = world.app.notified;
    world.run_for(30_000);
    assert_eq!((world.app.notified, world.app.host_slow), (before, 1));
    world.host_full(false);
    world.run_for(10_000);
    assert_eq!(
        (world.app.steps.len(), world.app.notified),
        (2, 10_000),
        "the engine was kept alive"
    );
}

#[test]
fn w32_no_relogin_while_the_host_does_not_keep_up() {
    let mut world = ready();
    world.host_full(true);
    world.reset(world.session_link(), Side::Both);
    world.run_for(60_000);
    assert_eq!(world.watch.count("relogin"), 0);
    world.host_full(false);
    world.run_until(5_000, |world| world.watch.count("relogin") == 1);
}

#[test]
fn the_waits_grow_and_stay_within_their_bounds() {
    let mut world = ready();
    world.dials = Dials::Refused;
    world.black_out();
    world.reset(world.session_link(), Side::Client);
    world.run_for(115_000);
    let quick: Vec<Millis> = world.app.retries.iter().filter_map(|retry| retry.delay_ms).collect();
    assert!(quick.iter().all(|delay| (100..=5_000).contains(delay)), "{quick:?}");
    world.run_for(500_000);
    let all: Vec<Millis> = world.app.retries.iter().filter_map(|retry| retry.delay_ms).collect();
    assert!(all.iter().all(|delay| *delay <= 60_000));
    assert!(all[quick.len()..].iter().any(|delay| *delay > 5_000), "{all:?}");
}

#[test]
fn b03_a_portal_that_closes_at_once_is_not_hammered() {
    let mut world = ready();
    let end = world.now + 600_000;
    while world.now < end && !world.is_ended() {
        world.run_until(60_000, |world| world.is_ready() || world.is_ended());
        if let Some(link) = world.watch.newest_admitted() {
            world.reset(link, Side::Both);
        }
        world.run_for(1);
    }
    assert!(world.watch.total_dials <= 300, "{} dials in ten minutes", world.watch.total_dials);
    assert_ne!(world.app.end_code(), Some(Code::SessionLost));
}
