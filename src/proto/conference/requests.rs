//! The outcome of every request: one, on every path, within its time (promise P2).
//!
//! ```text
//!   queued --written--> sent --ack--> replied or rejected
//!     |                  |
//!     +-- limit: NOT_SENT +-- limit: ACK_TIMEOUT, loss: ACK_LOST
//! ```

use std::collections::{HashMap, VecDeque};

use crate::error::{Code, Error, Result};
use crate::payload::{Outgoing, Payload};
use crate::proto::io::{LinkId, RequestId};
use crate::proto::time::Timestamp;
use crate::proto::track::Deadlines;

#[derive(Debug)]
enum Stage {
    Queued(Outgoing),
    Sent { link: LinkId, ack: u64 },
}

#[derive(Debug)]
struct Entry {
    stage: Stage,
    deadline: Timestamp,
}

/// What becomes of a request when its session or connection goes.
pub(super) type Fate<'a> = &'a dyn Fn(bool) -> Error;

/// All requests without an outcome.
#[derive(Debug, Default)]
pub(super) struct Requests {
    entries: HashMap<RequestId, Entry>,
    queue: VecDeque<RequestId>,
    acks: HashMap<u64, RequestId>,
    deadlines: Deadlines,
    queued: (usize, usize),
    outcomes: VecDeque<(RequestId, Result<Payload>)>,
}

impl Requests {
    /// A new request, not written yet.
    pub(super) fn add(&mut self, request: RequestId, event: Outgoing, deadline: Timestamp) {
        self.queued.0 += 1;
        self.queued.1 += event.weight();
        self.deadlines.add(deadline, request);
        self.entries.insert(request, Entry { stage: Stage::Queued(event), deadline });
        self.queue.push_back(request);
    }

    /// Requests and bytes that wait to be written.
    pub(super) const fn queued(&self) -> (usize, usize) {
        self.queued
    }

    /// The oldest request that was not written, now to be written on `link` with this ack id.
    pub(super) fn take_next(&mut self, link: LinkId, ack: u64) -> Option<(RequestId, Outgoing)> {
        while let Some(request) = self.queue.pop_front() {
            let Some(entry) = self.entries.get_mut(&request) else { continue };
            let stage = std::mem::replace(&mut entry.stage, Stage::Sent { link, ack });
            if let Stage::Queued(event) = stage {
                self.queued.0 -= 1;
                self.queued.1 -= event.weight();
                self.acks.insert(ack, request);
                return Some((request, event));
            }
            entry.stage = stage;
        }
        None
    }

    /// An ack arrived: the request it answers, if it was sent on this link.
    pub(super) fn answered(&mut self, link: LinkId, ack: u64) -> Option<RequestId> {
        let request = *self.acks.get(&ack)?;
        match self.entries.get(&request)?.stage {
            Stage::Sent { link: sent, .. } if sent == link => Some(request),
            _ => None,
        }
    }

    /// Give a request its outcome; nothing happens when it has one.
    pub(super) fn settle(&mut self, request: RequestId, result: Result<Payload>) {
        let Some(entry) = self.entries.remove(&request) else { return };
        self.deadlines.remove(entry.deadline, request);
        match entry.stage {
            Stage::Queued(event) => {
                self.queued.0 -= 1;
                self.queued.1 -= event.weight();
                // Usually the first: limits mostly run out in order.
                let place = self.queue.iter().position(|queued| *queued == request);
                place.and_then(|place| self.queue.remove(place));
            }
            Stage::Sent { ack, .. } => {
                self.acks.remove(&ack);
            }
        }
        self.outcomes.push_back((request, result));
    }

    /// Whether an answer is still due on a link.
    pub(super) fn any_sent_on(&self, link: LinkId) -> bool {
        self.acks.values().any(|request| self.is_sent_on(*request, link))
    }

    fn is_sent_on(&self, request: RequestId, link: LinkId) -> bool {
        let stage = self.entries.get(&request).map(|entry| &entry.stage);
        matches!(stage, Some(Stage::Sent { link: sent, .. }) if *sent == link)
    }

    /// Whether an answer is still due anywhere.
    pub(super) fn any_sent(&self) -> bool {
        !self.acks.is_empty()
    }

    /// A link is gone, and with it the answers that were due on it.
    pub(super) fn lose_link(&mut self, link: LinkId) {
        self.lose(|requests, request| requests.is_sent_on(request, link));
    }

    /// Every link is gone.
    pub(super) fn lose_all(&mut self) {
        self.lose(|_, _| true);
    }

    fn lose(&mut self, is_lost: impl Fn(&Self, RequestId) -> bool) {
        let mut lost: Vec<(u64, RequestId)> =
            self.acks.iter().map(|(ack, request)| (*ack, *request)).collect();
        lost.retain(|(_, request)| is_lost(self, *request));
        lost.sort_unstable();
        for (_, request) in lost {
            let text = "the connection was lost before the answer came";
            self.settle(request, Err(Error::new(Code::AckLost, text)));
        }
    }

    /// The session is over: everything ends as `fate` says of a sent (true) or queued request.
    pub(super) fn end(&mut self, fate: Fate<'_>) {
        let mut requests: Vec<RequestId> = self.entries.keys().copied().collect();
        requests.sort_unstable();
        for request in requests {
            let sent = self
                .entries
                .get(&request)
                .is_some_and(|entry| matches!(entry.stage, Stage::Sent { .. }));
            self.settle(request, Err(fate(sent)));
        }
    }

    /// Time has passed.
    pub(super) fn handle_timeout(&mut self, now: Timestamp) {
        while let Some(request) = self.deadlines.pop_due(now) {
            let stage = self.entries.get(&request).map(|entry| &entry.stage);
            let error = if matches!(stage, Some(Stage::Sent { .. })) {
                Error::new(Code::AckTimeout, "no answer in time")
            } else {
                Error::new(Code::NotSent, "the session was not ready within the time limit")
            };
            self.settle(request, Err(error));
        }
    }

    /// The next outcome.
    pub(super) fn poll_outcome(&mut self) -> Option<(RequestId, Result<Payload>)> {
        self.outcomes.pop_front()
    }

    /// The next deadline.
    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        self.deadlines.first()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_ends_in_the_queue_leaves_nothing_there() {
        let mut requests = Requests::default();
        for number in 0..1_000 {
            let event = Outgoing::event(&mut bytes::BytesMut::new(), "/", "text", "[]", Vec::new());
            requests.add(RequestId(number), event.expect("JSON"), Timestamp(number));
        }
        requests.settle(RequestId(500), Err(Code::Cancelled.into()));
        requests.handle_timeout(Timestamp(998));
        assert_eq!((requests.queue.len(), requests.queued().0, requests.entries.len()), (1, 1, 1));
        requests.handle_timeout(Timestamp(999));
        assert!(requests.queue.is_empty() && requests.deadlines.first().is_none());
        assert_eq!(requests.queued(), (0, 0));
        assert_eq!(requests.outcomes.len(), 1_000);
    }
}
