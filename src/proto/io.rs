//! What goes into and comes out of the protocol core: the only words that the core and its driver
//! have in common.
//!
//! ```text
//!  host --Command-->            --Transmit--> network
//!                     Stack
//!  host <--Event----            <--Input----- network
//! ```

mod command;
mod debug;
mod event;
mod network;

pub use command::*;
pub use event::*;
pub use network::*;

/// One Engine.IO connection to the server, numbered in the order of dialling and never reused. It
/// is carried by one transport after another, or by two while it opens or is upgraded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u32);

/// A question to the host, to be answered once; never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AskToken(pub u64);

/// One socket of a manager, numbered by the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u32);

/// One emit with ack, login, logout or request, numbered by the client per manager. Every command
/// that carries one is answered by exactly one [`Event::Outcome`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// The right to answer one received event that asked for an ack; never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AckToken(pub u64);
