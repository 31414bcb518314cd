//! Commands about managers.

use std::path::PathBuf;

use roamio::client::{AskToken, Hint, Manager};
use roamio::config::{
    CommonConfig, Endpoint, HeaderList, ManagerConfig, ReconnectPolicy, Target, TraceSink,
};
use roamio::error::Result;
use serde::Deserialize;

use super::events::{self, Kind};
use super::line::{Line, raw};
use super::options::{Headers, ManagerOptions, ReconnectOptions};
use super::output::Output;
use super::session::{Id, Session};
use super::{Answer, invalid};
use crate::words::{Word, Words};

/// Where a trace goes.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Trace {
    /// Into the output, or nowhere.
    Lines(bool),
    File(PathBuf),
}

/// Let the trace of an object go where the command says.
pub(super) fn trace(
    to: Option<Trace>,
    common: &mut CommonConfig,
    kind: Kind,
    name: &str,
    output: &Output,
) {
    common.trace = match to {
        None | Some(Trace::Lines(false)) => None,
        Some(Trace::File(path)) => Some(TraceSink::file(path)),
        Some(Trace::Lines(true)) => {
            let (name, output) = (name.to_owned(), output.clone());
            Some(TraceSink::lines(move |record| {
                output.line(events::of("trace", kind, &name).with("record", raw(record)));
            }))
        }
    };
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Open {
    manager: String,
    url: String,
    #[serde(default)]
    options: ManagerOptions,
    trace: Option<Trace>,
}

pub(super) fn open(session: &mut Session, _: &Id, open: Open) -> Answer {
    let Open { manager: name, url, options, trace: to } = open;
    session.check_new(Kind::Manager, &name)?;
    let (endpoint, namespace) = Endpoint::parse(&url)?;
    let mut config = ManagerConfig::new(endpoint);
    options.apply(&mut config);
    trace(to, &mut config.common, Kind::Manager, &name, &session.output);
    let (output, own) = (session.output.clone(), name.clone());
    let manager = Manager::new(config, move |event| output.line(events::manager(&own, &event)))?;
    session.add_manager(&name, manager);
    Ok(Some(Line::new().with("namespace", namespace)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    manager: String,
}

pub(super) fn state(session: &mut Session, _: &Id, Named { manager }: Named) -> Answer {
    Ok(Some(Line::new().with("state", session.manager(&manager)?.state().word())))
}

pub(super) fn stats(session: &mut Session, _: &Id, Named { manager }: Named) -> Answer {
    Ok(Some(Line::new().with("stats", session.manager(&manager)?.stats())))
}

pub(super) fn close(session: &mut Session, _: &Id, Named { manager }: Named) -> Answer {
    session.close_one(Kind::Manager, &manager)?;
    Ok(Some(Line::new()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hinted {
    manager: String,
    hint: Word<Hint>,
}

pub(super) fn hint(session: &mut Session, _: &Id, Hinted { manager, hint }: Hinted) -> Answer {
    session.manager(&manager)?.hint(hint.0)?;
    Ok(Some(Line::new()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetHeaders {
    manager: String,
    headers: Headers,
}

pub(super) fn set_headers(session: &mut Session, _: &Id, set: SetHeaders) -> Answer {
    session.manager(&set.manager)?.set_headers(list(set.headers))?;
    Ok(Some(Line::new()))
}

fn list(headers: Headers) -> HeaderList {
    HeaderList(headers.into_iter().collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetReconnect {
    manager: String,
    reconnect: ReconnectOptions,
}

pub(super) fn set_reconnect(session: &mut Session, _: &Id, set: SetReconnect) -> Answer {
    let mut policy = ReconnectPolicy::default();
    set.reconnect.apply(&mut policy);
    session.manager(&set.manager)?.set_reconnect(policy)?;
    Ok(Some(Line::new()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProvideTarget {
    manager: String,
    question: u64,
    url: Option<String>,
    path: Option<String>,
    #[serde(default)]
    headers: Headers,
    refuse: Option<String>,
}

pub(super) fn provide_target(session: &mut Session, _: &Id, provide: ProvideTarget) -> Answer {
    let ProvideTarget { manager, question, url, path, headers, refuse } = provide;
    let endpoint = url.map(|url| Endpoint::parse(&url)).transpose()?;
    let target = answer(endpoint, refuse, "url")?.map(|(mut endpoint, _)| {
        endpoint.path = path.unwrap_or(endpoint.path);
        Target { endpoint, headers: list(headers) }
    });
    session.manager(&manager)?.provide_target(AskToken(question), target)?;
    Ok(Some(Line::new()))
}

/// The answer to a question of the library: a value, or a refusal with a reason.
pub(super) fn answer<T>(value: Option<T>, refuse: Option<String>, name: &str) -> Result<Result<T>> {
    match (value, refuse) {
        (Some(value), None) => Ok(Ok(value)),
        (None, Some(reason)) => Ok(Err(invalid(reason))),
        _ => Err(invalid(format!("either `{name}` or `refuse` is needed"))),
    }
}
