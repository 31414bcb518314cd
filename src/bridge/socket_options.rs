//! Options of a socket, and of one event.

use std::time::Duration;

use bytes::Bytes;

use crate::client;
use crate::config;

/// Options of a socket.
#[derive(Clone, Default, uniffi::Record)]
pub struct SocketOptions {
    /// Query of the namespace, percent-encoded and joined with `&`: for servers before 3.0 only.
    #[uniffi(default = "")]
    pub query: String,
    /// Deliver every event at least once, volatile ones excepted.
    #[uniffi(default)]
    pub retries: Option<RetriesOptions>,
    /// Time limit of this socket's acks, in place of the manager's.
    #[uniffi(default)]
    pub ack_timeout: Option<Duration>,
}

/// At-least-once delivery: every event asks for an ack, and goes again until it has one.
#[derive(Clone, Debug, uniffi::Record)]
pub struct RetriesOptions {
    /// How often an event goes again at most.
    #[uniffi(default = 3)]
    pub times: u32,
    /// Events without an ack at the same time, 1 to 10,000.
    #[uniffi(default = 16)]
    pub window: u32,
    /// Append one argument to each event, a text that is the same whenever it goes again.
    #[uniffi(default = false)]
    pub idempotency_key: bool,
}

/// What becomes of an event that cannot be written at once.
#[derive(Clone, Debug, uniffi::Enum)]
pub enum OfflinePolicy {
    /// It waits until the namespace is joined.
    Wait,
    /// It waits so long, then it is dropped.
    WaitFor {
        /// How long.
        limit: Duration,
    },
    /// It waits, and a newer one with the same key takes its place.
    Latest {
        /// The key.
        key: String,
    },
    /// It is dropped unless the namespace is joined.
    Fail,
    /// It is dropped unless it can be written at once.
    Volatile,
}

/// How an event is emitted.
#[derive(Clone, Debug, Default, uniffi::Record)]
pub struct EmitOptions {
    /// Binary values. Where one belongs, the arguments hold `{"_placeholder":true,"num":i}`, which
    /// stands for attachment `i`.
    #[uniffi(default)]
    pub attachments: Vec<Vec<u8>>,
    /// What becomes of it while it cannot be written at once; it waits unless set.
    #[uniffi(default)]
    pub offline: Option<OfflinePolicy>,
    /// Time limit of an ack, 1 ms to 24 h, counted from the call; the socket's unless set.
    #[uniffi(default)]
    pub timeout: Option<Duration>,
}

impl SocketOptions {
    pub(super) fn config(self, ask_auth: bool) -> config::SocketOptions {
        let retries = self.retries.map(|retries| {
            let RetriesOptions { times, window, idempotency_key } = retries;
            config::Retries { times, window, idempotency_key }
        });
        let Self { query, ack_timeout, .. } = self;
        config::SocketOptions { query, ask_auth, retries, ack_timeout }
    }
}

impl From<EmitOptions> for client::EmitOptions {
    fn from(options: EmitOptions) -> Self {
        let offline = options.offline.map(|policy| match policy {
            OfflinePolicy::Wait => client::Offline::Wait,
            OfflinePolicy::WaitFor { limit } => {
                client::Offline::WaitFor(limit.as_millis().try_into().unwrap_or(u64::MAX))
            }
            OfflinePolicy::Latest { key } => client::Offline::Latest(key.into()),
            OfflinePolicy::Fail => client::Offline::Fail,
            OfflinePolicy::Volatile => client::Offline::Volatile,
        });
        Self {
            attachments: options.attachments.into_iter().map(Bytes::from).collect(),
            offline: offline.unwrap_or_default(),
            timeout: options.timeout,
        }
    }
}
