//! What arrives on a connection, from the joined namespace to the answers and notifications, and
//! who it is for.

use crate::config::{Limits, Revision};
use crate::error::{Code, Error, Result};
use crate::payload::Payload;
use crate::proto::conference::answer::{Answer, rejection};
use crate::proto::conference::leave::Leaving;
use crate::proto::conference::replay::Fingerprint;
use crate::proto::conference::session::Session;
use crate::proto::engine::session::Frame;
use crate::proto::io::{ConferenceEvent, ConferenceState, LinkId};
use crate::proto::path::{Role, Verdict};
use crate::proto::socket::codec::Codec;
use crate::proto::socket::decoder::{Decoder, Received};
use crate::proto::socket::packet::{self, Kind};
use crate::proto::time::{Timestamp, millis};

/// Notifications that may arrive before the answer that they must follow.
const MAX_EARLY: usize = 10_000;

/// What the session keeps for each connection.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) link: LinkId,
    pub(super) decoder: Decoder,
    /// CONNECT was sent; the reply is due.
    pub(super) joining_until: Option<Timestamp>,
    /// Joined, and waiting for the verdict on the current connection.
    pub(super) standby: bool,
    /// Taken over from: waits for late answers until then.
    pub(super) late_until: Option<Timestamp>,
    /// Notifications that came before the answer they must follow.
    pub(super) early: Vec<Payload>,
    early_bytes: usize,
}

impl Session {
    pub(super) fn handle_opened(&mut self, link: LinkId, now: Timestamp) {
        // It may have gone since it opened.
        if self.path.role(link).is_none() {
            return;
        }
        let limits: &Limits = &self.config.common.limits;
        let revision = self.path.revision(link);
        self.sides.push(Side {
            link,
            decoder: Decoder::new(Codec { revision, ..Codec::default() }, limits.clone()),
            joining_until: Some(now + millis(self.config.common.timeouts.namespace)),
            standby: false,
            late_until: None,
            early: Vec::new(),
            early_bytes: 0,
        });
        // In revision 3 the portal joins `/` by itself, and closes the connection of who asks.
        if revision != Revision::V3 {
            self.path.send(link, Frame::Text(packet::connect("/", None)));
        }
    }

    pub(super) fn handle_decoded(
        &mut self,
        link: LinkId,
        received: Option<Result<Option<Received>>>,
        now: Timestamp,
    ) {
        match received {
            Some(Ok(Some(received))) if received.namespace() == b"/" => {
                self.handle_packet(link, received, now);
            }
            Some(Err(error)) => self.path.fail(link, error, now),
            // Of another namespace, or of a connection that is gone.
            Some(Ok(Some(_))) | None => self.path.stats.packets_ignored += 1,
            // An attachment is still to come.
            Some(Ok(None)) => {}
        }
    }

    fn handle_packet(&mut self, link: LinkId, received: Received, now: Timestamp) {
        match received.packet.kind {
            Kind::Connect => self.handle_joined(link, now),
            Kind::ConnectError => {
                let error = Error::new(Code::ConnectError, "the portal refused the connection");
                let said = received.body().and_then(|json| std::str::from_utf8(json).ok());
                self.path.fail(link, error.with_server_json(said.unwrap_or("{}")), now);
            }
            Kind::Disconnect => self.handle_server_disconnect(link, now),
            Kind::Event | Kind::BinaryEvent => {
                self.handle_notification(link, received.into_payload(), now);
            }
            Kind::Ack | Kind::BinaryAck => {
                if let Some(id) = received.packet.id {
                    self.handle_ack(link, id, received.into_payload(), now);
                }
            }
        }
    }

    fn handle_joined(&mut self, link: LinkId, now: Timestamp) {
        let Some(side) = self.side(link) else { return };
        if side.joining_until.take().is_none() {
            return;
        }
        match self.track.state() {
            ConferenceState::Joining => self.send_login(link, now),
            ConferenceState::Ready | ConferenceState::Resuming | ConferenceState::Leaving => {
                self.consider(link, now);
            }
            ConferenceState::Idle | ConferenceState::Ended => {}
        }
    }

    /// A fresh connection is joined: is it needed?
    fn consider(&mut self, link: LinkId, now: Timestamp) {
        match self.path.verdict(link) {
            Verdict::Required | Verdict::Moved => self.send_relogin(link, now),
            Verdict::Wait => {
                if let Some(side) = self.side(link) {
                    side.standby = true;
                }
            }
            Verdict::Unneeded => {
                self.forget(link);
                self.path.hangup(link);
            }
        }
    }

