//! The values of an OWT portal, against what a real one was recorded to say (`tests/transcripts`).

#![allow(clippy::unwrap_used)]

#[path = "owt/hostile.rs"]
mod hostile;
#[path = "owt/recorded.rs"]
mod recorded;
#[path = "owt/requests.rs"]
mod requests;
#[path = "owt/room.rs"]
mod room;

use roamio::config::Limits;
use roamio::payload::Payload;
use roamio::proto::socket::codec::Codec;
use roamio::proto::socket::decoder::Decoder;
use serde_json::{Value, json};

/// A payload as it comes out of a packet.
fn payload(packet: String) -> Payload {
    let mut decoder = Decoder::new(Codec::default(), Limits::default());
    decoder.text(packet.into(), 1).unwrap().unwrap().into_payload()
}

/// A notification.
fn notification(name: &str, data: &Value) -> Payload {
    payload(format!("42{}", json!([name, data])))
}

/// An answer without its status, as a host gets it.
fn answer(body: &Value) -> Payload {
    payload(format!("430{}", json!([body])))
}
