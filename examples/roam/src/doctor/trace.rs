//! The parts of a trace (`docs/trace.md`) that an examination looks at.

use serde::Deserialize;

/// A record of the trace.
#[derive(Debug, Deserialize)]
pub(super) struct Record {
    /// Milliseconds since the beginning.
    pub(super) t: u64,
    #[serde(flatten)]
    pub(super) what: What,
}

/// What happened.
#[derive(Debug, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(super) enum What {
    Dial {
        wire: u32,
        revision: Option<u8>,
    },
    Reached {
        wire: u32,
        connect_ms: u64,
    },
    Secured {
        wire: u32,
        tls_ms: u64,
    },
    Failed {
        wire: u32,
    },
    HttpAnswered {
        wire: u32,
    },
    EngineOpened {
        wire: u32,
    },
    Probe {},
    Pong {},
    #[serde(other)]
    Other,
}

impl Record {
    /// Read a line; whatever it is, it is a record.
    pub(super) fn read(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}
