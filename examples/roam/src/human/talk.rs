//! What both conversations have in common: reading lines until the end, and telling of a long wait.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use roamio::client::Hint;
use roamio::error::{Code, Error, Result};
use roamio::payload::Payload;

use super::editor::{Lines, Names};
use super::gate::Gate;
use super::paint::Colour;
use super::printer::Printer;
use super::said;
use super::typed::Typed;
use crate::words::Words;

/// Without a terminal nobody sees that it takes long.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long the end of an object may take.
pub(super) const END: Duration = Duration::from_secs(5);

/// What came of a command.
pub(super) enum Heard {
    Done,
    /// There is none of this name.
    Unknown,
    /// The conversation is over.
    Over,
}

/// A conversation under way.
pub(super) trait Talk {
    /// Say an event or a request.
    fn say(&self, name: &str, args: &str, ack: bool) -> Result<()>;

    /// Do a command.
    fn command(&self, name: &str, rest: &str) -> Result<Heard>;
}

/// What a conversation shares with the callbacks.
#[derive(Clone)]
pub(super) struct Room {
    pub(super) printer: Printer,
    pub(super) names: Names,
    pub(super) gate: Arc<Gate>,
}

impl Room {
    pub(super) fn new(commands: &[&str]) -> Self {
        Self { printer: Printer::plain(), names: Names::new(commands), gate: Arc::default() }
    }

    /// Read lines until the end. Without a terminal from the moment when one is in.
    ///
    /// # Errors
    /// The terminal cannot be used.
    pub(super) fn talk(&self, what: &'static str, with: &impl Talk) -> Result<()> {
        let mut lines = Lines::open(self.names.clone(), &self.printer)?;
        let (gate, printer) = (Arc::clone(&self.gate), self.printer.clone());
        let wait = move |limit| {
            gate.wait_entered(limit, |so_far| {
                let text = format!("{what}, {} s so far", so_far.as_secs());
                printer.marked(Colour::Grey, "…", &text);
            });
        };
        if lines.is_terminal() {
            thread::spawn(move || wait(Duration::MAX));
        } else {
            wait(PATIENCE);
            if !self.gate.has_entered() {
                return Ok(());
            }
        }
        while let Some(line) = lines.next() {
            match self.hear(&line, with) {
                Ok(Heard::Over) => break,
                Ok(_) => {}
                Err(error) => self.printer.complain(&said::error(&error)),
            }
        }
        self.gate.wait_answered();
        Ok(())
    }

    fn hear(&self, line: &str, with: &impl Talk) -> Result<Heard> {
        let bad = |text| Error::new(Code::InvalidArgument, text);
        match Typed::read(line).map_err(bad)? {
            None => Ok(Heard::Done),
            Some(Typed::Command("quit", _)) => Ok(Heard::Over),
            Some(Typed::Command(name, rest)) => match with.command(name, rest)? {
                Heard::Unknown => Err(bad(format!("no command /{name}; Tab after / shows them"))),
                heard => Ok(heard),
            },
            Some(Typed::Event { name, args, ack }) => {
                with.say(name, &args, ack)?;
                self.names.learn(name);
                Ok(Heard::Done)
            }
        }
    }

    /// The outcome of what was asked.
    pub(super) fn completion(&self, what: &str) -> impl FnOnce(Result<Payload>) + Send + 'static {
        let (room, what) = (self.clone(), what.to_owned());
        room.gate.ask();
        move |outcome| {
            room.printer.outcome(&what, &outcome);
            room.gate.answered();
        }
    }
}

/// The hint of a word.
pub(super) fn hint(word: &str) -> Result<Hint> {
    Hint::of(word).map_err(|text| Error::new(Code::InvalidArgument, text))
}
