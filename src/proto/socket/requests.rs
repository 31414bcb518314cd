//! The requests of all sockets that have no outcome yet, and the load of what waits for the wire.

use std::collections::HashMap;

use crate::proto::io::{RequestId, SocketId};
use crate::proto::time::Timestamp;
use crate::proto::track::Deadlines;

/// A request that has no outcome yet.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) socket: SocketId,
    /// The ack id under which it was written.
    pub(super) ack: Option<u64>,
    deadline: Option<Timestamp>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Requests {
    pending: HashMap<RequestId, Pending>,
    deadlines: Deadlines,
    /// How many of `pending` were written.
    unanswered: usize,
    queued: (usize, usize),
}

impl Requests {
    /// A new request, not written yet.
    pub(super) fn add(
        &mut self,
        request: RequestId,
        socket: SocketId,
        deadline: Option<Timestamp>,
    ) {
        if let Some(at) = deadline {
            self.deadlines.add(at, request);
        }
        self.pending.insert(request, Pending { socket, ack: None, deadline });
    }

    /// It goes over the wire under this ack id.
    pub(super) fn written(&mut self, request: RequestId, ack: u64) {
        if let Some(pending) = self.pending.get_mut(&request) {
            pending.ack = Some(ack);
            self.unanswered += 1;
        }
    }

    /// Whether it went over the wire.
    pub(super) fn is_written(&self, request: RequestId) -> bool {
        self.pending.get(&request).is_some_and(|pending| pending.ack.is_some())
    }

    /// Whether the server owes an ack.
    pub(super) const fn await_answers(&self) -> bool {
        self.unanswered > 0
    }

    /// It has its outcome; `None` when it had one before.
    pub(super) fn finish(&mut self, request: RequestId) -> Option<Pending> {
        let pending = self.pending.remove(&request)?;
        self.unanswered -= usize::from(pending.ack.is_some());
        if let Some(at) = pending.deadline {
            self.deadlines.remove(at, request);
        }
        Some(pending)
    }

    /// The requests of a socket, or of all, oldest first.
    pub(super) fn of(&self, socket: Option<SocketId>) -> Vec<RequestId> {
        let wanted = |pending: &Pending| socket.is_none_or(|socket| socket == pending.socket);
        let found = self.pending.iter().filter(|(_, pending)| wanted(pending));
        let mut requests: Vec<RequestId> = found.map(|(request, _)| *request).collect();
        requests.sort_unstable();
        requests
    }

    /// A request whose time is over.
    pub(super) fn due(&mut self, now: Timestamp) -> Option<RequestId> {
        self.deadlines.pop_due(now)
    }

    /// When the next request runs out of time.
    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        self.deadlines.first()
    }

    /// An event waits to be written, or for its ack if it may have to go again.
    pub(super) const fn count(&mut self, weight: usize) {
        self.queued.0 += 1;
        self.queued.1 += weight;
    }

    /// It waits no longer.
    pub(super) const fn uncount(&mut self, weight: usize) {
        self.queued.0 -= 1;
        self.queued.1 -= weight;
    }

    /// Events and bytes that wait.
    pub(super) const fn queued(&self) -> (usize, usize) {
        self.queued
    }
}
