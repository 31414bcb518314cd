//! Questions to the host, each with an object to answer it with, at once or later, on any thread.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use super::conference::Conference;
use super::connection::headers;
use super::error::{Failure, HostError, RoamioError};
use super::manager::Manager;
use super::observer::Place;
use super::socket::Socket;
use crate::client::AskToken;
use crate::config;
use crate::error::{Code, Error, Result};

/// Knows which auth payload a namespace is joined with.
#[uniffi::export(foreign)]
pub trait AuthProvider: Send + Sync {
    /// Asked before every attempt to join. Answer `request` at once or later; it must not wait. Throwing
    /// refuses it.
    fn auth_wanted(&self, request: Arc<AuthRequest>) -> Result<(), HostError>;
}

/// Knows where a manager connects to.
#[uniffi::export(foreign)]
pub trait TargetProvider: Send + Sync {
    /// Asked before every attempt to connect. Answer `request` at once or later; it must not wait.
    /// Throwing refuses it.
    fn target_wanted(&self, request: Arc<TargetRequest>) -> Result<(), HostError>;
}

/// Has fresh tokens for a conference.
#[uniffi::export(foreign)]
pub trait TokenProvider: Send + Sync {
    /// Asked for a token that was never used, where a session cannot be resumed or `rejoin` wants
    /// another one. Answer `request` at once or later; it must not wait. Throwing refuses it.
    fn token_wanted(&self, request: Arc<TokenRequest>) -> Result<(), HostError>;
}

/// Where an attempt to connect goes to.
#[derive(Clone, uniffi::Record)]
pub struct Target {
    /// The server's URL with the query of the application; its path says nothing here.
    pub url: String,
    /// The HTTP path; `/socket.io/` unless set.
    #[uniffi(default)]
    pub path: Option<String>,
    /// Headers of every request.
    #[uniffi(default)]
    pub headers: HashMap<String, String>,
}

/// Which auth payload? Forgotten without an answer it is refused.
#[derive(uniffi::Object)]
pub struct AuthRequest {
    question: Question<Socket>,
    error: Option<Failure>,
}

/// Where to connect to? Forgotten without an answer it is refused.
#[derive(uniffi::Object)]
pub struct TargetRequest {
    question: Question<Manager>,
    attempt: u32,
    error: Option<Failure>,
}

/// Which fresh token? Forgotten without an answer it is refused.
#[derive(uniffi::Object)]
pub struct TokenRequest {
    question: Question<Conference>,
    error: Option<Failure>,
}

/// What every question has: who asks, and whether it is open.
struct Question<T> {
    asker: Weak<T>,
    token: AskToken,
    open: AtomicBool,
}

impl<T> Question<T> {
    fn new(asker: &Arc<T>, token: AskToken) -> Self {
        Self { asker: Arc::downgrade(asker), token, open: AtomicBool::new(true) }
    }

    /// Pass an answer on. What is wrong with it leaves the question open; an answer that comes too
    /// late or a second time is ignored.
    fn answer(&self, pass: impl FnOnce(&T, AskToken) -> Result<()>) -> Result<()> {
        if !self.open.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let Some(asker) = self.asker.upgrade() else { return Ok(()) };
        pass(&asker, self.token).inspect_err(|_| self.open.store(true, Ordering::Release))
    }
}

/// The host says no.
fn refusal(reason: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Code::Cancelled, reason)
}

const FORGOTTEN: &str = "the provider forgot the question";

#[uniffi::export]
impl AuthRequest {
    /// Why joining failed the last time.
    pub fn error(&self) -> Option<Failure> {
        self.error.clone()
    }

    /// Join with this payload, a JSON object, or with none.
    #[uniffi::method(default(auth_json = None))]
    pub fn answer(&self, auth_json: Option<String>) -> Result<(), RoamioError> {
        self.pass(Ok(auth_json.as_deref()))
    }

    /// Do not join: the socket rests until `connect`, and its observer gets a connect error with
    /// this reason.
    pub fn refuse(&self, reason: String) -> Result<(), RoamioError> {
        self.pass(Err(refusal(reason)))
    }
}

