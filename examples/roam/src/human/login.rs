//! `roam login`: a session at a conference portal.

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use roamio::client::{Conference, ConferenceEvent, ConferenceState, RequestOptions};
use roamio::config::{ConferenceConfig, PortalProtocol};
use roamio::error::{Code, Error, Result};
use roamio::owt::request::Text;
use roamio::owt::{Login as Answer, names};
use roamio::payload::Payload;

use super::paint::Colour;
use super::said;
use super::talk::{END, Heard, Room, Talk, hint};
use super::who::Who;
use crate::arguments::Login;
use crate::secrets;

const COMMANDS: [&str; 15] = [
    "/detach",
    "/export",
    "/hint",
    "/leave",
    "/quit",
    "/room",
    "/say",
    "/stats",
    "publish",
    "soac",
    "stream-control",
    "subscribe",
    "text",
    "unpublish",
    "unsubscribe",
];

struct Session {
    room: Room,
    conference: Conference,
    /// Requests have any number of arguments.
    positional: bool,
    /// The session is to live on.
    detached: AtomicBool,
}

/// Log in, talk, log out.
///
/// # Errors
/// Words that cannot be used.
pub(crate) fn run(login: &Login) -> Result<ExitCode> {
    let config = ConferenceConfig {
        common: login.connection.common()?,
        protocol: login.protocol,
        allow_plaintext: login.allow_plaintext,
        ..ConferenceConfig::default()
    };
    let token = secrets::token(&login.token, &mut io::stdin().lock())?;
    let (room, who) = (Room::new(&COMMANDS), Arc::<Who>::default());
    let (telling, knowing) = (room.clone(), Arc::clone(&who));
    let conference = Conference::new(config, move |event| told(&telling, &knowing, &event))?;
    let (telling, knowing) = (room.clone(), Arc::clone(&who));
    let entered = move |outcome: Result<Payload>| entered(&telling, &knowing, &outcome);
    if login.restore {
        conference.restore(token.expose(), entered)?;
    } else {
        conference.login(token.expose(), entered)?;
    }
    drop(token);
    let positional = login.protocol == PortalProtocol::Legacy;
    let session = Session { room, conference, positional, detached: AtomicBool::new(false) };
    let talked = session.room.talk("still logging in", &session);
    let lost = session.conference.state() == ConferenceState::Ended;
    session.leave();
    talked?;
    let well = session.room.gate.has_entered() && !lost;
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn entered(room: &Room, who: &Who, outcome: &Result<Payload>) {
    match outcome {
        Ok(answer) if answer.args().len() > 0 => greet(room, who, answer),
        Ok(_) => {}
        Err(error) => room.printer.complain(&format!("not logged in: {}", said::error(error))),
    }
    room.gate.enter(outcome.is_ok());
}

/// Who one is, and what is there.
fn greet(room: &Room, who: &Who, answer: &Payload) {
    let login = Answer::of(answer);
    who.enter(&login);
    let own = login.id.as_deref().unwrap_or_default();
    let text = format!("logged in as {} in {}", who.name(own), login.room.id);
    room.printer.marked(Colour::Cyan, "*", &text);
    room.printer.room(&login.room);
}

fn told(room: &Room, who: &Who, event: &ConferenceEvent) {
    let printer = &room.printer;
    let note = |text: &str| printer.marked(Colour::Cyan, "*", text);
    match event {
        ConferenceEvent::State(step) => {
            printer.state("session ", step);
            if step.state == ConferenceState::Ended {
                room.gate.enter(false);
            }
        }
        ConferenceEvent::Retry(failed) => printer.retry(failed),
        ConferenceEvent::Resumed { complete, replayed } => {
            let lost = if *complete { "nothing is lost" } else { "something may be lost" };
            note(&format!("resumed: {replayed} missed notifications follow, {lost}"));
        }
        ConferenceEvent::Migrated => note("moved to another connection"),
        ConferenceEvent::Gap { from, to, certain } => {
            let sure = if *certain { "lost for good" } else { "perhaps lost" };
            printer.complain(&format!("{sure}: notifications {from} to {to}"));
        }
        ConferenceEvent::Notification { payload, replayed, number } => {
            room.names.learn(payload.name());
            let missed = if *replayed { ", missed" } else { "" };
            who.tell(printer, payload, &format!("{number}{missed}"));
        }
        ConferenceEvent::ProtocolError(error) => {
            printer.complain(&format!("the portal says odd things: {}", said::error(error)));
        }
        ConferenceEvent::Rejoined { answer } => greet(room, who, answer),
        ConferenceEvent::Resumable(can) => note(match can {
            true => "this session can be resumed",
            false => "this session cannot be resumed",
        }),
        ConferenceEvent::HostSlow => {
            printer.complain("too much to show: reading has stopped for now");
        }
        // It was not asked for.
        ConferenceEvent::TokenWanted { .. } => {}
    }
}

impl Session {
    fn request(&self, name: &str, data: &str) -> Result<()> {
        let asked = self.room.completion(name);
        self.conference.request(name, data, RequestOptions::default(), asked).map(drop)
    }

    fn say(&self, text: &str) -> Result<()> {
        let text = serde_json::to_string(&Text::to_all(text)).unwrap_or_default();
        self.request(names::TEXT, &text)
    }

    fn export(&self, file: &str) -> Result<()> {
        secrets::write(Path::new(file), &self.conference.export()?)?;
        self.room.printer.marked(Colour::Cyan, "*", &format!("{file} is a secret"));
        Ok(())
    }

    /// Log out, unless the session is over or is to live on; then end.
    fn leave(&self) {
        let (tell, left) = mpsc::channel();
        let stays = self.detached.load(Ordering::Relaxed);
        if !stays
            && self.conference.logout(move |outcome| drop(tell.send(outcome))).is_ok()
            && let Ok(Err(error)) = left.recv_timeout(2 * END)
        {
            self.room.printer.complain(&said::error(&error));
        }
        // What does not end in time ends with the process.
        let _ = self.conference.close_wait(END);
    }
}

impl Talk for Session {
    fn say(&self, name: &str, args: &str, _: bool) -> Result<()> {
        // The legacy protocol takes the array, every other one its only element.
        let one = args.strip_prefix('[').and_then(|args| args.strip_suffix(']'));
        self.request(name, one.filter(|_| !self.positional).unwrap_or(args))
    }

    fn command(&self, name: &str, rest: &str) -> Result<Heard> {
        match name {
            "say" => self.say(rest)?,
            "room" => self.room.printer.room(&self.conference.room()),
            "hint" => self.conference.hint(hint(rest)?)?,
            "stats" => self.room.printer.stats(&self.conference.stats()),
            "export" if rest.is_empty() => {
                return Err(Error::new(Code::InvalidArgument, "/export FILE"));
            }
            "export" => self.export(rest)?,
            "leave" => return Ok(Heard::Over),
            "detach" => {
                self.detached.store(true, Ordering::Relaxed);
                return Ok(Heard::Over);
            }
            _ => return Ok(Heard::Unknown),
        }
        Ok(Heard::Done)
    }
}
