//! The lines of a trace, as `docs/trace.md` describes them. No field can hold a payload.

use std::borrow::Cow;
use std::fmt::Debug;

use serde::Serialize;

use crate::error::Error;

/// The version of the format: raised when a record or field changes its meaning or goes away.
pub(super) const FORMAT: u32 = 1;

/// A line.
#[derive(Serialize)]
pub(super) struct Record<'a> {
    /// Milliseconds since the object was made.
    pub(super) t: u64,
    #[serde(flatten)]
    pub(super) what: What<'a>,
}

/// What happened.
#[derive(Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(super) enum What<'a> {
    Trace {
        format: u32,
        object: &'static str,
        library: &'static str,
        os: &'static str,
        arch: &'static str,
        wall_ms: u64,
    },
    Command(Command<'a>),
    Hint {
        hint: String,
    },
    Dial {
        wire: u32,
        transport: &'static str,
        host: &'a str,
        port: u16,
        secure: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        revision: Option<u8>,
        #[serde(skip_serializing_if = "Option::is_none")]
        upgrades: Option<u32>,
    },
    Reached {
        wire: u32,
        connect_ms: u64,
    },
    Secured {
        wire: u32,
        tls_ms: u64,
    },
    Connected {
        wire: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        local: Option<String>,
        cookies: usize,
    },
    LocalAddress {
        wire: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        local: Option<String>,
    },
    LimitUnacknowledged {
        wire: u32,
        ms: u64,
    },
    Failed {
        wire: u32,
        error: Cause<'a>,
    },
    Closed {
        wire: u32,
        error: Cause<'a>,
    },
    Hangup {
        wire: u32,
    },
    HttpSent {
        wire: u32,
        exchange: String,
        bytes: usize,
    },
    HttpAnswered {
        wire: u32,
        exchange: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        #[serde(skip_serializing_if = "Option::is_none")]
        bytes: Option<usize>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<Cause<'a>>,
    },
    Probe {
        wire: u32,
    },
    Pong {
        wire: u32,
    },
    Partial {
        wire: u32,
    },
    Writable {
        wire: u32,
        writable: bool,
    },
    HostQueue {
        full: bool,
    },
    EngineOpened {
        wire: u32,
        ping_interval_ms: u64,
        ping_timeout_ms: u64,
    },
    EngineUpgraded {
        wire: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<u32>,
    },
    EngineClosed {
        wire: u32,
        by: &'static str,
    },
    In(Packet<'a>),
    Out(Packet<'a>),
    State(State<'a>),
    Retry {
        attempt: u32,
        error: Cause<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        delay_ms: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        grace_ms: Option<u64>,
    },
    Told(Told<'a>),
    Resumed {
        complete: bool,
        replayed: u64,
    },
    Gap {
        from: u64,
        to: u64,
        certain: bool,
    },
    Notification {
        event: Cow<'a, str>,
        number: u64,
        replayed: bool,
        bytes: usize,
    },
    Outcome {
        request: u64,
        name: &'a str,
        result: &'static str,
        took_ms: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<Cause<'a>>,
    },
    Dropped {
        records: u64,
    },
    End(Totals),
}

/// A call of the host.
#[derive(Default, Serialize)]
pub(super) struct Command<'a> {
    pub(super) name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) socket: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) event: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attachments: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timeout_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) offline: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<Cause<'a>>,
}

/// A packet of Engine.IO, and of Socket.IO in it.
#[derive(Default, Serialize)]
pub(super) struct Packet<'a> {
    pub(super) wire: u32,
    pub(super) engine: &'static str,
    pub(super) bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) packet: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) event: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ack: Option<u64>,
    /// The event whose ack this is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) answers: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attachments: Option<usize>,
}

/// A step of a state machine.
#[derive(Serialize)]
pub(super) struct State<'a> {
    pub(super) object: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) socket: Option<u32>,
    pub(super) number: u64,
    pub(super) state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cause: Option<Cause<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) grace_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) recovered: Option<bool>,
}

/// Anything else that the host is told.
#[derive(Default, Serialize)]
pub(super) struct Told<'a> {
    pub(super) name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) socket: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) event: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attachments: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) wants_ack: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) transport: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<Cause<'a>>,
}

/// An error without what the server said in JSON.
#[derive(Serialize)]
pub(super) struct Cause<'a> {
    code: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    close_code: Option<u16>,
}

impl<'a> From<&'a Error> for Cause<'a> {
    fn from(error: &'a Error) -> Self {
        Self {
            code: error.code().name(),
            message: error.message(),
            http_status: error.http_status(),
            close_code: error.close_code(),
        }
    }
}

/// What the recorder counted, for the last line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Totals {
    pub(super) dials: u64,
    pub(super) wires_lost: u64,
    pub(super) packets_in: u64,
    pub(super) bytes_in: u64,
    pub(super) packets_out: u64,
    pub(super) bytes_out: u64,
    pub(super) commands: u64,
    pub(super) outcomes: u64,
    pub(super) retries: u64,
    pub(super) resumed: u64,
    pub(super) notifications: u64,
    pub(super) replayed: u64,
    pub(super) gaps: u64,
}

/// `NetworkChanged` as `network_changed`: the names are the same in every language.
pub(super) fn snake(name: &impl Debug) -> String {
    let name = format!("{name:?}");
    let mut out = String::with_capacity(name.len() + 4);
    for (at, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && at > 0 {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}
