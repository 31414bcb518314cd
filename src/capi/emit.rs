use std::time::Duration;

use bytes::Bytes;

use super::callback::{HostStruct, completion, copied_or_zero};
use super::guard::{MAX_TEXT, attachments, on, output, text, unknown};
use super::socket::roam_socket;
use super::status::roam_status;
use super::types::{roam_bytes, roam_completion, roam_str};
use crate::client::{AckToken, EmitOptions, Offline, RequestId, Socket};
use crate::error::{Code, Error, Result};

/// ---- What becomes of an event that cannot be written ---------------------------------------
///
/// It waits until the namespace is joined, in the order of the emits, but not longer than `wait_ms`;
/// the default.
pub const ROAM_OFFLINE_WAIT: u32 = 0;
/// It waits, and a newer one of the same socket with the same `key` takes its place. Nothing is told
/// of the older one, except CANCELLED to its completion.
pub const ROAM_OFFLINE_LATEST: u32 = 1;
/// It is dropped unless the namespace is joined.
pub const ROAM_OFFLINE_FAIL: u32 = 2;
/// It is dropped, without a word unless there is a completion, unless the namespace is joined and
/// the transport takes it at once.
pub const ROAM_OFFLINE_VOLATILE: u32 = 3;

/// How an event is emitted. Zero it, set `struct_size` and what you need; zeros are the defaults.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct roam_emit_options {
    /// sizeof(roam_emit_options).
    pub struct_size: usize,
    /// Binary values. Where one belongs, the arguments hold {"_placeholder":true,"num":i}, which
    /// stands for attachment i.
    pub attachments: *const roam_bytes,
    /// Number of attachments.
    pub attachment_count: usize,
    /// What becomes of it while it cannot be written: ROAM_OFFLINE_...
    pub offline: u32,
    /// With ROAM_OFFLINE_WAIT: for how long it waits at most, in milliseconds; 0 for no end.
    pub wait_ms: u32,
    /// With ROAM_OFFLINE_LATEST: what the newer one has in common with the older one; not empty.
    pub key: roam_str,
    /// Time limit of the answer in milliseconds, up to 24 h; 0 for the socket's or the manager's. It
    /// counts from the call, connected or not; on a socket with retries after each write.
    pub timeout_ms: u32,
}

// SAFETY: `repr(C)`, `struct_size` first; all members may be zero.
unsafe impl HostStruct for roam_emit_options {}

/// ---- Functions: events and answers ---------------------------------------------------------
///
/// Emit an event. `args_json` is a JSON array of its arguments. `options` may be NULL. While the
/// socket is not connected events wait, in order; QUEUE_FULL when too many do. What is dropped later
/// is told to on_dropped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_emit(
    socket: *const roam_socket,
    name: roam_str,
    args_json: roam_str,
    options: *const roam_emit_options,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(socket, |socket| {
            let (name, args) = event(socket, name, args_json)?;
            socket.emit_with(name, args, emit_options(socket, options)?)
        })
    }
}

/// As roam_socket_emit, and have the server answer. The completion gets the server's arguments, or
/// ACK_TIMEOUT or ACK_LOST (the server may or may not have acted), NOT_SENT, CANCELLED or CLOSED.
/// `request` (may be NULL) becomes a number for roam_socket_cancel. QUEUE_FULL also while as many
/// completions are outstanding as ROAM_LIMIT_HOST_QUEUE_EVENTS allows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_emit_with_ack(
    socket: *const roam_socket,
    name: roam_str,
    args_json: roam_str,
    options: *const roam_emit_options,
    completion: roam_completion,
    request: *mut u64,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(socket, |socket| {
            let done = self::completion(completion)?;
            let (name, args) = event(socket, name, args_json)?;
            let number = socket.emit_with_ack(name, args, emit_options(socket, options)?, done)?;
            if let Ok(request) = output(request) {
                request.write(number.0);
            }
            Ok(())
        })
    }
}

/// Forget a request: its completion gets CANCELLED unless it was called already. What was sent is
/// sent. A number that means nothing (any more) is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_cancel(
    socket: *const roam_socket,
    request: u64,
) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe { on(socket, |socket| socket.cancel(RequestId(request))) }
}

/// Answer an event that has an ack_token, in its callback or later, from any thread. `args_json` is
/// a JSON array; attachments are as in roam_emit_options. Only the first answer is sent, and only on
/// the connection that the event came from; others are dropped silently.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_ack(
    socket: *const roam_socket,
    ack_token: u64,
    args_json: roam_str,
    attachments: *const roam_bytes,
    attachment_count: usize,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(socket, |socket| {
            if ack_token == 0 {
                return Err(Error::new(Code::InvalidArgument, "ack_token: 0"));
            }
            let args = text(args_json, "args_json", socket.limits().wire_queue_bytes)?;
            let parts = parts(socket, attachments, attachment_count)?;
            socket.ack_binary(AckToken(ack_token), args, parts)
        })
    }
}

/// The texts of an event.
unsafe fn event<'a>(
    socket: &Socket,
    name: roam_str,
    args_json: roam_str,
) -> Result<(&'a str, &'a str)> {
    let max = socket.limits().wire_queue_bytes;
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe { Ok((text(name, "name", max)?, text(args_json, "args_json", max)?)) }
}

/// Binary values within the limits of a socket.
unsafe fn parts(socket: &Socket, first: *const roam_bytes, count: usize) -> Result<Vec<Bytes>> {
    let limits = socket.limits();
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe { attachments(first, count, limits.outbound_attachments, limits.wire_queue_bytes) }
}

/// The other arguments of an event.
unsafe fn emit_options(socket: &Socket, host: *const roam_emit_options) -> Result<EmitOptions> {
    // SAFETY: the host's promises for its arguments, passed on.
    let host = unsafe { copied_or_zero(host, "options") }?;
    // SAFETY: as above.
    let attachments = unsafe { parts(socket, host.attachments, host.attachment_count) }?;
    // SAFETY: as above.
    let key = unsafe { text(host.key, "options.key", MAX_TEXT) }?;
    let bad = |text: &'static str| Err(Error::new(Code::InvalidArgument, text));
    if host.wait_ms > 0 && host.offline != ROAM_OFFLINE_WAIT {
        return bad("options.wait_ms: only with ROAM_OFFLINE_WAIT");
    }
    if key.is_empty() == (host.offline == ROAM_OFFLINE_LATEST) {
        return bad("options.key: for ROAM_OFFLINE_LATEST, and not empty there");
    }
    let offline = match host.offline {
        ROAM_OFFLINE_WAIT if host.wait_ms == 0 => Offline::Wait,
        ROAM_OFFLINE_WAIT => Offline::WaitFor(host.wait_ms.into()),
        ROAM_OFFLINE_LATEST => Offline::Latest(key.into()),
        ROAM_OFFLINE_FAIL => Offline::Fail,
        ROAM_OFFLINE_VOLATILE => Offline::Volatile,
        _ => return Err(unknown("options.offline", host.offline)),
    };
    Ok(EmitOptions { attachments, offline, timeout: limit(host.timeout_ms) })
}

/// A time limit; 0 for another one's.
pub(super) fn limit(ms: u32) -> Option<Duration> {
    (ms > 0).then(|| Duration::from_millis(ms.into()))
}
