//! Engine.IO packets and the handshake: never a panic, and what is accepted is within its limits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use roamio::proto::engine::handshake::{Handshake, percent_encode_component};
use roamio::proto::engine::packet::{self, PacketType};

fuzz_target!(|frame: &[u8]| {
    let Ok((kind, start)) = packet::decode_text(frame) else { return };
    match kind {
        PacketType::Binary => {
            if let Ok(data) = packet::decode_base64(&frame[start..]) {
                assert!(data.len() <= frame.len());
            }
        }
        PacketType::Open => {
            let Ok(handshake) = Handshake::parse(&frame[start..]) else { return };
            assert!((1..=256).contains(&handshake.sid.len()));
            assert!((100..=86_400_000).contains(&handshake.ping_interval_ms));
            assert!((100..=86_400_000).contains(&handshake.ping_timeout_ms));
            assert!(
                handshake.max_payload.is_none_or(|bytes| (1 << 10..=16 << 20).contains(&bytes))
            );
            assert!(percent_encode_component(&handshake.sid).is_ascii());
        }
        _ => {}
    }
});
