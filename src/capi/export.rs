use super::callback::completion;
use super::conference::roam_conference;
use super::guard::{boundary, give, on, output, text};
use super::status::roam_status;
use super::types::{roam_completion, roam_str};
use crate::secret::Secret;

/// The longest export that is read; a large room is a few hundred KiB.
const MAX_EXPORT: usize = 16 << 20;

/// Text that must not be seen. Freeing it overwrites it in memory.
pub struct roam_secret {
    text: Secret,
}

/// ---- Functions: sessions that outlive their process ----------------------------------------
///
/// Everything that is needed to resume the session in another process, as text: call it when the
/// application is about to be suspended, store the text where only the application can read it, and
/// give it to roam_conference_restore. `out` becomes a secret to be freed with roam_secret_free:
/// whoever has the text takes over the session. It holds the portal's address, the protocol, the
/// participant, the tickets, how far the notifications have been handled, and the room; nothing
/// else. What is handled after this call comes again after a restore; a notification counts once
/// on_notification has returned. Does not wait. NOT_LOGGED_IN unless there is a session that can be
/// resumed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_export(
    conference: *const roam_conference,
    out: *mut *mut roam_secret,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(conference, |conference| {
            let out = output(out)?;
            out.write(give(roam_secret { text: conference.export()? }));
            Ok(())
        })
    }
}

/// In place of roam_conference_login: resume the session that was exported. The portal decides. Then
/// the state is READY and on_resumed is called, and what was not handled before the export is
/// replayed. Where it refuses, the session ends with its reason, or is replaced with a fresh token
/// (on_token_wanted). While the exporting process still has the session, this takes it away from
/// there. The completion gets a reply without arguments, or the portal's answer after a fresh login,
/// or why the session has ended. At once: EXPORT_FOREIGN for text that is no export, EXPORT_NEWER
/// for one of a newer version of roamio, EXPORT_DAMAGED for one that was changed or cut;
/// TOKEN_INVALID when it asks for plain text which is not allowed; INVALID_ARGUMENT for a session
/// that speaks another protocol than the config says; INVALID_STATE when this conference was used
/// before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_restore(
    conference: *const roam_conference,
    export: roam_str,
    completion: roam_completion,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(conference, |conference| {
            let done = self::completion(completion)?;
            conference.restore(text(export, "export", MAX_EXPORT)?, done).map(|_| ())
        })
    }
}

/// The text of a secret. It lives until roam_secret_free; empty for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_secret_text(secret: *const roam_secret) -> roam_str {
    // SAFETY: NULL, or what this library gave and the host has not freed, as it promises.
    unsafe { secret.as_ref() }.map_or(roam_str::EMPTY, |secret| roam_str::of(secret.text.expose()))
}

/// Overwrite a secret and free it. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_secret_free(secret: *mut roam_secret) {
    if !secret.is_null() {
        // SAFETY: the pointer came from `give`, and the host frees it once.
        boundary((), || drop(unsafe { Box::from_raw(secret) }));
    }
}
