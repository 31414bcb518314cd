//! The dispatch side of one mailbox: owns the host's sinks and calls them.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::gate::{Gate, closed};
use super::told::Told;
use crate::driver::Delivery;
use crate::error::Error;
use crate::log::log;
use crate::proto::conference::kept::Keepsake;
use crate::proto::io::{ConferenceEvent, Event, ManagerEvent, SocketEvent, SocketId};

/// What the host gave to be called with the events `E` of one object.
pub type Sink<E> = Box<dyn FnMut(E) + Send>;

/// An object that has a sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The manager of the mailbox.
    Manager,
    /// The conference of the mailbox.
    Conference,
    /// A socket.
    Socket(SocketId),
}

/// What a conference tells its client.
#[derive(Debug)]
pub enum Report {
    /// An event for the host.
    Event(ConferenceEvent),
    /// What to keep of the session from here on.
    Keep(Keepsake),
}

/// A new object's sink on its way to the dispatch side.
pub enum Addition {
    /// For the manager of the mailbox.
    Manager(Arc<Gate>, Sink<ManagerEvent>),
    /// For the conference of the mailbox.
    Conference(Arc<Gate>, Sink<Report>),
    /// For a socket.
    Socket(SocketId, Arc<Gate>, Sink<SocketEvent>),
}

struct Entry<E: Told> {
    gate: Arc<Gate>,
    sink: Sink<E>,
    /// Of the last step that was told.
    number: u64,
    state: E::State,
}

/// All sinks of one mailbox. One thread at a time has it.
#[derive(Default)]
pub(super) struct Host {
    manager: Option<Entry<ManagerEvent>>,
    conference: Option<Entry<Report>>,
    sockets: HashMap<SocketId, Entry<SocketEvent>>,
    /// Why the driver has ended although nobody asked for it.
    cause: Option<Error>,
    /// What is being delivered; empty between turns, and keeps its memory.
    pub(super) batch: Vec<Delivery>,
}

impl Host {
    pub(super) fn add(&mut self, addition: Addition) {
        match addition {
            Addition::Manager(gate, sink) => {
                self.manager = Some(Entry::new(gate, sink, self.cause.as_ref()));
            }
            Addition::Conference(gate, sink) => {
                self.conference = Some(Entry::new(gate, sink, self.cause.as_ref()));
            }
            Addition::Socket(socket, gate, sink) => {
                self.sockets.insert(socket, Entry::new(gate, sink, self.cause.as_ref()));
            }
        }
    }

    /// Settle what is pending, drop the sink, and say so.
    pub(super) fn end(&mut self, owner: Owner) {
        match owner {
            Owner::Manager => self.manager.take().map(Entry::end),
            Owner::Conference => self.conference.take().map(Entry::end),
            Owner::Socket(socket) => self.sockets.remove(&socket).map(Entry::end),
        };
    }

    pub(super) fn deliver(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Outcome(completion, result) => guarded(|| completion.complete(result)),
            Delivery::Event(Event::Manager(event)) => tell(self.manager.as_mut(), event),
            Delivery::Event(Event::Conference(event)) => {
                tell(self.conference.as_mut(), Report::Event(event));
            }
            Delivery::Event(Event::Keep(keepsake)) => {
                tell(self.conference.as_mut(), Report::Keep(keepsake));
            }
            Delivery::Event(Event::Socket(socket, event)) => {
                tell(self.sockets.get_mut(&socket), event);
            }
            Delivery::Finished(cause) => self.finish(cause),
            // Objects end by themselves, and outcomes travel with their completions.
            Delivery::Event(Event::Detached(_) | Event::Finished | Event::Outcome { .. }) => {}
        }
    }

    /// Nothing more comes. Whoever did not want that hears why.
    fn finish(&mut self, cause: Option<Error>) {
        if let Some(cause) = &cause {
            self.sockets.values_mut().for_each(|entry| entry.tell_last(cause));
            self.manager.iter_mut().for_each(|entry| entry.tell_last(cause));
            self.conference.iter_mut().for_each(|entry| entry.tell_last(cause));
        }
        self.cause = cause;
    }
}

impl<E: Told> Entry<E> {
    /// `cause`: the object came too late for anything but its end.
    fn new(gate: Arc<Gate>, sink: Sink<E>, cause: Option<&Error>) -> Self {
        let mut entry = Self { gate, sink, number: 0, state: E::State::default() };
        if let Some(cause) = cause {
            entry.tell_last(cause);
        }
        entry
    }

    fn tell(&mut self, event: E) {
        if let Some((number, state)) = event.step() {
            (self.number, self.state) = (number, state);
        }
        if !self.gate.is_closed() {
            guarded(|| (self.sink)(event));
        }
    }

    fn tell_last(&mut self, cause: &Error) {
        if let Some(last) = E::last(self.number + 1, self.state, cause) {
            self.tell(last);
        }
    }

    fn end(self) {
        while let Some(call) = self.gate.take_first() {
            guarded(|| call(Err(closed())));
        }
        guarded(|| drop(self.sink));
        self.gate.end();
    }
}

fn tell<E: Told>(entry: Option<&mut Entry<E>>, event: E) {
    if let Some(entry) = entry {
        entry.tell(event);
    }
}

/// A panic of the host's closure is the host's bug; it must not stop what others wait for.
pub(crate) fn guarded(call: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(call)).is_err() {
        log!(Error, "a callback panicked");
    }
}
