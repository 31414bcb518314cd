//! The one place where a state changes: every step is numbered, and no step leads nowhere.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::proto::io::{RequestId, Transition};
use crate::proto::time::Timestamp;

/// A state and the number of steps that led to it.
#[derive(Debug, Default)]
pub struct Track<S> {
    state: S,
    steps: u64,
}

impl<S: Copy + PartialEq> Track<S> {
    /// The state.
    pub const fn state(&self) -> S {
        self.state
    }

    /// Go to a state; `None` when it is the present one.
    pub fn go(&mut self, state: S, cause: Option<Error>) -> Option<Transition<S>> {
        if self.state == state {
            return None;
        }
        self.state = state;
        self.steps += 1;
        Some(Transition { number: self.steps, state, cause, grace_ms: None })
    }
}

/// The deadlines of requests, in order.
#[derive(Debug, Default)]
pub struct Deadlines(BTreeSet<(Timestamp, RequestId)>);

impl Deadlines {
    /// Remember one.
    pub fn add(&mut self, at: Timestamp, request: RequestId) {
        self.0.insert((at, request));
    }

    /// Forget one.
    pub fn remove(&mut self, at: Timestamp, request: RequestId) {
        self.0.remove(&(at, request));
    }

    /// The earliest.
    pub fn first(&self) -> Option<Timestamp> {
        self.0.first().map(|(at, _)| *at)
    }

    /// Take the earliest if it has passed.
    pub fn pop_due(&mut self, now: Timestamp) -> Option<RequestId> {
        if self.first()? > now {
            return None;
        }
        self.0.pop_first().map(|(_, request)| request)
    }
}
