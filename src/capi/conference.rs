use std::ffi::c_void;
use std::sync::Arc;
use std::time::Duration;

use super::callback::{HostStruct, Link, Table, completion, copied_or_zero, set_waker};
use super::conference_config::roam_conference_config;
use super::conference_events::roam_conference_events;
use super::emit::{ROAM_OFFLINE_FAIL, ROAM_OFFLINE_WAIT, limit};
use super::error::{ObjectId, roam_error};
use super::guard::{
    Handle, MAX_TEXT, Shared, built, free, free_wait, give, last_error_of, on, output, text,
    unknown,
};
use super::status::roam_status;
use super::string::roam_string;
use super::types::{roam_completion, roam_str, roam_wake};
use crate::client::{Conference, OfflineRequest, RequestId, RequestOptions};
use crate::error::{Code, Error, Result};

/// ---- States of a conference ----------------------------------------------------------------
///
/// Not logged in.
pub const ROAM_CONFERENCE_STATE_IDLE: u32 = 0;
/// Connecting and logging in.
pub const ROAM_CONFERENCE_STATE_JOINING: u32 = 1;
/// In the conference.
pub const ROAM_CONFERENCE_STATE_READY: u32 = 2;
/// The connection is lost; coming back with the ticket.
pub const ROAM_CONFERENCE_STATE_RESUMING: u32 = 3;
/// Logging out.
pub const ROAM_CONFERENCE_STATE_LEAVING: u32 = 4;
/// Over; the step's cause says why, NULL after a logout.
pub const ROAM_CONFERENCE_STATE_ENDED: u32 = 5;

/// One session at an OWT portal, with a connection of its own. Any thread.
pub struct roam_conference {
    id: ObjectId,
    client: Conference,
    link: Arc<Link>,
}

/// How a request is made. Zero it, set `struct_size` and what you need; zeros are the defaults.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct roam_request_options {
    /// sizeof(roam_request_options).
    pub struct_size: usize,
    /// Time limit in milliseconds from the call, up to 24 h; 0 for the configured one.
    pub timeout_ms: u32,
    /// What becomes of it while the session is not ready: ROAM_OFFLINE_WAIT, within its time limit,
    /// or ROAM_OFFLINE_FAIL: it ends NOT_SENT at once.
    pub offline: u32,
    /// The portal may act twice without harm. Then a request that was sent when the connection was
    /// lost, and has no answer, is sent once more when the session is back, within the same time
    /// limit. Its outcome says so: `resent` of the reply, roam_error_resent. No other request is ever
    /// sent twice.
    pub idempotent: bool,
}

// SAFETY: `repr(C)`, `struct_size` first; all members may be zero.
unsafe impl HostStruct for roam_request_options {}

impl Shared for roam_conference {
    type Client = Conference;

    fn id(&self) -> ObjectId {
        self.id
    }
    fn client(&self) -> &Conference {
        &self.client
    }
}

impl Handle for roam_conference {
    fn link(&self) -> &Link {
        &self.link
    }
    fn close(&self) {
        self.client.detach();
    }
    fn close_wait(&self, client: &Conference, timeout: Duration) -> Result<()> {
        client.close_wait(timeout)
    }
}

/// ---- Functions: conferences ----------------------------------------------------------------
///
/// Make a conference for one session. The server is the one that the token names; there is no
/// traffic before roam_conference_login. `events` is copied. Its error is read with
/// roam_conference_config_last_error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_new(
    config: *const roam_conference_config,
    events: *const roam_conference_events,
    out: *mut *mut roam_conference,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        built(config, |config| {
            let out = output(out)?;
            let (table, link) = Table::read(events)?;
            let mut options = config.options.clone();
            options.ask_token = table.functions.on_token_wanted.is_some();
            let client = Conference::new(options, move |event| {
                table.tell(&event);
            })?;
            link.arm();
            out.write(give(roam_conference { id: ObjectId::new(), client, link }));
            Ok(())
        })
    }
}

