//! The boundary: no panic gets out, and nothing gets in unchecked.

use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use bytes::Bytes;

use super::callback::Link;
use super::error::{ObjectId, last_error, remember, roam_error};
use super::status::{ROAM_E_NULL_ARGUMENT, ROAM_OK, roam_status};
use super::types::{roam_bytes, roam_str};
use crate::client::CallbackScope;
use crate::error::{Code, Error, Result};
use crate::log::log;

/// Names, URLs, tokens: longer is a mistake.
pub(super) const MAX_TEXT: usize = 64 << 10;

/// Something that a host holds a pointer to, and uses on any thread.
pub(super) trait Shared {
    /// What calls work on.
    type Client: Clone;

    fn id(&self) -> ObjectId;
    fn client(&self) -> &Self::Client;
}

/// An object that calls the host until it is freed.
pub(super) trait Handle: Shared {
    fn link(&self) -> &Link;
    fn close(&self);
    /// `client` is a clone of its own.
    fn close_wait(&self, client: &Self::Client, timeout: Duration) -> Result<()>;
}

/// A builder that only one thread at a time may use.
pub(super) trait Builder {
    fn id(&self) -> ObjectId;
}

/// Run the body of an export; a panic ends here.
pub(super) fn boundary<T>(on_panic: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| {
        log!(Error, "a panic was stopped at the boundary");
        on_panic
    })
}

/// Run the body of an export on an object. Its error is kept for the object's `last_error`.
///
/// The body gets a clone, because host code that runs meanwhile may free the object.
pub(super) unsafe fn on<T: Shared>(
    object: *const T,
    body: impl FnOnce(&T::Client) -> Result<()>,
) -> roam_status {
    // SAFETY: a handle is NULL or a pointer that its `new` gave and that was not freed, as the host
    // promises; calls only share it.
    let parts = unsafe { object.as_ref() }.map(|object| (object.id(), object.client().clone()));
    let Some((id, client)) = parts else { return ROAM_E_NULL_ARGUMENT };
    finish(id, || body(&client))
}

/// Run the body of an export on a builder. Its error is kept for the builder's `last_error`.
pub(super) unsafe fn build<T: Builder>(
    builder: *mut T,
    body: impl FnOnce(&mut T) -> Result<()>,
) -> roam_status {
    // SAFETY: as for `on`; in addition the host uses a builder on one thread at a time.
    let Some(builder) = (unsafe { builder.as_mut() }) else { return ROAM_E_NULL_ARGUMENT };
    finish(builder.id(), || body(builder))
}

/// Run the body of an export that makes an object from what a builder holds.
pub(super) unsafe fn built<T: Builder>(
    builder: *const T,
    body: impl FnOnce(&T) -> Result<()>,
) -> roam_status {
    // SAFETY: as for `build`; it is only read.
    let Some(builder) = (unsafe { builder.as_ref() }) else { return ROAM_E_NULL_ARGUMENT };
    finish(builder.id(), || body(builder))
}

fn finish(object: ObjectId, body: impl FnOnce() -> Result<()>) -> roam_status {
    let panic = || Err(Error::new(Code::Panic, "a bug of roamio was stopped"));
    match boundary(None, || Some(body())).unwrap_or_else(panic) {
        Ok(()) => ROAM_OK,
        Err(error) => remember(object, error),
    }
}

/// Take an object back from the host and close it.
pub(super) unsafe fn free<T: Handle>(object: *mut T) {
    if object.is_null() {
        return;
    }
    boundary((), || {
        // SAFETY: the pointer came from `give` in the object's `new`, and the host frees it once.
        let object = unsafe { Box::from_raw(object) };
        object.link().free();
        object.close();
    });
}

/// As [`free`], and wait for the end. The host keeps the object when this fails.
pub(super) unsafe fn free_wait<T: Handle>(object: *mut T, timeout_ms: u32) -> roam_status {
    // SAFETY: the host's promise, passed on. The object is still its own while this waits.
    let status = unsafe {
        on(object, |client| {
            let object = object.as_ref().ok_or_else(|| null("object"))?;
            if !CallbackScope::is_inside() {
                object.link().free();
            }
            object.close_wait(client, Duration::from_millis(timeout_ms.into()))
        })
    };
    if status == ROAM_OK {
        // SAFETY: as for `free`.
        boundary((), || drop(unsafe { Box::from_raw(object) }));
    }
    status
}

