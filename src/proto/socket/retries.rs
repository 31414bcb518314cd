//! At-least-once delivery: the events that were written and have no ack yet.
//!
//! Each keeps its ack id and with it its frames for good: what goes again are the same bytes, and an
//! ack that comes late for an earlier try settles the event like any other. Events that were never
//! written wait in the [`Buffer`](super::offline::Buffer), behind all of these.

use std::collections::VecDeque;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::payload::Payload;
use crate::proto::engine::session::Frame;
use crate::proto::io::RequestId;
use crate::proto::socket::msgpack;
use crate::proto::time::{Timestamp, earliest};

/// An event in the form that goes over the wire, as often as it has to.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) frames: SmallVec<[Frame; 1]>,
    /// How many bytes at the end of the first frame are the JSON array.
    pub(super) json: usize,
    /// The last argument is not the application's.
    pub(super) has_key: bool,
}

impl Written {
    /// The event as the application knows it. Copies nothing of text.
    pub(super) fn payload(&self) -> Payload {
        let payload = match self.frames.first() {
            Some(Frame::Binary(packet)) => msgpack::read_own(packet),
            _ => self.text_payload(),
        };
        if self.has_key { payload.without_last() } else { payload }
    }

    fn text_payload(&self) -> Payload {
        let mut frames = self.frames.iter().map(|frame| match frame {
            Frame::Text(frame) | Frame::Binary(frame) => frame.clone(),
        });
        let frame = frames.next().unwrap_or_default();
        let start = frame.len().saturating_sub(self.json);
        Payload::of_event(frame, start, frames.collect::<Vec<Bytes>>())
    }
}

/// An event that was written and has no ack yet.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) id: u64,
    pub(super) request: Option<RequestId>,
    pub(super) written: Written,
    /// What it counts in the queue to the wire until it is settled.
    pub(super) weight: usize,
    /// The time limit of the ack, in milliseconds after each write.
    pub(super) timeout_ms: Option<u64>,
    sends: u32,
    due: Option<Timestamp>,
}

impl InFlight {
    /// An event that goes out now.
    pub(super) fn new(
        id: u64,
        request: Option<RequestId>,
        written: Written,
        weight: usize,
        timeout_ms: Option<u64>,
    ) -> Self {
        Self { id, request, written, weight, timeout_ms, sends: 0, due: None }
    }

    fn send(&mut self, now: Timestamp) {
        self.sends = self.sends.saturating_add(1);
        self.due = self.timeout_ms.map(|limit| now + limit);
    }
}

/// What an ack that did not come in time means.
#[derive(Debug)]
pub(super) enum Overdue<'a> {
    /// The event goes again.
    Again(&'a Written),
    /// It has gone often enough.
    Failed(Box<InFlight>),
}

/// All of a namespace, in the order of their first writes.
#[derive(Debug, Default)]
pub(super) struct Window {
    flight: VecDeque<InFlight>,
    /// No ack is due before this.
    due: Option<Timestamp>,
}