/// Log in with a token from the application's server. A token is used at most once, and a
/// conference logs in once. The completion gets the portal's answer, one JSON object with the
/// members id, user, role, permission and room; or LOGIN_REJECTED, LOGIN_UNKNOWN, CANCELLED (by a
/// logout), CLOSED, or why the portal could not be reached. At once: TOKEN_INVALID for a token that
/// cannot be decoded, or that asks for plain text which is not allowed; INVALID_STATE for a second
/// login.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_login(
    conference: *const roam_conference,
    token: roam_str,
    completion: roam_completion,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(conference, |conference| {
            let done = self::completion(completion)?;
            conference.login(text(token, "token", MAX_TEXT)?, done).map(|_| ())
        })
    }
}

/// Leave the conference. The completion gets a reply without arguments when the portal has
/// confirmed it or the session was over; otherwise LEFT_UNCONFIRMED: the participant may stay
/// visible to others for a while. NOT_LOGGED_IN at once before a login and after the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_logout(
    conference: *const roam_conference,
    completion: roam_completion,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(conference, |conference| {
            let done = self::completion(completion)?;
            conference.logout(done).map(|_| ())
        })
    }
}

/// Close the connection without a logout, and end the conference: its participant stays visible to
/// others until the portal gives it up, a minute by default, and an export of the session can be
/// restored until then. Pending completions get CLOSED, no other callback begins any more but
/// `destroy`, and calls answer CLOSED; the handle is still to be freed. A login without an answer is
/// taken back as far as possible. The second time it does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_detach(conference: *const roam_conference) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe {
        on(conference, |conference| {
            conference.detach();
            Ok(())
        })
    }
}

/// Ask the portal: "text", "publish", "subscribe", ... `data_json` is one JSON object; with
/// ROAM_PORTAL_LEGACY it may also be the JSON array of several arguments, the first not null. While
/// the session is not ready the request waits for it. The completion gets the portal's answer, or
/// REQUEST_REJECTED, ACK_TIMEOUT or ACK_LOST (the portal may or may not have acted), NOT_SENT,
/// CANCELLED or CLOSED. When the session ends, what was sent ends ACK_LOST and what was not
/// NOT_SENT, and either of them DROPPED if the portal has thrown the participant out. `timeout_ms`
/// counts from now; 0 means the configured one. `request` (may be NULL) becomes a number for
/// roam_conference_cancel.
/// At once: NOT_LOGGED_IN before a login and after the end; RESERVED_EVENT also for login, relogin,
/// refreshReconnectionTicket and logout, which the session sends by itself; QUEUE_FULL when too much
/// waits, or while as many completions are outstanding as ROAM_LIMIT_HOST_QUEUE_EVENTS allows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_request(
    conference: *const roam_conference,
    name: roam_str,
    data_json: roam_str,
    timeout_ms: u32,
    completion: roam_completion,
    request: *mut u64,
) -> roam_status {
    let options = roam_request_options {
        struct_size: size_of::<roam_request_options>(),
        timeout_ms,
        offline: ROAM_OFFLINE_WAIT,
        idempotent: false,
    };
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        roam_conference_request_with(conference, name, data_json, &options, completion, request)
    }
}

/// As roam_conference_request, with more options; `options` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_request_with(
    conference: *const roam_conference,
    name: roam_str,
    data_json: roam_str,
    options: *const roam_request_options,
    completion: roam_completion,
    request: *mut u64,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(conference, |conference| {
            let done = self::completion(completion)?;
            let max = conference.limits().wire_queue_bytes;
            let (name, data) = (text(name, "name", max)?, text(data_json, "data_json", max)?);
            let number = conference.request(name, data, request_options(options)?, done)?;
            if let Ok(request) = output(request) {
                request.write(number.0);
            }
            Ok(())
        })
    }
}

unsafe fn request_options(host: *const roam_request_options) -> Result<RequestOptions> {
    // SAFETY: the host's promise, passed on.
    let host = unsafe { copied_or_zero(host, "options") }?;
    let offline = match host.offline {
        ROAM_OFFLINE_WAIT => OfflineRequest::Wait,
        ROAM_OFFLINE_FAIL => OfflineRequest::Fail,
        _ => return Err(unknown("options.offline", host.offline)),
    };
    let timeout = limit(host.timeout_ms);
    Ok(RequestOptions { timeout, offline, idempotent: host.idempotent })
}

/// Forget a request: its completion gets CANCELLED unless it was called already. What was sent is
/// sent. A number that means nothing (any more) is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_cancel(
    conference: *const roam_conference,
    request: u64,
) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe { on(conference, |conference| conference.cancel(RequestId(request))) }
}

