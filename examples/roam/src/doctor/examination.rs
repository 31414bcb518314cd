//! All steps, one after the other, as far as they make sense.

use std::env;
use std::time::Duration;

use roamio::config::{ManagerConfig, Transport};
use roamio::error::{Code, Error, Result};
use roamio::secret::Secret;

use super::latency;
use super::probe::Probe;
use super::progress::Progress;
use super::report::{Report, Step};
use super::transports::Attempt;
use super::way::{Way, failed};
use crate::arguments::Doctor;

/// An attempt has limits of its own, which are shorter.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// How long the end of a connection may take.
pub(super) const ENDING: Duration = Duration::from_secs(3);

/// What is to be examined.
pub(super) struct Examination<'a> {
    doctor: &'a Doctor,
    pub(super) config: ManagerConfig,
    pub(super) namespace: String,
    auth: Option<Secret>,
}

impl<'a> Examination<'a> {
    /// # Errors
    /// Words that cannot be used.
    pub(super) fn new(doctor: &'a Doctor) -> Result<Self> {
        let (config, namespace) = doctor.place.config()?;
        if config.common.trace.is_some() {
            let text = "--trace: the doctor reads the traces itself; use it with `roam connect`";
            return Err(Error::new(Code::InvalidArgument, text));
        }
        Ok(Self { doctor, config, namespace, auth: doctor.place.auth()? })
    }

    pub(super) fn auth(&self) -> Option<&str> {
        self.auth.as_ref().map(Secret::expose)
    }

    /// Everything.
    pub(super) fn all(&self, progress: &Progress) -> Result<Report> {
        let mut steps = Vec::new();
        self.examine(progress, &mut steps)?;
        let url = self.doctor.place.url.split('?').next().unwrap_or_default().to_owned();
        Ok(Report { url, steps })
    }

    fn examine(&self, progress: &Progress, steps: &mut Vec<Step>) -> Result<()> {
        let order = &self.config.common.transports.order;
        let wanted = |transport| order.contains(&transport);
        progress.step("looking for the server");
        let first =
            if wanted(Transport::Polling) { Transport::Polling } else { Transport::Websocket };
        let first = self.attempt(first)?;
        steps.extend(self.way().steps(first.seen, first.opened.as_ref().err()));
        if !self.way_is_open(&first) {
            return Ok(());
        }
        let mut second = None;
        if first.transport == Transport::Polling && wanted(Transport::Websocket) {
            progress.step("trying WebSocket");
            second = Some(self.attempt(Transport::Websocket)?);
        }
        let opened = [second.as_ref(), Some(&first)].into_iter().flatten();
        let Some(best) = opened.clone().find(|attempt| attempt.opened.is_ok()) else {
            steps.extend(first.opened.as_ref().err().map(|error| failed("engine.io", None, error)));
            return Ok(());
        };
        steps.push(engine(best));
        for attempt in opened.clone() {
            let other = opened.clone().find(|other| other.transport != attempt.transport);
            steps.push(attempt.step(other));
        }
        let both = opened.filter(|attempt| attempt.opened.is_ok()).count() == 2;
        self.connected(best, both, progress, steps)
    }

    /// What there is to see once a connection opens.
    fn connected(
        &self,
        best: &Attempt,
        both: bool,
        progress: &Progress,
        steps: &mut Vec<Step>,
    ) -> Result<()> {
        let namespace = self.namespace_step(best);
        let Some(home) = self.home(best) else {
            steps.push(Step::skipped("upgrade", "there is no namespace to keep a connection open"));
            steps.push(namespace);
            return Ok(());
        };
        progress.step("trying the upgrade");
        let websocket = best.transport == Transport::Websocket;
        let (upgrade, mut probe) = if both {
            self.upgrade(home)?
        } else {
            (Step::skipped("upgrade", "only one transport works"), self.keep(best, home)?)
        };
        steps.extend([upgrade, namespace]);
        progress.step("measuring");
        steps.push(latency::step(&mut probe, websocket));
        probe.end(ENDING);
        Ok(())
    }

    /// A connection over the transport that works.
    fn keep(&self, best: &Attempt, namespace: &str) -> Result<Probe> {
        let mut config = self.config.clone();
        config.common.transports.order = vec![best.transport];
        let mut probe = Probe::start(config, namespace, self.auth())?;
        // Whether it was joined is known already.
        let _ = probe.joined();
        Ok(probe)
    }

    fn way(&self) -> Way<'_> {
        let common = &self.config.common;
        let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        Way {
            host: &self.config.endpoint.host,
            port: self.config.endpoint.port,
            secure: self.config.endpoint.secure,
            proxy: common.proxy.as_ref(),
            unused: names.into_iter().find(|name| env::var_os(name).is_some()),
        }
    }

    /// TCP is there, and TLS if there is to be.
    fn way_is_open(&self, attempt: &Attempt) -> bool {
        let seen = attempt.seen;
        seen.connect_ms.is_some() && (seen.tls_ms.is_some() || !self.config.endpoint.secure)
    }
}

/// The revision that the server speaks, and how long it took to open.
fn engine(attempt: &Attempt) -> Step {
    let seen = attempt.seen;
    let before = [seen.dns_ms, seen.connect_ms, seen.tls_ms].into_iter().flatten().sum();
    let ms = seen.opened_ms.map(|opened| opened.saturating_sub(before));
    Step::ok(
        "engine.io",
        ms,
        match seen.revision {
            Some(3) => "revision 3: a Socket.IO server of version 1 or 2, or one that allows it",
            _ => "revision 4: a Socket.IO server of version 3 or 4",
        },
    )
}
