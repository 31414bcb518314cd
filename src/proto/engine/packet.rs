//! Single Engine.IO packets: a type digit and what follows it, without any state.
//!
//! Source: Engine.IO protocol, revisions 3 and 4, "Packet encoding"; engine.io-parser 2.2.1 and 5.2.3.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

/// The ping that tests a transport before the upgrade to it; the server answers `3probe`.
pub const PROBE: Bytes = Bytes::from_static(b"2probe");
/// The heartbeat, which in revision 3 comes from the client.
pub const PING: Bytes = Bytes::from_static(b"2");
/// The answer to a ping.
pub const PONG: Bytes = Bytes::from_static(b"3");
/// The connection is closed on purpose.
pub const CLOSE: Bytes = Bytes::from_static(b"1");
/// From here on everything goes over the probed transport.
pub const UPGRADE: Bytes = Bytes::from_static(b"5");
/// Something to send where nothing is to be said.
pub const NOOP: Bytes = Bytes::from_static(b"6");
/// The type digit that stands in front of every text message.
pub const MESSAGE: u8 = b'4';

/// What a packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketType {
    /// `0`: the handshake.
    Open,
    /// `1`: the end.
    Close,
    /// `2`: the heartbeat, or an upgrade's probe.
    Ping,
    /// `3`: the answer to a ping.
    Pong,
    /// `4`: a text message of the layer above.
    Message,
    /// `5`: the transport has changed.
    Upgrade,
    /// `6`: nothing.
    Noop,
    /// `b`: a binary message in a text frame; its body is base64, see [`decode_base64`].
    Binary,
}

/// Why a frame is no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketError {
    /// There is not even a type.
    Empty,
    /// No packet type has this first byte.
    UnknownType(u8),
    /// The body of a binary message is not base64.
    Base64,
    /// A binary packet of revision 3 is no message.
    BinaryType(u8),
    /// The length before a packet of revision 3 is malformed, or ends inside a character.
    Length,
    /// The body ends before the packet does.
    Truncated,
    /// A text packet is not UTF-8.
    Utf8,
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty packet"),
            Self::UnknownType(byte) => {
                write!(f, "unknown packet type '{}'", byte.escape_ascii())
            }
            Self::Base64 => f.write_str("binary message is not base64"),
            Self::BinaryType(byte) => {
                write!(f, "unknown binary packet type '{}'", byte.escape_ascii())
            }
            Self::Length => f.write_str("malformed packet length"),
            Self::Truncated => f.write_str("truncated packet"),
            Self::Utf8 => f.write_str("text packet is not UTF-8"),
        }
    }
}

impl std::error::Error for PacketError {}

/// Read the type of a text frame (or of one packet of a polling body): the type, and where the body
/// starts.
///
/// # Errors
/// [`PacketError::Empty`] or [`PacketError::UnknownType`].
pub fn decode_text(frame: &[u8]) -> Result<(PacketType, usize), PacketError> {
    let kind = match *frame.first().ok_or(PacketError::Empty)? {
        b'0' => PacketType::Open,
        b'1' => PacketType::Close,
        b'2' => PacketType::Ping,
        b'3' => PacketType::Pong,
        MESSAGE => PacketType::Message,
        b'5' => PacketType::Upgrade,
        b'6' => PacketType::Noop,
        b'b' => PacketType::Binary,
        byte => return Err(PacketError::UnknownType(byte)),
    };
    Ok((kind, 1))
}

/// Decode the body of a [`PacketType::Binary`]: the standard alphabet, padding and line ends optional.
///
/// # Errors
/// [`PacketError::Base64`].
pub fn decode_base64(body: &[u8]) -> Result<Bytes, PacketError> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let decoded = if body.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
        let joined: Vec<u8> =
            body.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
        LENIENT.decode(joined)
    } else {
        LENIENT.decode(body)
    };
    decoded.map(Bytes::from).map_err(|_| PacketError::Base64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_first_byte_is_a_type_or_an_error() {
        let known: Vec<u8> = (0..=u8::MAX).filter(|byte| decode_text(&[*byte]).is_ok()).collect();
        assert_eq!(known, b"0123456b");
        assert_eq!(decode_text(b""), Err(PacketError::Empty));
        assert_eq!(decode_text(b"7abc"), Err(PacketError::UnknownType(b'7')));
        assert_eq!(
            decode_text("é".as_bytes()).expect_err("no type").to_string(),
            r"unknown packet type '\xc3'"
        );
    }

    #[test]
    fn outgoing_packets_have_their_types() {
        for (packet, kind, body) in [
            (PROBE, PacketType::Ping, &b"probe"[..]),
            (PING, PacketType::Ping, b""),
            (PONG, PacketType::Pong, b""),
            (CLOSE, PacketType::Close, b""),
            (UPGRADE, PacketType::Upgrade, b""),
            (NOOP, PacketType::Noop, b""),
        ] {
            let (decoded, start) = decode_text(&packet).expect("one of ours");
            assert_eq!((decoded, &packet[start..]), (kind, body));
        }
    }

    #[test]
    fn base64_is_lenient_about_padding_and_line_ends_only() {
        for (body, bytes) in [
            (&b""[..], &b""[..]),
            (b"AQIDBA==", &[1, 2, 3, 4]),
            (b"AQIDBA=", &[1, 2, 3, 4]),
            (b"AQIDBA", &[1, 2, 3, 4]),
            (b"AQ\r\nIDBA==\n", &[1, 2, 3, 4]),
            (b"/wB/", &[0xff, 0, 0x7f]),
        ] {
            assert_eq!(decode_base64(body).as_deref(), Ok(bytes), "{}", body.escape_ascii());
        }
        for body in [&b"A"[..], b"AQ ID", b"_wB_", b"A===", b"AQ==AQ==", b"\xff\xff"] {
            assert_eq!(decode_base64(body), Err(PacketError::Base64), "{}", body.escape_ascii());
        }
    }
}
