//! What the log says of what a host is told: changes of state, and attempts that failed.

use std::fmt::Debug;

use crate::log::log;
use crate::proto::io::{ConferenceEvent, Event, ManagerEvent, SocketEvent, Transition};

/// Log an event if it is of interest to whoever only reads the log.
pub(super) fn note(event: &Event) {
    match event {
        Event::Manager(ManagerEvent::State(step)) => note_step("manager", step),
        Event::Socket(_, SocketEvent::State { transition, .. }) => note_step("socket", transition),
        Event::Conference(ConferenceEvent::State(step)) => note_step("conference", step),
        Event::Manager(ManagerEvent::Retry(retry))
        | Event::Conference(ConferenceEvent::Retry(retry)) => {
            log!(Debug, "failed attempt {}: {:?}", retry.attempt, retry.error);
        }
        _ => {}
    }
}

fn note_step<S: Debug>(object: &str, step: &Transition<S>) {
    match &step.cause {
        Some(cause) => log!(Info, "{object} {:?}, because of {cause:?}", step.state),
        None => log!(Info, "{object} {:?}", step.state),
    }
}
