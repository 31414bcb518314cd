//! Commands about sockets.

use std::time::Duration;

use bytes::Bytes;
use roamio::client::{
    AckToken, AskToken, EmitOptions, Lookup, Offline, Router, Socket, SocketEvent,
};
use roamio::error::Result;
use roamio::payload::Payload;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::events::{self, Kind};
use super::line::Line;
use super::managers::answer;
use super::options::{ManagerOptions, NamespaceOptions};
use super::output::Output;
use super::session::{Asked, Id, Session};
use super::{Answer, invalid};
use crate::words::Words;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Open {
    socket: String,
    manager: String,
    namespace: String,
    #[serde(default)]
    options: NamespaceOptions,
}

pub(super) fn open(session: &mut Session, _: &Id, open: Open) -> Answer {
    let Open { socket: name, manager, namespace, options } = open;
    session.check_new(Kind::Socket, &name)?;
    let mut config = Default::default();
    options.apply(&mut config);
    let (router, events) = (Router::new(), teller(&session.output, &name));
    let manager = session.manager(&manager)?;
    let socket = manager.socket_with_router(&namespace, config, &router, events)?;
    session.add_socket(&name, socket, router);
    Ok(Some(Line::new()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Find {
    socket: String,
    manager: String,
    url: String,
    #[serde(default = "yes")]
    multiplex: bool,
    #[serde(default)]
    options: NamespaceOptions,
    #[serde(default)]
    manager_options: ManagerOptions,
}

const fn yes() -> bool {
    true
}

/// A socket by its URL, on the connection that others have to the same server.
pub(super) fn find(session: &mut Session, _: &Id, find: Find) -> Answer {
    let Find { socket: name, manager, url, multiplex, options, manager_options } = find;
    session.check_new(Kind::Socket, &name)?;
    session.check_new(Kind::Manager, &manager)?;
    let mut lookup = Lookup { multiplex, ..Lookup::default() };
    options.apply(&mut lookup.socket);
    manager_options.apply(&mut lookup.config);
    let (router, events) = (Router::new(), teller(&session.output, &name));
    let (found, socket) = session.registry.socket_with_router(&url, lookup, &router, events)?;
    let namespace = socket.namespace().to_owned();
    session.add_manager(&manager, found);
    session.add_socket(&name, socket, router);
    Ok(Some(Line::new().with("namespace", namespace)))
}

fn teller(output: &Output, name: &str) -> impl FnMut(SocketEvent) + Send + 'static {
    let (output, name) = (output.clone(), name.to_owned());
    move |event| output.line(events::socket(&name, &event))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    socket: String,
}

pub(super) fn state(session: &mut Session, _: &Id, Named { socket }: Named) -> Answer {
    Ok(Some(Line::new().with("state", session.socket(&socket)?.state().word())))
}

pub(super) fn disconnect(session: &mut Session, _: &Id, Named { socket }: Named) -> Answer {
    session.socket(&socket)?.disconnect()?;
    Ok(Some(Line::new()))
}

pub(super) fn close(session: &mut Session, _: &Id, Named { socket }: Named) -> Answer {
    session.close_one(Kind::Socket, &socket)?;
    Ok(Some(Line::new()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Connect {
    socket: String,
    auth: Option<Box<RawValue>>,
}

pub(super) fn connect(session: &mut Session, _: &Id, Connect { socket, auth }: Connect) -> Answer {
    session.socket(&socket)?.connect(auth.as_deref().map(RawValue::get))?;
    Ok(Some(Line::new()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProvideAuth {
    socket: String,
    question: u64,
    auth: Option<Box<RawValue>>,
    refuse: Option<String>,
}

pub(super) fn provide_auth(session: &mut Session, _: &Id, provide: ProvideAuth) -> Answer {
    let ProvideAuth { socket, question, auth, refuse } = provide;
    let auth = answer(auth, refuse, "auth")?;
    let auth = auth.as_ref().map(|auth| Some(auth.get())).map_err(Clone::clone);
    session.socket(&socket)?.provide_auth(AskToken(question), auth)?;
    Ok(Some(Line::new()))
}

/// What becomes of an event that cannot be written at once.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OfflineOption {
    Wait,
    WaitMs(u64),
    Latest(String),
    Fail,
    Volatile,
}

impl From<OfflineOption> for Offline {
    fn from(option: OfflineOption) -> Self {
        match option {
            OfflineOption::Wait => Self::Wait,
            OfflineOption::WaitMs(ms) => Self::WaitFor(ms),
            OfflineOption::Latest(key) => Self::Latest(key.into()),
            OfflineOption::Fail => Self::Fail,
            OfflineOption::Volatile => Self::Volatile,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Emit {
    socket: String,
    name: String,
    args: Option<Box<RawValue>>,
    #[serde(default)]
    attachments: Vec<String>,
    /// The server is to answer.
    #[serde(default)]
    ack: bool,
    timeout_ms: Option<u64>,
    offline: Option<OfflineOption>,
}

pub(super) fn emit(session: &mut Session, id: &Id, emit: Emit) -> Answer {
    let socket = session.socket(&emit.socket)?.clone();
    let options = EmitOptions {
        attachments: bytes(&emit.attachments)?,
        offline: emit.offline.map(Offline::from).unwrap_or_default(),
        timeout: emit.timeout_ms.map(Duration::from_millis),
    };
    let args = args(emit.args.as_deref());
    if !emit.ack {
        socket.emit_with(&emit.name, args, options)?;
        return Ok(Some(Line::new()));
    }
    let show = |answer: Payload| Ok(Line::new().args(&answer));
    session.ask(id, Asked::Socket(socket.clone()), show, |completion| {
        socket.emit_with_ack(&emit.name, args, options, completion)
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ack {
    socket: String,
    /// From the event.
    ack: u64,
    args: Option<Box<RawValue>>,
    #[serde(default)]
    attachments: Vec<String>,
}

pub(super) fn ack(session: &mut Session, _: &Id, ack: Ack) -> Answer {
    let (args, attachments) = (args(ack.args.as_deref()), bytes(&ack.attachments)?);
    session.socket(&ack.socket)?.ack_binary(AckToken(ack.ack), args, attachments)?;
    Ok(Some(Line::new()))
}

fn args(given: Option<&RawValue>) -> &str {
    given.map_or("[]", RawValue::get)
}

fn bytes(attachments: &[String]) -> Result<Vec<Bytes>> {
    use base64::Engine as _;
    let decode = |(index, text): (usize, &String)| {
        let decoded = base64::engine::general_purpose::STANDARD.decode(text);
        decoded.map(Bytes::from).map_err(|error| invalid(format!("attachments[{index}]: {error}")))
    };
    attachments.iter().enumerate().map(decode).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listen {
    socket: String,
    /// None: every event.
    name: Option<String>,
    #[serde(default)]
    once: bool,
    /// What is sent, not what comes.
    #[serde(default)]
    outgoing: bool,
}

/// Tell events as those of a listener, not as the socket's own.
pub(super) fn listen(session: &mut Session, _: &Id, listen: Listen) -> Answer {
    let (output, socket) = (session.output.clone(), listen.socket.clone());
    let listening = session.listening(&listen.socket)?;
    let number = listening.numbered + 1;
    let tell = move |payload: &Payload, ack: Option<AckToken>| {
        let line = events::of("heard", Kind::Socket, &socket).with("listener", number);
        output.line(line.payload(payload).maybe("ack", ack.map(|token| token.0)));
    };
    let router = &listening.router;
    let listener = match (&listen.name, listen.once, listen.outgoing) {
        (Some(name), false, false) => router.on(name, tell)?,
        (Some(name), true, false) => router.once(name, tell)?,
        (None, false, false) => router.on_any(tell),
        (None, false, true) => router.on_any_outgoing(move |payload| tell(payload, None)),
        (None, true, _) => return Err(invalid("`once` needs a `name`")),
        (Some(_), _, true) => return Err(invalid("`outgoing` takes no `name`")),
    };
    listening.numbered = number;
    listening.listeners.insert(number, listener);
    Ok(Some(Line::new().with("listener", number)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unlisten {
    socket: String,
    listener: u64,
}

pub(super) fn unlisten(session: &mut Session, _: &Id, unlisten: Unlisten) -> Answer {
    let listening = session.listening(&unlisten.socket)?;
    let listener = listening.listeners.remove(&unlisten.listener);
    let forgotten = listener.is_some_and(|listener| listening.router.off(listener));
    Ok(Some(Line::new().with("forgotten", forgotten)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WatchSent {
    socket: String,
    watch: bool,
}

pub(super) fn watch_sent(session: &mut Session, _: &Id, set: WatchSent) -> Answer {
    let socket: &Socket = session.socket(&set.socket)?;
    socket.watch_sent(set.watch)?;
    Ok(Some(Line::new()))
}
