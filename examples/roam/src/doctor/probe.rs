//! One connection for an examination: what it came to, and its trace.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use roamio::client::{Manager, ManagerEvent, Socket, SocketEvent, SocketState};
use roamio::config::{ManagerConfig, TraceSink, Transport};
use roamio::error::{Code, Error, Result};

use super::trace::Record;

/// What a connection tells.
#[derive(Debug)]
pub(super) enum Told {
    /// A record of the trace.
    Record(Record),
    /// The connection is carried by this transport; true: after an upgrade.
    Transport(Transport, bool),
    /// The connection goes on without an upgrade.
    UpgradeFailed(Error),
    /// The attempt has failed.
    Failed(Error),
    /// The namespace is joined.
    Joined,
    /// The namespace is refused.
    Refused(Error),
}

/// A connection under way.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) manager: Manager,
    socket: Socket,
    told: Receiver<Told>,
    /// The records so far.
    pub(super) records: Vec<Record>,
}

impl Probe {
    /// Connect, once: a failed attempt is not made again.
    pub(super) fn start(
        mut config: ManagerConfig,
        namespace: &str,
        auth: Option<&str>,
    ) -> Result<Self> {
        let (tell, told) = channel();
        config.reconnect.enabled = false;
        config.common.trace = Some(lines(tell.clone()));
        let events = tell.clone();
        let manager = Manager::new(config, move |event| {
            let told = match event {
                ManagerEvent::Transport { transport, upgraded } => {
                    Told::Transport(transport, upgraded)
                }
                ManagerEvent::UpgradeFailed(error) => Told::UpgradeFailed(error),
                ManagerEvent::Retry(failed) => Told::Failed(failed.error),
                _ => return,
            };
            // Nobody listens after the last step.
            let _ = events.send(told);
        })?;
        let socket = manager.socket(namespace, move |event| {
            let told = match event {
                SocketEvent::State { transition, .. }
                    if transition.state == SocketState::Connected =>
                {
                    Told::Joined
                }
                SocketEvent::ConnectError { error, .. } if error.code() == Code::ConnectError => {
                    Told::Refused(error)
                }
                SocketEvent::ConnectError { error, .. } => Told::Failed(error),
                _ => return,
            };
            let _ = tell.send(told);
        })?;
        socket.connect(auth)?;
        Ok(Self { manager, socket, told, records: Vec::new() })
    }

    /// Wait for what `pick` takes; `None` when it has not come in time.
    pub(super) fn until<T>(
        &mut self,
        limit: Duration,
        mut pick: impl FnMut(&Told) -> Option<T>,
    ) -> Option<T> {
        let end = Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let told = self.told.recv_timeout(left).ok()?;
            let picked = pick(&told);
            if let Told::Record(record) = told {
                self.records.push(record);
            }
            if picked.is_some() {
                return picked;
            }
        }
    }

    /// End the connection, and take the rest of its trace.
    pub(super) fn end(mut self, limit: Duration) -> Vec<Record> {
        self.manager.close();
        // What does not end in time ends with the program.
        let _ = self.socket.close_wait(limit);
        let records = self.told.try_iter().filter_map(|told| match told {
            Told::Record(record) => Some(record),
            _ => None,
        });
        self.records.extend(records);
        self.records
    }
}

fn lines(tell: Sender<Told>) -> TraceSink {
    TraceSink::lines(move |line| {
        if let Some(record) = Record::read(line) {
            let _ = tell.send(Told::Record(record));
        }
    })
}
