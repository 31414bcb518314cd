//! Fresh logins of a conference: the host's tokens for them.

use super::Conference;
use crate::client::reply::Reply;
use crate::config::Token;
use crate::error::{Code, Error, Result};
use crate::payload::Payload;
use crate::proto::io::{AskToken, Command, RequestId};

impl Conference {
    /// Answer [`ConferenceEvent::TokenWanted`](super::ConferenceEvent::TokenWanted) with a token that
    /// was never used, or refuse with an error. A refusal ends a session that is lost, with the error
    /// it was lost for; one that lives goes on. Any thread may do this, at once or later; an answer
    /// that comes too late or a second time is ignored.
    ///
    /// # Errors
    /// [`Code::TokenInvalid`] for a token that cannot be decoded or asks for plain text that is not
    /// allowed: the question stays open. [`Code::Closed`]; [`Code::QueueFull`] while as many answers
    /// wait as [`Limits::wire_queue_events`](crate::config::Limits::wire_queue_events) allows.
    pub fn provide_token(&self, token: AskToken, answer: Result<&str>) -> Result<()> {
        let answer = match answer {
            Ok(text) => Ok(Token::parse(text, self.inner.allow_plaintext)?),
            Err(error) => Err(error),
        };
        self.inner.object.driver()?.submit(Command::Token { token, answer })
    }

    /// Log in anew, with a token that is asked for
    /// ([`ConferenceEvent::TokenWanted`](super::ConferenceEvent::TokenWanted)): for example because a
    /// gap has made the room unknown. The session goes on until the token is there; then its
    /// participant is logged out, within [`ConferenceConfig::logout_timeout`], and another one is
    /// logged in on a new connection. Requests that were sent before end as they would at the end of
    /// a session, new ones wait.
    ///
    /// The outcome is the portal's answer as in
    /// [`ConferenceEvent::Rejoined`](super::ConferenceEvent::Rejoined), or why there is none; after a
    /// refusal of the host, or when it does not answer in time (`TIMED_OUT`), the old session goes
    /// on. While a login is under way anyway, its answer counts.
    ///
    /// # Errors
    /// [`Code::InvalidState`] without [`ConferenceConfig::ask_token`]; the rest as
    /// [`Conference::logout`].
    ///
    /// [`ConferenceConfig::logout_timeout`]: crate::config::ConferenceConfig::logout_timeout
    /// [`ConferenceConfig::ask_token`]: crate::config::ConferenceConfig::ask_token
    pub fn rejoin(
        &self,
        completion: impl FnOnce(Result<Payload>) + Send + 'static,
    ) -> Result<RequestId> {
        self.check_session()?;
        if !self.inner.ask_token {
            return Err(Error::new(Code::InvalidState, "a rejoin needs ask_token"));
        }
        let most = self.limits().host_queue_events;
        self.inner.object.request(most, completion, |driver, completion| {
            driver.submit_request(completion, |request| Command::Rejoin { request })
        })
    }

    /// [`Conference::rejoin`] as a future. Dropping it does not undo it.
    ///
    /// # Errors
    /// As [`Conference::rejoin`].
    pub fn rejoin_async(&self) -> Result<Reply> {
        Reply::start(&self.inner.object.core, |completion| self.rejoin(completion))
    }
}
