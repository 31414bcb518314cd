//! Socket.IO packets as MessagePack, as socket.io-msgpack-parser 3.0 has them (`socket-io` 9).
//!
//! A packet is one binary message, a map of `type`, `nsp`, `data` and `id`, with binary values where
//! they stand. To the layers above it looks like any other: [`decode()`] writes the arguments as JSON
//! and cuts binary values out of the frame as attachments, [`encode()`] does the reverse. Of MessagePack
//! and JSON, what the one has and the other has not:
//!
//! | MessagePack | JSON |
//! |---|---|
//! | NaN, infinities | `null` |
//! | ext type 0 of any length but 8 (`undefined` of JavaScript) | `null` |
//! | ext type 0 of 8 bytes (`Date` of notepack.io), ext type -1 (timestamps) | text, as `Date.toJSON` |
//! | any other ext | array of its type and its bytes, as the reference has it |
//! | keys that are integers | text |
//! | keys that are anything else | refused |
//! | text that is not UTF-8 | refused |
//! | U+FFFD | an escaped surrogate without a partner |
//! | integer formats up to 64 bits | numbers without `.` and exponent |
//! | float 64 | all other numbers |

mod decode;
mod encode;

use bytes::Bytes;

use crate::config::{Limits, Revision};
use crate::payload::Payload;

pub use decode::decode;
pub use encode::encode;

/// What [`encode()`] has written, as the application knows it. Limits are for others.
pub(super) fn read_own(packet: &Bytes) -> Payload {
    let limits = Limits {
        inbound_message: usize::MAX,
        inbound_attachments: usize::MAX,
        ..Limits::default()
    };
    decode(packet, Revision::V4, &limits)
        .map_or_else(|_| Payload::default(), |it| it.into_payload())
}
