//! Events that cannot be written yet, in the order of their emits, and what becomes of them.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::payload::Outgoing;
use crate::proto::io::RequestId;
use crate::proto::time::{Timestamp, earliest};

/// An event that waits to be written for the first time.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) event: Outgoing,
    pub(super) request: Option<RequestId>,
    /// The time limit of its ack, in milliseconds, where it counts from the write.
    pub(super) timeout_ms: Option<u64>,
    /// It is not written any more from then on.
    pub(super) until: Option<Timestamp>,
    /// A newer one of the same key takes its place.
    pub(super) key: Option<Arc<str>>,
}

/// All of a namespace.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    queue: VecDeque<Queued>,
    /// No event's time is over before this.
    over: Option<Timestamp>,
}

impl Buffer {
    /// Append an event, or put it in the place of the one that has its key, which is given back.
    pub(super) fn push(&mut self, queued: Queued) -> Option<Queued> {
        self.over = earliest(self.over, queued.until);
        let same = |other: &&mut Queued| other.key.is_some() && other.key == queued.key;
        if queued.key.is_some()
            && let Some(place) = self.queue.iter_mut().find(same)
        {
            return Some(std::mem::replace(place, queued));
        }
        self.queue.push_back(queued);
        None
    }

    /// The oldest.
    pub(super) fn pop(&mut self) -> Option<Queued> {
        let oldest = self.queue.pop_front();
        if self.queue.is_empty() {
            self.over = None;
        }
        oldest
    }

    /// Take the event of a request out.
    pub(super) fn take(&mut self, request: RequestId) -> Option<Queued> {
        let place = self.queue.iter().position(|queued| queued.request == Some(request));
        place.and_then(|place| self.queue.remove(place))
    }

    /// An event whose time is over.
    pub(super) fn take_over(&mut self, now: Timestamp) -> Option<Queued> {
        if self.over.is_none_or(|over| over > now) {
            return None;
        }
        let is_over = |queued: &Queued| queued.until.is_some_and(|until| until <= now);
        let place = self.queue.iter().position(is_over);
        if place.is_none() {
            self.over = self.queue.iter().filter_map(|queued| queued.until).min();
        }
        place.and_then(|place| self.queue.remove(place))
    }

    /// When to look for an event whose time is over.
    pub(super) const fn poll_timeout(&self) -> Option<Timestamp> {
        self.over
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;

    fn queued(number: u64, until: Option<u64>, key: Option<&str>) -> Queued {
        let event = Outgoing::event(&mut BytesMut::new(), "/", "a", "[]", Vec::new());
        Queued {
            event: event.expect("valid"),
            request: Some(RequestId(number)),
            timeout_ms: None,
            until: until.map(Timestamp),
            key: key.map(Arc::from),
        }
    }

    fn numbers(buffer: &mut Buffer) -> Vec<u64> {
        std::iter::from_fn(|| buffer.pop())
            .filter_map(|queued| queued.request)
            .map(|r| r.0)
            .collect()
    }

    #[test]
    fn the_latest_of_a_key_has_the_place_of_the_first() {
        let mut buffer = Buffer::default();
        for (number, key) in [(1, Some("a")), (2, None), (3, Some("b")), (4, None)] {
            assert!(buffer.push(queued(number, None, key)).is_none());
        }
        let replaced = buffer.push(queued(5, None, Some("a"))).expect("one of the key");
        assert_eq!(replaced.request, Some(RequestId(1)));
        assert_eq!(numbers(&mut buffer), [5, 2, 3, 4]);
    }

    #[test]
    fn events_are_taken_when_their_time_is_over_and_not_before() {
        let mut buffer = Buffer::default();
        for (number, until) in [(1, Some(30)), (2, None), (3, Some(10)), (4, Some(10))] {
            buffer.push(queued(number, until, None));
        }
        assert_eq!(buffer.poll_timeout(), Some(Timestamp(10)));
        assert!(buffer.take_over(Timestamp(9)).is_none());
        let mut over = |now| buffer.take_over(Timestamp(now)).and_then(|queued| queued.request);
        assert_eq!([over(10), over(10), over(10)], [Some(RequestId(3)), Some(RequestId(4)), None]);
        assert_eq!(buffer.poll_timeout(), Some(Timestamp(30)));
        assert_eq!(buffer.take(RequestId(1)).and_then(|queued| queued.until), Some(Timestamp(30)));
        assert!(buffer.take_over(Timestamp(30)).is_none());
        assert_eq!(buffer.poll_timeout(), None);
        assert_eq!(numbers(&mut buffer), [2]);
    }
}
