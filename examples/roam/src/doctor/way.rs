//! The way to the server, as the trace of one connection shows it.

use roamio::config::Proxy;
use roamio::error::{Code, Error};

use super::advice::Advice;
use super::report::Step;
use super::trace::{Record, What};

/// How far a connection came, in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Milestones {
    pub(super) dns_ms: Option<u64>,
    pub(super) connect_ms: Option<u64>,
    pub(super) tls_ms: Option<u64>,
    /// From the dial to the open engine.
    pub(super) opened_ms: Option<u64>,
    /// From the last milestone to the end of the attempt.
    gave_up_ms: Option<u64>,
    pub(super) revision: Option<u8>,
}

impl Milestones {
    /// Those of the first wire.
    pub(super) fn of(records: &[Record]) -> Self {
        let mut found = Self::default();
        let Some((first, began)) = records.iter().find_map(|record| match record.what {
            What::Dial { wire, .. } => Some((wire, record.t)),
            _ => None,
        }) else {
            return found;
        };
        let mut last = began;
        for Record { t, what } in records {
            match *what {
                What::Dial { wire, revision } if wire == first => found.revision = revision,
                What::Reached { wire, connect_ms } if wire == first => {
                    found.dns_ms = Some((t - began).saturating_sub(connect_ms));
                    found.connect_ms = Some(connect_ms);
                    last = *t;
                }
                What::Secured { wire, tls_ms } if wire == first => {
                    found.tls_ms = Some(tls_ms);
                    last = *t;
                }
                What::EngineOpened { wire } if wire == first => {
                    found.opened_ms = Some(t - began);
                }
                What::Failed { wire } | What::HttpAnswered { wire }
                    if wire == first && found.gave_up_ms.is_none() =>
                {
                    found.gave_up_ms = Some(t - last);
                }
                _ => {}
            }
        }
        found
    }
}

/// What is known about the way.
pub(super) struct Way<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) secure: bool,
    pub(super) proxy: Option<&'a Proxy>,
    /// The proxy that the environment names, which is not used.
    pub(super) unused: Option<&'static str>,
}

impl Way<'_> {
    /// The steps from the name to TLS. The last one has failed if the way ends there.
    pub(super) fn steps(&self, seen: Milestones, error: Option<&Error>) -> Vec<Step> {
        let Some(connect_ms) = seen.connect_ms else { return self.not_reached(seen, error) };
        let mut steps = vec![self.name(seen.dns_ms)];
        match self.proxy {
            Some(proxy) => {
                steps.push(Step::ok("proxy", Some(connect_ms), format!("through {proxy}")));
                steps.push(Step::ok("tcp", None, "inside the tunnel"));
            }
            None => {
                steps.push(self.no_proxy());
                let to = format!("{} port {}", self.host, self.port);
                steps.push(Step::ok("tcp", Some(connect_ms), to));
            }
        }
        steps.push(match (self.secure, seen.tls_ms, error) {
            (false, ..) => Step::skipped("tls", "the URL is without TLS"),
            (true, None, Some(error)) => failed("tls", seen.gave_up_ms, error),
            (true, tls_ms, _) => Step::ok("tls", tls_ms, "the certificate is accepted"),
        });
        steps
    }

    /// There was no TCP connection.
    fn not_reached(&self, seen: Milestones, error: Option<&Error>) -> Vec<Step> {
        let Some(error) = error else { return Vec::new() };
        let failed = |name| failed(name, seen.gave_up_ms, error);
        match error.code() {
            Code::Dns => vec![failed("dns")],
            Code::Proxy => vec![Step::skipped("dns", "is the proxy's matter"), failed("proxy")],
            _ => vec![self.name(None), self.no_proxy(), failed("tcp")],
        }
    }

    fn name(&self, ms: Option<u64>) -> Step {
        let name = self.proxy.map_or(self.host, |proxy| &proxy.host);
        match name.parse::<std::net::IpAddr>() {
            Ok(_) => Step::skipped("dns", format!("{name} is an address")),
            Err(_) => Step::ok("dns", ms, format!("{name} has addresses")),
        }
    }

    fn no_proxy(&self) -> Step {
        let found = match self.unused {
            Some(name) => format!("none; {name} is set, but only --proxy is used"),
            None => "none".to_owned(),
        };
        Step::skipped("proxy", found)
    }
}

/// A step with what its error means.
pub(super) fn failed(name: &'static str, ms: Option<u64>, error: &Error) -> Step {
    Step::failed(name, ms, error.clone(), Advice::of(error))
}
