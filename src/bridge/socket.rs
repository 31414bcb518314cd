//! One namespace.

use std::sync::Arc;

use bytes::Bytes;

use super::ask::{AuthProvider, AuthRequest};
use super::error::RoamioError;
use super::guest::{Gone, Guest};
use super::observer::{Place, tell};
use super::payload::Payload;
use super::socket_event::{SocketEvent, SocketObserver};
use super::socket_options::EmitOptions;
use crate::client::{self, AckToken, SocketState};
use crate::error::Result;

/// A namespace of a manager. Events emitted while it is not connected wait for the connection, in
/// order and bounded.
#[derive(uniffi::Object)]
pub struct Socket {
    pub(super) inner: client::Socket,
    gone: Gone,
}

/// What of the host a socket holds.
struct Listeners {
    observer: Option<Arc<dyn SocketObserver>>,
    auth: Option<Arc<dyn AuthProvider>>,
}

impl Listeners {
    fn take(&self, event: client::SocketEvent, place: &Place<Socket>) {
        if let client::SocketEvent::AuthWanted { token, error } = event {
            if let Some(provider) = &self.auth {
                let asked = AuthRequest::ask(&**provider, place, token, error);
                tell("an auth provider", asked);
            }
        } else if let Some((observer, event)) = self.observer.as_ref().zip(SocketEvent::of(event)) {
            tell("a socket's observer", observer.on_event(event));
        }
    }
}

impl Socket {
    /// The socket that `make` gives, with the callback for its events.
    pub(super) fn new(
        observer: Option<Arc<dyn SocketObserver>>,
        auth: Option<Arc<dyn AuthProvider>>,
        make: impl FnOnce(Box<Sink>) -> Result<client::Socket>,
    ) -> Result<Arc<Self>, RoamioError> {
        let place = Place::<Self>::new();
        let own = place.clone();
        let (guest, gone) = Guest::of(Listeners { observer, auth }, &place, Self::detach);
        let inner = make(Box::new(move |event| guest.take(event, &own)))?;
        let socket = Arc::new(Self { inner, gone });
        place.fill(&socket);
        Ok(socket)
    }
}

/// What a socket's events are told to.
type Sink = dyn FnMut(client::SocketEvent) + Send;

#[uniffi::export]
impl Socket {
    /// The namespace.
    pub fn namespace(&self) -> String {
        self.inner.namespace().to_owned()
    }

    /// What the socket was last said to be.
    pub fn state(&self) -> SocketState {
        self.inner.state()
    }

    /// Join the namespace, now and after every reconnect, with `auth_json` (a JSON object) as
    /// payload. A socket with an auth provider asks that instead.
    ///
    /// Throws `INVALID_JSON`, `TOO_LARGE`, `CLOSED`, `QUEUE_FULL`.
    #[uniffi::method(default(auth_json = None))]
    pub fn connect(&self, auth_json: Option<String>) -> Result<(), RoamioError> {
        Ok(self.inner.connect(auth_json.as_deref())?)
    }

    /// Leave the namespace. What was emitted before is sent before.
    pub fn disconnect(&self) -> Result<(), RoamioError> {
        Ok(self.inner.disconnect()?)
    }

    /// Emit an event; `args_json` is a JSON array of its arguments.
    ///
    /// Throws `RESERVED_EVENT`, `INVALID_JSON`, `TOO_LARGE`, `ATTACHMENTS` when attachments and
    /// placeholders do not fit, `QUEUE_FULL`, `CLOSED`.
    #[uniffi::method(default(options))]
    pub fn emit(
        &self,
        name: String,
        args_json: String,
        options: EmitOptions,
    ) -> Result<(), RoamioError> {
        Ok(self.inner.emit_with(&name, &args_json, options.into())?)
    }

    /// Emit an event and wait for the server's answer. Giving up on it cancels it: if it was not
    /// written yet it never is.
    ///
    /// Throws as `emit`, and `ACK_TIMEOUT` or `ACK_LOST` (the server may have acted), `NOT_SENT`,
    /// `CANCELLED`, `CLOSED`.
    #[uniffi::method(default(options))]
    pub async fn emit_with_ack(
        &self,
        name: String,
        args_json: String,
        options: EmitOptions,
    ) -> Result<Payload, RoamioError> {
        Ok(self.inner.emit_with_ack_async(&name, &args_json, options.into())?.await?.into())
    }

    /// Answer an event that came with `ack`. Only the first answer is sent, and only on the
    /// connection that the event came from; others are dropped silently.
    #[uniffi::method(default(attachments))]
    pub fn ack(
        &self,
        ack: u64,
        args_json: String,
        attachments: Vec<Vec<u8>>,
    ) -> Result<(), RoamioError> {
        let attachments = attachments.into_iter().map(Bytes::from).collect();
        Ok(self.inner.ack_binary(AckToken(ack), &args_json, attachments)?)
    }

    /// Whether to tell every event of this socket as it is written; no at first.
    pub fn watch_sent(&self, watch: bool) -> Result<(), RoamioError> {
        Ok(self.inner.watch_sent(watch)?)
    }

    /// Leave the namespace and close this socket; its pending acks end `CLOSED`. Does not wait.
    pub fn detach(&self) {
        self.inner.close();
    }

    /// `detach`, then wait until observer and provider are called no more.
    pub async fn shutdown(&self) {
        self.detach();
        self.gone.clone().wait().await;
    }
}
