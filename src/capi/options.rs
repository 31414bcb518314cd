use std::time::Duration;

use super::guard::unknown;
use crate::config::{CommonConfig, DispatchMode, Limits, Timeouts};
use crate::error::Result;

/// ---- Options: dispatch, time limits, limits ------------------------------------------------
///
/// Callbacks run on threads of the library; the default.
pub const ROAM_DISPATCH_THREAD: u32 = 0;
/// Callbacks run inside roam_manager_dispatch, roam_socket_dispatch or roam_conference_dispatch.
pub const ROAM_DISPATCH_MANUAL: u32 = 1;

/// Time limit of a whole attempt to connect; 20 s.
pub const ROAM_TIMEOUT_ATTEMPT: u32 = 0;
/// Time limit of the name lookup; 5 s.
pub const ROAM_TIMEOUT_DNS: u32 = 1;
/// Time limit of all TCP connects of an attempt together; 10 s.
pub const ROAM_TIMEOUT_TCP: u32 = 2;
/// Time limit of the TLS handshake; 10 s.
pub const ROAM_TIMEOUT_TLS: u32 = 3;
/// Time limit of the WebSocket handshake and the Engine.IO open packet; 10 s.
pub const ROAM_TIMEOUT_OPEN: u32 = 4;
/// Time limit of joining a namespace; 10 s.
pub const ROAM_TIMEOUT_NAMESPACE: u32 = 5;
/// Time limit of an ack for which none is given; 30 s. Managers only; 0 for none.
pub const ROAM_TIMEOUT_ACK: u32 = 6;
/// Time limit of the answer to a login; 15 s. This and the following for conferences only.
pub const ROAM_TIMEOUT_LOGIN: u32 = 7;
/// Time limit of the answer to a relogin, counted only while no byte arrives; 15 s.
pub const ROAM_TIMEOUT_RELOGIN: u32 = 8;
/// Time limit of the answer to a refresh of the ticket; 10 s.
pub const ROAM_TIMEOUT_REFRESH: u32 = 9;
/// Time limit of leaving; 3 s.
pub const ROAM_TIMEOUT_LOGOUT: u32 = 10;
/// Time limit of a request for which none is given; 15 s.
pub const ROAM_TIMEOUT_REQUEST: u32 = 11;
/// For how long after a loss the short delays of resuming apply; 120 s.
pub const ROAM_TIMEOUT_FAST_RESUME: u32 = 12;

/// Bytes of one inbound message; 16 MiB.
pub const ROAM_LIMIT_INBOUND_MESSAGE: u32 = 0;
/// Attachments of one inbound event; 64.
pub const ROAM_LIMIT_INBOUND_ATTACHMENTS: u32 = 1;
/// Attachments of one outbound event; 10, because current servers close the connection at 11.
pub const ROAM_LIMIT_OUTBOUND_ATTACHMENTS: u32 = 2;
/// Open arrays and objects in JSON; 128, the most.
pub const ROAM_LIMIT_JSON_DEPTH: u32 = 3;
/// Events waiting for the wire; 1,000.
pub const ROAM_LIMIT_WIRE_QUEUE_EVENTS: u32 = 4;
/// Bytes waiting for the wire; 8 MiB. No single text of a call can be longer.
pub const ROAM_LIMIT_WIRE_QUEUE_BYTES: u32 = 5;
/// Events waiting for callbacks; 10,000. When they are reached nothing more is read.
pub const ROAM_LIMIT_HOST_QUEUE_EVENTS: u32 = 6;
/// Bytes waiting for callbacks; 16 MiB.
pub const ROAM_LIMIT_HOST_QUEUE_BYTES: u32 = 7;

/// What a mode's number means.
pub(super) fn dispatch_mode(mode: u32) -> Result<DispatchMode> {
    match mode {
        ROAM_DISPATCH_THREAD => Ok(DispatchMode::Thread),
        ROAM_DISPATCH_MANUAL => Ok(DispatchMode::Manual),
        _ => Err(unknown("mode", mode)),
    }
}

/// The time limit of connecting that a number means.
pub(super) fn timeout(timeouts: &mut Timeouts, which: u32) -> Option<&mut Duration> {
    match which {
        ROAM_TIMEOUT_ATTEMPT => Some(&mut timeouts.attempt),
        ROAM_TIMEOUT_DNS => Some(&mut timeouts.dns),
        ROAM_TIMEOUT_TCP => Some(&mut timeouts.tcp),
        ROAM_TIMEOUT_TLS => Some(&mut timeouts.tls),
        ROAM_TIMEOUT_OPEN => Some(&mut timeouts.open),
        ROAM_TIMEOUT_NAMESPACE => Some(&mut timeouts.namespace),
        _ => None,
    }
}

/// Set the limit that a number means.
pub(super) fn set_limit(common: &mut CommonConfig, which: u32, value: usize) -> Result<()> {
    *limit(&mut common.limits, which).ok_or_else(|| unknown("limit", which))? = value;
    Ok(())
}

fn limit(limits: &mut Limits, which: u32) -> Option<&mut usize> {
    match which {
        ROAM_LIMIT_INBOUND_MESSAGE => Some(&mut limits.inbound_message),
        ROAM_LIMIT_INBOUND_ATTACHMENTS => Some(&mut limits.inbound_attachments),
        ROAM_LIMIT_OUTBOUND_ATTACHMENTS => Some(&mut limits.outbound_attachments),
        ROAM_LIMIT_JSON_DEPTH => Some(&mut limits.json_depth),
        ROAM_LIMIT_WIRE_QUEUE_EVENTS => Some(&mut limits.wire_queue_events),
        ROAM_LIMIT_WIRE_QUEUE_BYTES => Some(&mut limits.wire_queue_bytes),
        ROAM_LIMIT_HOST_QUEUE_EVENTS => Some(&mut limits.host_queue_events),
        ROAM_LIMIT_HOST_QUEUE_BYTES => Some(&mut limits.host_queue_bytes),
        _ => None,
    }
}
