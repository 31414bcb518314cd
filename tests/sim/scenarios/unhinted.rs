//! A changed address that no host tells of: noticed soon where something is awaited, and at no cost
//! where nothing is.

use roamio::config::ConferenceConfig;
use roamio::proto::io::{ConferenceState, Hint};

use crate::link::{Flow, Millis, Side};
use crate::world::{Dials, Setup, World};

/// What is asked for is not answered for a while.
fn awaiting() -> World {
    let mut world = World::ready(Setup::default());
    world.run_for(5_000);
    world.server.portal.swallow_acks(None, "text", 1);
    world.text();
    world.run_for(1_000);
    world
}

/// The dials of a while in which something changes ten times a second.
fn dials_in(world: &mut World, duration: Millis, mut change: impl FnMut(&mut World)) -> u64 {
    let (dials, end) = (world.watch.total_dials, world.now + duration);
    while world.now < end {
        change(world);
        world.run_for(100);
    }
    world.watch.total_dials - dials
}

#[test]
fn f11_another_address_is_noticed_within_three_seconds_while_something_is_awaited() {
    for after in 0..20 {
        let mut world = awaiting();
        world.run_for(after * 53);
        world.roam(false);
        let (changed, old) = (world.now, world.session_link());
        world.run_until(3_000, |world| world.watch.count("relogin") > 0);
        world.run_until(1_000, |world| world.session_link() != old && world.is_ready());
        assert!(world.now - changed <= 3_000, "{} ms", world.now - changed);
    }
}

#[test]
fn f13_another_address_beside_the_old_one_is_one_migration() {
    let mut world = awaiting();
    world.roam(true);
    world.run_until(3_000, |world| world.app.migrated == 1);
    world.run_for(60_000);
    assert_eq!((world.app.migrated, world.watch.count("relogin")), (1, 1));
    assert_eq!(world.app.steps.len(), 2, "it was ready all the time");
}

#[test]
fn f13_another_address_from_which_the_first_dials_fail_is_moved_to_all_the_same() {
    let mut world = awaiting();
    world.dials = Dials::Refused;
    world.roam(true);
    world.run_for(10_000);
    assert_eq!((world.app.migrated, world.app.steps.len()), (0, 2));
    world.dials = Dials::Succeed;
    world.run_until(5_500, |world| world.app.migrated == 1);
    assert_eq!(world.app.steps.len(), 2, "it was ready all the time");
}

#[test]
fn a_dial_from_an_address_that_is_gone_gives_way_to_a_new_one() {
    let mut world = World::ready(Setup::default());
    world.dials = Dials::Hang;
    world.reset(world.session_link(), Side::Both);
    world.run_until(2_000, |world| !world.links.is_empty() && world.watch.total_dials == 2);
    world.run_for(1_500);
    world.roam(false);
    world.dials = Dials::Succeed;
    world.run_until(3_000, World::is_ready);
}

#[test]
fn an_idle_device_is_not_woken_for_its_address() {
    let mut world = World::ready(Setup { ping: (25_000, 20_000), ..Setup::default() });
    world.run_for(10_000);
    world.asked_for_address.clear();
    let begun = world.now;
    while world.now < begun + 200_000 {
        world.step();
        let timer = world.stack.poll_timeout().expect("a deadline");
        assert!(timer.0 > world.now + 10_000, "no timer but that of the next heartbeat");
    }
    assert_eq!(world.asked_for_address.len(), 8, "once with every heartbeat");
}

#[test]
fn an_idle_device_notices_with_the_next_heartbeat() {
    let mut world = World::ready(Setup::default());
    world.roam(true);
    world.run_until(26_000, |world| world.app.migrated == 1);
}

#[test]
fn no_route_is_a_reason_to_ask_and_none_to_leave() {
    let mut world = awaiting();
    let link = world.session_link();
    world.routed = false;
    world.freeze(link, Side::Both, Flow::Held);
    world.run_for(2_000);
    world.routed = true;
    world.thaw(link);
    world.run_for(60_000);
    assert_eq!(world.session_link(), link, "a short loss heals");
    let mut world = awaiting();
    world.routed = false;
    world.black_out();
    world.dials = Dials::Refused;
    world.run_until(4_500, |world| world.app.state == ConferenceState::Resuming);
}

#[test]
fn b05_a_flapping_address_makes_few_dials() {
    for period in [1, 7, 10, 15, 31] {
        let config = ConferenceConfig {
            request_timeout: std::time::Duration::from_secs(600),
            ..ConferenceConfig::default()
        };
        let mut world = World::ready(Setup { config, ..Setup::default() });
        world.server.portal.swallow_acks(None, "text", 1);
        world.text();
        let home = world.local;
        let mut tenths = 0;
        let dials = dials_in(&mut world, 60_000, |world| {
            tenths += 1;
            if tenths % period == 0 {
                if world.local == home {
                    world.roam(true);
                } else {
                    world.local = home;
                }
            }
        });
        assert!(dials <= 32, "{dials} dials in a minute, a change every {period} tenths");
        assert!(world.is_ready());
    }
}

#[test]
fn where_datagrams_take_another_way_than_streams_the_session_stays() {
    let mut world = awaiting();
    world.datagrams_from = Some("192.0.2.7".parse().expect("an address"));
    let relogins = world.watch.count("relogin");
    world.run_for(120_000);
    assert!(world.watch.count("relogin") <= relogins + 1);
    assert_eq!(world.app.steps.len(), 2);
}

#[test]
fn a_suspended_application_is_asked_for_nothing() {
    let mut world = awaiting();
    world.hint(Hint::Suspended);
    world.asked_for_address.clear();
    world.roam(false);
    world.sleep(30_000, 0);
    assert!(world.asked_for_address.is_empty());
    world.hint(Hint::Resumed);
    world.run_until(2_000, |world| world.watch.count("relogin") == 1);
}
