//! Requests that have types: what is asked is checked against them before it is sent, and what is
//! answered is read as one.

use roamio::config::PortalProtocol;
use roamio::error::{Error, Result};
use roamio::owt::legacy;
use roamio::owt::request::{self, Answer, Request};
use roamio::payload::Payload;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::invalid;

/// A request that has a type.
#[derive(Clone, Copy)]
pub(super) struct Typed {
    name: &'static str,
    /// The JSON of a request that is complete, as its type writes it.
    pub(super) check: fn(&str) -> serde_json::Result<String>,
    /// The JSON of the answer.
    pub(super) answer: fn(&Payload) -> Result<String>,
}

impl Typed {
    const fn of<R>() -> Self
    where
        R: Request + DeserializeOwned,
        R::Answer: Serialize,
    {
        Self { name: R::NAME, check: check::<R>, answer: answer::<R::Answer> }
    }
}

fn check<R: Request + DeserializeOwned>(json: &str) -> serde_json::Result<String> {
    serde_json::to_string(&serde_json::from_str::<R>(json)?)
}

fn answer<A: Answer + Serialize>(payload: &Payload) -> Result<String> {
    let json = serde_json::to_string(&A::read(payload)?);
    json.map_err(|error| invalid(format!("the answer: {error}")))
}

const CALLS: [Typed; 8] = [
    Typed::of::<request::Publish>(),
    Typed::of::<request::Unpublish>(),
    Typed::of::<request::Subscribe>(),
    Typed::of::<request::Unsubscribe>(),
    Typed::of::<request::StreamControl>(),
    Typed::of::<request::SubscriptionControl>(),
    Typed::of::<request::Soac>(),
    Typed::of::<request::Text>(),
];

const LEGACY_CALLS: [Typed; 17] = [
    Typed::of::<legacy::Publish>(),
    Typed::of::<legacy::Unpublish>(),
    Typed::of::<legacy::Subscribe>(),
    Typed::of::<legacy::Unsubscribe>(),
    Typed::of::<legacy::Mix>(),
    Typed::of::<legacy::Unmix>(),
    Typed::of::<legacy::SignalingMessage>(),
    Typed::of::<legacy::AddExternalOutput>(),
    Typed::of::<legacy::UpdateExternalOutput>(),
    Typed::of::<legacy::RemoveExternalOutput>(),
    Typed::of::<legacy::StartRecorder>(),
    Typed::of::<legacy::StopRecorder>(),
    Typed::of::<legacy::GetRegion>(),
    Typed::of::<legacy::SetRegion>(),
    Typed::of::<legacy::Mute>(),
    Typed::of::<legacy::Unmute>(),
    Typed::of::<legacy::CustomMessage>(),
];

/// The requests of a protocol.
const fn of_protocol(protocol: PortalProtocol) -> &'static [Typed] {
    match protocol {
        PortalProtocol::Legacy => &LEGACY_CALLS,
        _ => &CALLS,
    }
}

/// The request of this name.
///
/// # Errors
/// There is none in this protocol; the error tells which there are.
pub(super) fn find(protocol: PortalProtocol, name: &str) -> Result<Typed, Error> {
    let calls = of_protocol(protocol);
    calls.iter().find(|call| call.name == name).copied().ok_or_else(|| {
        let names: Vec<_> = calls.iter().map(|call| call.name).collect();
        invalid(format!("no request `{name}` has a type: {}", names.join(", ")))
    })
}
