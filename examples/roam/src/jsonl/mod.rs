//! The scriptable client: one JSON object per line in, one per line out. `help.txt` is its manual.

mod calls;
mod commands;
mod conferences;
mod events;
pub(crate) mod line;
mod managers;
mod options;
mod output;
mod program;
mod session;
mod sockets;
pub(crate) mod tls;

use std::io::BufRead;
use std::process::ExitCode;

use roamio::error::{Code, Error, Result};

use self::commands::Head;
use self::line::Line;
use self::output::Output;
use self::session::Session;

/// The manual, every example of which a test plays.
pub(crate) const HELP: &str = include_str!("help.txt");

/// Run commands until the input ends.
pub(crate) fn run(mut input: impl BufRead) -> ExitCode {
    let mut session = Session::new(Output::new(std::io::stdout()));
    let mut bytes = Vec::new();
    for number in 1_u64.. {
        bytes.clear();
        match input.read_until(b'\n', &mut bytes) {
            Ok(0) => break,
            Ok(_) => command(&mut session, number, &bytes),
            Err(error) => {
                session
                    .output
                    .line(bad_line(number, &Error::new(Code::InvalidArgument, error.to_string())));
                break;
            }
        }
    }
    session.close();
    ExitCode::SUCCESS
}

/// One line of the input. Whatever it is, it has an answer, and the next line is read.
fn command(session: &mut Session, number: u64, bytes: &[u8]) {
    let head = match Head::read(bytes) {
        Ok(Some(head)) => head,
        Ok(None) => return,
        Err(error) => return session.output.line(bad_line(number, &error)),
    };
    let id = head.id.clone();
    if let Err(error) = commands::run(session, head) {
        session.output.line(Line::new().with("id", &id).with("error", line::error(&error)));
    }
}

/// The answer to what is no command: there is no id to repeat.
fn bad_line(number: u64, error: &Error) -> Line {
    let line = Line::new().with("id", None::<u64>).with("line", number);
    line.with("error", line::error(error))
}

/// An error about an argument.
fn invalid(text: impl Into<String>) -> Error {
    Error::new(Code::InvalidArgument, text.into())
}

/// What a command comes to, if not an error: an answer now, or its outcome later.
type Answer = Result<Option<Line>>;
