//! Coming back in another process, and what has to be kept for that (`owt-portal` 17, 5.3).

use std::sync::Arc;

use crate::error::Code;
use crate::proto::conference::kept::{Keepsake, Kept};
use crate::proto::conference::session::Session;
use crate::proto::conference::ticket::Ticket;
use crate::proto::io::{ConferenceState, Event, RequestId};
use crate::proto::time::{Timestamp, millis};

impl Session {
    /// Come back as whoever was kept; the portal decides whether that can be.
    pub(super) fn begin_restore(&mut self, request: RequestId, kept: Kept, now: Timestamp) {
        if self.track.state() != ConferenceState::Idle {
            return self.refuse(request, Code::InvalidState, "this conference was used before");
        }
        let Kept { keepsake, tally } = kept;
        self.renewal.restore = Some(request);
        self.tally = tally.configured(self.config.sequence_base);
        // Their age is not known; the answer brings a new one.
        let tickets = keepsake.tickets.iter();
        self.tickets.extend(tickets.filter_map(|text| Ticket::parse(text.expose(), now).ok()));
        self.portal = Some((keepsake.endpoint.clone(), keepsake.protocol));
        self.patient_from = Some(now + millis(self.config.fast_resume));
        let resume = self.config.resume.clone();
        self.path.set_policy(&resume);
        self.go(ConferenceState::Resuming, None, now);
        self.path.start(Arc::new(keepsake.endpoint), now);
    }

    /// Tell what there is to keep, for the host's record.
    pub(super) fn tell_keepsake(&mut self) {
        let (Some((endpoint, protocol)), Some(newest)) = (&self.portal, self.tickets.first())
        else {
            return;
        };
        let keepsake = Keepsake {
            endpoint: endpoint.clone(),
            protocol: *protocol,
            participant: newest.participant.clone(),
            tickets: self.tickets.iter().map(|ticket| ticket.text.clone()).collect(),
            offset: self.tally.offset(),
        };
        self.events.push_back(Event::Keep(keepsake));
    }
}