impl AuthRequest {
    fn pass(&self, auth: Result<Option<&str>>) -> Result<(), RoamioError> {
        Ok(self.question.answer(|socket, token| socket.inner.provide_auth(token, auth))?)
    }

    /// Ask `provider` on behalf of the socket in `place`.
    pub(super) fn ask(
        provider: &dyn AuthProvider,
        place: &Place<Socket>,
        token: AskToken,
        error: Option<Error>,
    ) -> Result<(), HostError> {
        let Some(socket) = place.get() else { return Ok(()) };
        let question = Question::new(&socket, token);
        provider.auth_wanted(Arc::new(Self { question, error: error.map(Failure::from) }))
    }
}

impl Drop for AuthRequest {
    fn drop(&mut self) {
        // An error says that the socket is closed, where nobody waits for an answer.
        let _ = self.pass(Err(refusal(FORGOTTEN)));
    }
}

#[uniffi::export]
impl TargetRequest {
    /// Failed attempts in a row.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Why the last attempt failed.
    pub fn error(&self) -> Option<Failure> {
        self.error.clone()
    }

    /// Connect to this server.
    pub fn answer(&self, target: Target) -> Result<(), RoamioError> {
        let (mut endpoint, _) = config::Endpoint::parse(&target.url)?;
        if let Some(path) = &target.path {
            endpoint.set_path(path, true);
        }
        let headers = headers(target.headers)?;
        self.pass(Ok(config::Target { endpoint, headers }))
    }

    /// Do not connect: counts as a failed attempt.
    pub fn refuse(&self, reason: String) -> Result<(), RoamioError> {
        self.pass(Err(refusal(reason)))
    }
}

impl TargetRequest {
    fn pass(&self, target: Result<config::Target>) -> Result<(), RoamioError> {
        Ok(self.question.answer(|manager, token| manager.inner.provide_target(token, target))?)
    }

    /// Ask `provider` on behalf of the manager in `place`.
    pub(super) fn ask(
        provider: &dyn TargetProvider,
        place: &Place<Manager>,
        token: AskToken,
        attempt: u32,
        error: Option<Error>,
    ) -> Result<(), HostError> {
        let Some(manager) = place.get() else { return Ok(()) };
        let question = Question::new(&manager, token);
        let error = error.map(Failure::from);
        provider.target_wanted(Arc::new(Self { question, attempt, error }))
    }
}

impl Drop for TargetRequest {
    fn drop(&mut self) {
        // An error says that the manager is closed, where nobody waits for an answer.
        let _ = self.pass(Err(refusal(FORGOTTEN)));
    }
}

#[uniffi::export]
impl TokenRequest {
    /// Why the session is lost; none: it lives, and goes on after a refusal.
    pub fn error(&self) -> Option<Failure> {
        self.error.clone()
    }

    /// Log in anew with this token.
    ///
    /// Throws `TOKEN_INVALID` for a token that cannot be decoded; the question stays open.
    pub fn answer(&self, token: String) -> Result<(), RoamioError> {
        self.pass(Ok(&token))
    }

    /// There is none: a session that is lost ends, with the error it was lost for.
    pub fn refuse(&self, reason: String) -> Result<(), RoamioError> {
        self.pass(Err(refusal(reason)))
    }
}

impl TokenRequest {
    fn pass(&self, answer: Result<&str>) -> Result<(), RoamioError> {
        Ok(self
            .question
            .answer(|conference, token| conference.inner.provide_token(token, answer))?)
    }

    /// Ask `provider` on behalf of the conference in `place`.
    pub(super) fn ask(
        provider: &dyn TokenProvider,
        place: &Place<Conference>,
        token: AskToken,
        error: Option<Error>,
    ) -> Result<(), HostError> {
        let Some(conference) = place.get() else { return Ok(()) };
        let question = Question::new(&conference, token);
        provider.token_wanted(Arc::new(Self { question, error: error.map(Failure::from) }))
    }
}

impl Drop for TokenRequest {
    fn drop(&mut self) {
        // An error says that the conference is closed, where nobody waits for an answer.
        let _ = self.pass(Err(refusal(FORGOTTEN)));
    }
}
