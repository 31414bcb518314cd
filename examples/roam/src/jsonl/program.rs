//! Commands about the program itself.

use std::sync::Arc;
use std::time::Duration;

use roamio::error::{Code, Error};
use roamio::log::{self, Level};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::line::Line;
use super::session::{Id, Session};
use super::{Answer, invalid};
use crate::words::{Word, Words};

/// How long a `wait` lasts that does not say it.
const PATIENCE_MS: u64 = 30_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wait {
    #[serde(rename = "for")]
    members: Map<String, Value>,
    timeout_ms: Option<u64>,
}

/// Read no further command before a line like this has come.
pub(super) fn wait(session: &mut Session, _: &Id, wait: Wait) -> Answer {
    let limit = Duration::from_millis(wait.timeout_ms.unwrap_or(PATIENCE_MS));
    if session.output.wait(&wait.members, limit) {
        return Ok(Some(Line::new()));
    }
    let text = format!("no such line within {} ms", limit.as_millis());
    Err(Error::new(Code::TimedOut, text))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    level: Option<Word<Level>>,
}

/// Tell what the library logs, down to this level; without one no longer.
pub(super) fn log(session: &mut Session, _: &Id, Log { level }: Log) -> Answer {
    let output = session.output.clone();
    let hook = move |level: Level, target: &str, text: &str| {
        let line = Line::event("log").with("level", level.word());
        output.line(line.with("target", target).with("text", text));
    };
    log::set_hook(level.map(|Word(level)| (level, Arc::new(hook) as Arc<log::Hook>)));
    Ok(Some(Line::new()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cancel {
    of: Box<RawValue>,
}

/// Forget the request that a command has made.
pub(super) fn cancel(session: &mut Session, _: &Id, Cancel { of }: Cancel) -> Answer {
    let request = Id::new(&of).and_then(|id| session.requests.get(&id));
    let (asked, request) = request.ok_or_else(|| {
        invalid(format!("the command {of} has its outcome, or is none that has one later"))
    })?;
    asked.cancel(request)?;
    Ok(Some(Line::new()))
}
