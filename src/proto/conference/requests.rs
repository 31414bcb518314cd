//! The outcome of every request: one, on every path, within its time (promise P2).
//!
//! ```text
//!   queued --written--> sent --ack--> replied or rejected
//!     |                  |
//!     +-- limit: NOT_SENT +-- limit: ACK_TIMEOUT, loss: ACK_LOST
//! ```
//!
//! What the host calls idempotent waits after a loss, in front of what is queued, and is written once
//! more when the session is back: the same bytes with the same ack id, which no other request has.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

use crate::error::{Code, Error, Result};
use crate::payload::{Outgoing, Payload};
use crate::proto::engine::session::Frame;
use crate::proto::io::{LinkId, OfflineRequest, RequestId};
use crate::proto::socket::packet::{self, Kind};
use crate::proto::time::Timestamp;
use crate::proto::track::Deadlines;

/// What is wanted of a request.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) deadline: Timestamp,
    pub(super) offline: OfflineRequest,
    pub(super) idempotent: bool,
}

#[derive(Debug)]
enum Stage {
    Queued(Outgoing),
    /// The frame is kept if it may be written once more.
    Sent {
        link: LinkId,
        ack: u64,
        frame: Option<Bytes>,
    },
    /// Lost with its connection; to be written once more.
    Again {
        ack: u64,
        frame: Bytes,
    },
}

impl Stage {
    /// The bytes that wait to be written.
    fn waiting(&self) -> Option<usize> {
        match self {
            Self::Queued(event) => Some(event.weight()),
            Self::Again { frame, .. } => Some(frame.len()),
            Self::Sent { .. } => None,
        }
    }

    /// It has been written at least once: the portal may have acted.
    const fn was_sent(&self) -> bool {
        !matches!(self, Self::Queued(_))
    }
}

#[derive(Debug)]
struct Entry {
    stage: Stage,
    terms: Terms,
    resent: bool,
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
    pub(super) fn add(&mut self, request: RequestId, event: Outgoing, terms: Terms) {
        self.deadlines.add(terms.deadline, request);
        let stage = Stage::Queued(event);
        self.count(&stage);
        self.entries.insert(request, Entry { stage, terms, resent: false });
        self.queue.push_back(request);
    }

    fn count(&mut self, stage: &Stage) {
        if let Some(bytes) = stage.waiting() {
            self.queued.0 += 1;
            self.queued.1 += bytes;
        }
    }

    fn discount(&mut self, stage: &Stage) {
        if let Some(bytes) = stage.waiting() {
            self.queued.0 -= 1;
            self.queued.1 -= bytes;
        }
    }

    /// Requests and bytes that wait to be written.
    pub(super) const fn queued(&self) -> (usize, usize) {
        self.queued
    }

