use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

use super::guard;
use super::status::{ROAM_OK, roam_status};
use super::types::{UNKNOWN_MS, roam_str};
use crate::error::Error;

/// An error with its details. Never yours to free; see where you got it for how long it lives.
pub struct roam_error {
    _opaque: [u8; 0],
}

/// What the errors of an object are found by; addresses are used again, numbers are not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct ObjectId(u64);

impl ObjectId {
    pub(super) fn new() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

thread_local! {
    static LAST_ERROR: RefCell<Option<(ObjectId, Box<Error>)>> = const { RefCell::new(None) };
}

/// Keep the error of a failed call for this thread.
pub(super) fn remember(object: ObjectId, error: Error) -> roam_status {
    let status = error.code() as roam_status;
    // A thread that is about to end has nobody left to ask for it.
    let _ = LAST_ERROR.try_with(|last| last.replace(Some((object, Box::new(error)))));
    status
}

/// The error of this thread's last failed call if it was on this object.
pub(super) fn last_error(object: ObjectId) -> *const roam_error {
    let found = LAST_ERROR.try_with(|last| match &*last.borrow() {
        Some((of, error)) if *of == object => view(error),
        _ => std::ptr::null(),
    });
    found.unwrap_or(std::ptr::null())
}

/// The error as C sees it, for as long as it is borrowed.
pub(super) fn view(error: &Error) -> *const roam_error {
    std::ptr::from_ref(error).cast()
}

/// As [`view`], NULL for none.
pub(super) fn optional_view(error: Option<&Error>) -> *const roam_error {
    error.map_or(std::ptr::null(), view)
}

/// Read an error that the host got from [`view`].
unsafe fn read<T>(error: *const roam_error, none: T, read: impl FnOnce(&Error) -> T) -> T {
    // SAFETY: a pointer to an error is NULL or comes from `view` and is still valid, as the host
    // promises.
    match unsafe { error.cast::<Error>().as_ref() } {
        Some(error) => guard::boundary(none, || read(error)),
        None => none,
    }
}

/// ---- Functions: errors ---------------------------------------------------------------------
///
/// The status; ROAM_OK for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_error_status(error: *const roam_error) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe { read(error, ROAM_OK, |error| error.code() as roam_status) }
}

/// One line for developers; never parse it, never show it to users. It holds no token, ticket or
/// payload. Lives as long as the error. Empty for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_error_message(error: *const roam_error) -> roam_str {
    // SAFETY: the host's promise, passed on.
    unsafe { read(error, roam_str::EMPTY, |error| roam_str::of(error.message())) }
}

/// The layer that it comes from: ROAM_LAYER_...
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_error_layer(error: *const roam_error) -> u32 {
    // SAFETY: the host's promise, passed on.
    unsafe { read(error, 0, |error| error.layer() as u32) }
}

/// What helps: ROAM_RETRY_...
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_error_retry(error: *const roam_error) -> u32 {
    // SAFETY: the host's promise, passed on.
    unsafe { read(error, 0, |error| error.retry() as u32) }
}

/// The HTTP status of the refused handshake, 0 if there was none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_error_http_status(error: *const roam_error) -> u32 {
    // SAFETY: the host's promise, passed on.
    unsafe { read(error, 0, |error| error.http_status().map_or(0, u32::from)) }
}

/// The code of the WebSocket close frame, 0 if there was none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_error_close_code(error: *const roam_error) -> u32 {
    // SAFETY: the host's promise, passed on.
    unsafe { read(error, 0, |error| error.close_code().map_or(0, u32::from)) }
}

/// The code of Engine.IO in the answer to a refused request (0 unknown transport, 1 unknown session,
/// 2 bad method, 3 bad request, 4 forbidden, 5 unsupported revision), -1 if there was none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_error_engine_code(error: *const roam_error) -> i32 {
    let code = |error: &Error| error.engine_code().and_then(|code| i32::try_from(code).ok());
    // SAFETY: the host's promise, passed on.
    unsafe { read(error, -1, |error| code(error).unwrap_or(-1)) }
}

/// How long the server asks to wait, in milliseconds; ROAM_UNKNOWN_MS if it does not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_error_retry_after_ms(error: *const roam_error) -> u64 {
    // SAFETY: the host's promise, passed on.
    unsafe { read(error, UNKNOWN_MS, |error| error.retry_after_ms().unwrap_or(UNKNOWN_MS)) }
}

/// What is wrong with the server's certificate, where the TLS library tells it: ROAM_CERTIFICATE_...;
/// 0 for every other error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_error_certificate(error: *const roam_error) -> u32 {
    // SAFETY: the host's promise, passed on.
    unsafe { read(error, 0, |error| error.certificate().map_or(0, |problem| problem as u32)) }
}

/// Whether it is the outcome of a request that was sent twice (`idempotent` of
/// roam_request_options).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_error_resent(error: *const roam_error) -> bool {
    // SAFETY: the host's promise, passed on.
    unsafe { read(error, false, Error::resent) }
}

/// What the server said, as JSON; empty if it said nothing. Lives as long as the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_error_server_json(error: *const roam_error) -> roam_str {
    let none = roam_str::EMPTY;
    // SAFETY: the host's promise, passed on.
    unsafe { read(error, none, |error| error.server_json().map_or(none, roam_str::of)) }
}
