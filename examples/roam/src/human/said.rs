//! What objects tell, in words.

use roamio::client::{Retry, Transition};
use roamio::error::Error;
use roamio::payload::Payload;

use super::paint::{Colour, Paint};
use super::printer::Printer;
use crate::words::Words;

/// What went wrong: the name to look up, and what exactly.
pub(super) fn error(error: &Error) -> String {
    let said = error.server_json().map_or_else(String::new, |said| format!(" (it says {said})"));
    format!("{}: {}{said}", error.code().name(), error.message())
}

/// A name and arguments, attachments by their size.
pub(super) fn payload(paint: Paint, payload: &Payload) -> String {
    let args: Vec<&str> = payload.args().collect();
    let bytes: Vec<usize> = payload.attachments().iter().map(|bytes| bytes.len()).collect();
    let binary = match bytes.as_slice() {
        [] => String::new(),
        sizes => format!("  binary: {sizes:?} bytes"),
    };
    let name = payload.name();
    let name = if name.is_empty() { String::new() } else { paint.bold(name) + " " };
    format!("{name}{}{binary}", args.join(" "))
}

impl Printer {
    /// A step, with its cause.
    pub(super) fn state<S: Words>(&self, what: &str, step: &Transition<S>) {
        let cause = step
            .cause
            .as_ref()
            .map_or_else(String::new, |cause| format!(", because {}", error(cause)));
        let colour = if step.cause.is_some() { Colour::Yellow } else { Colour::Cyan };
        self.marked(colour, "*", &format!("{what}{}{cause}", step.state.word()));
    }

    /// An attempt that failed, and when the next one comes.
    pub(super) fn retry(&self, failed: &Retry) {
        let next = match failed.delay_ms {
            Some(ms) => format!("next in {} s", seconds(ms)),
            None => "no further one".to_owned(),
        };
        let left = failed
            .grace_ms
            .map_or_else(String::new, |ms| format!(", can be resumed for {} s", ms / 1_000));
        let text =
            format!("attempt {} failed: {}; {next}{left}", failed.attempt, error(&failed.error));
        self.marked(Colour::Yellow, "*", &text);
    }

    /// What the other side says.
    pub(super) fn heard(&self, said: &Payload, note: &str) {
        let text = payload(self.paint, said);
        let note = if note.is_empty() {
            String::new()
        } else {
            format!("  {}", self.paint.colour(Colour::Grey, note))
        };
        self.marked(Colour::Green, "<", &format!("{text}{note}"));
    }

    /// The outcome of what was asked.
    pub(super) fn outcome(&self, what: &str, outcome: &Result<Payload, Error>) {
        match outcome {
            Ok(answer) => {
                let text = payload(self.paint, answer);
                self.marked(Colour::Green, "=", &format!("{what}: {text}"));
            }
            Err(failed) => self.complain(&format!("{what}: {}", error(failed))),
        }
    }

    /// Counters, those that are not 0.
    pub(super) fn stats(&self, stats: &impl serde::Serialize) {
        let stats = serde_json::to_value(stats).unwrap_or_default();
        let counted = stats.as_object().into_iter().flatten();
        for (name, count) in counted.filter(|(_, count)| count.as_u64() != Some(0)) {
            self.marked(Colour::Blue, " ", &format!("{name:<22} {count}"));
        }
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{}", ms / 1_000, ms % 1_000 / 100)
}
