//! `roam connect`: a namespace of a Socket.IO server.

use std::process::ExitCode;

use roamio::client::{
    AckToken, EmitOptions, Manager, ManagerEvent, Socket, SocketEvent, SocketState,
};
use roamio::error::{Code, Error, Result};
use roamio::secret::Secret;

use super::paint::Colour;
use super::said;
use super::talk::{END, Heard, Room, Talk, hint};
use super::typed;
use crate::arguments::Connect;
use crate::words::Words;

const COMMANDS: [&str; 6] = ["/ack", "/connect", "/disconnect", "/hint", "/quit", "/stats"];

struct Chat {
    room: Room,
    manager: Manager,
    socket: Socket,
    auth: Option<Secret>,
}

/// Join, talk, leave.
///
/// # Errors
/// Words that cannot be used.
pub(crate) fn run(connect: &Connect) -> Result<ExitCode> {
    let (config, namespace) = connect.place.config()?;
    let auth = connect.place.auth()?;
    let room = Room::new(&COMMANDS);
    let endpoint = &config.endpoint;
    let to = format!("{} port {}, namespace {namespace}", endpoint.host, endpoint.port);
    room.printer.marked(Colour::Cyan, "*", &format!("connecting to {to}"));
    let telling = room.clone();
    let manager = Manager::new(config, move |event| manager_event(&telling, &event))?;
    let telling = room.clone();
    let socket = manager.socket(&namespace, move |event| socket_event(&telling, &event))?;
    let chat = Chat { room, manager, socket, auth };
    chat.join()?;
    let talked = chat.room.talk("still connecting", &chat);
    chat.manager.close();
    // What does not end in time ends with the process.
    let _ = chat.socket.close_wait(END);
    talked?;
    Ok(if chat.room.gate.has_entered() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn manager_event(room: &Room, event: &ManagerEvent) {
    let printer = &room.printer;
    match event {
        ManagerEvent::State(step) => printer.state("connection ", step),
        ManagerEvent::Retry(failed) => printer.retry(failed),
        ManagerEvent::HostSlow => printer.complain("too much to show: reading has stopped for now"),
        ManagerEvent::Transport { transport, upgraded } => {
            let how = if *upgraded { "upgraded to" } else { "over" };
            printer.marked(Colour::Cyan, "*", &format!("{how} {}", transport.word()));
        }
        ManagerEvent::UpgradeFailed(error) => {
            printer.marked(Colour::Yellow, "*", &format!("no upgrade: {}", said::error(error)));
        }
        // It was not asked for.
        ManagerEvent::TargetWanted { .. } => {}
    }
}

fn socket_event(room: &Room, event: &SocketEvent) {
    let printer = &room.printer;
    match event {
        SocketEvent::State { transition, .. } => {
            printer.state("namespace ", transition);
            if transition.state == SocketState::Connected {
                room.gate.enter(true);
            }
        }
        SocketEvent::ConnectError { error, active } => {
            printer.complain(&format!("not joined: {}", said::error(error)));
            if !active {
                room.gate.enter(false);
            }
        }
        SocketEvent::Event { payload, ack } => {
            room.names.learn(payload.name());
            let note = ack.map_or_else(String::new, |token| format!("ack {}", token.0));
            printer.heard(payload, &note);
        }
        SocketEvent::Dropped { payload, error } => {
            let text = said::payload(printer.paint, payload);
            printer.complain(&format!("not sent: {text}: {}", said::error(error)));
        }
        // Neither was asked for.
        SocketEvent::Sent { .. } | SocketEvent::AuthWanted { .. } => {}
    }
}

impl Chat {
    fn join(&self) -> Result<()> {
        self.socket.connect(self.auth.as_ref().map(Secret::expose))
    }

    fn answer(&self, rest: &str) -> Result<()> {
        let (number, args) = rest.split_once(' ').unwrap_or((rest, ""));
        let bad = |text| Error::new(Code::InvalidArgument, text);
        let number = number.parse().map_err(|_| bad("/ack NUMBER VALUE...".to_owned()))?;
        self.socket.ack(AckToken(number), &typed::args(args).map_err(bad)?)
    }
}

impl Talk for Chat {
    fn say(&self, name: &str, args: &str, ack: bool) -> Result<()> {
        if !ack {
            return self.socket.emit(name, args);
        }
        let asked = self.room.completion(name);
        self.socket.emit_with_ack(name, args, EmitOptions::default(), asked).map(drop)
    }

    fn command(&self, name: &str, rest: &str) -> Result<Heard> {
        match name {
            "ack" => self.answer(rest)?,
            "connect" => self.join()?,
            "disconnect" => self.socket.disconnect()?,
            "hint" => self.manager.hint(hint(rest)?)?,
            "stats" => self.room.printer.stats(&self.manager.stats()),
            _ => return Ok(Heard::Unknown),
        }
        Ok(Heard::Done)
    }
}
