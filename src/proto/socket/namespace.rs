//! One namespace of a manager: what the user wants of it, what the wire knows of it, and why the
//! two are kept apart.
//!
//! A current server closes the whole connection, and with it every other namespace, when a client
//! sends CONNECT twice, DISCONNECT before it is joined, or CONNECT right behind DISCONNECT
//! (`socket-io` 3). So CONNECT and DISCONNECT are sent only from the wire state that allows them:
//!
//! ```text
//!            CONNECT               reply              DISCONNECT             gap over
//!   Apart ------------> Pending ----------> Joined ----------------> Gap ------------> Apart
//! ```

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::config::{Limits, SocketOptions};
use crate::error::Error;
use crate::payload::Payload;
use crate::proto::io::{AckToken, AskToken, RequestId, SocketId, SocketState};
use crate::proto::socket::offline::Buffer;
use crate::proto::socket::recovery::Recovery;
use crate::proto::socket::rejoin::Rejoin;
use crate::proto::socket::retries::Window;
use crate::proto::time::{Timestamp, earliest};
use crate::proto::track::Track;
use crate::secret::Secret;

/// What the server knows of a namespace on the present connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Wire {
    /// Nothing.
    #[default]
    Apart,
    /// CONNECT was sent; its reply is due.
    Pending {
        /// When the missing reply is reported.
        deadline: Timestamp,
        /// The auth payload has changed since: leave at the reply and join anew.
        stale_auth: bool,
    },
    /// Joined.
    Joined,
    /// DISCONNECT was sent a moment ago.
    Gap {
        /// When CONNECT may follow.
        until: Timestamp,
        /// It must have left by then ([`Path::has_left`](crate::proto::path::Path::has_left)).
        mark: u64,
    },
}

/// A question to the host for the auth payload of the next CONNECT.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asking {
    pub(super) token: AskToken,
    /// When a missing answer is reported.
    pub(super) deadline: Timestamp,
}

/// Events that may arrive before the reply to CONNECT; a server sends none or few.
const MAX_EARLY: usize = 1_000;
/// The most events whose ack is still owed to the server; beyond it the oldest can no longer be
/// answered.
const MAX_OWED_ACKS: usize = 65_536;

/// One namespace.
#[derive(Debug)]
pub(super) struct Namespace {
    pub(super) name: Arc<str>,
    /// None: detached, remembered only until the wire forgets it too.
    pub(super) socket: Option<SocketId>,
    pub(super) options: SocketOptions,
    pub(super) wanted: bool,
    pub(super) auth: Option<Secret>,
    pub(super) wire: Wire,
    /// CONNECT waits for the host's answer.
    pub(super) asking: Option<Asking>,
    pub(super) rejoin: Rejoin,
    /// Why joining failed the last time.
    pub(super) last_error: Option<Error>,
    pub(super) track: Track<SocketState>,
    /// Events that were never written.
    pub(super) buffer: Buffer,
    /// With retries: events that were written and have no ack.
    pub(super) window: Window,
    pub(super) recovery: Recovery,
    /// The host wants to know what is written.
    pub(super) watch_sent: bool,
    /// Events that arrived before the CONNECT reply, and the bytes that they keep alive.
    early: Vec<(Payload, Option<AckToken>)>,
    early_bytes: usize,
    acks: HashMap<u64, RequestId>,
    pub(super) next_ack: u64,
    owed: BTreeMap<AckToken, u64>,
}

impl Namespace {
    /// A namespace whose ack ids begin with `next_ack`.
    pub(super) fn new(
        name: Arc<str>,
        socket: SocketId,
        options: SocketOptions,
        next_ack: u64,
    ) -> Self {
        Self {
            name,
            socket: Some(socket),
            options,
            wanted: false,
            auth: None,
            wire: Wire::Apart,
            asking: None,
            rejoin: Rejoin::default(),
            last_error: None,
            track: Track::default(),
            buffer: Buffer::default(),
            window: Window::default(),
            recovery: Recovery::default(),
            watch_sent: false,
            early: Vec::new(),
            early_bytes: 0,
            acks: HashMap::new(),
            next_ack,
            owed: BTreeMap::new(),
        }
    }

    pub(super) fn is_connected(&self) -> bool {
        self.track.state() == SocketState::Connected
    }

    /// Keep an event until the CONNECT reply; false when the server has sent enough of them.
    pub(super) fn keep_early(
        &mut self,
        payload: Payload,
        ack: Option<AckToken>,
        limits: &Limits,
    ) -> bool {
        let room = self.early.len() < MAX_EARLY && self.early_bytes < limits.host_queue_bytes;
        if room {
            self.early_bytes += payload.weight();
            self.early.push((payload, ack));
        }
        room
    }

    /// The events that waited for the CONNECT reply.
    pub(super) fn take_early(&mut self) -> Vec<(Payload, Option<AckToken>)> {
        self.early_bytes = 0;
        std::mem::take(&mut self.early)
    }

    /// A new ack id, never used before in this namespace.
    pub(super) const fn next_ack(&mut self) -> u64 {
        let id = self.next_ack;
        self.next_ack += 1;
        id
    }

    /// The ack id for a request that is written.
    pub(super) fn expect_ack(&mut self, request: RequestId) -> u64 {
        let id = self.next_ack();
        self.acks.insert(id, request);
        id
    }

    /// The request that an ack answers; `None` when it is unknown or was answered before.
    pub(super) fn take_ack(&mut self, id: u64) -> Option<RequestId> {
        self.acks.remove(&id)
    }

    /// Every request that was written and not answered.
    pub(super) fn take_written(&mut self) -> Vec<RequestId> {
        let mut written: Vec<(u64, RequestId)> = self.acks.drain().collect();
        written.sort_unstable();
        written.into_iter().map(|(_, request)| request).collect()
    }

    /// The server wants an ack for an event.
    pub(super) fn owe(&mut self, token: AckToken, id: u64) {
        if self.owed.len() >= MAX_OWED_ACKS {
            self.owed.pop_first();
        }
        self.owed.insert(token, id);
    }

    /// The host answers: gives the server's ack id the first time.
    pub(super) fn pay(&mut self, token: AckToken) -> Option<u64> {
        self.owed.remove(&token)
    }

    /// Whether the server owes something.
    pub(super) fn awaits_answer(&self) -> bool {
        match self.wire {
            Wire::Pending { .. } => true,
            Wire::Joined => self.window.len() > 0,
            _ => false,
        }
    }

    /// The wire knows nothing of this namespace any more.
    pub(super) fn forget_wire(&mut self) {
        self.wire = Wire::Apart;
        self.asking = None;
        self.rejoin.cancel();
        self.take_early();
        self.owed.clear();
    }

    /// The next time at which something happens by itself.
    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        let wire = match self.wire {
            Wire::Pending { deadline, .. } => Some(deadline),
            Wire::Gap { until, .. } => Some(until),
            _ => None,
        };
        let own = earliest(self.asking.map(|asking| asking.deadline), self.rejoin.poll_timeout());
        let events = earliest(self.buffer.poll_timeout(), self.window.poll_timeout());
        earliest(earliest(wire, own), events)
    }
}
