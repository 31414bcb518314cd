//! The table of commands, and how a line becomes the arguments of one.

use std::collections::BTreeMap;

use roamio::error::{Code, Error, Result};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::line::Line;
use super::session::{Id, Session};
use super::{Answer, conferences, invalid, managers, program, sockets};

/// A command before its arguments are read.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) id: Id,
    name: String,
    /// The other members, as they came.
    arguments: String,
}

impl Head {
    /// Read a line; `None` for an empty one.
    pub(super) fn read(bytes: &[u8]) -> Result<Option<Self>> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let text = format!("not UTF-8 from byte {} on", error.valid_up_to() + 1);
            Error::new(Code::InvalidUtf8, text)
        })?;
        if text.trim().is_empty() {
            return Ok(None);
        }
        let json = |error: serde_json::Error| {
            let text = format!("not a JSON object: {}", without_line(&error));
            Error::new(Code::InvalidJson, text)
        };
        let mut members: BTreeMap<&str, &RawValue> = serde_json::from_str(text).map_err(json)?;
        let id = members.remove("id").ok_or_else(|| invalid("no `id`"))?;
        let id = Id::new(id).ok_or_else(|| invalid("`id` is neither a number nor a text"))?;
        let name = members.remove("cmd").ok_or_else(|| invalid("no `cmd`"))?;
        let name = serde_json::from_str(name.get()).map_err(|_| invalid("`cmd` is no text"))?;
        // Written again from its own parts, which are JSON.
        let arguments = serde_json::to_string(&members).unwrap_or_default();
        Ok(Some(Self { id, name, arguments }))
    }
}

/// What went wrong with JSON that is a line by itself: the column is all that helps.
fn without_line(error: &serde_json::Error) -> String {
    error.to_string().replace(" at line 1 column", " at column")
}

/// A function that does a command.
type Command = fn(&mut Session, &Id, &str) -> Answer;

macro_rules! commands {
    ($($name:literal $function:path,)+) => {
        const COMMANDS: &[(&str, Command)] =
            &[$(($name, |session, id, arguments| $function(session, id, read(arguments)?))),+];
    };
}

commands! {
    "wait" program::wait,
    "log" program::log,
    "cancel" program::cancel,
    "manager.open" managers::open,
    "manager.state" managers::state,
    "manager.stats" managers::stats,
    "manager.hint" managers::hint,
    "manager.set_headers" managers::set_headers,
    "manager.set_reconnect" managers::set_reconnect,
    "manager.provide_target" managers::provide_target,
    "manager.close" managers::close,
    "socket.open" sockets::open,
    "socket.find" sockets::find,
    "socket.connect" sockets::connect,
    "socket.provide_auth" sockets::provide_auth,
    "socket.emit" sockets::emit,
    "socket.ack" sockets::ack,
    "socket.listen" sockets::listen,
    "socket.unlisten" sockets::unlisten,
    "socket.watch_sent" sockets::watch_sent,
    "socket.state" sockets::state,
    "socket.disconnect" sockets::disconnect,
    "socket.close" sockets::close,
    "conference.open" conferences::open,
    "conference.login" conferences::login,
    "conference.request" conferences::request,
    "conference.call" conferences::call,
    "conference.room" conferences::room,
    "conference.rejoin" conferences::rejoin,
    "conference.provide_token" conferences::provide_token,
    "conference.export" conferences::export,
    "conference.restore" conferences::restore,
    "conference.hint" conferences::hint,
    "conference.state" conferences::state,
    "conference.stats" conferences::stats,
    "conference.logout" conferences::logout,
    "conference.detach" conferences::detach,
}

/// Do a command, and answer it if its outcome does not come later.
pub(super) fn run(session: &mut Session, head: Head) -> Result<()> {
    let Head { id, name, arguments } = head;
    let found = COMMANDS.iter().find(|(known, _)| *known == name);
    let (_, command) = found.ok_or_else(|| {
        invalid(format!("no command `{name}`; `roam help jsonl` has all of them"))
    })?;
    session.requests.check_free(&id)?;
    if let Some(answer) = command(session, &id, &arguments)? {
        session.output.line(Line::new().with("id", &id).with("ok", answer));
    }
    Ok(())
}

fn read<A: DeserializeOwned>(arguments: &str) -> Result<A> {
    serde_json::from_str(arguments).map_err(|error| {
        let text = error.to_string();
        invalid(text.split(" at line ").next().unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_has_an_example_of_every_command() {
        for (name, _) in COMMANDS {
            let example = format!("\"cmd\":\"{name}\"");
            assert!(super::super::HELP.contains(&example), "{name}");
        }
    }

    #[test]
    fn a_line_that_is_no_command_is_told_precisely() {
        for (line, code, text) in [
            ("{\"id\":1", Code::InvalidJson, "not a JSON object: EOF while parsing"),
            ("[1]", Code::InvalidJson, "not a JSON object: invalid type"),
            ("{\"cmd\":\"log\"}", Code::InvalidArgument, "no `id`"),
            ("{\"id\":{},\"cmd\":\"log\"}", Code::InvalidArgument, "`id` is neither"),
            ("{\"id\":1}", Code::InvalidArgument, "no `cmd`"),
            ("{\"id\":1,\"cmd\":7}", Code::InvalidArgument, "`cmd` is no text"),
        ] {
            let error = Head::read(line.as_bytes()).expect_err(line);
            assert_eq!(error.code(), code, "{line}");
            assert!(error.message().starts_with(text), "{line}: {error}");
        }
        assert_eq!(Head::read(b"{\xff}").expect_err("bytes").code(), Code::InvalidUtf8);
        assert!(Head::read(b" \r\n").expect("nothing").is_none());
    }
}
