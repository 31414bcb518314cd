//! Events and outcomes as the lines of a trace.

use roamio::client::{ConferenceEvent, ConferenceState, SocketEvent, SocketState};
use roamio::error::{Error, Result};
use roamio::payload::Payload;

/// None: the event is not traced.
pub(crate) fn conference(event: &ConferenceEvent) -> Option<String> {
    Some(match event {
        ConferenceEvent::State(step) => {
            let state = match step.state {
                ConferenceState::Idle => "idle",
                ConferenceState::Joining => "joining",
                ConferenceState::Ready => "ready",
                ConferenceState::Resuming => "resuming",
                ConferenceState::Leaving => "leaving",
                ConferenceState::Ended => "ended",
            };
            format!("state {state}{}", cause(step.cause.as_ref()))
        }
        ConferenceEvent::Resumable(resumable) => {
            format!("resumable {}", if *resumable { "yes" } else { "no" })
        }
        ConferenceEvent::Notification { payload, replayed, number } => {
            let how = if *replayed { "replayed" } else { "new" };
            format!("notification {number} {how} {} {}", payload.name(), data(payload))
        }
        ConferenceEvent::Resumed { complete, replayed } => {
            let what = if *complete { "complete" } else { "incomplete" };
            format!("resumed {what} {replayed}")
        }
        ConferenceEvent::Gap { from, to, certain } => {
            format!("gap {} {from} {to}", if *certain { "certain" } else { "uncertain" })
        }
        ConferenceEvent::Migrated => "migrated".into(),
        ConferenceEvent::TokenWanted { error, .. } => {
            format!("token_wanted{}", cause(error.as_ref()))
        }
        ConferenceEvent::Rejoined { .. } => "rejoined".into(),
        ConferenceEvent::ProtocolError(error) => format!("protocol_error {}", error.code().name()),
        ConferenceEvent::Retry(_) | ConferenceEvent::HostSlow => return None,
    })
}

/// None: the event is not traced.
pub(crate) fn socket(event: &SocketEvent) -> Option<String> {
    Some(match event {
        SocketEvent::State { transition, .. } => {
            let state = match transition.state {
                SocketState::Idle => "idle",
                SocketState::Joining => "joining",
                SocketState::Connected => "connected",
                SocketState::Rejoining => "rejoining",
                SocketState::Closed => "closed",
            };
            format!("state {state}{}", cause(transition.cause.as_ref()))
        }
        SocketEvent::Event { payload, .. } => {
            format!("event {} {}{}", payload.name(), args(payload), attachments(payload))
        }
        _ => return None,
    })
}

/// An outcome whose answer is empty, or has ids and tickets in it.
pub(crate) fn done(outcome: &Result<Payload>) -> String {
    shown(outcome, |_| String::new())
}

/// The outcome of a request.
pub(crate) fn answered(outcome: &Result<Payload>) -> String {
    shown(outcome, |answer| format!(" {}", data(answer)))
}

/// The outcome of an emit.
pub(crate) fn acked(outcome: &Result<Payload>) -> String {
    shown(outcome, |ack| format!(" {}{}", args(ack), attachments(ack)))
}

fn shown(outcome: &Result<Payload>, answer: impl Fn(&Payload) -> String) -> String {
    match outcome {
        Ok(payload) => format!("done{}", answer(payload)),
        Err(error) => error.code().name().into(),
    }
}

fn cause(error: Option<&Error>) -> String {
    error.map_or_else(String::new, |error| format!(" {}", error.code().name()))
}

/// The one argument of a notification or an answer of the portal.
fn data(payload: &Payload) -> &str {
    payload.arg(0).unwrap_or("null")
}

fn args(payload: &Payload) -> String {
    format!("[{}]", payload.args().collect::<Vec<_>>().join(","))
}

fn attachments(payload: &Payload) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    payload.attachments().iter().map(|bytes| format!(" hex:{}", hex(bytes))).collect()
}
