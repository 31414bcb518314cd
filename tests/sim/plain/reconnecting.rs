//! Losing the connection and making it again.

use roamio::config::{Endpoint, ManagerConfig, ReconnectPolicy};
use roamio::error::Code;
use roamio::proto::io::{DisconnectReason, Hint, ManagerState, SocketId, SocketState};

use super::world::PlainWorld;
use crate::link::{Flow, Side};
use crate::world::Dials;

const ADMIN: &str = "/admin";

fn config(reconnect: ReconnectPolicy) -> ManagerConfig {
    let (endpoint, _) = Endpoint::parse("http://127.0.0.1:1").unwrap();
    ManagerConfig { reconnect, ..ManagerConfig::new(endpoint) }
}

#[test]
fn a_lost_connection_is_made_again_with_every_namespace() {
    let mut world = PlainWorld::joined(&["/", ADMIN, "/other"]);
    world.reset_all();
    world.run_for(1);
    assert_eq!(world.state, ManagerState::Reconnecting);
    for number in 0..3 {
        assert_eq!(world.socket(number).state, SocketState::Rejoining);
        assert_eq!(world.socket(number).reasons, [DisconnectReason::TransportClose]);
    }
    assert!((500..=1_500).contains(&world.retries[0].delay_ms.unwrap()));
    world.run_for(3_000);
    assert_eq!(world.state, ManagerState::Connected);
    for number in 0..3 {
        assert_eq!(world.socket(number).sids.len(), 2);
    }
}

#[test]
fn failed_attempts_are_told_to_every_socket_and_the_waits_grow() {
    let mut world = PlainWorld::joined(&["/", ADMIN]);
    world.dials = Dials::Refused;
    world.reset_all();
    world.run_for(60_000);
    assert!((12..=40).contains(&world.retries.len()), "{}", world.retries.len());
    assert!(world.retries.iter().all(|retry| retry.delay_ms <= Some(5_000)));
    let attempts: Vec<u32> = world.retries.iter().map(|retry| retry.attempt).collect();
    assert!(attempts.iter().copied().eq(1..=attempts.len() as u32));
    for number in 0..2 {
        let refusals = &world.socket(number).refusals;
        assert_eq!(refusals.len(), world.retries.len() - 1, "the loss itself is no attempt");
        assert!(refusals.iter().all(|(error, active)| error.code() == Code::Connect && *active));
    }
}

#[test]
fn a_limit_of_attempts_ends_in_rest() {
    let policy = ReconnectPolicy { attempts: Some(3), ..ReconnectPolicy::default() };
    let mut world = PlainWorld::with(config(policy), 1);
    world.dials = Dials::Refused;
    world.attach(0, "/");
    world.connect(0, None);
    world.run_for(120_000);
    assert_eq!(world.dialled.len(), 4, "the first and three more");
    assert_eq!((world.state, world.socket(0).state), (ManagerState::Idle, SocketState::Idle));
    let active: Vec<bool> = world.socket(0).refusals.iter().map(|(_, active)| *active).collect();
    assert_eq!(active, [true, true, true, false], "the last one is told as the last one");
    world.dials = Dials::Succeed;
    world.connect(0, None);
    world.run_for(1_000);
    assert_eq!(world.socket(0).state, SocketState::Connected);
}

#[test]
fn without_reconnection_a_loss_is_the_end() {
    let policy = ReconnectPolicy { enabled: false, ..ReconnectPolicy::default() };
    let mut world = PlainWorld::with(config(policy), 1);
    world.attach(0, "/");
    world.connect(0, None);
    world.run_for(1_000);
    world.reset_all();
    world.run_for(60_000);
    assert_eq!((world.state, world.dialled.len()), (ManagerState::Idle, 1));
    assert_eq!(world.socket(0).state, SocketState::Idle);
}

#[test]
fn a_missing_heartbeat_is_a_ping_timeout() {
    let mut world = PlainWorld::joined(&["/"]);
    world.black_out();
    world.run_for(46_000);
    assert_eq!(world.socket(0).reasons, [DisconnectReason::PingTimeout]);
    world.run_for(5_000);
    assert_eq!(world.socket(0).state, SocketState::Connected);
}

#[test]
fn a_broken_packet_is_a_parse_error_and_reconnects() {
    let mut world = PlainWorld::joined(&["/"]);
    let link = world.open_links()[0];
    world.server.say(link, "42[\"disconnect\"]");
    world.run_for(5_000);
    assert_eq!(world.socket(0).reasons, [DisconnectReason::ParseError]);
    assert_eq!(world.socket(0).state, SocketState::Connected);
}

#[test]
fn a_disconnect_in_reconnection_stops_the_loop() {
    let mut world = PlainWorld::joined(&["/"]);
    world.dials = Dials::Refused;
    world.reset_all();
    world.run_for(3_000);
    let dials = world.dialled.len();
    world.disconnect(0);
    world.run_for(60_000);
    assert_eq!((world.state, world.dialled.len()), (ManagerState::Idle, dials));
}

#[test]
fn a_changed_network_on_a_living_path_costs_nothing() {
    let mut world = PlainWorld::joined(&["/"]);
    world.hint(Hint::NetworkChanged);
    world.run_for(5_000);
    assert_eq!((world.socket(0).steps, world.open_links().len()), (2, 1));
}

#[test]
fn a_changed_network_on_a_dead_path_moves_within_a_second() {
    let mut world = PlainWorld::joined(&["/"]);
    world.black_out();
    world.hint(Hint::NetworkChanged);
    world.run_for(1_200);
    assert_eq!(world.socket(0).state, SocketState::Connected);
    assert_eq!(world.socket(0).sids.len(), 2);
}

#[test]
fn b03_a_server_that_closes_at_once_is_not_hammered() {
    let mut world = PlainWorld::new(1);
    world.server.flapping = true;
    world.attach(0, "/");
    world.connect(0, None);
    world.run_for(600_000);
    let per_minute = world.dialled.len() / 10;
    assert!((5..=30).contains(&per_minute), "{per_minute} dials a minute");
}

#[test]
fn b05_a_storm_of_hints_makes_few_dials() {
    let mut world = PlainWorld::joined(&["/"]);
    world.dials = Dials::Hang;
    world.black_out();
    for _ in 0..6_000 {
        world.hint(Hint::NetworkChanged);
        world.run_for(10);
    }
    assert!(world.dialled.len() <= 121, "{}", world.dialled.len());
    world.dials = Dials::Succeed;
    world.run_for(25_000);
    assert_eq!(world.socket(0).state, SocketState::Connected);
}

#[test]
fn a_held_path_that_comes_back_in_time_disturbs_nobody() {
    let mut world = PlainWorld::joined(&["/", ADMIN]);
    let link = world.open_links()[0];
    let held = world.links.get_mut(&link).unwrap();
    (held.up.flow, held.down.flow) = (Flow::Held, Flow::Held);
    world.run_for(15_000);
    let held = world.links.get_mut(&link).unwrap();
    held.up.thaw();
    held.down.thaw();
    world.run_for(10_000);
    assert_eq!((world.socket(0).steps, world.socket(1).steps), (2, 2));
    world.links.get_mut(&link).unwrap().reset(Side::Client, world.now);
    world.run_for(5_000);
    assert_eq!(world.sockets[&SocketId(0)].sids.len(), 2);
}
