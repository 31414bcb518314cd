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
            format!("notification {number} {how} {} {}", payload.name(), args(payload))
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

/// The outcome of something whose answer has ids and secrets in it.
pub(crate) fn entered(outcome: &Result<Payload>) -> String {
    match outcome {
        Ok(_) => "done".into(),
        Err(error) => error.code().name().into(),
    }
}

pub(crate) fn answered(outcome: &Result<Payload>) -> String {
    match outcome {
        Ok(answer) => format!("done {}{}", args(answer), attachments(answer)),
        Err(error) => error.code().name().into(),
    }
}

fn cause(error: Option<&Error>) -> String {
    error.map_or_else(String::new, |error| format!(" {}", error.code().name()))
}

fn args(payload: &Payload) -> String {
    format!("[{}]", payload.args().collect::<Vec<_>>().join(","))
}

fn attachments(payload: &Payload) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    payload.attachments().iter().map(|bytes| format!(" hex:{}", hex(bytes))).collect()
}
