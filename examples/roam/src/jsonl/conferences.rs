//! Commands about conferences.

use std::path::PathBuf;
use std::time::Duration;

use roamio::client::{AskToken, Conference, Hint, OfflineRequest, RequestOptions};
use roamio::config::ConferenceConfig;
use roamio::error::Result;
use roamio::payload::Payload;
use roamio::secret::Secret;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::events::{self, Kind};
use super::line::{self, Line, raw};
use super::managers::{Trace, answer, trace};
use super::options::ConferenceOptions;
use super::session::{Asked, Id, Session};
use super::{Answer, calls, invalid};
use crate::secrets;
use crate::words::{Word, Words};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Open {
    conference: String,
    #[serde(default)]
    options: ConferenceOptions,
    trace: Option<Trace>,
}

pub(super) fn open(session: &mut Session, _: &Id, open: Open) -> Answer {
    let Open { conference: name, options, trace: to } = open;
    session.check_new(Kind::Conference, &name)?;
    let mut config = ConferenceConfig::default();
    options.apply(&mut config);
    let protocol = config.protocol;
    trace(to, &mut config.common, Kind::Conference, &name, &session.output);
    let (output, own) = (session.output.clone(), name.clone());
    let conference =
        Conference::new(config, move |event| output.line(events::conference(&own, &event)))?;
    session.add_conference(&name, conference, protocol);
    Ok(Some(Line::new()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    conference: String,
}

pub(super) fn state(session: &mut Session, _: &Id, Named { conference }: Named) -> Answer {
    Ok(Some(Line::new().with("state", session.conference(&conference)?.state().word())))
}

pub(super) fn stats(session: &mut Session, _: &Id, Named { conference }: Named) -> Answer {
    Ok(Some(Line::new().with("stats", session.conference(&conference)?.stats())))
}

pub(super) fn room(session: &mut Session, _: &Id, Named { conference }: Named) -> Answer {
    Ok(Some(Line::new().with("room", &*session.conference(&conference)?.room())))
}

pub(super) fn detach(session: &mut Session, _: &Id, Named { conference }: Named) -> Answer {
    session.close_one(Kind::Conference, &conference)?;
    Ok(Some(Line::new()))
}

pub(super) fn logout(session: &mut Session, id: &Id, Named { conference }: Named) -> Answer {
    let conference = session.conference(&conference)?.clone();
    let show = |_| Ok(Line::new());
    session.ask(id, Asked::Conference(conference.clone()), show, |done| conference.logout(done))
}

pub(super) fn rejoin(session: &mut Session, id: &Id, Named { conference }: Named) -> Answer {
    let conference = session.conference(&conference)?.clone();
    let of = Asked::Conference(conference.clone());
    session.ask(id, of, entered, |done| conference.rejoin(done))
}

/// The outcome of a login.
fn entered(answer: Payload) -> Result<Line> {
    let line = Line::new();
    // A session that was resumed is not described again.
    Ok(if answer.args().len() == 0 { line } else { line.with("login", line::login(&answer)) })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hinted {
    conference: String,
    hint: Word<Hint>,
}

pub(super) fn hint(session: &mut Session, _: &Id, hinted: Hinted) -> Answer {
    session.conference(&hinted.conference)?.hint(hinted.hint.0)?;
    Ok(Some(Line::new()))
}

/// A token, or the file that has it.
fn token(text: Option<String>, file: Option<PathBuf>) -> Result<Option<Secret>> {
    match (text, file) {
        (Some(text), None) => Ok(Some(Secret::new(text))),
        (None, Some(file)) => secrets::read(&file).map(Some),
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(invalid("`token` and `token_file` exclude each other")),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    conference: String,
    token: Option<String>,
    token_file: Option<PathBuf>,
}

pub(super) fn login(session: &mut Session, id: &Id, login: Login) -> Answer {
    let conference = session.conference(&login.conference)?.clone();
    let token = token(login.token, login.token_file)?;
    let token = token.ok_or_else(|| invalid("either `token` or `token_file` is needed"))?;
    let of = Asked::Conference(conference.clone());
    session.ask(id, of, entered, |done| conference.login(token.expose(), done))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProvideToken {
    conference: String,
    question: u64,
    token: Option<String>,
    token_file: Option<PathBuf>,
    refuse: Option<String>,
}

pub(super) fn provide_token(session: &mut Session, _: &Id, provide: ProvideToken) -> Answer {
    let token = token(provide.token, provide.token_file)?;
    let token = answer(token, provide.refuse, "token")?;
    let token = token.as_ref().map(Secret::expose).map_err(Clone::clone);
    session.conference(&provide.conference)?.provide_token(AskToken(provide.question), token)?;
    Ok(Some(Line::new()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    conference: String,
    name: String,
    data: Box<RawValue>,
    timeout_ms: Option<u64>,
    /// What becomes of it while the session is not ready.
    offline: Option<OfflineOption>,
    #[serde(default)]
    idempotent: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum OfflineOption {
    Wait,
    Fail,
}

impl Request {
    fn options(&self) -> RequestOptions {
        RequestOptions {
            timeout: self.timeout_ms.map(Duration::from_millis),
            offline: match self.offline {
                None | Some(OfflineOption::Wait) => OfflineRequest::Wait,
                Some(OfflineOption::Fail) => OfflineRequest::Fail,
            },
            idempotent: self.idempotent,
        }
    }
}

/// Ask whatever it is.
pub(super) fn request(session: &mut Session, id: &Id, request: Request) -> Answer {
    let conference = session.conference(&request.conference)?.clone();
    let show = |answer: Payload| Ok(resent(Line::new().args(&answer), &answer));
    session.ask(id, Asked::Conference(conference.clone()), show, |done| {
        conference.request(&request.name, request.data.get(), request.options(), done)
    })
}

/// Ask what has a type, which both sides are held to.
pub(super) fn call(session: &mut Session, id: &Id, request: Request) -> Answer {
    let conference = session.conference(&request.conference)?.clone();
    let typed = calls::find(session.protocol(&request.conference), &request.name)?;
    let data = (typed.check)(request.data.get()).map_err(|error| {
        let text = error.to_string();
        let text = text.split(" at line ").next().unwrap_or_default();
        invalid(format!("data: {text}"))
    })?;
    let show = move |answer: Payload| {
        let json = (typed.answer)(&answer)?;
        Ok(resent(Line::new().with("answer", raw(&json)), &answer))
    };
    session.ask(id, Asked::Conference(conference.clone()), show, |done| {
        conference.request(&request.name, &data, request.options(), done)
    })
}

fn resent(line: Line, answer: &Payload) -> Line {
    line.maybe("resent", Some(true).filter(|_| answer.resent()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    conference: String,
    file: PathBuf,
}

/// Write the session into a file, because what can resume it is a secret.
pub(super) fn export(session: &mut Session, _: &Id, File { conference, file }: File) -> Answer {
    secrets::write(&file, &session.conference(&conference)?.export()?)?;
    Ok(Some(Line::new()))
}

pub(super) fn restore(session: &mut Session, id: &Id, File { conference, file }: File) -> Answer {
    let conference = session.conference(&conference)?.clone();
    let export = secrets::read(&file)?;
    let of = Asked::Conference(conference.clone());
    session.ask(id, of, entered, |done| conference.restore(export.expose(), done))
}
