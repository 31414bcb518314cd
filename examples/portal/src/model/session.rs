//! A logged-in participant: where its connection is and what it was sent.
//!
//! ```text
//!             login                socket lost, reconnection enabled
//!   (none) ----------> Connected -----------------------------------> Waiting
//!                        ^  |  \                                       |  |
//!                        |  |   `-- logout, drop, no reconnection -.   |  | timer, drop
//!                        |  `-- relogin elsewhere (takeover)       v   |  v
//!                        `------------------ relogin --------------+---'  (none)
//! ```

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::{
    ConnId, Millis, ModelConfig, Protocol, Retention, SeqBase, legacy, stream, timer::TimerId,
};

#[derive(Debug)]
pub(super) struct Session {
    pub(super) room: String,
    pub(super) protocol: Protocol,
    pub(super) reconnectable: bool,
    pub(super) link: Link,
    /// The connection used last; it stays known while the session waits.
    pub(super) conn: ConnId,
    /// For legacy clients only.
    pub(super) names: legacy::Names,
    /// Notifications issued so far.
    issued: u64,
    buffer: VecDeque<Stored>,
    /// For protocols before 1.2: what is sent after the next relogin.
    missed: Vec<(String, Option<Value>)>,
}

/// What the portal believes about the session's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// It lives.
    Connected,
    /// It was lost; the timer ends the session.
    Waiting(TimerId),
    /// It was lost while joining: nothing will ever end the session but a drop.
    Ghost,
}

/// An entry of the replay buffer.
#[derive(Debug)]
struct Stored {
    seq: u64,
    event: String,
    data: Option<Value>,
    /// When it was stored; a relogin takes the time away, and the entry never expires again.
    at: Option<Millis>,
}

impl Stored {
    fn to_json(&self) -> Value {
        let mut entry = json!({"event": self.event, "seq": self.seq});
        if let Some(data) = &self.data {
            entry["data"] = data.clone();
        }
        entry
    }
}

impl Session {
    pub(super) fn new(
        room: String,
        protocol: Protocol,
        reconnectable: bool,
        link: Link,
        conn: ConnId,
    ) -> Self {
        Self {
            room,
            protocol,
            reconnectable,
            link,
            conn,
            names: legacy::Names::default(),
            issued: 0,
            buffer: VecDeque::new(),
            missed: Vec::new(),
        }
    }

    /// Turn a notification into the shape and name of the session's protocol version; none if
    /// this version has no such notification.
    pub(super) fn adapt(
        &mut self,
        event: &str,
        data: Option<&Value>,
    ) -> Option<(String, Option<Value>)> {
        let Some(data) = data else { return Some((event.into(), None)) };
        let (event, data) = match (self.protocol, event) {
            (Protocol::Legacy, _) => legacy::notification(&mut self.names, event, data)?,
            (Protocol::V1_0 | Protocol::V1_1, "progress")
                if data["sessionId"].is_string() && data["status"] == "ready" =>
            {
                ("session-progress".into(), data.clone())
            }
            (protocol, "stream") => (event.into(), stream::notification_for(protocol, data)),
            _ => (event.into(), data.clone()),
        };
        Some((event, Some(data)))
    }

    /// Number a notification and keep it for the next relogin. Returns the number.
    pub(super) fn store(
        &mut self,
        event: &str,
        data: Option<&Value>,
        config: &ModelConfig,
        now: Millis,
    ) -> u64 {
        let seq = match config.seq_base {
            SeqBase::Zero => self.issued,
            SeqBase::One => self.issued + 1,
        };
        self.issued += 1;
        if self.protocol == Protocol::V1_2 {
            let stored = Stored { seq, event: event.into(), data: data.cloned(), at: Some(now) };
            self.buffer.push_back(stored);
            self.prune(config.retention, now);
        } else if self.link != Link::Connected {
            self.missed.push((event.into(), data.cloned()));
        }
        seq
    }

    fn prune(&mut self, retention: Retention, now: Millis) {
        let Retention::For(limit) = retention else { return };
        while let Some(Stored { at: Some(at), .. }) = self.buffer.front()
            && now.saturating_sub(*at) > limit
        {
            self.buffer.pop_front();
        }
    }

    /// The whole replay buffer for a relogin reply of protocol 1.2. It stays stored.
    pub(super) fn replay(&mut self, config: &ModelConfig) -> Vec<Value> {
        if config.relogin_ends_pruning {
            self.buffer.iter_mut().for_each(|stored| stored.at = None);
        }
        self.buffer.iter().map(Stored::to_json).collect()
    }

    /// Take what follows a relogin reply of protocols before 1.2.
    pub(super) fn take_missed(&mut self) -> Vec<(String, Option<Value>)> {
        std::mem::take(&mut self.missed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(protocol: Protocol) -> Session {
        Session::new("room".into(), protocol, true, Link::Connected, ConnId(1))
    }

    fn store(session: &mut Session, config: &ModelConfig, now: Millis) -> u64 {
        session.store("text", Some(&json!({"message": now})), config, now)
    }

    fn seqs(entries: &[Value]) -> Vec<u64> {
        entries.iter().filter_map(|entry| entry["seq"].as_u64()).collect()
    }

    #[test]
    fn numbers_start_at_the_configured_base() {
        let mut config = ModelConfig::default();
        assert_eq!(store(&mut session(Protocol::V1_2), &config, 0), 1);
        config.seq_base = SeqBase::Zero;
        assert_eq!(store(&mut session(Protocol::V1_2), &config, 0), 0);
    }

    #[test]
    fn old_entries_go_when_the_next_is_stored() {
        let config = ModelConfig { retention: Retention::For(3000), ..ModelConfig::default() };
        let mut session = session(Protocol::V1_2);
        for now in [0, 100, 5000] {
            store(&mut session, &config, now);
        }
        assert_eq!(seqs(&session.replay(&config)), [3]);
    }

    #[test]
    fn a_relogin_ends_pruning() {
        let config = ModelConfig { retention: Retention::For(3000), ..ModelConfig::default() };
        let mut session = session(Protocol::V1_2);
        store(&mut session, &config, 0);
        session.replay(&config);
        for now in [4000, 8000, 12_000] {
            store(&mut session, &config, now);
        }
        assert_eq!(seqs(&session.replay(&config)), [1, 2, 3, 4]);
    }

    #[test]
    fn an_entry_without_data_has_no_data_member() {
        let config = ModelConfig::default();
        let mut session = session(Protocol::V1_2);
        session.store("drop", None, &config, 0);
        assert_eq!(session.replay(&config), [json!({"event": "drop", "seq": 1})]);
    }

    #[test]
    fn protocol_1_1_keeps_only_what_comes_while_waiting() {
        let config = ModelConfig::default();
        let mut session = session(Protocol::V1_1);
        store(&mut session, &config, 1);
        session.link = Link::Ghost;
        store(&mut session, &config, 2);
        assert_eq!(session.take_missed(), [("text".into(), Some(json!({"message": 2})))]);
    }

    #[test]
    fn protocol_1_1_renames_the_progress_of_sessions() {
        let mut session = session(Protocol::V1_1);
        let mut name = |data: Value| session.adapt("progress", Some(&data)).map(|event| event.0);
        let ready = json!({"id": "t", "sessionId": "s", "status": "ready"});
        assert_eq!(name(ready).as_deref(), Some("session-progress"));
        assert_eq!(name(json!({"id": "t", "status": "ready"})).as_deref(), Some("progress"));
    }
}