/// The state as the callbacks have told it: ROAM_CONFERENCE_STATE_... ENDED for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_state(conference: *const roam_conference) -> u32 {
    let mut state = ROAM_CONFERENCE_STATE_ENDED;
    // SAFETY: the host's promise, passed on.
    unsafe {
        on(conference, |conference| {
            state = conference.state() as u32;
            Ok(())
        })
    };
    state
}

/// The room as the portal has described it up to the callback that began last: one JSON object with
/// the members id, views, participants, streams and stale (notifications were lost since the login,
/// and with them perhaps changes). A participant has id, user and role; a stream has what the
/// portal's protocol says. It is filled right before the completion of the login, and empty before
/// that. Free it with roam_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_room(
    conference: *const roam_conference,
    out: *mut *mut roam_string,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(conference, |conference| {
            let out = output(out)?;
            let json = serde_json::to_string(&*conference.room())
                .map_err(|_| Error::new(Code::InvalidJson, "the room is no JSON"))?;
            out.write(roam_string::give(json));
            Ok(())
        })
    }
}

/// Hint: a network is there (again). The next attempt is made at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_network_available(
    conference: *const roam_conference,
) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe { on(conference, Conference::network_available) }
}

/// Hint: there is no network. Attempts become rare; the connection is kept.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_network_lost(
    conference: *const roam_conference,
) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe { on(conference, Conference::network_lost) }
}

/// Hint: the device moved to another network, or its addresses changed. Call it from the system's
/// reachability callback; the session moves there at once if need be, and nothing is lost.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_network_changed(
    conference: *const roam_conference,
) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe { on(conference, Conference::network_changed) }
}

/// Hint: the application is about to be suspended. No timer, nothing sent until the next call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_suspended(
    conference: *const roam_conference,
) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe { on(conference, Conference::suspended) }
}

/// Hint: the application runs again. Whether the connection survived is found out at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_resumed(
    conference: *const roam_conference,
) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe { on(conference, Conference::resumed) }
}

/// Manual dispatch: as roam_manager_dispatch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_dispatch(
    conference: *const roam_conference,
    max_events: usize,
    dispatched: *mut usize,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(conference, |conference| {
            let count = conference.dispatch(max_events)?;
            if let Ok(dispatched) = output(dispatched) {
                dispatched.write(count);
            }
            Ok(())
        })
    }
}

/// Manual dispatch: as roam_manager_set_wake.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_set_wake(
    conference: *const roam_conference,
    wake: roam_wake,
    user_data: *mut c_void,
    destroy: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe {
        on(conference, |conference| {
            set_waker(wake, user_data, destroy, |wake| conference.set_wake(wake))
        })
    }
}

/// Manual dispatch: as roam_manager_wake_fd.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_wake_fd(
    conference: *const roam_conference,
    out: *mut std::ffi::c_int,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(conference, |conference| {
            let out = output(out)?;
            #[cfg(unix)]
            {
                use std::os::fd::AsRawFd;
                out.write(conference.wake_fd()?.as_raw_fd());
                Ok(())
            }
            #[cfg(not(unix))]
            {
                let _ = (out, conference);
                Err(Code::Unsupported.into())
            }
        })
    }
}

/// The error of this thread's last failed call if it was on this conference; NULL otherwise. It
/// lives until this thread's next failed call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_last_error(
    conference: *const roam_conference,
) -> *const roam_error {
    // SAFETY: the host's promise, passed on.
    unsafe { last_error_of(conference) }
}

/// Free a conference; see "End of life" above. A session that has not been left with
/// roam_conference_logout is detached as with roam_conference_detach. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_free(conference: *mut roam_conference) {
    // SAFETY: the host's promise, passed on.
    unsafe { free(conference) }
}

/// Free a conference and wait until `destroy` has run and the connection is gone. WOULD_DEADLOCK
/// inside a callback: nothing is freed. TIMED_OUT after `timeout_ms`: it is closed, but still
/// yours; call this again, or roam_conference_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_free_wait(
    conference: *mut roam_conference,
    timeout_ms: u32,
) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe { free_wait(conference, timeout_ms) }
}
