//! One session at a portal.

use std::sync::Arc;
use std::time::Duration;

use super::ask::{TokenProvider, TokenRequest};
use super::conference_event::ConferenceObserver;
use super::conference_options::ConferenceOptions;
use super::error::RoamioError;
use super::guest::{Gone, Guest};
use super::hints::hints;
use super::observer::{Place, tell};
use super::payload::Payload;
use super::room::Room;
use crate::client::{self, ConferenceState, Stats};

/// A conference session, from one login to its end. It survives changes of the network. A new
/// session is a new conference with a new token.
#[derive(uniffi::Object)]
pub struct Conference {
    pub(in crate::bridge) inner: client::Conference,
    gone: Gone,
}

/// What of the host a conference holds.
struct Listeners {
    observer: Option<Arc<dyn ConferenceObserver>>,
    tokens: Option<Arc<dyn TokenProvider>>,
}

impl Listeners {
    fn take(&self, event: client::ConferenceEvent, place: &Place<Conference>) {
        let question = match &event {
            client::ConferenceEvent::TokenWanted { token, error } => Some((*token, error.clone())),
            _ => None,
        };
        if let Some(observer) = &self.observer {
            tell("a conference's observer", observer.on_event(event.into()));
        }
        if let Some((provider, (token, error))) = self.tokens.as_ref().zip(question) {
            tell("a token provider", TokenRequest::ask(&**provider, place, token, error));
        }
    }
}

/// How a request is made.
#[derive(Clone, Debug, Default, uniffi::Record)]
pub struct RequestOptions {
    /// Time limit, 1 ms to 24 h, counted from the call, also while it waits for the session; the
    /// conference's unless set.
    #[uniffi(default)]
    pub timeout: Option<Duration>,
    /// Fail it (`NOT_SENT`) instead of letting it wait while the session is not ready.
    #[uniffi(default = false)]
    pub fail_offline: bool,
    /// The portal may act twice without harm. Then a request that was sent when the connection was
    /// lost, and has no answer, is sent once more when the session is back, and its outcome says so
    /// (`resent`). No other request is ever sent twice.
    #[uniffi(default = false)]
    pub idempotent: bool,
}

impl From<RequestOptions> for client::RequestOptions {
    fn from(options: RequestOptions) -> Self {
        let RequestOptions { timeout, fail_offline, idempotent } = options;
        let offline =
            if fail_offline { client::OfflineRequest::Fail } else { client::OfflineRequest::Wait };
        Self { timeout, offline, idempotent }
    }
}

#[uniffi::export]
impl Conference {
    /// A conference. No traffic before `login`. With a token provider a session that cannot be resumed
    /// is followed by another one; without it ends.
    ///
    /// Throws `INVALID_ARGUMENT` naming the option that is out of range, or for a certificate that
    /// cannot be used; `UNSUPPORTED`.
    #[uniffi::constructor(default(observer = None, tokens = None, options))]
    pub fn new(
        options: ConferenceOptions,
        observer: Option<Arc<dyn ConferenceObserver>>,
        tokens: Option<Arc<dyn TokenProvider>>,
    ) -> Result<Arc<Self>, RoamioError> {
        let config = options.config(tokens.is_some())?;
        let place = Place::<Self>::new();
        let own = place.clone();
        let (guest, gone) = Guest::of(Listeners { observer, tokens }, &place, Self::detach);
        let inner = client::Conference::new(config, move |event| guest.take(event, &own))?;
        let conference = Arc::new(Self { inner, gone });
        place.fill(&conference);
        Ok(conference)
    }

    /// What the conference was last said to be.
    pub fn state(&self) -> ConferenceState {
        self.inner.state()
    }

    /// What the conference has done so far. What the observer is told of is counted when it is called.
    pub fn stats(&self) -> Stats {
        self.inner.stats()
    }

    /// The room as the portal has described it up to the event that the observer was told last;
    /// empty before the login. After the end it stays as it was.
    pub fn room(&self) -> Room {
        (&*self.inner.room()).into()
    }

