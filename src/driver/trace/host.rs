//! The host's side of a trace: its calls, and what it is told.

use super::Recorder;
use super::packets::{event_name, namespace_of, short};
use super::record::{Cause, Command as Call, State, Told, What, snake};
use crate::error::Error;
use crate::payload::{Outgoing, Payload};
use crate::proto::io::{
    Command, ConferenceEvent, Event, ManagerEvent, Offline, OfflineRequest, RequestId, Retry,
    SocketEvent, SocketId, Transition,
};

impl Recorder {
    /// The host wants something.
    pub(crate) fn command(&mut self, command: &Command) {
        self.totals.commands += 1;
        if let Command::Hint(hint) = command {
            return self.write(What::Hint { hint: snake(hint) });
        }
        let call = call(command);
        if let Some(request) = call.request
            && call.name != "cancel"
        {
            let what = call.event.as_deref().unwrap_or(call.name).to_owned();
            self.requests.insert(RequestId(request), (self.now, what));
        }
        self.write(What::Command(call));
    }

    /// The host is told something.
    pub(crate) fn event(&mut self, event: &Event) {
        match event {
            Event::Manager(event) => self.manager(event),
            Event::Socket(socket, event) => self.socket(*socket, event),
            Event::Conference(event) => self.conference(event),
            Event::Outcome { request, result } => {
                self.outcome(*request, result.as_ref().err());
            }
            Event::Detached(socket) => {
                self.told(Told { name: "detached", socket: Some(socket.0), ..Told::default() });
            }
            // It is not for the host. The end is told by whoever ends the task, as ends without the
            // stack are.
            Event::Keep(_) | Event::Finished => {}
        }
    }

    /// Nothing more is told; why, if nobody has asked for it.
    pub(crate) fn finished(&mut self, cause: Option<&Error>) {
        self.told(Told { name: "finished", error: cause.map(Cause::from), ..Told::default() });
    }

    /// A request has its one outcome.
    pub(crate) fn outcome(&mut self, request: RequestId, error: Option<&Error>) {
        self.totals.outcomes += 1;
        let (since, name) = self.requests.remove(&request).unwrap_or((self.now, String::new()));
        self.write(What::Outcome {
            request: request.0,
            name: &name,
            result: error.map_or("OK", |error| error.code().name()),
            took_ms: self.now.since(since),
            error: error.map(Cause::from),
        });
    }

    fn manager(&mut self, event: &ManagerEvent) {
        match event {
            ManagerEvent::State(step) => self.write(What::State(state("manager", step))),
            ManagerEvent::Retry(retry) => self.retry(retry),
            ManagerEvent::HostSlow => self.told_plain("host_slow"),
            ManagerEvent::Transport { transport, upgraded } => self.told(Told {
                name: "transport",
                transport: Some(snake(transport)),
                value: Some(*upgraded),
                ..Told::default()
            }),
            ManagerEvent::UpgradeFailed(error) => self.told(Told {
                name: "upgrade_failed",
                error: Some(error.into()),
                ..Told::default()
            }),
            ManagerEvent::TargetWanted { error, .. } => self.told(Told {
                name: "target_wanted",
                error: error.as_ref().map(Cause::from),
                ..Told::default()
            }),
        }
    }

    fn socket(&mut self, socket: SocketId, event: &SocketEvent) {
        let id = Some(socket.0);
        match event {
            SocketEvent::State { transition, reason, recovered, .. } => {
                self.write(What::State(State {
                    socket: id,
                    reason: reason.as_ref().map(snake),
                    recovered: recovered.then_some(true),
                    ..state("socket", transition)
                }));
            }
            SocketEvent::ConnectError { error, active } => self.told(Told {
                name: "connect_error",
                socket: id,
                value: Some(*active),
                error: Some(error.into()),
                ..Told::default()
            }),
            SocketEvent::Event { payload, ack } => self.told(Told {
                socket: id,
                wants_ack: ack.map(|_| true),
                ..told_event("event", payload)
            }),
            SocketEvent::Sent { payload } => {
                self.told(Told { socket: id, ..told_event("sent", payload) });
            }
            SocketEvent::Dropped { payload, error } => self.told(Told {
                socket: id,
                error: Some(error.into()),
                ..told_event("dropped", payload)
            }),
            SocketEvent::AuthWanted { error, .. } => self.told(Told {
                name: "auth_wanted",
                socket: id,
                error: error.as_ref().map(Cause::from),
                ..Told::default()
            }),
        }
    }

    fn conference(&mut self, event: &ConferenceEvent) {
        match event {
            ConferenceEvent::State(step) => self.write(What::State(state("conference", step))),
            ConferenceEvent::Retry(retry) => self.retry(retry),
            ConferenceEvent::Resumed { complete, replayed } => {
                self.totals.resumed += 1;
                self.write(What::Resumed { complete: *complete, replayed: *replayed });
            }
            ConferenceEvent::Migrated => self.told_plain("migrated"),
            ConferenceEvent::Gap { from, to, certain } => {
                self.totals.gaps += 1;
                self.write(What::Gap { from: *from, to: *to, certain: *certain });
            }
            ConferenceEvent::Notification { payload, replayed, number } => {
                self.totals.notifications += 1;
                self.totals.replayed += u64::from(*replayed);
                self.write(What::Notification {
                    event: short(payload.name().into()),
                    number: *number,
                    replayed: *replayed,
                    bytes: payload.own_weight(),
                });
            }
            ConferenceEvent::ProtocolError(error) => self.told(Told {
                name: "protocol_error",
                error: Some(error.into()),
                ..Told::default()
            }),
            ConferenceEvent::Resumable(value) => {
                self.told(Told { name: "resumable", value: Some(*value), ..Told::default() });
            }
            ConferenceEvent::TokenWanted { error, .. } => self.told(Told {
                name: "token_wanted",
                error: error.as_ref().map(Cause::from),
                ..Told::default()
            }),
            ConferenceEvent::Rejoined { answer } => self.told(Told {
                name: "rejoined",
                bytes: Some(answer.own_weight()),
                ..Told::default()
            }),
            ConferenceEvent::HostSlow => self.told_plain("host_slow"),
        }
    }

