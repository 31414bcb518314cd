//! Tickets and their refresh: requirements 5.x.

use roamio_portal::model::{ModelConfig, Portal};

use crate::link::{Flow, Millis, Side};
use crate::world::{Dials, Setup, World};

const REFRESH: &str = "refreshReconnectionTicket";

fn with_lifetime(ticket_lifetime: Millis) -> World {
    World::ready(Setup {
        model: ModelConfig { ticket_lifetime, ..ModelConfig::default() },
        ..Setup::default()
    })
}

fn refreshes(world: &World) -> usize {
    world.watch.count(REFRESH)
}

#[test]
fn req_5_1_w09_no_clock_matters_but_the_monotonic_one() {
    let day = 86_400_000;
    for offset in [-day, 0, day] {
        for wall_jump in [-day, 0, day] {
            let mut world = World::new(Setup::default());
            world.portal(|portal, _, _| portal.set_clock_offset(offset));
            world.wall = world.wall.saturating_add_signed(wall_jump);
            world.login();
            world.run_for(299_000);
            assert_eq!(refreshes(&world), 0, "not before half of its life");
            world.run_for(60_000);
            assert_eq!(refreshes(&world), 1, "with the next heartbeat after it");
            world.reset(world.session_link(), Side::Both);
            world.run_for(2_000);
            assert!(world.is_ready());
        }
    }
}

#[test]
fn req_5_2_an_unanswered_refresh_is_repeated_with_growing_waits() {
    let mut world = with_lifetime(60_000);
    world.server.portal.swallow_acks(None, REFRESH, 4);
    world.run_for(115_000);
    assert!((4..=6).contains(&refreshes(&world)), "{}", refreshes(&world));
    assert!(world.is_ready());
}

#[test]
fn req_5_2_w23_illegal_request_means_relogin() {
    let mut world = with_lifetime(60_000);
    world.server.portal.swallow_acks(None, REFRESH, 1);
    let link = world.run_until_sent(REFRESH, 1);
    world.inject(link, r#"431["error","Illegal request"]"#);
    world.run_until(2_000, |world| world.watch.count("relogin") == 1);
    world.run_until(2_000, World::is_ready);
}

#[test]
fn req_5_2_reconnection_not_enabled_stops_the_refresh() {
    let mut world = with_lifetime(60_000);
    world.server.portal.swallow_acks(None, REFRESH, 1);
    let link = world.run_until_sent(REFRESH, 1);
    world.inject(link, r#"431["error","Reconnection is not enabled."]"#);
    world.run_for(600_000);
    assert_eq!(refreshes(&world), 1);
    assert!(world.is_ready());
}

#[test]
fn req_5_3_w31_after_a_long_sleep_the_portal_decides() {
    let mut world = with_lifetime(600_000);
    world.sleep(7_200_000, 0);
    world.run_until(5_000, World::is_ended);
    assert_eq!(world.watch.count("relogin"), 1);
}

#[test]
fn req_5_4_a_life_below_ten_seconds_works() {
    let mut world = with_lifetime(4_000);
    world.run_for(20_000);
    // Each at three quarters of a life, minus jitter.
    assert!((6..=8).contains(&refreshes(&world)), "{}", refreshes(&world));
    world.reset(world.session_link(), Side::Both);
    world.run_until(2_000, |world| world.app.resumed.len() == 1);
    world.run_until(2_000, World::is_ready);
}

#[test]
fn req_5_4_a_life_of_nothing_does_not_spin() {
    let mut world = with_lifetime(1);
    world.run_for(60_000);
    assert!(refreshes(&world) <= 60);
}

#[test]
fn req_5_5_w22_a_late_refresh_answer_does_not_replace_a_newer_ticket() {
    let mut world = with_lifetime(60_000);
    world.server.portal.delay_acks(None, REFRESH, 1, 3_000);
    world.run_until_sent(REFRESH, 1);
    world.run_for(100);
    // The takeover brings a newer ticket; the old connection still yields the refresh answer.
    world.roam(true);
    world.hint(roamio::proto::io::Hint::NetworkChanged);
    world.run_until(2_000, |world| world.app.migrated == 1);
    let planned = world.now;
    world.run_for(5_000);
    // Only tickets issued after the takeover are good from here on.
    let portal: &mut Portal = &mut world.server.portal;
    portal.expire_tickets(planned - 500);
    world.reset(world.session_link(), Side::Both);
    world.run_for(2_000);
    assert!(world.is_ready());
    assert_eq!(world.watch.count("relogin"), 2, "the newest ticket is used at once");
}

#[test]
fn the_refresh_rides_on_traffic_and_wakes_nobody() {
    let mut world = with_lifetime(600_000);
    world.run_for(299_000);
    world.run_until_sent(REFRESH, 1);
    // It left in the instant of a heartbeat: each comes 25 s after the answer to the one before.
    let heartbeats = (1..20).map(|beat| 10_080 + beat * 25_000 + (2 * beat - 1) * 20);
    assert!(heartbeats.into_iter().any(|at| at == world.now), "{}", world.now);
    world.run_for(3_600_000);
    let sent = refreshes(&world) as u64;
    let stats = world.stack.stats();
    assert!(sent > 10, "{sent}");
    assert_eq!((stats.refreshes_by_traffic, stats.refreshes_by_backstop), (sent, 0));
}

#[test]
fn the_backstop_refreshes_a_silent_connection_before_the_end() {
    let mut world = World::ready(Setup {
        ping: (3_600_000, 3_600_000),
        model: ModelConfig { ticket_lifetime: 100_000, ..ModelConfig::default() },
        ..Setup::default()
    });
    world.run_for(74_000);
    assert_eq!(refreshes(&world), 1, "a quarter of its life before the end, minus jitter");
    let stats = world.stack.stats();
    assert_eq!((stats.refreshes_by_traffic, stats.refreshes_by_backstop), (0, 1));
}

#[test]
fn no_refresh_is_sent_while_the_session_is_away() {
    let mut world = with_lifetime(60_000);
    world.run_for(25_000);
    world.dials = Dials::Hang;
    world.freeze(world.session_link(), Side::Both, Flow::BlackHole);
    world.reset(world.session_link(), Side::Client);
    world.run_for(30_000);
    assert_eq!(refreshes(&world), 0);
}