/// Take a builder back from the host and drop it.
pub(super) unsafe fn free_builder<T: Builder>(builder: *mut T) {
    if !builder.is_null() {
        // SAFETY: the pointer came from `give` in the builder's `new`, and the host frees it once.
        boundary((), || drop(unsafe { Box::from_raw(builder) }));
    }
}

/// The error of this thread's last failed call if it was on this object.
pub(super) unsafe fn last_error_of<T: Shared>(object: *const T) -> *const roam_error {
    // SAFETY: as for `on`.
    unsafe { object.as_ref() }.map_or(std::ptr::null(), |object| last_error(object.id()))
}

/// The error of this thread's last failed call if it was on this builder.
pub(super) unsafe fn last_error_of_builder<T: Builder>(builder: *const T) -> *const roam_error {
    // SAFETY: as for `build`.
    unsafe { builder.as_ref() }.map_or(std::ptr::null(), |builder| last_error(builder.id()))
}

/// Give an object to the host.
pub(super) fn give<T>(object: T) -> *mut T {
    Box::into_raw(Box::new(object))
}

/// Where a result goes. Check it before anything happens, write on success only.
pub(super) unsafe fn output<'a, T>(out: *mut T) -> Result<&'a mut MaybeUninit<T>> {
    // SAFETY: an output is NULL or points to memory for its type, as the host promises; what is in
    // there is not read.
    unsafe { out.cast::<MaybeUninit<T>>().as_mut() }.ok_or_else(|| null("out"))
}

/// Borrow text for the time of the call. It is not read beyond `len`, and not at all above `max`.
pub(super) unsafe fn text<'a>(text: roam_str, what: &str, max: usize) -> Result<&'a str> {
    let text = roam_bytes { data: text.data.cast(), len: text.len };
    // SAFETY: the host's promises for its arguments, passed on.
    let bytes = unsafe { bytes(text, what, max) }?;
    std::str::from_utf8(bytes)
        .map_err(|_| Error::new(Code::InvalidUtf8, format!("{what}: not UTF-8")))
}

/// Borrow bytes for the time of the call. Nothing is read when there are more than `max`.
pub(super) unsafe fn bytes<'a>(bytes: roam_bytes, what: &str, max: usize) -> Result<&'a [u8]> {
    if bytes.len > max {
        return Err(too_large(what, bytes.len, max));
    }
    if bytes.data.is_null() {
        return if bytes.len == 0 { Ok(&[]) } else { Err(null(what)) };
    }
    // SAFETY: `data` points to `len` bytes that nobody changes during the call, as the host
    // promises.
    Ok(unsafe { std::slice::from_raw_parts(bytes.data, bytes.len) })
}

/// Borrow an array for the time of the call. Nothing is read when it has more than `max` elements.
pub(super) unsafe fn array<'a, T>(
    first: *const T,
    count: usize,
    what: &str,
    max: usize,
) -> Result<&'a [T]> {
    if count > max {
        let text = format!("{what}: {count}, the limit is {max}");
        return Err(Error::new(Code::TooLarge, text));
    }
    if count == 0 {
        return Ok(&[]);
    }
    if first.is_null() {
        return Err(null(what));
    }
    // SAFETY: `first` points to `count` elements that nobody changes during the call, as the host
    // promises.
    Ok(unsafe { std::slice::from_raw_parts(first, count) })
}

/// Copy binary values. Nothing is read when there are too many, or too many bytes.
pub(super) unsafe fn attachments(
    parts: *const roam_bytes,
    count: usize,
    most: usize,
    max_bytes: usize,
) -> Result<Vec<Bytes>> {
    // SAFETY: the host's promise, passed on.
    let parts = unsafe { array(parts, count, "attachments", most) }?;
    let total = parts.iter().fold(0_usize, |sum, part| sum.saturating_add(part.len));
    if total > max_bytes {
        return Err(too_large("attachments", total, max_bytes));
    }
    let copy = |part: &roam_bytes| {
        // SAFETY: the host's promises for its arguments, passed on.
        unsafe { bytes(*part, "attachment", max_bytes) }.map(Bytes::copy_from_slice)
    };
    parts.iter().map(copy).collect()
}

/// An argument that must not be NULL was.
pub(super) fn null(what: &str) -> Error {
    Error::new(Code::NullArgument, format!("{what}: NULL"))
}

/// A number that is none of those that mean something.
pub(super) fn unknown(what: &str, value: u32) -> Error {
    Error::new(Code::InvalidArgument, format!("{what}: {value} has no meaning"))
}

fn too_large(what: &str, len: usize, max: usize) -> Error {
    Error::new(Code::TooLarge, format!("{what}: {len} bytes, the limit is {max}"))
}
