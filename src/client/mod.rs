//! The Rust API: [`Manager`] and [`Socket`], found by URL in a [`Registry`], their events given to
//! listeners by a [`Router`]; and [`Conference`]. What they promise is written here, once.
//!
//! **Handles** are cheap clones of one object. The object is closed when its last clone is dropped,
//! or by `close` ([`Conference::detach`]); a socket keeps its manager's connection running, so the
//! order does not matter. A closure that captures a clone of its own object keeps it alive: capture
//! a [`Weak`](std::sync::Weak) of your own, or close explicitly.
//!
//! **Calls** may be made from any thread and inside any callback. None waits for the network; only
//! `close_wait` waits. What is wrong with a call itself (a name, JSON, a size, the state) is its
//! `Err`, with no side effect; everything that happens out there comes as an event or an outcome.
//!
//! **Callbacks** of one manager with its sockets, or of one conference, run one at a time and in
//! order, with no lock held, never inside a call of yours (exceptions: closing in manual mode, and
//! `close_wait` with an executor). Which thread runs them is chosen by
//! [`DispatchMode`](crate::config::DispatchMode). A slow callback delays later ones, not heartbeats:
//! the queue is bounded, and when it is full nothing more is read from the network, and nothing is
//! dropped. (Inline there is no queue, and a slow callback delays everything.) A closure that panics
//! is reported in the log and called again for the next event.
//!
//! **Outcomes**: a completion that was accepted (`Ok`) is called exactly once, on every path. On
//! `Err` it is dropped uncalled. `ACK_LOST` and `ACK_TIMEOUT` mean that the other side may or may
//! not have acted.
//!
//! **The end**: once `close` has returned no callback of the object begins any more, except its
//! pending completions, with `CLOSED`; then its event closure is dropped. At most the one callback
//! that was running meanwhile finishes. In manual mode all of this happens before `close` returns,
//! unless a dispatch is running at the time; then that dispatch does it. With an executor it happens
//! in a job, or inside `close_wait` on its caller's thread if no job is running: so `close_wait` may
//! be called where jobs run, and needs no executor that still works. Inline it happens on the I/O
//! thread, with a caller's runtime only while that is driven.
//!
//! An end that nobody asked for (a bug, or the caller's runtime was shut down) is told to every
//! object as one last step, to `Closed` or `Ended`, with its cause.
//!
//! **`state()`** tells what the event closure was told last: the new state is visible from the
//! moment its callback begins, to every thread. So it is with [`Conference::room`].

#![forbid(unsafe_code)]

mod conference;
mod core;
mod manager;
mod registry;
mod reply;
mod room;
mod router;
mod socket;
mod validate;

pub use self::conference::{Conference, RequestOptions};
pub use self::manager::Manager;
pub use self::registry::{Lookup, Registry};
pub use self::reply::{Call, Reply};
pub use self::router::{ListenerId, Router};
pub use self::socket::{EmitOptions, Socket};
pub(crate) use self::validate::{
    conference as check_conference_options, manager_options as check_manager_options,
};
pub(crate) use crate::driver::dispatch::Scope as CallbackScope;
pub use crate::proto::io::{
    AckToken, AskToken, ConferenceEvent, ConferenceState, DisconnectReason, Hint, ManagerEvent,
    ManagerState, Offline, OfflineRequest, RequestId, Retry, SocketEvent, SocketState, Transition,
};
pub use crate::proto::stats::Stats;
