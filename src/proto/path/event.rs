//! What a path says, and what it answers when the layer above asks.

use bytes::Bytes;

use crate::error::Error;
use crate::proto::io::LinkId;
use crate::proto::path::Role;

/// What a path tells the layer above.
pub enum PathEvent {
    /// The Engine.IO connection of a fresh link is open.
    Opened(LinkId),
    /// A text message: the frame, and where its data starts.
    Message {
        /// The link.
        link: LinkId,
        /// The frame.
        frame: Bytes,
        /// First byte of the data.
        start: usize,
    },
    /// A binary message.
    Binary {
        /// The link.
        link: LinkId,
        /// The bytes.
        data: Bytes,
    },
    /// A link ended.
    Lost {
        /// The link.
        link: LinkId,
        /// What it was for.
        role: Role,
        /// Why.
        error: Error,
        /// A part of a message had been received on it.
        receiving: bool,
    },
    /// A fresh link was given up for a newer network.
    Abandoned(LinkId),
    /// The current link answered a probe.
    Alive,
    /// The next attempt is planned.
    Retry {
        /// Failures in a row.
        attempt: u32,
        /// Why the last one failed.
        error: Error,
        /// The wait in milliseconds; `None`: the policy allows no further attempt.
        delay_ms: Option<u64>,
    },
    /// A link that polled is carried by a WebSocket from now on.
    Upgraded(LinkId),
    /// A link goes on with polling, because WebSocket could not take over.
    UpgradeFailed(Error),
    /// The next attempt waits for [`set_target`](super::Path::set_target).
    TargetWanted {
        /// Failed attempts in a row.
        attempt: u32,
        /// Why the last one failed.
        error: Option<Error>,
    },
}

/// Whether a fresh link should take over from the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is no current link any more.
    Required,
    /// The current link lives, but belongs to another local address.
    Moved,
    /// Not known before the probe of the current link ends.
    Wait,
    /// The current link lives; the fresh one is not needed.
    Unneeded,
}
