//! The dispatch side of one mailbox: owns the host's sinks and calls them.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::gate::{Gate, closed};
use crate::driver::Delivery;
use crate::log::log;
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

/// A new object's sink on its way to the dispatch side.
pub enum Addition {
    /// For the manager of the mailbox.
    Manager(Arc<Gate>, Sink<ManagerEvent>),
    /// For the conference of the mailbox.
    Conference(Arc<Gate>, Sink<ConferenceEvent>),
    /// For a socket.
    Socket(SocketId, Arc<Gate>, Sink<SocketEvent>),
}

struct Entry<E> {
    gate: Arc<Gate>,
    sink: Sink<E>,
}

/// All sinks of one mailbox. One thread at a time has it.
#[derive(Default)]
pub(super) struct Host {
    manager: Option<Entry<ManagerEvent>>,
    conference: Option<Entry<ConferenceEvent>>,
    sockets: HashMap<SocketId, Entry<SocketEvent>>,
    /// What is being delivered; empty between turns, and keeps its memory.
    pub(super) batch: Vec<Delivery>,
}

impl Host {
    pub(super) fn add(&mut self, addition: Addition) {
        match addition {
            Addition::Manager(gate, sink) => self.manager = Some(Entry { gate, sink }),
            Addition::Conference(gate, sink) => self.conference = Some(Entry { gate, sink }),
            Addition::Socket(socket, gate, sink) => {
                self.sockets.insert(socket, Entry { gate, sink });
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
            Delivery::Event(Event::Manager(event)) => call(self.manager.as_mut(), event),
            Delivery::Event(Event::Conference(event)) => call(self.conference.as_mut(), event),
            Delivery::Event(Event::Socket(socket, event)) => {
                call(self.sockets.get_mut(&socket), event);
            }
            // Objects end by themselves, and outcomes travel with their completions.
            Delivery::Event(Event::Detached(_) | Event::Finished | Event::Outcome { .. }) => {}
        }
    }
}

impl<E> Entry<E> {
    fn end(self) {
        while let Some(call) = self.gate.take_first() {
            guarded(|| call(Err(closed())));
        }
        guarded(|| drop(self.sink));
        self.gate.end();
    }
}

fn call<E>(entry: Option<&mut Entry<E>>, event: E) {
    if let Some(entry) = entry.filter(|entry| !entry.gate.is_closed()) {
        guarded(|| (entry.sink)(event));
    }
}

/// A panic of the host's closure is the host's bug; it must not stop what others wait for.
fn guarded(call: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(call)).is_err() {
        log!(Error, "a callback panicked");
    }
}
