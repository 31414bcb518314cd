//! What an examination has found, for people and for programs.

use std::fmt::Write as _;

use roamio::error::Error;

use super::advice::Advice;
use crate::human::paint::{Colour, Paint};
use crate::jsonl::line::{self, Line};

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Ok,
    /// Something does not work that the connection can do without.
    Warning,
    Failed,
    /// An earlier step has failed, or there is nothing to look at.
    Skipped,
}

impl Outcome {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    const fn mark(self) -> (&'static str, Colour) {
        match self {
            Self::Ok => ("ok", Colour::Green),
            Self::Warning => ("WARN", Colour::Yellow),
            Self::Failed => ("FAIL", Colour::Red),
            Self::Skipped => ("-", Colour::Grey),
        }
    }
}

/// A step, and what was found.
#[derive(Debug)]
pub(super) struct Step {
    name: &'static str,
    pub(super) outcome: Outcome,
    ms: Option<u64>,
    found: String,
    wrong: Option<(Error, Advice)>,
}

impl Step {
    /// It works.
    pub(super) fn ok(name: &'static str, ms: Option<u64>, found: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Ok, ms, found: found.into(), wrong: None }
    }

    /// It was not tried.
    pub(super) fn skipped(name: &'static str, why: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Skipped, ms: None, found: why.into(), wrong: None }
    }

    /// It does not work.
    pub(super) fn failed(
        name: &'static str,
        ms: Option<u64>,
        error: Error,
        advice: Advice,
    ) -> Self {
        let found = error.message().to_owned();
        let wrong = Some((error, advice));
        Self { name, outcome: Outcome::Failed, ms, found, wrong }
    }

    /// The connection can do without it.
    pub(super) fn into_warning(self) -> Self {
        Self { outcome: Outcome::Warning, ..self }
    }

    fn json(&self) -> Line {
        let wrong = self.wrong.as_ref();
        Line::new()
            .with("step", self.name)
            .with("result", self.outcome.word())
            .maybe("ms", self.ms)
            .with("found", &self.found)
            .maybe("error", wrong.map(|(error, _)| line::error(error)))
            .maybe("cause", wrong.map(|(_, advice)| advice.cause))
            .maybe("advice", wrong.map(|(_, advice)| advice.advice))
    }

    fn rows(&self, paint: Paint, text: &mut String) {
        let (mark, colour) = self.outcome.mark();
        let ms = self.ms.map_or_else(String::new, |ms| format!("{ms} ms"));
        let mark = paint.colour(colour, &format!("{mark:<4}"));
        let Self { name, found, .. } = self;
        let _ = writeln!(text, "{mark}  {name:<11} {ms:>8}  {found}");
        if let Some((error, advice)) = &self.wrong {
            let said = error.server_json().map(|said| format!("the server says {said}"));
            let rows = [
                ("cause", Some(advice.cause)),
                ("said", said.as_deref()),
                ("do", Some(advice.advice)),
            ];
            for (name, row) in rows {
                if let Some(row) = row {
                    let _ = writeln!(text, "{:>16} {name:>8}: {row}", "");
                }
            }
        }
    }
}

/// All steps.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) url: String,
    pub(super) steps: Vec<Step>,
}

impl Report {
    /// Nothing has failed.
    pub(super) fn is_ok(&self) -> bool {
        self.steps.iter().all(|step| step.outcome != Outcome::Failed)
    }

    /// One object.
    pub(super) fn json(&self) -> String {
        let steps: Vec<_> = self.steps.iter().map(Step::json).collect();
        Line::new().with("url", &self.url).with("ok", self.is_ok()).with("steps", steps).end()
    }

    /// A row for each step, and more where something is wrong.
    pub(super) fn table(&self, paint: Paint) -> String {
        let mut text = format!("{}\n", paint.bold(&self.url));
        self.steps.iter().for_each(|step| step.rows(paint, &mut text));
        text
    }
}
