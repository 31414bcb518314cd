//! Which connection is made when, and what a namespace is asked again.

use std::time::Duration;

use roamio::config::{Endpoint, ManagerConfig, ReconnectPolicy};
use roamio::error::Code;
use roamio::proto::io::{Hint, ManagerState, SocketState};

use super::server::Door;
use super::world::PlainWorld;
use crate::world::Dials;

fn world(reconnect: ReconnectPolicy) -> PlainWorld {
    let (endpoint, _) = Endpoint::parse("http://127.0.0.1:1").unwrap();
    PlainWorld::with(ManagerConfig { reconnect, ..ManagerConfig::new(endpoint) }, 1)
}

#[test]
fn a_spare_connection_that_is_given_up_is_not_fallen_back_on() {
    let mut world = PlainWorld::joined(&["/"]);
    world.run_for(5_000);
    world.black_out();
    world.hint(Hint::NetworkChanged);
    world.run_for(600);
    assert_eq!(world.dialled.len(), 2, "the spare connection is there");
    world.dials = Dials::Refused;
    world.hint(Hint::NetworkChanged);
    world.run_for(1_000);
    world.dials = Dials::Succeed;
    world.run_for(10_000);
    assert_eq!(world.socket(0).state, SocketState::Connected);
    assert_eq!(world.socket(0).sids.len(), 2);
}

#[test]
fn joining_during_a_wait_does_not_cut_it_short() {
    let second = Duration::from_secs(1);
    let policy = ReconnectPolicy { min: 5 * second, max: 5 * second, ..Default::default() };
    let mut world = world(policy);
    world.dials = Dials::Refused;
    world.attach(0, "/");
    world.attach(1, "/admin");
    world.connect(0, None);
    world.run_for(100);
    assert_eq!(world.retries.len(), 1);
    world.connect(1, None);
    world.run_for(1_000);
    assert_eq!(world.dialled.len(), 1);
    world.dials = Dials::Succeed;
    world.run_for(6_000);
    assert_eq!(world.socket(0).state, SocketState::Connected);
    assert_eq!(world.socket(1).state, SocketState::Connected);
}

#[test]
fn every_new_start_has_all_its_attempts() {
    let mut world = world(ReconnectPolicy { attempts: Some(2), ..Default::default() });
    world.dials = Dials::Refused;
    world.attach(0, "/");
    for start in 1..=3 {
        world.connect(0, None);
        world.run_for(60_000);
        assert_eq!(world.state, ManagerState::Idle);
        assert_eq!(world.dialled.len(), 3 * start);
    }
}

#[test]
fn a_refusal_of_replaced_auth_is_not_the_last_word() {
    let mut world = PlainWorld::joined(&["/other"]);
    world.server.middleware = 500;
    world.server.doors.insert("/".into(), Door::Refusing);
    world.attach(1, "/");
    world.connect(1, Some(r#"{"try":1}"#));
    world.run_for(100);
    world.disconnect(1);
    world.connect(1, Some(r#"{"try":2}"#));
    world.run_for(5_000);
    assert_eq!(world.server.auths[1..], [r#"{"try":1}"#, r#"{"try":2}"#]);
    let refusals = &world.socket(1).refusals;
    assert_eq!(refusals.len(), 1, "only the new auth's refusal is told: {refusals:?}");
    assert_eq!((refusals[0].0.code(), refusals[0].1), (Code::ConnectError, false));
}
