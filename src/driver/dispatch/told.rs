//! What the dispatch side has to know of an object's events, to be able to tell the last one.

use super::host::Report;
use crate::error::Error;
use crate::proto::io::{
    ConferenceEvent, ConferenceState, DisconnectReason, ManagerEvent, ManagerState, SocketEvent,
    SocketState, Transition,
};

/// The events of one kind of object.
pub(super) trait Told: Sized {
    type State: Copy + Default;

    /// Number and new state, if this is a step.
    fn step(&self) -> Option<(u64, Self::State)>;

    /// The step that ends an object which was in state `from`; none if it is over already.
    fn last(number: u64, from: Self::State, cause: &Error) -> Option<Self>;
}

impl Told for ManagerEvent {
    type State = ManagerState;

    fn step(&self) -> Option<(u64, ManagerState)> {
        match self {
            Self::State(step) => Some((step.number, step.state)),
            _ => None,
        }
    }

    fn last(number: u64, from: ManagerState, cause: &Error) -> Option<Self> {
        let over = from == ManagerState::Closed;
        (!over).then(|| Self::State(step(number, ManagerState::Closed, cause)))
    }
}

impl Told for ConferenceEvent {
    type State = ConferenceState;

    fn step(&self) -> Option<(u64, ConferenceState)> {
        match self {
            Self::State(step) => Some((step.number, step.state)),
            _ => None,
        }
    }

    fn last(number: u64, from: ConferenceState, cause: &Error) -> Option<Self> {
        let over = from == ConferenceState::Ended;
        (!over).then(|| Self::State(step(number, ConferenceState::Ended, cause)))
    }
}

impl Told for Report {
    type State = ConferenceState;

    fn step(&self) -> Option<(u64, ConferenceState)> {
        match self {
            Self::Event(event) => event.step(),
            Self::Keep(_) => None,
        }
    }

    fn last(number: u64, from: ConferenceState, cause: &Error) -> Option<Self> {
        ConferenceEvent::last(number, from, cause).map(Self::Event)
    }
}

impl Told for SocketEvent {
    type State = SocketState;

    fn step(&self) -> Option<(u64, SocketState)> {
        match self {
            Self::State { transition, .. } => Some((transition.number, transition.state)),
            _ => None,
        }
    }

    fn last(number: u64, from: SocketState, cause: &Error) -> Option<Self> {
        let joined = from == SocketState::Connected;
        (from != SocketState::Closed).then(|| Self::State {
            transition: step(number, SocketState::Closed, cause),
            socket_sid: None,
            reason: joined.then_some(DisconnectReason::TransportClose),
            recovered: false,
        })
    }
}

fn step<S>(number: u64, state: S, cause: &Error) -> Transition<S> {
    Transition { number, state, cause: Some(cause.clone()), grace_ms: None }
}
