//! Joining again after the server's DISCONNECT, where that is wanted.

use roamio::config::{Endpoint, ManagerConfig, ReconnectPolicy};
use roamio::proto::io::{DisconnectReason, SocketState};

use super::world::PlainWorld;

fn world(reconnect: ReconnectPolicy) -> PlainWorld {
    let (endpoint, _) = Endpoint::parse("http://127.0.0.1:1").unwrap();
    let config = ManagerConfig {
        reconnect,
        rejoin_after_server_disconnect: true,
        ..ManagerConfig::new(endpoint)
    };
    let mut world = PlainWorld::with(config, 1);
    world.attach(0, "/");
    world.connect(0, None);
    world.run_for(500);
    world
}

/// Put everybody out as soon as they are in, for so long. Gives how often they came.
fn kick_for(world: &mut PlainWorld, ms: u64) -> usize {
    let before = world.server.auths.len();
    for _ in 0..ms / 10 {
        world.server.kick("/");
        world.settle_server();
        world.run_for(10);
    }
    world.server.auths.len() - before
}

#[test]
fn a_namespace_that_was_put_out_joins_again_on_the_same_connection() {
    let mut world = world(ReconnectPolicy::default());
    world.server.kick("/");
    world.run_for(100);
    assert_eq!(world.socket(0).state, SocketState::Rejoining);
    assert_eq!(world.socket(0).reasons, [DisconnectReason::ServerDisconnect]);
    world.emit(0, "/", "waits");
    world.run_for(2_000);
    assert_eq!((world.socket(0).state, world.dialled.len()), (SocketState::Connected, 1));
    assert_eq!(world.heard("/").len(), 1);
}

#[test]
fn a_server_that_puts_out_everybody_is_not_hammered() {
    let mut world = world(ReconnectPolicy::default());
    let joins = kick_for(&mut world, 60_000);
    assert!((12..=30).contains(&joins), "{joins} in a minute");
}

#[test]
fn the_policy_limits_joining_again() {
    let mut world = world(ReconnectPolicy { attempts: Some(3), ..Default::default() });
    assert_eq!(kick_for(&mut world, 60_000), 3);
    assert_eq!(world.socket(0).state, SocketState::Idle);
    let mut world = self::world(ReconnectPolicy { enabled: false, ..Default::default() });
    assert_eq!(kick_for(&mut world, 1_000), 0);
}

#[test]
fn leaving_ends_the_wait_and_joining_by_hand_does_not_wait() {
    let mut world = world(ReconnectPolicy::default());
    world.server.kick("/");
    world.run_for(100);
    world.disconnect(0);
    world.run_for(10_000);
    assert_eq!((world.socket(0).state, world.server.auths.len()), (SocketState::Idle, 1));
    world.connect(0, None);
    world.run_for(100);
    assert_eq!(world.socket(0).state, SocketState::Connected);
    world.attach(1, "/other");
    world.connect(1, None);
    world.server.kick("/");
    world.run_for(100);
    world.disconnect(0);
    world.connect(0, None);
    world.run_for(100);
    assert_eq!(world.socket(0).state, SocketState::Connected);
}
