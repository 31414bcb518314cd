//! Both transports, each by itself, and the upgrade from one to the other.

use roamio::config::{ManagerConfig, Opening, Revision, Transport, TransportConfig};
use roamio::error::{Code, Error, Result};

use super::examination::{ENDING, Examination, PATIENCE};
use super::probe::{Probe, Told};
use super::report::Step;
use super::way::{Milestones, failed};
use crate::words::Words;

/// A connection over one transport.
pub(super) struct Attempt {
    pub(super) transport: Transport,
    /// How far it came.
    pub(super) seen: Milestones,
    /// It opened, or why not.
    pub(super) opened: Result<()>,
    /// The namespace was joined, or why not; none before it opened.
    pub(super) joined: Option<Result<()>>,
    /// From the open connection to the namespace's answer, in milliseconds.
    pub(super) join_ms: u64,
}

impl Examination<'_> {
    /// Connect over one transport. A server that shows another revision is asked again in that one.
    pub(super) fn attempt(&self, transport: Transport) -> Result<Attempt> {
        let wanted = self.config.common.transports.revision;
        let revisions: &[Revision] = match wanted {
            Revision::Auto => &[Revision::V4, Revision::V3],
            _ => &[wanted],
        };
        let mut attempt = self.attempt_in(transport, revisions[0])?;
        for revision in &revisions[1..] {
            let other =
                matches!(&attempt.opened, Err(error) if error.code() == Code::EngineRevision);
            if other {
                attempt = self.attempt_in(transport, *revision)?;
            }
        }
        Ok(attempt)
    }

    fn attempt_in(&self, transport: Transport, revision: Revision) -> Result<Attempt> {
        let mut config = self.config.clone();
        let transports = &mut config.common.transports;
        (transports.order, transports.opening) = (vec![transport], Opening::First);
        (transports.revision, transports.upgrade) = (revision, false);
        let mut probe = Probe::start(config, &self.namespace, self.auth())?;
        let opened = probe.until(PATIENCE, |told| match told {
            Told::Transport(..) => Some(Ok(())),
            Told::Failed(error) => Some(Err(error.clone())),
            _ => None,
        });
        let opened = opened.unwrap_or_else(|| Err(silent()));
        let since = std::time::Instant::now();
        let joined = opened.is_ok().then(|| probe.joined());
        let join_ms = since.elapsed().as_millis() as u64;
        let seen = Milestones::of(&probe.end(ENDING));
        Ok(Attempt { transport, seen, opened, joined, join_ms })
    }

    /// Start with polling, and see whether WebSocket takes over; with the connection, if it lasts.
    pub(super) fn upgrade(&self, namespace: &str) -> Result<(Step, Probe)> {
        let mut config: ManagerConfig = self.config.clone();
        let TransportConfig { order, upgrade, .. } = &mut config.common.transports;
        (*order, *upgrade) = (vec![Transport::Polling, Transport::Websocket], true);
        let since = std::time::Instant::now();
        let mut probe = Probe::start(config, namespace, self.auth())?;
        let upgraded = probe.until(PATIENCE, |told| match told {
            Told::Transport(Transport::Websocket, true) => Some(Ok(())),
            Told::UpgradeFailed(error) | Told::Failed(error) => Some(Err(error.clone())),
            _ => None,
        });
        let ms = Some(since.elapsed().as_millis() as u64);
        let step = match upgraded.unwrap_or_else(|| Err(silent())) {
            Ok(()) => Step::ok("upgrade", ms, "polling, then WebSocket"),
            Err(error) => failed("upgrade", ms, &error).into_warning(),
        };
        Ok((step, probe))
    }
}

impl Probe {
    /// Wait for the answer to joining the namespace.
    pub(super) fn joined(&mut self) -> Result<()> {
        let joined = self.until(PATIENCE, |told| match told {
            Told::Joined => Some(Ok(())),
            Told::Refused(error) | Told::Failed(error) => Some(Err(error.clone())),
            _ => None,
        });
        joined.unwrap_or_else(|| Err(silent()))
    }
}

/// Nothing came at all.
fn silent() -> Error {
    Error::new(Code::TimedOut, format!("no answer within {} s", PATIENCE.as_secs()))
}

impl Attempt {
    /// The step of this transport; one that does not work is a warning if the `other` one does.
    pub(super) fn step(&self, other: Option<&Self>) -> Step {
        let name = self.transport.word();
        match &self.opened {
            Ok(()) => Step::ok(name, self.seen.opened_ms, "opens"),
            Err(error) => {
                let step = failed(name, self.seen.opened_ms, error);
                let spare = other.is_some_and(|other| other.opened.is_ok());
                if spare { step.into_warning() } else { step }
            }
        }
    }
}