    /// The current connection lives: one that stands by for it is not needed.
    pub(super) fn handle_alive(&mut self) {
        if let Some(link) = self.sides.iter().find(|side| side.standby).map(|side| side.link) {
            self.forget(link);
            self.path.hangup(link);
        }
        if std::mem::take(&mut self.in_doubt) {
            self.flush_requests();
        }
    }

    /// The current connection is gone: one that stands by takes over.
    pub(super) fn use_standby(&mut self, now: Timestamp) {
        let standby = self.sides.iter_mut().find(|side| side.standby);
        if let Some(link) = standby.map(|side| {
            side.standby = false;
            side.link
        }) {
            self.send_relogin(link, now);
        }
    }

    fn handle_server_disconnect(&mut self, link: LinkId, now: Timestamp) {
        let error = || Error::new(Code::ServerDisconnect, "disconnected by the portal");
        match self.path.role(link) {
            Some(Role::Retiring) => self.end_drain(link, self.intruders.none_abandoned(now)),
            Some(Role::Current) if self.track.state() == ConferenceState::Ready => {
                if self.relogin.is_some() {
                    self.handle_takeover(link, now);
                } else {
                    self.handle_intruder(link, error(), now);
                }
            }
            Some(_) => self.path.fail(link, error(), now),
            None => {}
        }
    }

    fn handle_notification(&mut self, link: LinkId, payload: Payload, now: Timestamp) {
        let draining = self.drain.as_ref().map(|drain| drain.link);
        let live = match self.path.role(link) {
            Some(Role::Current) => draining.is_none() && self.login.is_none(),
            Some(Role::Retiring) if draining == Some(link) => true,
            // The portal stored what it sent to a connection that was taken over from.
            Some(Role::Retiring) | None => {
                self.path.stats.packets_ignored += 1;
                return;
            }
            Some(Role::Fresh) => false,
        };
        if live {
            self.deliver(payload);
            return;
        }
        let most = self.config.common.limits.host_queue_bytes;
        let Some(side) = self.side(link) else { return };
        side.early_bytes += payload.weight();
        if side.early.len() < MAX_EARLY && side.early_bytes <= most {
            side.early.push(payload);
        } else {
            let text = "too many notifications before the answer that they follow";
            self.path.fail(link, Error::new(Code::SocketPacket, text), now);
        }
    }

    /// Count a notification that came by itself, and hand it over.
    fn deliver(&mut self, payload: Payload) {
        if self.track.state() != ConferenceState::Ended {
            let print = Fingerprint::new(payload.name_bytes(), payload.arg_bytes(0));
            let number = self.tally.push(print);
            self.hand_over(payload, number, false);
        }
    }

    /// Hand over a notification that was counted. A `drop` ends the session.
    pub(super) fn hand_over(&mut self, payload: Payload, number: u64, replayed: bool) {
        let dropped = payload.name_bytes() == b"drop";
        if !self.leaving.as_ref().is_some_and(Leaving::is_silent) {
            self.tell(ConferenceEvent::Notification { payload, replayed, number });
        }
        if dropped {
            self.end(Some(Error::new(Code::Dropped, "the portal dropped the participant")));
        }
    }

    /// Deliver what was held back on a connection.
    pub(super) fn deliver_early(&mut self, link: LinkId) {
        let Some(side) = self.side(link) else { return };
        side.early_bytes = 0;
        for payload in std::mem::take(&mut side.early) {
            self.deliver(payload);
        }
    }

    fn handle_ack(&mut self, link: LinkId, id: u64, payload: Payload, now: Timestamp) {
        let answer = Answer::of(&payload);
        if self.login.as_ref().is_some_and(|login| login.awaits(link, id)) {
            self.handle_login_answer(link, answer, payload, now);
        } else if self.relogin.as_ref().is_some_and(|relogin| relogin.awaits(link, id)) {
            self.handle_relogin_answer(link, answer, payload, now);
        } else if self.refresh.awaits(link, id) {
            self.handle_refresh_answer(link, answer, &payload, now);
        } else if self.leaving.as_ref().is_some_and(|leaving| leaving.awaits(link, id)) {
            self.handle_logout_answer(&answer);
        } else if let Some(request) = self.requests.answered(link, id) {
            let result = match answer {
                Answer::Ok => Ok(payload.without_first()),
                Answer::Error(_) | Answer::Other => Err(rejection(&answer, &payload)),
            };
            self.requests.settle(request, result);
        } else {
            self.path.stats.late_acks_ignored += 1;
        }
    }
}