    /// Log in with a token from the application's server, which is used at most once. Gives the
    /// portal's answer: argument 0 is an object with `id`, `user`, `role`, `permission`, `room`.
    /// Giving up on it does not undo the login.
    ///
    /// Throws `TOKEN_INVALID` for a token that cannot be decoded or asks for plain text that is not
    /// allowed, `INVALID_STATE` when this conference was used before, `LOGIN_REJECTED`,
    /// `LOGIN_UNKNOWN`, `CANCELLED` by a logout, `CLOSED`, or why the portal could not be reached.
    pub async fn login(&self, token: String) -> Result<Payload, RoamioError> {
        Ok(self.inner.login_async(&token)?.await?.into())
    }

    /// Leave the conference. Giving up on it does not undo it.
    ///
    /// Throws `LEFT_UNCONFIRMED` when the portal has not confirmed it: the participant may stay
    /// visible for a while; `NOT_LOGGED_IN`, `CLOSED`.
    pub async fn logout(&self) -> Result<(), RoamioError> {
        self.inner.logout_async()?.await?;
        Ok(())
    }

    /// Ask the portal; `data_json` is one JSON object, or with the legacy protocol the JSON array of
    /// the arguments. While the session is not ready the request waits for it. Giving up on it cancels
    /// it: if it was not written yet it never is.
    ///
    /// Throws `NOT_LOGGED_IN`, `RESERVED_EVENT`, `INVALID_JSON`, `TOO_LARGE`, `QUEUE_FULL`, `CLOSED`
    /// at once, and later `REQUEST_REJECTED`, `ACK_TIMEOUT` or `ACK_LOST` (the portal may have
    /// acted), `NOT_SENT`, `CANCELLED`, `DROPPED`.
    #[uniffi::method(default(options))]
    pub async fn request(
        &self,
        name: String,
        data_json: String,
        options: RequestOptions,
    ) -> Result<Payload, RoamioError> {
        Ok(self.inner.request_async(&name, &data_json, options.into())?.await?.into())
    }

    /// Leave the session and log in anew, with a token from the provider: for example because a gap has
    /// made the room unknown. Gives the portal's answer, as `login`. Giving up on it does not undo it.
    ///
    /// Throws as `login`; `INVALID_STATE` without a token provider; and when the provider refuses or
    /// does not answer in time (`TIMED_OUT`): then the old session goes on.
    pub async fn rejoin(&self) -> Result<Payload, RoamioError> {
        Ok(self.inner.rejoin_async()?.await?.into())
    }

    /// Everything that is needed to resume this session in another process, as text, for `restore`: to
    /// be taken when the application is about to be suspended. It is a secret: whoever has it takes
    /// over the session. A notification counts as handled once the observer has returned from it;
    /// what is handled later comes again after a restore.
    ///
    /// Throws `NOT_LOGGED_IN` unless there is a session that can be resumed, `CLOSED`.
    pub fn export_session(&self) -> Result<String, RoamioError> {
        Ok(self.inner.export()?.expose().to_owned())
    }

    /// In place of a login: resume the session that was exported. What was not handled before the
    /// export is replayed. Gives an answer without arguments, or that of a login where the session was
    /// replaced with a fresh token. Giving up on it does not undo it.
    ///
    /// Throws `EXPORT_FOREIGN`, `EXPORT_NEWER`, `EXPORT_DAMAGED` for a text that cannot be used,
    /// `INVALID_ARGUMENT` for one of another protocol, `INVALID_STATE` when this conference was used
    /// before, or why the session has ended.
    pub async fn restore(&self, exported: String) -> Result<Payload, RoamioError> {
        Ok(self.inner.restore_async(&exported)?.await?.into())
    }

    /// Close without a logout: the participant stays visible until the portal gives it up (minutes).
    /// Pending requests end `CLOSED`. Does not wait.
    pub fn detach(&self) {
        self.inner.detach();
    }

    /// `detach`, then wait until the observer is called no more.
    pub async fn shutdown(&self) {
        self.detach();
        self.gone.clone().wait().await;
    }
}

hints!(Conference);
