//! What objects tell, as lines. `roam help jsonl` has an example of each.

use roamio::client::{ConferenceEvent, ManagerEvent, Retry, SocketEvent, Transition};

use super::line::{self, Line};
use crate::words::Words;

/// The kinds of objects, as the member that names one is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Manager,
    Socket,
    Conference,
}

impl Kind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Manager => "manager",
            Self::Socket => "socket",
            Self::Conference => "conference",
        }
    }
}

/// An event of an object.
pub(crate) fn of(event: &str, kind: Kind, name: &str) -> Line {
    Line::event(event).with(kind.as_str(), name)
}

pub(crate) fn manager(name: &str, event: &ManagerEvent) -> Line {
    let of = |event| of(event, Kind::Manager, name);
    match event {
        ManagerEvent::State(step) => state(of("state"), step),
        ManagerEvent::Retry(failed) => retry(of("retry"), failed),
        ManagerEvent::HostSlow => of("host_slow"),
        ManagerEvent::Transport { transport, upgraded } => {
            of("transport").with("transport", transport.word()).with("upgraded", upgraded)
        }
        ManagerEvent::UpgradeFailed(error) => {
            of("upgrade_failed").with("error", line::error(error))
        }
        ManagerEvent::TargetWanted { token, attempt, error } => of("target_wanted")
            .with("question", token.0)
            .with("attempt", attempt)
            .maybe("error", error.as_ref().map(line::error)),
    }
}

pub(crate) fn socket(name: &str, event: &SocketEvent) -> Line {
    let of = |event| of(event, Kind::Socket, name);
    match event {
        // Whoever knows the server's id can recover the session, so it is not told.
        SocketEvent::State { transition, socket_sid: _, reason, recovered } => {
            state(of("state"), transition)
                .maybe("reason", reason.map(Words::word))
                .maybe("recovered", Some(true).filter(|_| *recovered))
        }
        SocketEvent::ConnectError { error, active } => {
            of("connect_error").with("active", active).with("error", line::error(error))
        }
        SocketEvent::Event { payload, ack } => {
            of("event").payload(payload).maybe("ack", ack.map(|token| token.0))
        }
        SocketEvent::Sent { payload } => of("sent").payload(payload),
        SocketEvent::Dropped { payload, error } => {
            of("dropped").payload(payload).with("error", line::error(error))
        }
        SocketEvent::AuthWanted { token, error } => of("auth_wanted")
            .with("question", token.0)
            .maybe("error", error.as_ref().map(line::error)),
    }
}

pub(crate) fn conference(name: &str, event: &ConferenceEvent) -> Line {
    let of = |event| of(event, Kind::Conference, name);
    match event {
        ConferenceEvent::State(step) => state(of("state"), step),
        ConferenceEvent::Retry(failed) => retry(of("retry"), failed),
        ConferenceEvent::Resumed { complete, replayed } => {
            of("resumed").with("complete", complete).with("replayed", replayed)
        }
        ConferenceEvent::Migrated => of("migrated"),
        ConferenceEvent::Gap { from, to, certain } => {
            of("gap").with("from", from).with("to", to).with("certain", certain)
        }
        ConferenceEvent::Notification { payload, replayed, number } => {
            of("notification").with("number", number).with("replayed", replayed).payload(payload)
        }
        ConferenceEvent::ProtocolError(error) => {
            of("protocol_error").with("error", line::error(error))
        }
        ConferenceEvent::TokenWanted { token, error } => of("token_wanted")
            .with("question", token.0)
            .maybe("error", error.as_ref().map(line::error)),
        ConferenceEvent::Rejoined { answer } => of("rejoined").with("login", line::login(answer)),
        ConferenceEvent::Resumable(can) => of("resumable").with("resumable", can),
        ConferenceEvent::HostSlow => of("host_slow"),
    }
}

fn state<S: Words>(line: Line, step: &Transition<S>) -> Line {
    line.with("number", step.number)
        .with("state", step.state.word())
        .maybe("cause", step.cause.as_ref().map(line::error))
        .maybe("grace_ms", step.grace_ms)
}

fn retry(line: Line, failed: &Retry) -> Line {
    line.with("attempt", failed.attempt)
        .with("error", line::error(&failed.error))
        .maybe("delay_ms", failed.delay_ms)
        .maybe("grace_ms", failed.grace_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the test that plays the manual cannot bring about.
    #[test]
    fn the_manual_has_the_shape_of_what_takes_another_network() {
        let line = conference("c", &ConferenceEvent::Migrated).end();
        assert!(super::super::HELP.contains(&format!("\n< {line}\n")), "{line}");
    }
}
