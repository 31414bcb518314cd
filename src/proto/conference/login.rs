//! Logging in, once per token (`owt-portal` 3 and 17, 1.1 to 1.8).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::config::Token;
use crate::error::{Code, Error, Retry};
use crate::json;
use crate::payload::Payload;
use crate::proto::conference::answer::{Answer, refusal};
use crate::proto::conference::leave::Leaving;
use crate::proto::conference::session::Session;
use crate::proto::conference::ticket::Ticket;
use crate::proto::io::{ConferenceEvent, ConferenceState, LinkId, RequestId};
use crate::proto::time::{Timestamp, millis};

/// A token lives three minutes at the portal; after that it is not worth reaching it.
const TOKEN_LIFE_MS: u64 = 180_000;

/// A login without an answer.
#[derive(Debug)]
pub(super) struct Login {
    /// None when its outcome was told already, and for a login that the host did not start.
    pub(super) request: Option<RequestId>,
    token: Token,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Not written on any connection, so every attempt to connect may use the token.
    Unsent { until: Timestamp },
    /// Written: the token is spent whatever happens.
    Sent { link: LinkId, ack: u64, deadline: Timestamp },
}

impl Login {
    /// With a token that was not used before.
    pub(super) fn new(request: Option<RequestId>, token: Token, now: Timestamp) -> Self {
        Self { request, token, stage: Stage::Unsent { until: now + TOKEN_LIFE_MS } }
    }

    pub(super) fn awaits(&self, on: LinkId, id: u64) -> bool {
        matches!(self.stage, Stage::Sent { link, ack, .. } if link == on && ack == id)
    }

    /// The connection it was written on.
    pub(super) const fn sent_on(&self) -> Option<LinkId> {
        match self.stage {
            Stage::Sent { link, .. } => Some(link),
            Stage::Unsent { .. } => None,
        }
    }
}

impl Session {
    pub(super) fn begin_login(&mut self, request: RequestId, token: Token, now: Timestamp) {
        if self.track.state() != ConferenceState::Idle {
            return self.refuse(request, Code::InvalidState, "this conference was used before");
        }
        self.go(ConferenceState::Joining, None, now);
        self.start_login(Login::new(Some(request), token, now));
    }

    pub(super) fn start_login(&mut self, login: Login) {
        let endpoint = Arc::new(login.token.endpoint.clone());
        self.renewal.spend(&login.token);
        self.login = Some(login);
        self.path.start(endpoint, self.now);
    }

    /// The namespace is joined: write the login, on this connection only.
    pub(super) fn send_login(&mut self, link: LinkId, now: Timestamp) {
        let Some(login) = &self.login else { return };
        let mut user_agent: Map<String, Value> =
            serde_json::from_str(&self.config.user_agent_json).unwrap_or_default();
        let sdk = json!({ "type": self.config.sdk_type, "version": self.config.sdk_version });
        user_agent.insert("sdk".into(), sdk);
        let mut request = json!({ "token": login.token.text.expose(), "userAgent": user_agent });
        if let Some(protocol) = self.config.protocol.as_str() {
            request["protocol"] = protocol.into();
        }
        self.path.pin(link);
        let ack = self.call(link, "login", &json!([request]).to_string());
        let deadline = now + millis(self.config.login_timeout);
        if let Some(login) = &mut self.login {
            login.stage = Stage::Sent { link, ack, deadline };
        }
    }

    pub(super) fn handle_login_answer(
        &mut self,
        link: LinkId,
        answer: Answer,
        payload: Payload,
        now: Timestamp,
    ) {
        if self.leaving.is_some() {
            return self.handle_cancelled_login(link, &answer, now);
        }
        match answer {
            Answer::Ok => self.enter(link, payload, now),
            Answer::Error(text) => {
                let code = match text.as_str() {
                    "Unknown client protocol" | "Deprecated client version" => {
                        Code::ProtocolVersion
                    }
                    _ => Code::LoginRejected,
                };
                self.end(Some(refusal(code, &text, "the portal refused the login", &payload)));
            }
            Answer::Other => {
                let text = "the portal's answer to the login has no known status";
                self.end(Some(Error::new(Code::LoginRejected, text)));
            }
        }
    }

