use super::callback::{HostStruct, copied};
use super::conference::roam_conference;
use super::guard::on;
use super::manager::roam_manager;
use super::status::roam_status;
use crate::client::Stats;
use crate::error::Result;

/// ---- Functions: counters -------------------------------------------------------------------
///
/// What an object has done since it was made. Everything only grows, except round_trip_ms, and
/// nothing is reset by a reconnection or a fresh login. Zero it and set `struct_size`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct roam_stats {
    /// sizeof(roam_stats).
    pub struct_size: usize,
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
    /// Bytes sent, counted as bytes_in.
    pub bytes_out: u64,
    /// Attempts to connect that were begun, at most one at a time, whatever transports each tried.
    pub dials: u64,
    /// Engine.IO connections that opened.
    pub connections: u64,
    /// Attempts that failed, before or after their connection opened, as long as it was not in use.
    pub failed_attempts: u64,
    /// Questions for a sign of life that were sent: WebSocket pings, noops of polling.
    pub probes: u64,
    /// Relogins sent. This and the following up to refreshes_by_backstop: conferences only.
    pub relogins: u64,
    /// Times the session went on after a loss (on_resumed).
    pub resumes: u64,
    /// Moves between two living connections (on_migrated).
    pub migrations: u64,
    /// Notifications delivered from a replay.
    pub replayed: u64,
    /// Gaps announced (on_gap).
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

// SAFETY: `repr(C)`, `struct_size` first; all members may be zero.
unsafe impl HostStruct for roam_stats {}

/// Tell what a manager and its sockets have done. Does not wait. What a callback is told of is
/// counted when it runs. INVALID_ARGUMENT for a `struct_size` that is too small.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_manager_stats(
    manager: *const roam_manager,
    stats: *mut roam_stats,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe { on(manager, |manager| fill(stats, manager.stats())) }
}

/// Tell what a conference has done; as roam_manager_stats.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_stats(
    conference: *const roam_conference,
    stats: *mut roam_stats,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe { on(conference, |conference| fill(stats, conference.stats())) }
}

/// The host's struct may be longer than ours: its tail stays as it is.
unsafe fn fill(host: *mut roam_stats, stats: Stats) -> Result<()> {
    // SAFETY: the host's promise that there is a struct of the size that it says, passed on.
    let roam_stats { struct_size, .. } = unsafe { copied(host, "stats") }?;
    let stats = roam_stats {
        struct_size,
        round_trip_ms: stats.round_trip_ms,
        messages_in: stats.messages_in,
        messages_out: stats.messages_out,
        bytes_in: stats.bytes_in,
        bytes_out: stats.bytes_out,
        dials: stats.dials,
        connections: stats.connections,
        failed_attempts: stats.failed_attempts,
        probes: stats.probes,
        relogins: stats.relogins,
        resumes: stats.resumes,
        migrations: stats.migrations,
        replayed: stats.replayed,
        gaps: stats.gaps,
        refreshes_by_traffic: stats.refreshes_by_traffic,
        refreshes_by_backstop: stats.refreshes_by_backstop,
        late_acks_ignored: stats.late_acks_ignored,
        packets_ignored: stats.packets_ignored,
        host_slow: stats.host_slow,
        wakeups: stats.wakeups,
    };
    // SAFETY: as above, and nobody else uses the struct during the call, as the host promises.
    unsafe { host.write(stats) };
    Ok(())
}
