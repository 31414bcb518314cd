//! Counters: what an object has done so far. The machines of a conference or manager count,
//! [`Stack`](super::stack::Stack) gives the sum, and the driver adds what only it can know.

use crate::proto::io::ConferenceEvent;

/// What an object has done since it was made. Everything only grows, except `round_trip_ms`, and
/// nothing is reset by a reconnection or a fresh login.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "bridge", derive(uniffi::Record))]
pub struct Stats {
    /// The round trip measured last, in milliseconds: of a TCP connect, or of a probe and its answer.
    /// 0 before the first, and below one millisecond.
    pub round_trip_ms: u64,
    /// Engine.IO messages received, without heartbeats; an attachment is one of its own.
    pub messages_in: u64,
    /// Engine.IO messages given to a connection, without heartbeats; an attachment is one of its own.
    pub messages_out: u64,
    /// Bytes received: payloads of WebSocket frames and bodies of HTTP answers, heartbeats included,
    /// headers, TLS and TCP not.
    pub bytes_in: u64,
    /// Bytes sent, counted as `bytes_in`.
    pub bytes_out: u64,
    /// Attempts to connect that were begun, at most one at a time, whatever transports each tried.
    pub dials: u64,
    /// Engine.IO connections that opened.
    pub connections: u64,
    /// Attempts that failed, before or after their connection opened, as long as it was not in use.
    pub failed_attempts: u64,
    /// Questions for a sign of life that were sent: WebSocket pings, noops of polling.
    pub probes: u64,
    /// Relogins sent. This and the following up to `refreshes_by_backstop`: conferences only.
    pub relogins: u64,
    /// Times the session went on after a loss (`Resumed`).
    pub resumes: u64,
    /// Moves between two living connections (`Migrated`).
    pub migrations: u64,
    /// Notifications delivered from a replay.
    pub replayed: u64,
    /// Gaps announced (`Gap`).
    pub gaps: u64,
    /// Refreshes of the ticket that were sent right after a heartbeat or message, while the radio was
    /// awake anyway.
    pub refreshes_by_traffic: u64,
    /// Refreshes of the ticket that a timer had to send, repetitions of unanswered ones included.
    pub refreshes_by_backstop: u64,
    /// Acks that nobody waited for any more: late, repeated or never asked for.
    pub late_acks_ignored: u64,
    /// Other messages that meant nothing: of a connection that is not in use (any more), for a
    /// namespace that nobody joined.
    pub packets_ignored: u64,
    /// Times that reading stopped because callbacks did not keep up.
    pub host_slow: u64,
    /// Times that the task of this object ran: one per heartbeat when nothing else happens.
    pub wakeups: u64,
}

impl Stats {
    /// The host is told this.
    pub(super) fn told(&mut self, event: &ConferenceEvent) {
        match event {
            ConferenceEvent::Resumed { .. } => self.resumes += 1,
            ConferenceEvent::Migrated => self.migrations += 1,
            ConferenceEvent::Gap { .. } => self.gaps += 1,
            ConferenceEvent::Notification { replayed: true, .. } => self.replayed += 1,
            _ => {}
        }
    }
}