    fn enter(&mut self, link: LinkId, payload: Payload, now: Timestamp) {
        let ticket = ticket_in(&payload).map(|json| Ticket::from_json(json, now));
        let Some(Login { request, token, .. }) = self.login.take() else { return };
        self.portal = Some((token.endpoint, self.config.protocol));
        self.path.promote(link);
        self.path.in_service(link, now);
        let resume = self.config.resume.clone();
        self.path.set_policy(&resume);
        match ticket {
            Some(Ok(ticket)) => self.keep_ticket(ticket),
            Some(Err(error)) => self.tell(ConferenceEvent::ProtocolError(error)),
            None => {}
        }
        // Without a ticket nothing can take over from this connection.
        self.path.set_movable(!self.tickets.is_empty());
        self.go(ConferenceState::Ready, None, now);
        self.tell(ConferenceEvent::Resumable(!self.tickets.is_empty()));
        self.renewal.succeeded(now);
        let answer = payload.without_first();
        match request {
            Some(request) => self.outcome(request, Ok(answer.clone())),
            None => self.tell_rejoined(&answer),
        }
        self.settle_restore(&Ok(answer.clone()));
        self.settle_waiting(&Ok(answer));
        self.deliver_early(link);
        self.flush_requests();
    }

    /// A connection is gone. A login that was written on it has no known outcome.
    pub(super) fn lose_login(&mut self, link: LinkId) {
        if self.login.as_ref().and_then(Login::sent_on) == Some(link) {
            self.end_login_unknown("the connection was lost before the portal answered");
        }
    }

    fn end_login_unknown(&mut self, why: &'static str) {
        if self.leaving.is_some() {
            return self.give_up_leaving();
        }
        let text = format!("{why}; the token is spent, and a ghost participant may remain");
        self.end(Some(Error::new(Code::LoginUnknown, text)));
    }

    pub(super) fn login_timeout(&self) -> Option<Timestamp> {
        self.login.as_ref().map(|login| match login.stage {
            Stage::Unsent { until } => until,
            Stage::Sent { deadline, .. } => deadline,
        })
    }

    pub(super) fn handle_login_timeout(&mut self, now: Timestamp) {
        if self.login_timeout().is_none_or(|at| at > now) {
            return;
        }
        match self.login.as_ref().and_then(Login::sent_on) {
            Some(link) => {
                // The portal may still be joining us: ask it not to.
                self.call(link, "logout", "[]");
                self.end_login_unknown("the portal did not answer");
            }
            None => {
                let text = "the portal was not reached within the token's life";
                let error = Error::new(Code::NotSent, text).with_retry(Retry::Login);
                self.end(Some(error));
            }
        }
    }

    /// The host is gone while a login is in flight. Closing would leave a ghost behind, so the
    /// portal is told first. False: no login is in flight, or that was done.
    pub(super) fn abort_login(&mut self, now: Timestamp) -> bool {
        let Some(link) = self.login.as_ref().and_then(Login::sent_on) else { return false };
        if self.leaving.as_ref().is_some_and(Leaving::is_closing) {
            return false;
        }
        let login = self.login.as_mut().and_then(|login| login.request.take());
        let ack = self.call(link, "logout", "[]");
        let earlier = self.leaving.replace(Leaving::closing(link, ack, now));
        let logouts = earlier.into_iter().flat_map(|leaving| leaving.requests);
        for request in login.into_iter().chain(logouts).chain(self.renewal.end()) {
            self.refuse(request, Code::Closed, "the conference was freed");
        }
        self.go(ConferenceState::Leaving, None, now);
        true
    }
}

/// The JSON of the ticket in the answer to a login. The rest of the answer is the application's,
/// and is not decoded for this.
fn ticket_in(payload: &Payload) -> Option<&[u8]> {
    let (frame, body) = (payload.frame(), payload.arg_span(1)?);
    let mut ticket = None;
    json::visit_object(frame, body, json::MAX_DEPTH, |key, value| {
        if key.of(frame) == b"reconnectionTicket" {
            ticket = Some(value.of(frame));
        }
    })
    .ok()?;
    ticket.filter(|json| *json != b"null")
}
