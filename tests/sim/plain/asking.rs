//! Auth payloads and targets that the application is asked for, and a policy that changes.

use roamio::config::{Endpoint, HeaderList, ManagerConfig, ReconnectPolicy, SocketOptions, Target};
use roamio::error::{Code, Error};
use roamio::proto::io::{AskToken, Command, ManagerState, SocketState};
use roamio::secret::Secret;

use super::server::Door;
use super::world::PlainWorld;
use crate::world::Dials;

fn config() -> ManagerConfig {
    let (endpoint, _) = Endpoint::parse("http://127.0.0.1:1").unwrap();
    ManagerConfig::new(endpoint)
}

fn asked(world: &PlainWorld) -> AskToken {
    world.socket(0).asked.last().expect("a question").0
}

fn give(world: &mut PlainWorld, token: AskToken, auth: Option<&str>) {
    world.command(Command::Auth { token, auth: Ok(auth.map(Secret::new)) });
}

/// A socket 0 whose namespace waits for its auth payload, perhaps beside another one.
fn asking(siblings: bool) -> PlainWorld {
    let mut world = PlainWorld::with(config(), 1);
    if siblings {
        world.attach(1, "/other");
        world.connect(1, None);
    }
    let options = SocketOptions { ask_auth: true, ..SocketOptions::default() };
    world.attach_with(0, "/", options);
    world.connect(0, Some(r#"{"not":"used"}"#));
    world.run_for(500);
    assert_eq!(world.socket(0).asked.len(), 1);
    world
}

#[test]
fn connect_waits_for_its_auth_payload_each_time() {
    let mut world = asking(false);
    assert!(world.server.auths.is_empty());
    let first = asked(&world);
    give(&mut world, first, Some(r#"{"n":1}"#));
    world.run_for(100);
    assert_eq!(world.socket(0).state, SocketState::Connected);
    world.reset_all();
    world.run_for(10_000);
    assert_eq!(world.socket(0).asked.len(), 2);
    give(&mut world, first, Some(r#"{"stale":1}"#));
    let second = asked(&world);
    give(&mut world, second, None);
    give(&mut world, second, Some(r#"{"twice":1}"#));
    world.run_for(100);
    assert_eq!(world.server.auths, [r#"{"n":1}"#, ""]);
    assert_eq!(world.socket(0).state, SocketState::Connected);
}

#[test]
fn a_provider_hears_why_joining_failed() {
    let mut world = asking(true);
    assert_eq!(world.socket(0).asked[0].1, None);
    world.server.doors.insert("/".into(), Door::Refusing);
    let token = asked(&world);
    give(&mut world, token, None);
    world.run_for(100);
    assert_eq!(world.socket(0).state, SocketState::Idle);
    world.server.doors.clear();
    world.connect(0, None);
    let (token, error) = world.socket(0).asked[1].clone();
    assert_eq!(error.map(|error| error.code()), Some(Code::ConnectError));
    give(&mut world, token, None);
    world.run_for(100);
    assert_eq!(world.socket(0).state, SocketState::Connected);
    world.reset_all();
    world.run_for(10_000);
    assert_eq!(world.socket(0).asked[2].1, None, "it had joined");
}

#[test]
fn a_provider_without_an_answer_is_asked_again_and_disturbs_no_sibling() {
    let mut world = asking(true);
    world.run_for(60_000);
    assert_eq!(world.socket(0).asked.len(), 4);
    let refusals = &world.socket(0).refusals;
    assert!(refusals.iter().all(|(error, active)| error.code() == Code::ConnectTimeout && *active));
    assert_eq!(refusals.len(), 3);
    assert_eq!((world.socket(1).steps, world.dialled.len()), (2, 1));
    let first = world.socket(0).asked[0].0;
    give(&mut world, first, None);
    assert_eq!(world.server.auths.len(), 1, "its time is over");
}

#[test]
fn a_provider_without_an_answer_costs_a_connection_that_nobody_else_uses() {
    let mut world = asking(false);
    world.run_for(20_000);
    assert_eq!(world.socket(0).refusals.len(), 1);
    world.run_for(5_000);
    assert_eq!((world.dialled.len(), world.socket(0).asked.len()), (2, 2));
    let token = asked(&world);
    give(&mut world, token, None);
    world.run_for(100);
    assert_eq!(world.socket(0).state, SocketState::Connected);
}

#[test]
fn a_provider_that_gives_up_lets_the_socket_rest() {
    let mut world = asking(true);
    let error = Error::new(Code::InvalidState, "signed out");
    world.command(Command::Auth { token: asked(&world), auth: Err(error.clone()) });
    assert_eq!(world.socket(0).refusals, [(error, false)]);
    assert_eq!(world.socket(0).state, SocketState::Idle);
    world.run_for(60_000);
    assert_eq!((world.socket(0).asked.len(), world.socket(1).steps), (1, 2));
    assert_eq!(world.state, ManagerState::Connected);
}

#[test]
fn an_answer_after_the_disconnect_joins_nothing() {
    let mut world = asking(true);
    let token = asked(&world);
    world.disconnect(0);
    give(&mut world, token, None);
    world.run_for(60_000);
    assert_eq!(world.server.auths.len(), 1, "the sibling's");
    world.connect(0, None);
    assert_eq!(world.socket(0).asked.len(), 2);
    give(&mut world, token, None);
    assert_eq!(world.socket(0).state, SocketState::Joining);
}

#[test]
fn connecting_again_adopts_the_reply_to_what_the_provider_gave() {
    let mut world = asking(true);
    world.server.middleware = 500;
    let token = asked(&world);
    give(&mut world, token, Some("{}"));
    world.run_for(100);
    world.disconnect(0);
    world.connect(0, None);
    world.run_for(1_000);
    assert_eq!(world.socket(0).state, SocketState::Connected);
    assert_eq!(world.socket(0).asked.len(), 1);
}

#[test]
fn another_socket_does_not_adopt_what_the_former_one_s_provider_gave() {
    let mut world = asking(true);
    world.server.middleware = 500;
    let token = asked(&world);
    give(&mut world, token, Some(r#"{"first":1}"#));
    world.run_for(100);
    world.detach(0);
    world.attach(2, "/");
    world.connect(2, None);
    world.run_for(3_000);
    assert_eq!(world.socket(2).sids.len(), 1);
    assert_eq!(world.server.auths.last().map(String::as_str), Some(""));
}

// ---- targets ---------------------------------------------------------------------------------

fn target() -> Target {
    Target { endpoint: config().endpoint, headers: HeaderList::default() }
}

#[test]
fn every_attempt_asks_where_to_go() {
    let mut world = PlainWorld::with(ManagerConfig { ask_target: true, ..config() }, 1);
    world.attach(0, "/");
    world.connect(0, None);
    world.run_for(1_000);
    assert_eq!((world.asked.len(), world.dialled.len()), (1, 0));
    let first = world.asked[0].0;
    world.command(Command::Target { token: first, target: Ok(target()) });
    world.run_for(1_000);
    assert_eq!(world.socket(0).state, SocketState::Connected);
    world.reset_all();
    world.run_for(3_000);
    let (second, attempt, error) = world.asked[1].clone();
    assert_eq!((attempt, error.map(|error| error.code())), (1, Some(Code::NetworkLost)));
    world.command(Command::Target { token: first, target: Ok(target()) });
    assert_eq!(world.dialled.len(), 1, "a stale answer");
    let error = Error::new(Code::InvalidState, "no server known");
    world.command(Command::Target { token: second, target: Err(error) });
    world.run_for(6_000);
    assert_eq!(world.asked.len(), 3, "a failed attempt");
    let third = world.asked[2].0;
    world.command(Command::Target { token: third, target: Ok(target()) });
    world.run_for(1_000);
    assert_eq!(world.socket(0).state, SocketState::Connected);
}

// ---- a policy that changes -------------------------------------------------------------------

fn off() -> ReconnectPolicy {
    ReconnectPolicy { enabled: false, ..ReconnectPolicy::default() }
}

#[test]
fn reconnection_switched_off_while_it_waits_is_over() {
    let mut world = PlainWorld::joined(&["/"]);
    world.dials = Dials::Refused;
    world.reset_all();
    world.run_for(10_000);
    let dials = world.dialled.len();
    world.command(Command::SetReconnect(off()));
    assert_eq!((world.state, world.socket(0).state), (ManagerState::Idle, SocketState::Idle));
    assert_eq!(world.retries.last().unwrap().delay_ms, None);
    let cause = world.socket(0).causes.last().unwrap();
    assert_eq!(cause.code(), Code::Connect);
    world.run_for(60_000);
    assert_eq!(world.dialled.len(), dials);
    world.dials = Dials::Succeed;
    world.connect(0, None);
    world.run_for(1_000);
    assert_eq!(world.socket(0).state, SocketState::Connected);
}

#[test]
fn reconnection_switched_off_while_connected_lets_the_connection_be() {
    let mut world = PlainWorld::joined(&["/"]);
    world.command(Command::SetReconnect(off()));
    world.run_for(1_000);
    assert_eq!(world.socket(0).steps, 2);
    world.reset_all();
    world.run_for(60_000);
    assert_eq!((world.state, world.dialled.len()), (ManagerState::Idle, 1));
}

#[test]
fn an_attempt_that_runs_when_reconnection_is_switched_off_is_the_last() {
    let mut world = PlainWorld::joined(&["/"]);
    world.dials = Dials::Hang;
    world.reset_all();
    world.run_for(5_000);
    let dials = world.dialled.len();
    world.command(Command::SetReconnect(off()));
    assert_eq!(world.state, ManagerState::Reconnecting);
    world.run_for(60_000);
    assert_eq!((world.state, world.dialled.len()), (ManagerState::Idle, dials));
    world.command(Command::Close);
    world.command(Command::SetReconnect(off()));
}
