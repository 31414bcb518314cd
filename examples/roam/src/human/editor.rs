//! Lines from a terminal, with history and completion, or from anything else.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, BufRead, IsTerminal};
use std::sync::{Arc, Mutex, PoisonError};

use roamio::error::{Code, Error, Result};
use rustyline::completion::{Completer, extract_word};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{Config, Context, Editor, Helper};

use super::printer::Printer;

/// Names that Tab completes: those of commands, and those that were seen.
#[derive(Clone, Default)]
pub(super) struct Names(Arc<Mutex<BTreeSet<String>>>);

impl Names {
    pub(super) fn new(known: &[&str]) -> Self {
        Self(Arc::new(Mutex::new(known.iter().map(|&name| name.to_owned()).collect())))
    }

    /// A name was seen.
    pub(super) fn learn(&self, name: &str) {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !names.contains(name) {
            names.insert(name.to_owned());
        }
    }

    fn beginning(&self, word: &str) -> Vec<String> {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.iter().filter(|name| name.starts_with(word)).cloned().collect()
    }
}

impl Completer for Names {
    type Candidate = String;

    /// Only the first word is a name.
    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let (start, word) = extract_word(line, at, None, char::is_whitespace);
        let first = line[..start].trim().is_empty();
        Ok((start, if first { self.beginning(word) } else { Vec::new() }))
    }
}

impl Hinter for Names {
    type Hint = String;
}

impl Highlighter for Names {
    fn highlight_candidate<'c>(
        &self,
        candidate: &'c str,
        _: rustyline::CompletionType,
    ) -> Cow<'c, str> {
        Cow::Borrowed(candidate)
    }
}

impl Validator for Names {}
impl Helper for Names {}

/// Where lines come from.
pub(super) enum Lines {
    Terminal(Box<Editor<Names, DefaultHistory>>, Printer),
    Input(io::Lines<io::StdinLock<'static>>),
}

impl Lines {
    /// From the terminal if there is one; then `printer` writes above what is typed.
    ///
    /// # Errors
    /// The terminal cannot be used.
    pub(super) fn open(names: Names, printer: &Printer) -> Result<Self> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Ok(Self::Input(io::stdin().lock().lines()));
        }
        let unusable =
            |error: ReadlineError| Error::new(Code::Unsupported, format!("terminal: {error}"));
        let config = Config::builder().auto_add_history(true).build();
        let mut editor = Editor::with_config(config).map_err(unusable)?;
        editor.set_helper(Some(names));
        printer.above(editor.create_external_printer().map_err(unusable)?);
        Ok(Self::Terminal(Box::new(editor), printer.clone()))
    }

    /// Whether somebody types.
    pub(super) const fn is_terminal(&self) -> bool {
        matches!(self, Self::Terminal(..))
    }

    /// The next line; `None` at the end.
    pub(super) fn next(&mut self) -> Option<String> {
        match self {
            Self::Terminal(editor, _) => editor.readline("> ").ok(),
            Self::Input(lines) => lines.next()?.ok(),
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if let Self::Terminal(_, printer) = self {
            printer.below();
        }
    }
}
