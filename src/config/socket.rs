//! Options of one socket.

use std::fmt;
use std::time::Duration;

use super::endpoint::hidden;

/// Options of one namespace.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SocketOptions {
    /// Query of the namespace, percent-encoded and joined with `&`: revision 3 only, where it is
    /// what auth payloads are in revision 4 (`socket-io` 2). `Debug` does not show it.
    pub query: String,
    /// Ask the host for the auth payload before every CONNECT
    /// ([`SocketEvent::AuthWanted`](crate::proto::io::SocketEvent::AuthWanted)).
    pub ask_auth: bool,
    /// Deliver every event at least once ([`Retries`]); volatile ones excepted.
    pub retries: Option<Retries>,
    /// Ack deadline of this socket's emits, in place of the manager's.
    pub ack_timeout: Option<Duration>,
}

impl fmt::Debug for SocketOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketOptions")
            .field("query", &hidden(&self.query))
            .field("ask_auth", &self.ask_auth)
            .field("retries", &self.retries)
            .field("ack_timeout", &self.ack_timeout)
            .finish()
    }
}

/// At-least-once delivery: every event asks for an ack, and goes again until it has one.
///
/// First deliveries keep their order. After a reconnect all that have no ack go again, in order and
/// before newer ones. An ack that does not come in time on a living connection repeats only its own
/// event. While `window` events are unacknowledged the next ones wait. So an event goes `times` + 1
/// times at most; when the last one has no ack either, its outcome tells, or
/// [`SocketEvent::Dropped`](crate::proto::io::SocketEvent::Dropped).
///
/// An ack is late after the time limit of the emit, of the socket, or of the manager, counted from
/// each write; without any of them only a reconnect repeats. Until it is settled an event counts in
/// the queue to the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retries {
    /// How often an event goes again at most.
    pub times: u32,
    /// Events without an ack at the same time; 1 is what the reference client does.
    pub window: u32,
    /// Append one argument to each event, a text that is the same whenever it goes again and that
    /// no other event has, so that the server can tell.
    pub idempotency_key: bool,
}

impl Default for Retries {
    fn default() -> Self {
        Self { times: 3, window: 16, idempotency_key: false }
    }
}
