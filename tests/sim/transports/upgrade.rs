//! Polling first, then WebSocket.

use std::time::Duration;

use roamio::config::{ManagerConfig, Transport, TransportConfig};
use roamio::error::Code;
use roamio::proto::io::{Command, Hint, Input, SocketState, WireId};

use super::server::Upgrades;
use super::world::{SOCKET, World};

fn upgrade(config: &mut ManagerConfig) {
    config.common.transports = TransportConfig::polling_first();
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

#[test]
fn the_connection_moves_to_websocket_once() {
    let mut world = World::joined(upgrade);
    world.run_for(10_000);
    assert_eq!(world.transports, [(Transport::Polling, false), (Transport::Websocket, true)]);
    assert_eq!(world.dials.len(), 1);
    assert!(world.dials[0].1, "the WebSocket belongs to the session");
    assert_eq!((world.server.alive(), world.server.joins), (1, 1));
    assert_eq!(world.server.mistakes, [""; 0]);
    let gets = world.gets;
    world.run_for(100_000);
    assert_eq!(world.gets, gets);
}

#[test]
fn nothing_is_lost_doubled_or_overtaken_by_an_upgrade() {
    let mut world = World::new(upgrade);
    world.connect();
    world.run_until("joined", |world| world.states.last() == Some(&SocketState::Connected));
    for number in 0..1_000 {
        world.emit(number);
        world.say(&format!(r#"42["m",{number}]"#));
        world.run_for(1);
    }
    world.run_for(5_000);
    assert_eq!(world.transports.len(), 2);
    assert_eq!(world.received, numbers(1_000));
    let sent: Vec<String> = (0..1_000).map(|number| format!(r#"["n",{number}]"#)).collect();
    assert_eq!(world.server.received, sent);
    assert_eq!(world.server.mistakes, [""; 0]);
}

#[test]
fn a_failed_upgrade_costs_nothing_and_is_tried_again_later() {
    for failure in [Upgrades::Refused, Upgrades::WrongAnswer, Upgrades::Closes, Upgrades::Silent] {
        let mut world = World::new(upgrade);
        world.server.upgrades = failure;
        world.connect();
        for number in 0..20_000 / 50 {
            world.run_for(50);
            world.emit(number);
            world.say(&format!(r#"42["m",{number}]"#));
        }
        assert_eq!(world.upgrade_errors.len(), 1, "{failure:?}");
        assert_eq!(world.upgrade_errors[0].code(), Code::Upgrade);
        assert_eq!(world.transports, [(Transport::Polling, false)], "{failure:?}");
        assert_eq!(world.dials.len(), 1);
        world.server.upgrades = Upgrades::Work;
        world.run_for(30_000);
        assert_eq!(world.transports.last(), Some(&(Transport::Websocket, true)), "{failure:?}");
        assert_eq!(world.states, [SocketState::Joining, SocketState::Connected]);
        assert_eq!(world.server.received.len(), 400);
        assert_eq!(world.received, numbers(400).split_off(400 - world.received.len()));
        assert_eq!(world.server.mistakes, [""; 0]);
    }
}

#[test]
fn a_probe_without_an_answer_is_given_up_in_time() {
    let mut world = World::new(|config| {
        upgrade(config);
        config.common.timeouts.upgrade = Duration::from_secs(3);
    });
    world.server.upgrades = Upgrades::Silent;
    world.connect();
    world.run_until("given up", |world| !world.upgrade_errors.is_empty());
    assert_eq!(world.now - world.dials[0].0, 3_000);
}

#[test]
fn no_upgrade_where_it_is_not_wanted_or_not_offered() {
    let mut world = World::joined(|config| {
        upgrade(config);
        config.common.transports.upgrade = false;
    });
    world.run_for(100_000);
    assert!(world.dials.is_empty());
    let mut world = World::new(upgrade);
    world.server.upgrades = Upgrades::NotOffered;
    world.connect();
    world.run_for(100_000);
    assert!(world.dials.is_empty());
    assert_eq!(world.states.last(), Some(&SocketState::Connected));
}

/// An upgrade whose probe was answered, and whose GET is still pending.
fn switching() -> World {
    let mut world = World::new(upgrade);
    world.server.upgrades = Upgrades::KeepsGet;
    world.connect();
    world.run_for(1_000);
    assert_eq!(world.dials.len(), 1);
    world
}

#[test]
fn a_hint_while_polling_comes_to_rest_asks_over_the_websocket() {
    let mut world = switching();
    world.command(Command::Hint(Hint::Resumed));
    world.run_for(5_000);
    assert_eq!(world.states, [SocketState::Joining, SocketState::Connected]);
    world.latency = (100_000, 100_000);
    world.command(Command::Hint(Hint::Resumed));
    world.run_for(1_100);
    assert_eq!(world.states.last(), Some(&SocketState::Rejoining));
}

#[test]
fn a_probe_that_went_down_with_an_upgrade_is_asked_again() {
    let mut world = switching();
    world.command(Command::Hint(Hint::Resumed));
    let error = Code::NetworkLost.into();
    world.input(Input::Closed { wire: WireId(2), error });
    assert_eq!(world.upgrade_errors.len(), 1);
    world.run_for(5_000);
    assert_eq!(world.states, [SocketState::Joining, SocketState::Connected]);
}

#[test]
fn leaving_at_any_moment_of_the_upgrade_delivers_what_was_sent_before() {
    for moment in 0..300 {
        let mut world = World::joined(upgrade);
        world.run_for(moment);
        world.emit(1);
        world.emit(2);
        world.command(Command::Disconnect { socket: SOCKET });
        world.emit(3);
        world.run_for(10_000);
        assert_eq!(world.server.received, [r#"["n",1]"#, r#"["n",2]"#], "after {moment} ms");
        assert_eq!(world.server.alive(), 0, "after {moment} ms");
        assert_eq!(world.server.mistakes, [""; 0]);
    }
}

#[test]
fn a_websocket_that_worked_is_remembered_until_it_fails() {
    let mut world = World::new(|config| {
        upgrade(config);
        config.common.transports.remember_upgrade = true;
    });
    world.connect();
    world.run_until("upgraded", |world| world.transports.len() == 2);
    world.run_for(1_000);
    world.command(Command::Disconnect { socket: SOCKET });
    world.run_for(1_000);
    let handshakes = world.handshakes.len();
    world.connect();
    world.run_for(1_000);
    assert_eq!(world.transports.last(), Some(&(Transport::Websocket, false)));
    assert_eq!(world.handshakes.len(), handshakes);
    world.command(Command::Disconnect { socket: SOCKET });
    world.run_for(1_000);
    world.websocket_refused = true;
    world.connect();
    world.run_for(5_000);
    assert_eq!(world.states.last(), Some(&SocketState::Connected));
    assert_eq!(world.transports[3], (Transport::Polling, false));
}
