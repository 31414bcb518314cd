use super::callback::completion;
use super::conference::roam_conference;
use super::guard::{MAX_TEXT, on, text};
use super::status::roam_status;
use super::types::{ask_token, refusal, roam_completion, roam_str};

/// ---- Functions: fresh logins of a conference -----------------------------------------------
///
/// Answer on_token_wanted, in it or later, from any thread, with a token that was never used.
/// TOKEN_INVALID for one that cannot be decoded, or that asks for plain text which is not allowed:
/// the question stays open. An answer that comes too late or a second time is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_provide_token(
    conference: *const roam_conference,
    ask_token: u64,
    token: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(conference, |conference| {
            let question = self::ask_token(ask_token)?;
            conference.provide_token(question, Ok(text(token, "token", MAX_TEXT)?))
        })
    }
}

/// Answer on_token_wanted with no. A session that is lost ends with the error that on_token_wanted
/// was given. One that lives goes on, and roam_conference_rejoin completes CANCELLED with this
/// message. The rest is as with roam_conference_provide_token.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_refuse_token(
    conference: *const roam_conference,
    ask_token: u64,
    message: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(conference, |conference| {
            conference.provide_token(self::ask_token(ask_token)?, Err(refusal(message)?))
        })
    }
}

/// Log in anew with a token that on_token_wanted is asked for, for example because a gap has made
/// the room unknown. The session goes on until the token is there; then its participant is logged
/// out, within ROAM_TIMEOUT_LOGOUT, and another one is logged in on a new connection. Requests that
/// were sent before end as at the end of a session, new ones wait. The completion gets the portal's
/// answer, as on_rejoined, or why there is none: after a refusal (CANCELLED) and without an answer
/// in time (TIMED_OUT) the old session goes on. At once: INVALID_STATE without on_token_wanted,
/// NOT_LOGGED_IN before a login and after the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_rejoin(
    conference: *const roam_conference,
    completion: roam_completion,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(conference, |conference| {
            let done = self::completion(completion)?;
            conference.rejoin(done).map(|_| ())
        })
    }
}