    /// The frame of the oldest request that waits, now to be written on `link`. One that is above
    /// `most` bytes ends `TOO_LARGE`. `next_ack` is the next ack id of the session.
    pub(super) fn write_next(
        &mut self,
        link: LinkId,
        next_ack: &mut u64,
        most: Option<usize>,
    ) -> Option<Frame> {
        while let Some(request) = self.queue.pop_front() {
            let Some(entry) = self.entries.get_mut(&request) else { continue };
            let placeholder = Stage::Sent { link, ack: 0, frame: None };
            let stage = std::mem::replace(&mut entry.stage, placeholder);
            let idempotent = entry.terms.idempotent;
            self.discount(&stage);
            let again = stage.was_sent();
            let (ack, frame) = match stage {
                Stage::Queued(event) => {
                    let ack = *next_ack;
                    *next_ack += 1;
                    (ack, event.stamp(&packet::header(Kind::Event, "/", 0, Some(ack))).0)
                }
                Stage::Again { ack, frame } => (ack, frame),
                // What was sent is not in the queue.
                Stage::Sent { .. } => continue,
            };
            let fits = most.is_none_or(|most| frame.len() <= most);
            if let Some(entry) = self.entries.get_mut(&request) {
                entry.resent = again && fits;
                let kept = (idempotent && !again).then(|| frame.clone());
                entry.stage = Stage::Sent { link, ack, frame: kept };
            }
            self.acks.insert(ack, request);
            if fits {
                return Some(Frame::Text(frame));
            }
            let error = if again {
                lost_answer()
            } else {
                Error::new(Code::TooLarge, "above the portal's maxPayload")
            };
            self.settle(request, Err(error));
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
        self.deadlines.remove(entry.terms.deadline, request);
        self.discount(&entry.stage);
        match entry.stage {
            Stage::Queued(_) | Stage::Again { .. } => {
                // Usually the first: limits mostly run out in order.
                let place = self.queue.iter().position(|queued| *queued == request);
                place.and_then(|place| self.queue.remove(place));
            }
            Stage::Sent { ack, .. } => {
                self.acks.remove(&ack);
            }
        }
        let result = match result {
            Ok(payload) if entry.resent => Ok(payload.of_resent()),
            Err(error) if entry.resent => Err(error.of_resent()),
            result => result,
        };
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
        let mut lost: Vec<(u64, RequestId)> =
            self.acks.iter().map(|(ack, request)| (*ack, *request)).collect();
        lost.retain(|(_, request)| self.is_sent_on(*request, link));
        lost.sort_unstable();
        let mut again = Vec::new();
        for (ack, request) in lost {
            if self.wait_again(ack, request) {
                again.push(request);
            } else {
                self.settle(request, Err(lost_answer()));
            }
        }
        for request in again.into_iter().rev() {
            self.queue.push_front(request);
        }
    }

    /// The session is over, and another one will follow: what was sent is not sent there.
    pub(super) fn leave_session(&mut self) {
        let was_sent = |entry: &Entry| entry.stage.was_sent();
        let mut lost: Vec<RequestId> =
            self.entries.iter().filter(|(_, entry)| was_sent(entry)).map(|(id, _)| *id).collect();
        lost.sort_unstable();
        for request in lost {
            self.settle(request, Err(lost_answer()));
        }
        self.fail_offline();
    }

    /// Let a request that was lost wait once more. False: it may not be sent again.
    fn wait_again(&mut self, ack: u64, request: RequestId) -> bool {
        let Some(entry) = self.entries.get_mut(&request) else { return false };
        let Stage::Sent { frame, .. } = &mut entry.stage else { return false };
        let Some(frame) = frame.take() else { return false };
        self.queued.0 += 1;
        self.queued.1 += frame.len();
        self.acks.remove(&ack);
        entry.stage = Stage::Again { ack, frame };
        true
    }

    /// The session is not ready any more: what is not to wait for it ends.
    pub(super) fn fail_offline(&mut self) {
        let impatient = |request: &RequestId| {
            self.entries.get(request).is_some_and(|entry| {
                entry.terms.offline == OfflineRequest::Fail && !entry.stage.was_sent()
            })
        };
        let failed: Vec<RequestId> = self.queue.iter().copied().filter(impatient).collect();
        for request in failed {
            let text = "the session was lost before it was sent";
            self.settle(request, Err(Error::new(Code::NotSent, text)));
        }
    }

    /// The session is over: everything ends as `fate` says of a sent (true) or queued request.
    pub(super) fn end(&mut self, fate: Fate<'_>) {
        let mut requests: Vec<RequestId> = self.entries.keys().copied().collect();
        requests.sort_unstable();
        for request in requests {
            let sent = self.entries.get(&request).is_some_and(|entry| entry.stage.was_sent());
            self.settle(request, Err(fate(sent)));
        }
    }

    /// Time has passed.
    pub(super) fn handle_timeout(&mut self, now: Timestamp) {
        while let Some(request) = self.deadlines.pop_due(now) {
            let error = match self.entries.get(&request).map(|entry| &entry.stage) {
                Some(Stage::Sent { .. }) => Error::new(Code::AckTimeout, "no answer in time"),
                Some(Stage::Again { .. }) => lost_answer(),
                _ => {
                    let text = "the session was not ready within the time limit";
                    Error::new(Code::NotSent, text)
                }
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

fn lost_answer() -> Error {
    Error::new(Code::AckLost, "the connection was lost before the answer came")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_ends_in_the_queue_leaves_nothing_there() {
        let mut requests = Requests::default();
        for number in 0..1_000 {
            let event = Outgoing::event(&mut bytes::BytesMut::new(), "/", "text", "[]", Vec::new());
            let terms = Terms {
                deadline: Timestamp(number),
                offline: OfflineRequest::Wait,
                idempotent: false,
            };
            requests.add(RequestId(number), event.expect("JSON"), terms);
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
