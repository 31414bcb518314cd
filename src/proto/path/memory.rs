//! What was learned about servers, for the next attempt.

use smallvec::SmallVec;

use crate::config::Endpoint;

/// A manager that is sent from server to server remembers the last ones.
const MOST: usize = 16;

/// What is known of some servers; each is an origin and a path.
#[derive(Debug, Default)]
pub(super) struct Memory(SmallVec<[Entry; 1]>);

#[derive(Debug)]
struct Entry {
    secure: bool,
    host: String,
    port: u16,
    path: String,
    known: Known,
}

/// What is known of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// It speaks revision 3 of Engine.IO only.
    pub(super) revision_3: bool,
    /// The last connection got its WebSocket.
    pub(super) websocket: bool,
}

impl Memory {
    pub(super) fn of(&self, endpoint: &Endpoint) -> Known {
        self.0.iter().find(|entry| entry.is(endpoint)).map(|entry| entry.known).unwrap_or_default()
    }

    pub(super) fn learn(&mut self, endpoint: &Endpoint, learn: impl FnOnce(&mut Known)) {
        if let Some(entry) = self.0.iter_mut().find(|entry| entry.is(endpoint)) {
            return learn(&mut entry.known);
        }
        let mut known = Known::default();
        learn(&mut known);
        if known == Known::default() {
            return;
        }
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push(Entry {
            secure: endpoint.secure,
            host: endpoint.host.clone(),
            port: endpoint.port,
            path: endpoint.path.clone(),
            known,
        });
    }
}

impl Entry {
    fn is(&self, endpoint: &Endpoint) -> bool {
        self.port == endpoint.port
            && self.secure == endpoint.secure
            && self.host == endpoint.host
            && self.path == endpoint.path
    }
}
