//! The codecs through their public API: vectors of the reference parsers, and properties.

#[path = "codec/engine.rs"]
mod engine;
#[path = "codec/hostile.rs"]
mod hostile;
#[path = "codec/json.rs"]
mod json;
#[path = "codec/msgpack.rs"]
mod msgpack;
#[path = "codec/payload.rs"]
mod payload;
#[path = "codec/socket.rs"]
mod socket;

/// Decode the hexadecimal text of a vector.
fn unhex(hex: &str) -> bytes::Bytes {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a hexadecimal digit") as u8;
    hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// Write bytes as a vector has them.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
