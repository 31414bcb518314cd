use std::ffi::c_void;

use super::callback::{HostStruct, HostTable, Table, with_event, with_notification};
use super::error::{roam_error, view};
use super::manager::{with_retry, with_transition};
use super::types::{roam_event, roam_retry, roam_transition};
use crate::client::ConferenceEvent;

/// What a conference tells. Zero it, set `struct_size` and what you want to hear.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct roam_conference_events {
    /// sizeof(roam_conference_events).
    pub struct_size: usize,
    /// Passed to every function.
    pub user_data: *mut c_void,
    /// Called once, after every other function and completion: free `user_data` here.
    pub destroy: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    /// The state is ROAM_CONFERENCE_STATE_...
    pub on_state:
        Option<unsafe extern "C" fn(user_data: *mut c_void, step: *const roam_transition)>,
    /// An attempt to connect or to resume has failed.
    pub on_retry: Option<unsafe extern "C" fn(user_data: *mut c_void, retry: *const roam_retry)>,
    /// Told after every login: whether the portal lets this session be resumed.
    pub on_resumable: Option<unsafe extern "C" fn(user_data: *mut c_void, resumable: bool)>,
    /// The session goes on after a loss. `complete`: nothing can have been lost. `replayed` missed
    /// notifications follow.
    pub on_resumed:
        Option<unsafe extern "C" fn(user_data: *mut c_void, complete: bool, replayed: u64)>,
    /// The session moved to another network without a loss.
    pub on_migrated: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    /// Notifications `from` to `to`, counted from 1 since the login, are lost for good. Where the
    /// protocol cannot tell, `certain` is false and the numbers are a guess, or 0.
    pub on_gap:
        Option<unsafe extern "C" fn(user_data: *mut c_void, from: u64, to: u64, certain: bool)>,
    /// A notification of the portal: name, number, and one argument, its data. `replayed`: it was missed
    /// and came with the replay.
    pub on_notification: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            notification: *const roam_event,
            replayed: bool,
        ),
    >,
    /// The portal said something that makes no sense; the session goes on.
    pub on_protocol_error:
        Option<unsafe extern "C" fn(user_data: *mut c_void, error: *const roam_error)>,
    /// Callbacks do not keep up; nothing more is read until they do. Nothing is dropped.
    pub on_host_slow: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    /// If this function is set, a session that cannot be resumed (ticket expired, portal restarted,
    /// participant unknown, login without answer, replay too large) is followed by a fresh login,
    /// and this asks for its token: answer with roam_conference_provide_token or
    /// roam_conference_refuse_token within ROAM_TIMEOUT_PROVIDER. `error` says why the session is
    /// lost; a refusal ends it with that error. NULL: it lives, and goes on after a refusal. At most
    /// five fresh logins follow each other, with growing waits, until a session lasts for a minute.
    /// A first login asks once, and only when it got no answer.
    pub on_token_wanted: Option<
        unsafe extern "C" fn(user_data: *mut c_void, ask_token: u64, error: *const roam_error),
    >,
    /// A fresh login has taken the place of the session: another participant and another description
    /// of the room, as the completion of the first login had it, and notifications are numbered anew.
    /// What may have been lost in between was told before, by on_gap.
    pub on_rejoined:
        Option<unsafe extern "C" fn(user_data: *mut c_void, answer: *const roam_event)>,
}

// SAFETY: `repr(C)`, `struct_size` first; all members may be zero.
unsafe impl HostStruct for roam_conference_events {}

impl HostTable for roam_conference_events {
    fn user_data(&self) -> *mut c_void {
        self.user_data
    }
    fn destroy(&self) -> Option<unsafe extern "C" fn(user_data: *mut c_void)> {
        self.destroy
    }
}

impl Table<roam_conference_events> {
    /// Call the function for an event, if the host gave one.
    pub(super) fn tell(&self, event: &ConferenceEvent) -> Option<()> {
        let (table, user_data) = (&self.functions, self.functions.user_data);
        // SAFETY: every function is the host's, called with the host's data and with views that
        // live until it returns.
        unsafe {
            match event {
                ConferenceEvent::State(step) => {
                    let on_state = table.on_state?;
                    with_transition(step, |step| on_state(user_data, step));
                }
                ConferenceEvent::Retry(retry) => {
                    let on_retry = table.on_retry?;
                    with_retry(retry, |retry| on_retry(user_data, retry));
                }
                ConferenceEvent::Resumable(resumable) => {
                    table.on_resumable?(user_data, *resumable);
                }
                ConferenceEvent::Resumed { complete, replayed } => {
                    table.on_resumed?(user_data, *complete, *replayed);
                }
                ConferenceEvent::Migrated => table.on_migrated?(user_data),
                ConferenceEvent::Gap { from, to, certain } => {
                    table.on_gap?(user_data, *from, *to, *certain);
                }
                ConferenceEvent::Notification { payload, replayed, number } => {
                    let on_notification = table.on_notification?;
                    with_notification(payload, *number, |event| {
                        on_notification(user_data, event, *replayed);
                    });
                }
                ConferenceEvent::ProtocolError(error) => {
                    table.on_protocol_error?(user_data, view(error));
                }
                ConferenceEvent::HostSlow => table.on_host_slow?(user_data),
                ConferenceEvent::TokenWanted { token, error } => {
                    let error = error.as_ref().map_or(std::ptr::null(), view);
                    table.on_token_wanted?(user_data, token.0, error);
                }
                ConferenceEvent::Rejoined { answer } => {
                    let on_rejoined = table.on_rejoined?;
                    with_event(answer, 0, |answer| on_rejoined(user_data, answer));
                }
            }
        }
        Some(())
    }
}
