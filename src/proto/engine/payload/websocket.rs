//! One packet, one WebSocket frame.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::{BINARY_MESSAGE, base64_mark, refuse, strip_type, text_packet};
use crate::config::Revision;
use crate::error::Result;
use crate::proto::engine::session::Frame;

/// The WebSocket frame of a packet. Text, and without `force_base64` all of revision 4, is sent as it
/// is; a binary message of revision 3 is copied behind its type.
pub fn ws_encode(packet: Frame, revision: Revision, force_base64: bool) -> Frame {
    let Frame::Binary(data) = packet else { return packet };
    if force_base64 {
        let mut text = String::from(base64_mark(revision));
        STANDARD.encode_string(&data, &mut text);
        return Frame::Text(text.into());
    }
    if revision != Revision::V3 {
        return Frame::Binary(data);
    }
    let mut frame = Vec::with_capacity(1 + data.len());
    frame.push(BINARY_MESSAGE);
    frame.extend_from_slice(&data);
    Frame::Binary(Bytes::from(frame))
}

/// The packet of a WebSocket frame: base64 is decoded, and revision 3's type of a binary message is
/// cut off. Nothing is copied but base64.
///
/// # Errors
/// [`Code::EnginePacket`](crate::error::Code::EnginePacket).
pub fn ws_decode(frame: Frame, revision: Revision) -> Result<Frame> {
    match frame {
        Frame::Text(text) if text.starts_with(b"b") => text_packet(text, revision).map_err(refuse),
        Frame::Binary(data) if revision == Revision::V3 => {
            strip_type(data).map(Frame::Binary).map_err(refuse)
        }
        frame => Ok(frame),
    }
}
