//! The whole core behind one type: what a driver drives.

use std::sync::Arc;

use crate::config::{ConferenceConfig, ManagerConfig};
use crate::proto::conference::session::Session;
use crate::proto::io::{Command, Event, Input, Transmit};
use crate::proto::socket::manager::Manager;
use crate::proto::stats::Stats;
use crate::proto::time::{Now, Timestamp};

/// A manager with its sockets, or a conference.
///
/// After each `handle_*` drain [`Stack::poll_transmit`], then [`Stack::poll_event`], then read
/// [`Stack::poll_timeout`]. A call of [`Stack::handle_timeout`] that comes too early does nothing.
#[derive(Debug)]
pub struct Stack(Kind);

#[derive(Debug)]
enum Kind {
    Manager(Box<Manager>),
    Conference(Box<Session>),
}

/// Call the same method on whichever it is.
macro_rules! either {
    ($stack:expr, $machine:ident => $call:expr) => {
        match $stack {
            Kind::Manager($machine) => $call,
            Kind::Conference($machine) => $call,
        }
    };
}

impl Stack {
    /// A manager. `seed` feeds the jitter of its backoff and the idempotency keys of its retries.
    pub fn manager(config: Arc<ManagerConfig>, seed: u64) -> Self {
        Self(Kind::Manager(Box::new(Manager::new(config, seed))))
    }

    /// A conference. `seed` feeds the jitter of its backoff and nothing else.
    pub fn conference(config: Arc<ConferenceConfig>, seed: u64) -> Self {
        Self(Kind::Conference(Box::new(Session::new(config, seed))))
    }

    /// What it is, for people: `manager` or `conference`.
    pub const fn kind(&self) -> &'static str {
        match &self.0 {
            Kind::Manager(_) => "manager",
            Kind::Conference(_) => "conference",
        }
    }

    /// Something arrived from the network.
    pub fn handle_input(&mut self, input: Input, now: Now) {
        either!(&mut self.0, machine => machine.handle_input(input, now));
    }

    /// The host wants something.
    pub fn handle_command(&mut self, command: Command, now: Now) {
        either!(&mut self.0, machine => machine.handle_command(command, now));
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Now) {
        either!(&mut self.0, machine => machine.handle_timeout(now));
    }

    /// What is to be done on the network next.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        either!(&mut self.0, machine => machine.poll_transmit())
    }

    /// What the host is to be told next.
    pub fn poll_event(&mut self) -> Option<Event> {
        either!(&mut self.0, machine => machine.poll_event())
    }

    /// When [`Stack::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        either!(&self.0, machine => machine.poll_timeout())
    }

    /// Events and bytes that wait to be written, as the limits of the queue to the wire count them.
    pub fn queued(&self) -> (usize, usize) {
        either!(&self.0, machine => machine.queued())
    }

    /// What it has done so far.
    pub fn stats(&self) -> Stats {
        *either!(&self.0, machine => machine.stats())
    }
}
