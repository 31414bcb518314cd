//! What must hold after a fault.

use roamio::error::{Code, Retry};
use roamio::proto::io::ConferenceState;

use crate::app::What;
use crate::link::{Flow, Link, Millis};
use crate::world::World;

use super::fault::Fault;
use super::phase::{Moment, Phase};

/// The session is on a connection that lives, whatever the host has been told so far.
fn is_back(world: &World) -> bool {
    let newest = world.watch.newest_admitted().and_then(|link| world.links.get(&link));
    let flows = |link: &Link| (link.up.flow, link.down.flow) == (Flow::Open, Flow::Open);
    newest.is_some_and(|link| flows(link) && link.is_open() && !link.rebound)
}

/// The session comes back, or its end is the portal's word.
pub(super) fn session(world: &mut World, fault: Fault, at: (Phase, Moment), struck: Millis) {
    let (phase, moment) = at;
    // The next attempt is up to five seconds away, as are the late answers of an old connection.
    let slow = matches!(phase, Phase::Backoff | Phase::Request);
    let limit = fault.recovery(phase) + if slow { 5_000 } else { 0 };
    if phase == Phase::Callback {
        callback(world, fault, limit);
    }
    // A dead connection counts as ready until somebody notices.
    let settled = |world: &World| {
        world.is_ended() || world.is_ready() && is_back(world) && world.app.open_requests() == 0
    };
    // What strikes may be queued behind an answer.
    world.run_for(if moment == Moment::InTheAnswer { 2_000 } else { 100 });
    world.run_until(limit, settled);
    if world.is_ended() {
        return end(world, fault, phase);
    }
    assert!(!fault.outlasts_the_session(), "the portal has forgotten the session");
    if fault.is_seamless() && phase == Phase::Request {
        assert!(world.app.asked.values().all(|asked| matches!(asked.outcome, Some(Ok(_)))));
    }
    let (now, request) = (world.now, world.text());
    world.note(format!("back {} ms after the fault", now - struck));
    world.burst("after-", 3, 10);
    world.run_for(20_000);
    assert_eq!(world.app.code(request), None, "a session that is back does its work");
    assert!(world.app.gaps.is_empty(), "1.2 loses nothing: {:?}", world.app.gaps);
}

/// While a callback does not return, the session lives on and comes back.
fn callback(world: &mut World, fault: Fault, limit: Millis) {
    let heard = world.app.notified;
    world.run_for(limit);
    assert_eq!(world.app.notified, heard, "callbacks are serial");
    let hopeless = fault.may_outlast_the_session(Phase::Callback);
    assert!(hopeless || is_back(world), "{fault:?} needs the host to recover");
    world.end_callback();
    assert_eq!(world.app.host_slow, 0, "the queue was never full");
}

fn end(world: &World, fault: Fault, phase: Phase) {
    let cause = world.app.end.clone().flatten();
    let hopeless = fault.may_outlast_the_session(phase);
    assert!(hopeless, "{fault:?} in {phase:?} ended the session: {cause:?}");
    assert_eq!(cause.map(|cause| cause.retry()), Some(Retry::Login));
}

/// The login was done or is unknown; its token is never used again.
pub(super) fn login(world: &mut World, fault: Fault) {
    let settled = |world: &World| world.is_ready() || world.is_ended();
    world.run_until(20_000, settled);
    if fault.is_seamless() {
        assert!(world.is_ready(), "{:?}", world.app.end);
    }
    // What was granted can have died behind the answer.
    world.run_for(100);
    world.run_until(120_000, settled);
    if world.is_ended() && !fault.may_outlast_the_session(Phase::Login) {
        assert_eq!(world.app.end_code(), Some(Code::LoginUnknown));
    }
    assert_eq!(world.watch.count("login"), 1);
    assert!(world.server.portal.participants("room").len() <= 1, "one participant of this host");
}

/// The logout has its one outcome in time, and nothing is dialled any more.
pub(super) fn logout(world: &mut World) {
    world.run_until(20_000, |world| world.app.open_requests() == 0);
    assert_eq!(world.app.state, ConferenceState::Ended);
    nothing_follows(world);
    for asked in world.app.asked.values().filter(|asked| asked.what == What::Logout) {
        let outcome = asked.outcome.as_ref().and_then(|outcome| outcome.as_ref().err());
        assert!(outcome.is_none_or(|error| error.code() == Code::LeftUnconfirmed));
    }
}

/// Everything has an outcome within a second, and nothing is told or dialled afterwards.
pub(super) fn teardown(world: &mut World) {
    world.run_until(1_000, |world| world.app.finished);
    assert!(world.app.asked.values().all(|asked| asked.outcome.is_some()));
    nothing_follows(world);
}

fn nothing_follows(world: &mut World) {
    let (dials, steps) = (world.watch.total_dials, world.app.steps.len());
    world.run_for(120_000);
    assert_eq!(world.watch.total_dials, dials, "nothing is dialled after the end");
    assert_eq!(world.app.steps.len(), steps, "nothing is told after the end");
}