impl Window {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.flight.len()
    }

    /// Add an event that is being written. Its id is the highest so far.
    pub(super) fn add(&mut self, mut event: InFlight, now: Timestamp) {
        event.send(now);
        self.due = earliest(self.due, event.due);
        self.flight.push_back(event);
    }

    /// The event that an ack settles.
    pub(super) fn take_ack(&mut self, id: u64) -> Option<InFlight> {
        let place = self.flight.binary_search_by_key(&id, |event| event.id).ok()?;
        self.remove(place)
    }

    /// Take the event of a request out.
    pub(super) fn take(&mut self, request: RequestId) -> Option<InFlight> {
        let place = self.flight.iter().position(|event| event.request == Some(request))?;
        self.remove(place)
    }

    /// Take the oldest out.
    pub(super) fn pop(&mut self) -> Option<InFlight> {
        self.remove(0)
    }

    fn remove(&mut self, place: usize) -> Option<InFlight> {
        let event = self.flight.remove(place);
        if self.flight.is_empty() {
            self.due = None;
        }
        event
    }

    /// The connection is gone: nothing is due any more. Gives the events that have gone `times`
    /// again already; the others wait for [`Window::again`].
    pub(super) fn lose(&mut self, times: u32) -> VecDeque<InFlight> {
        self.due = None;
        let (failed, kept) = std::mem::take(&mut self.flight)
            .into_iter()
            .map(|event| InFlight { due: None, ..event })
            .partition(|event| event.sends > times);
        self.flight = kept;
        failed
    }

    /// There is a connection again: everything goes once more, in order.
    pub(super) fn again(&mut self, now: Timestamp) -> impl Iterator<Item = &Written> {
        self.flight.iter_mut().for_each(|event| event.send(now));
        self.look();
        self.flight.iter().map(|event| &event.written)
    }

    /// An ack that has not come in time, of an event that goes `times` again at most.
    pub(super) fn overdue(&mut self, times: u32, now: Timestamp) -> Option<Overdue<'_>> {
        if self.due.is_none_or(|due| due > now) {
            return None;
        }
        let is_due = |event: &InFlight| event.due.is_some_and(|due| due <= now);
        let Some(place) = self.flight.iter().position(is_due) else {
            self.look();
            return None;
        };
        if self.flight[place].sends > times {
            return self.remove(place).map(|event| Overdue::Failed(Box::new(event)));
        }
        self.flight[place].send(now);
        Some(Overdue::Again(&self.flight[place].written))
    }

    fn look(&mut self) {
        self.due = self.flight.iter().filter_map(|event| event.due).min();
    }

    /// When to look for an ack that is overdue.
    pub(super) const fn poll_timeout(&self) -> Option<Timestamp> {
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: u64, timeout_ms: Option<u64>) -> InFlight {
        let frame = Bytes::from(format!("42/[n],{id}[\"say\",{id},\"key\"]"));
        let json = format!("[\"say\",{id},\"key\"]").len();
        let frames = [Frame::Text(frame)].into_iter().collect();
        let written = Written { frames, json, has_key: true };
        InFlight::new(id, Some(RequestId(100 + id)), written, 1, timeout_ms)
    }

    /// Events 5, 6 and 7, whose acks are due 100 ms later.
    fn window() -> Window {
        let mut window = Window::default();
        (5..8).for_each(|id| window.add(event(id, Some(100)), Timestamp(id)));
        window
    }

    #[test]
    fn an_event_is_seen_without_header_and_key() {
        let payload = event(3, None).written.payload();
        assert_eq!((payload.name(), payload.len(), payload.arg(0)), ("say", 1, Some("3")));
    }

    #[test]
    fn an_overdue_ack_sends_its_own_event_until_it_has_gone_often_enough() {
        let mut window = window();
        assert!(window.overdue(1, Timestamp(104)).is_none());
        let again = |overdue| matches!(overdue, Some(Overdue::Again(_)));
        assert!(again(window.overdue(1, Timestamp(105))));
        assert!(window.overdue(1, Timestamp(105)).is_none());
        assert_eq!(window.poll_timeout(), Some(Timestamp(106)));
        assert!(window.take_ack(6).is_some() && window.take_ack(6).is_none());
        assert!(window.take(RequestId(107)).is_some());
        assert_eq!(window.len(), 1);
        let Some(Overdue::Failed(failed)) = window.overdue(1, Timestamp(205)) else {
            panic!("it went twice");
        };
        assert_eq!((failed.id, window.len(), window.poll_timeout()), (5, 0, None));
    }

    #[test]
    fn after_a_loss_all_go_again_in_order_except_what_has_gone_often_enough() {
        let mut window = window();
        assert!(matches!(window.overdue(1, Timestamp(105)), Some(Overdue::Again(_))));
        assert_eq!(window.lose(1).iter().map(|event| event.id).collect::<Vec<_>>(), [5]);
        assert_eq!(window.poll_timeout(), None);
        assert_eq!(window.again(Timestamp(1_000)).count(), 2);
        assert_eq!(window.poll_timeout(), Some(Timestamp(1_100)));
        assert_eq!(window.pop().map(|event| event.id), Some(6));
    }
}