    fn retry(&mut self, retry: &Retry) {
        self.totals.retries += 1;
        self.write(What::Retry {
            attempt: retry.attempt,
            error: (&retry.error).into(),
            delay_ms: retry.delay_ms,
            grace_ms: retry.grace_ms,
        });
    }

    fn told_plain(&mut self, name: &'static str) {
        self.told(Told { name, ..Told::default() });
    }

    fn told(&mut self, told: Told<'_>) {
        self.write(What::Told(told));
    }
}

/// A call without what may be secret: token, auth, headers, arguments.
fn call(command: &Command) -> Call<'_> {
    let plain = |name| Call { name, ..Call::default() };
    let of_socket =
        |name, socket: &SocketId| Call { name, socket: Some(socket.0), ..Call::default() };
    match command {
        // It has a record of its own.
        Command::Hint(_) => plain("hint"),
        Command::Close => plain("close"),
        Command::Cancel { request } => Call { request: Some(request.0), ..plain("cancel") },
        Command::Attach { socket, namespace, .. } => Call {
            namespace: Some(namespace_of(namespace.as_bytes())),
            ..of_socket("attach", socket)
        },
        Command::Connect { socket, auth } => Call {
            bytes: auth.as_ref().map(|auth| auth.expose().len()),
            ..of_socket("connect", socket)
        },
        Command::Disconnect { socket } => of_socket("disconnect", socket),
        Command::Detach { socket } => of_socket("detach", socket),
        Command::Emit { socket, event, request, timeout_ms, offline } => Call {
            socket: Some(socket.0),
            request: request.map(|request| request.0),
            timeout_ms: *timeout_ms,
            offline: Some(snake_offline(offline)),
            ..event_call("emit", event)
        },
        Command::WatchSent { socket, .. } => of_socket("watch_sent", socket),
        Command::Target { target, .. } => {
            Call { error: target.as_ref().err().map(Cause::from), ..plain("target") }
        }
        Command::Auth { auth, .. } => Call {
            error: auth.as_ref().err().map(Cause::from),
            bytes: auth.as_ref().ok().and_then(Option::as_ref).map(|auth| auth.expose().len()),
            ..plain("auth")
        },
        Command::SetHeaders(_) => plain("set_headers"),
        Command::SetReconnect(_) => plain("set_reconnect"),
        Command::Ack { socket, ack, .. } => {
            Call { bytes: Some(ack.weight()), ..of_socket("ack", socket) }
        }
        Command::Login { request, token } => Call {
            request: Some(request.0),
            bytes: Some(token.text.expose().len()),
            ..plain("login")
        },
        Command::Restore { request, .. } => Call { request: Some(request.0), ..plain("restore") },
        Command::Rejoin { request } => Call { request: Some(request.0), ..plain("rejoin") },
        Command::Token { answer, .. } => Call {
            error: answer.as_ref().err().map(Cause::from),
            bytes: answer.as_ref().ok().map(|token| token.text.expose().len()),
            ..plain("token")
        },
        Command::Logout { request } => Call { request: Some(request.0), ..plain("logout") },
        Command::Request { request, event, timeout_ms, offline, idempotent: _ } => Call {
            request: Some(request.0),
            timeout_ms: *timeout_ms,
            offline: (*offline == OfflineRequest::Fail).then_some("fail"),
            ..event_call("request", event)
        },
    }
}

fn event_call<'a>(name: &'static str, event: &'a Outgoing) -> Call<'a> {
    let attachments = event.attachment_count();
    Call {
        name,
        event: Some(event_name(event.json())),
        bytes: Some(event.weight()),
        attachments: (attachments > 0).then_some(attachments),
        ..Call::default()
    }
}

/// Without the key of the latest, which is the host's.
const fn snake_offline(offline: &Offline) -> &'static str {
    match offline {
        Offline::Wait => "wait",
        Offline::WaitFor(_) => "wait_for",
        Offline::Latest(_) => "latest",
        Offline::Fail => "fail",
        Offline::Volatile => "volatile",
    }
}

fn state<'a, S: std::fmt::Debug>(object: &'static str, step: &'a Transition<S>) -> State<'a> {
    State {
        object,
        socket: None,
        number: step.number,
        state: snake(&step.state),
        cause: step.cause.as_ref().map(Cause::from),
        grace_ms: step.grace_ms,
        reason: None,
        recovered: None,
    }
}

fn told_event<'a>(name: &'static str, payload: &'a Payload) -> Told<'a> {
    let attachments = payload.attachments().len();
    Told {
        name,
        event: Some(short(payload.name().into())),
        bytes: Some(payload.own_weight()),
        attachments: (attachments > 0).then_some(attachments),
        ..Told::default()
    }
}
