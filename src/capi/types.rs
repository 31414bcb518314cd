use std::ffi::c_void;

use super::error::roam_error;
use super::guard::{MAX_TEXT, text};
use crate::client::AskToken;
use crate::error::{Code, Error, Result};

/// Text: `len` bytes of UTF-8, not terminated. NULL with length 0 is the empty text.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct roam_str {
    /// First byte.
    pub data: *const std::ffi::c_char,
    /// Number of bytes.
    pub len: usize,
}

/// Bytes. NULL with length 0 is empty.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct roam_bytes {
    /// First byte.
    pub data: *const u8,
    /// Number of bytes.
    pub len: usize,
}

/// An HTTP header.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct roam_header {
    /// Its name, a token of HTTP.
    pub name: roam_str,
    /// Its value, without control characters.
    pub value: roam_str,
}

/// A received event, reply or notification. Valid inside the callback that it was given to.
///
/// Every argument stands by itself, because then each is a piece of the received frame and nothing
/// has to be copied or parsed again to separate them.
#[repr(C)]
pub struct roam_event {
    /// Name of the event; empty for a reply.
    pub name: roam_str,
    /// The arguments, each the JSON text of one value, as it came over the wire. A binary value is
    /// the object {"_placeholder":true,"num":i}; its bytes are attachment i. A notification has one
    /// argument, its data; a reply has what follows the portal's status.
    pub args: *const roam_str,
    /// Number of arguments.
    pub arg_count: usize,
    /// The binary values.
    pub attachments: *const roam_bytes,
    /// Number of attachments.
    pub attachment_count: usize,
    /// Not 0: the server wants an answer, see roam_socket_ack. It can be kept and used later.
    pub ack_token: u64,
    /// Of a notification: its position among those since the login, from 1. A certain gap is counted;
    /// after an uncertain one the numbers go on from the last notification. Otherwise 0.
    pub number: u64,
    /// It is the reply to a request that was sent twice (`idempotent` of roam_request_options).
    pub resent: bool,
}

/// One step of an object's state machine. Valid inside the callback that it was given to.
#[repr(C)]
pub struct roam_transition {
    /// Steps of one object are numbered from 1 without a hole.
    pub number: u64,
    /// The new state: ROAM_MANAGER_STATE_..., ROAM_SOCKET_STATE_... or
    /// ROAM_CONFERENCE_STATE_...
    pub state: u32,
    /// Why; NULL where it was asked for.
    pub cause: *const roam_error,
    /// For how many milliseconds the session can still be resumed, an estimate, or ROAM_UNKNOWN_MS.
    pub grace_ms: u64,
}

/// An attempt to connect has failed. Valid inside the callback that it was given to.
#[repr(C)]
pub struct roam_retry {
    /// Failed attempts in a row.
    pub attempt: u32,
    /// Why the last one failed.
    pub error: *const roam_error,
    /// The wait before the next attempt in milliseconds; ROAM_UNKNOWN_MS when there is none.
    pub delay_ms: u64,
    /// For how many milliseconds the session can still be resumed, an estimate, or ROAM_UNKNOWN_MS.
    pub grace_ms: u64,
}

/// What becomes of a request. If the function that takes it returns ROAM_OK, `call` is called
/// exactly once, on every path; otherwise never. It must not be NULL.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct roam_completion {
    /// Passed to `call`.
    pub user_data: *mut c_void,
    /// Exactly one of `error` and `reply` is not NULL; both are valid until the function returns.
    pub call: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            error: *const roam_error,
            reply: *const roam_event,
        ),
    >,
}

/// Is told an event; see roam_socket_on.
pub type roam_handler =
    Option<unsafe extern "C" fn(user_data: *mut c_void, event: *const roam_event)>;

/// Wakes the host's own loop; see roam_manager_set_wake.
pub type roam_wake = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// Takes one line of a trace, without its line feed and valid until it returns; see
/// roam_config_set_trace.
pub type roam_trace = Option<unsafe extern "C" fn(user_data: *mut c_void, line: roam_str)>;

/// Queues a job of the library on the host's own loop; see roam_config_set_executor.
pub type roam_post = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        run: Option<unsafe extern "C" fn(job: *mut c_void)>,
        job: *mut c_void,
    ) -> bool,
>;

/// Looks at a new socket; see roam_config_set_socket_hook.
pub type roam_socket_hook =
    Option<unsafe extern "C" fn(user_data: *mut c_void, descriptor: isize, purpose: u32) -> bool>;

impl roam_str {
    /// A view of text.
    pub(super) const fn of(text: &str) -> Self {
        Self { data: text.as_ptr().cast(), len: text.len() }
    }

    /// A view of bytes that are known to be UTF-8.
    pub(super) const fn of_bytes(text: &[u8]) -> Self {
        Self { data: text.as_ptr().cast(), len: text.len() }
    }

    /// No text.
    pub(super) const EMPTY: Self = Self { data: std::ptr::null(), len: 0 };
}

/// The token of a question. Zero is none.
pub(super) fn ask_token(number: u64) -> Result<AskToken> {
    if number == 0 {
        return Err(Error::new(Code::InvalidArgument, "ask_token: 0"));
    }
    Ok(AskToken(number))
}

/// What the host says in place of an answer.
pub(super) unsafe fn refusal(message: roam_str) -> Result<Error> {
    // SAFETY: the host's promise, passed on.
    let message = unsafe { text(message, "message", MAX_TEXT) }?;
    Ok(match message {
        "" => Error::new(Code::Cancelled, "the host has no answer"),
        _ => Error::new(Code::Cancelled, message.to_owned()),
    })
}

/// What optional times are where there is none (`ROAM_UNKNOWN_MS` in the header's preamble).
pub(super) const UNKNOWN_MS: u64 = u64::MAX;
