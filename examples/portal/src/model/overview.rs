//! What the portal knows, for those who look at it from outside.

use serde::Serialize;

use super::{Departure, JournalLine, Ledger, Link, Millis, Participant, Portal};

/// A participant that has logged in, with the totals of its [`Ledger`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attendance {
    /// Participant id.
    pub id: String,
    /// Room that was joined.
    pub room: String,
    /// Name given when the token was minted.
    pub user: String,
    /// Role given when the token was minted.
    pub role: String,
    /// Protocol version of the login, or `legacy`.
    pub protocol: String,
    /// When the login succeeded, by the portal's wall clock in milliseconds since 1970.
    pub joined_at: Millis,
    /// Where the participant is.
    pub presence: Presence,
    /// How the session ended; none while it lasts.
    pub left: Option<Departure>,
    /// Notifications issued.
    pub notifications: usize,
    /// Room requests that had their effect.
    pub requests: usize,
    /// Requests that were answered with an error.
    pub refusals: usize,
    /// Successful relogins.
    pub relogins: u64,
    /// Tickets given out on request.
    pub refreshes: u64,
}

/// Where a participant is, as far as the portal knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// On a connection.
    Connected,
    /// Lost, and awaited.
    Waiting,
    /// Lost while joining, and in the room for ever.
    Ghost,
    /// Gone.
    Left,
}

/// A room with somebody in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoomOverview {
    /// Room id.
    pub id: String,
    /// Everybody in the room, in the order they came: also those without a session.
    pub participants: Vec<Participant>,
    /// Ids of all streams, also those not yet announced.
    pub streams: Vec<String>,
}

impl Portal {
    /// Everybody who has ever logged in, first come first.
    pub fn attendance(&self) -> Vec<Attendance> {
        let mut all: Vec<Attendance> =
            self.ledgers.all().map(|(id, ledger)| self.attended(id, ledger)).collect();
        all.sort_by_key(|one| one.joined_at);
        all
    }

    fn attended(&self, id: &str, ledger: &Ledger) -> Attendance {
        let presence = match self.sessions.get(id).map(|session| session.link) {
            Some(Link::Connected) => Presence::Connected,
            Some(Link::Waiting(_)) => Presence::Waiting,
            Some(Link::Ghost) => Presence::Ghost,
            None => Presence::Left,
        };
        Attendance {
            id: id.into(),
            room: ledger.room.clone(),
            user: ledger.user.clone(),
            role: ledger.role.clone(),
            protocol: ledger.protocol.clone(),
            joined_at: ledger.joined_at,
            presence,
            left: ledger.left,
            notifications: ledger.notifications.len(),
            requests: ledger.requests.len(),
            refusals: ledger.refusals.len(),
            relogins: ledger.relogins,
            refreshes: ledger.refreshes,
        }
    }

    /// All rooms with somebody in them, by id.
    pub fn rooms(&self) -> Vec<RoomOverview> {
        let overview = |id: &String| RoomOverview {
            id: id.clone(),
            participants: self.participants(id),
            streams: self.streams(id),
        };
        self.rooms.keys().map(overview).collect()
    }

    /// What happened last, oldest first.
    pub fn journal(&self) -> impl Iterator<Item = &JournalLine> {
        self.journal.lines()
    }
}
