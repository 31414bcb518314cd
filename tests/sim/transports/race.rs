//! WebSocket first, polling beside it when it takes long: the default.

use roamio::config::{Opening, Transport, TransportConfig};
use roamio::error::Code;
use roamio::proto::io::{Command, Input, SocketState, WireId};

use super::world::{SOCKET, World};

#[test]
fn a_websocket_that_works_is_alone() {
    let mut world = World::joined(|_| {});
    world.run_for(10_000);
    assert_eq!(world.transports, [(Transport::Websocket, false)]);
    assert_eq!((world.dials.len(), world.gets), (1, 0));
}

#[test]
fn polling_starts_at_once_when_websocket_is_refused() {
    let mut world = World::new(|_| {});
    world.websocket_refused = true;
    world.connect();
    world.run_until("joined", |world| world.states.last() == Some(&SocketState::Connected));
    assert!(world.now < 1_000 + 200, "{}", world.now);
    assert_eq!(world.transports[0], (Transport::Polling, false));
    assert_eq!(world.retries, []);
}

#[test]
fn polling_starts_beside_a_slow_websocket_and_only_one_session_is_joined() {
    for (latency, after) in [(10, 1_500), (300, 2_400)] {
        let mut world = World::new(|_| {});
        world.latency = (latency, latency);
        world.websocket_hangs = true;
        world.connect();
        world.run_until("a handshake", |world| !world.handshakes.is_empty());
        assert_eq!(world.handshakes[0] - world.dials[0].0, after);
        world.run_until("joined", |world| world.states.last() == Some(&SocketState::Connected));
        world.run_for(20_000);
        assert_eq!((world.server.joins, world.server.alive()), (1, 1));
        assert_eq!(world.transports.last(), Some(&(Transport::Websocket, true)));
    }
}

#[test]
fn polling_that_loses_the_race_is_told_so_once_it_has_its_session() {
    let mut world = World::new(|_| {});
    world.latency = (10, 10);
    world.websocket_hangs = true;
    world.connect();
    world.run_until("a handshake", |world| !world.handshakes.is_empty());
    // The WebSocket comes through while the answer to the first poll is on its way.
    let wire = WireId(1);
    world.run_for(5);
    assert!(world.server.connect(wire, None, world.now));
    world.input(Input::Connected { wire, local: None, cookies: Default::default() });
    let open = r#"0{"sid":"sid9","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;
    world.input(Input::Text { wire, frame: open.into() });
    assert_eq!(world.transports, [(Transport::Websocket, false)]);
    world.run_for(5_000);
    assert_eq!((world.server.joins, world.server.goodbyes), (1, 1));
    assert_eq!(world.transports, [(Transport::Websocket, false)]);
    assert_eq!(world.server.mistakes, [""; 0]);
}

#[test]
fn a_server_that_is_not_there_is_asked_over_one_transport() {
    let mut world = World::new(|_| {});
    world.connect();
    world.input(Input::Failed { wire: WireId(1), error: Code::Connect.into() });
    assert_eq!(world.retries.len(), 1);
    assert!(world.handshakes.is_empty());
}

#[test]
fn first_means_no_other_and_in_turn_means_after_failure_only() {
    let mut world = World::new(|config| config.common.transports.opening = Opening::First);
    world.websocket_refused = true;
    world.connect();
    world.run_for(10_000);
    assert!(world.handshakes.is_empty());
    assert_eq!(world.retries[0].code(), Code::HttpStatus);

    let mut world = World::new(|config| config.common.transports.opening = Opening::InTurn);
    world.websocket_hangs = true;
    world.connect();
    world.run_for(9_000);
    assert!(world.handshakes.is_empty());
    world.run_for(20_000);

    let mut world = World::new(|config| {
        config.common.transports =
            TransportConfig { opening: Opening::InTurn, ..TransportConfig::default() };
    });
    world.websocket_refused = true;
    world.connect();
    world.run_until("joined", |world| world.states.last() == Some(&SocketState::Connected));
    assert_eq!(world.handshakes.len(), 1);
}

#[test]
fn giving_up_in_the_middle_of_a_race_leaves_no_session_behind() {
    for moment in (0..3_000).step_by(7) {
        let mut world = World::new(|_| {});
        world.websocket_hangs = true;
        world.connect();
        world.run_for(moment);
        world.command(Command::Disconnect { socket: SOCKET });
        world.run_for(20_000);
        assert_eq!(world.server.alive(), 0, "after {moment} ms");
        assert_eq!(world.stack.poll_timeout(), None, "after {moment} ms");
    }
}
