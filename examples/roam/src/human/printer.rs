//! Lines for people, written while somebody may be typing.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use rustyline::ExternalPrinter;

use super::paint::{Colour, Paint};

/// Writes whole lines, from any thread.
#[derive(Clone)]
pub(super) struct Printer {
    way: Arc<Mutex<Way>>,
    pub(super) paint: Paint,
}

enum Way {
    /// Above the line that is being typed.
    Above(Box<dyn ExternalPrinter + Send>),
    Output,
}

impl Printer {
    /// To standard output.
    pub(super) fn plain() -> Self {
        Self { way: Arc::new(Mutex::new(Way::Output)), paint: Paint::of_output() }
    }

    /// From now on above what is being typed.
    pub(super) fn above(&self, printer: impl ExternalPrinter + Send + 'static) {
        *self.way.lock().unwrap_or_else(PoisonError::into_inner) = Way::Above(Box::new(printer));
    }

    /// Nobody types any more.
    pub(super) fn below(&self) {
        *self.way.lock().unwrap_or_else(PoisonError::into_inner) = Way::Output;
    }

    /// Write a line.
    pub(super) fn line(&self, line: &str) {
        // Where nobody reads any more there is nobody to tell.
        let _ = match &mut *self.way.lock().unwrap_or_else(PoisonError::into_inner) {
            Way::Above(printer) => printer.print(format!("{line}\n")).map_err(io::Error::other),
            Way::Output => writeln!(io::stdout(), "{line}"),
        };
    }

    /// A line that begins with a mark.
    pub(super) fn marked(&self, colour: Colour, mark: &str, line: &str) {
        self.line(&format!("{} {line}", self.paint.colour(colour, mark)));
    }

    /// What cannot be done.
    pub(super) fn complain(&self, what: &str) {
        self.marked(Colour::Red, "!", what);
    }
}
