//! The application: it asks, it hears, and it compares what it heard with the portal's ledger
//! (promises P1, P2, P4 and P5).

use std::collections::{BTreeMap, VecDeque};

use roamio::config::Limits;
use roamio::error::{Code, Error};
use roamio::owt::request::{Answer, Started};
use roamio::owt::{Login, Notification, Room};
use roamio::payload::Payload;
use roamio::proto::conference::kept::{Kept, Mark, Record};
use roamio::proto::io::{
    AskToken, ConferenceEvent, ConferenceState, Event, RequestId, Retry, Transition,
};
use roamio::proto::socket::codec::Codec;
use roamio::proto::socket::decoder::Decoder;
use roamio::proto::stats::Stats;
use roamio_portal::model::{Ledger, Portal};
use serde_json::Value;

use crate::link::Millis;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Login,
    Logout,
    Rejoin,
    Restore,
    /// A text with a message that no other request has.
    Text,
    /// Something about media.
    Media,
    /// As [`What::Text`], and the portal may execute it twice.
    IdempotentText,
}

impl What {
    fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::IdempotentText)
    }
}

/// A request.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) what: What,
    pub(crate) at: Millis,
    pub(crate) outcome: Option<Result<Payload, Error>>,
    /// Its process died before there was an outcome.
    died: bool,
}

/// What an application stores to be restored in another process.
#[derive(Debug)]
pub(crate) struct Export {
    pub(crate) kept: Kept,
    participant: Option<String>,
    position: usize,
    adrift: bool,
    uncounted: bool,
    room: Room,
}

/// The application.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) asked: BTreeMap<RequestId, Asked>,
    /// Requests without an outcome, and when it is due at the latest.
    open: BTreeMap<RequestId, Millis>,
    pub(crate) state: ConferenceState,
    pub(crate) steps: Vec<Transition<ConferenceState>>,
    pub(crate) end: Option<Option<Error>>,
    /// The id the portal gave us.
    pub(crate) participant: Option<String>,
    /// All that we ever had, the present one last.
    participants: Vec<String>,
    /// Questions for a fresh token that are not answered.
    pub(crate) questions: VecDeque<AskToken>,
    /// Why a fresh token was wanted, each time; none: for a session that lives.
    pub(crate) wanted: Vec<Option<Code>>,
    pub(crate) rejoined: u64,
    /// The room as it was told.
    pub(crate) room: Room,
    /// What was published, by the answers of the portal.
    pub(crate) published: Vec<Started>,
    record: Record,
    /// How far we are in the ledger of the portal.
    pub(crate) position: usize,
    /// Where else we may be: what followed a gap of unknown size stands in the ledger twice.
    others: Vec<usize>,
    /// A gap of unknown size was announced: the next notification may be any later one.
    adrift: bool,
    /// The client cannot know its position any more, since a gap of unknown size.
    uncounted: bool,
    pub(crate) gaps: Vec<(u64, u64, bool)>,
    pub(crate) notified: u64,
    pub(crate) replayed: u64,
    pub(crate) resumed: Vec<bool>,
    pub(crate) migrated: u64,
    pub(crate) retries: Vec<Retry>,
    pub(crate) complaints: Vec<Error>,
    pub(crate) resumable: Option<bool>,
    pub(crate) host_slow: u64,
    /// What this process was told of, as the client counts it.
    told: Stats,
    pub(crate) finished: bool,
    pub(crate) closing_since: Option<Millis>,
    admissions_used: u64,
    next: u64,
}

impl App {
    pub(crate) fn new() -> Self {
        Self {
            asked: BTreeMap::new(),
            open: BTreeMap::new(),
            state: ConferenceState::Idle,
            steps: Vec::new(),
            end: None,
            participant: None,
            participants: Vec::new(),
            questions: VecDeque::new(),
            wanted: Vec::new(),
            rejoined: 0,
            room: Room::default(),
            published: Vec::new(),
            record: Record::default(),
            position: 0,
            others: Vec::new(),
            adrift: false,
            uncounted: false,
            gaps: Vec::new(),
            notified: 0,
            replayed: 0,
            resumed: Vec::new(),
            migrated: 0,
            retries: Vec::new(),
            complaints: Vec::new(),
            resumable: None,
            host_slow: 0,
            told: Stats::default(),
            finished: false,
            closing_since: None,
            admissions_used: 0,
            next: 1,
        }
    }

    /// Note a request that is about to be made. Its number is also in its message.
    pub(crate) fn ask(&mut self, what: What, now: Millis, limit: Millis) -> RequestId {
        let request = RequestId(self.next);
        self.next += 1;
        self.asked.insert(request, Asked { what, at: now, outcome: None, died: false });
        self.open.insert(request, now + limit);
        request
    }

    /// The message of a text.
    pub(crate) fn message(request: RequestId) -> String {
        format!("rq-{}.", request.0)
    }

    pub(crate) fn outcome(&self, request: RequestId) -> Option<&Result<Payload, Error>> {
        self.asked[&request].outcome.as_ref()
    }

    /// The code that a request ended with; `None` for success.
    pub(crate) fn code(&self, request: RequestId) -> Option<Code> {
        match self.outcome(request).expect("the request has an outcome") {
            Ok(_) => None,
            Err(error) => Some(error.code()),
        }
    }

    /// How the session ended.
    pub(crate) fn end_code(&self) -> Option<Code> {
        self.end.as_ref()?.as_ref().map(Error::code)
    }

    pub(crate) fn open_requests(&self) -> usize {
        self.open.len()
    }

    fn ledger<'a>(&self, portal: &'a Portal) -> Option<&'a Ledger> {
        portal.ledger(self.participant.as_deref()?)
    }

    /// How often the portal executed a text.
    pub(crate) fn executions(&self, request: RequestId, portal: &Portal) -> usize {
        let message = Self::message(request);
        let ledgers = self.participants.iter().filter_map(|participant| portal.ledger(participant));
        let requests = ledgers.flat_map(|ledger| &ledger.requests);
        // Legacy texts have it as their data.
        let says = |data: &Value| data["message"] == *message || data["data"] == *message;
        requests.filter(|done| says(&done.data)).count()
    }

    /// The core said something. `admissions`: how many logins and relogins were granted so far.
    pub(crate) fn handle(&mut self, event: Event, portal: &Portal, admissions: u64, now: Millis) {
        assert!(!self.finished, "P5: {event:?} after Finished");
        match event {
            Event::Outcome { request, result } => self.handle_outcome(request, result, portal, now),
            Event::Conference(event) => {
                let mark = Mark::of(&event);
                self.handle_conference(event, portal, admissions);
                self.record.follow(mark);
            }
            Event::Keep(keepsake) => self.record.keep(keepsake),
            Event::Finished => {
                self.finished = true;
                assert!(self.open.is_empty(), "P2: finished, and open: {:?}", self.open);
            }
            other => panic!("a conference never says {other:?}"),
        }
    }

    fn handle_outcome(
        &mut self,
        request: RequestId,
        result: Result<Payload, Error>,
        portal: &Portal,
        now: Millis,
    ) {
        assert!(self.open.remove(&request).is_some(), "P2: a second outcome of {request:?}");
        match (self.asked[&request].what, &result) {
            (What::Login, Ok(payload)) => self.become_participant(payload),
            (What::Media, Ok(payload)) => self.published.extend(Started::read(payload)),
            _ => {}
        }
        let asked = self.asked.get_mut(&request).expect("asked");
        asked.outcome = Some(result);
        if asked.what.is_text() {
            assert!(now >= asked.at);
            self.check_executions(request, portal);
        }
    }

    /// A login was granted: its ledger begins.
    fn become_participant(&mut self, answer: &Payload) {
        let Login { id, room, .. } = Login::of(answer);
        let id = id.expect("an id");
        self.room = room;
        assert!(!self.participants.contains(&id), "another login makes another participant");
        self.participants.push(id.clone());
        self.participant = Some(id);
        (self.position, self.adrift, self.uncounted) = (0, false, false);
    }

    /// What the application stores; nothing where there is no session to come back to.
    pub(crate) fn export(&self) -> Option<Export> {
        Some(Export {
            kept: self.record.kept()?.clone(),
            participant: self.participant.clone(),
            position: self.position,
            adrift: self.adrift,
            uncounted: self.uncounted,
            room: self.room.clone(),
        })
    }

    /// The process died, and another one begins with what was stored.
    pub(crate) fn begin_anew(&mut self, export: &Export) {
        for request in std::mem::take(&mut self.open).into_keys() {
            let asked = self.asked.get_mut(&request).expect("asked");
            asked.outcome = Some(Err(Code::Closed.into()));
            asked.died = true;
        }
        (self.state, self.steps, self.end) = (ConferenceState::Idle, Vec::new(), None);
        self.participant.clone_from(&export.participant);
        self.position = export.position;
        (self.adrift, self.uncounted) = (export.adrift, export.uncounted);
        self.room.clone_from(&export.room);
        self.questions.clear();
        self.told = Stats::default();
        self.record = Record::of(export.kept.clone());
    }

    /// P2: what was executed fits the outcome.
    fn check_executions(&self, request: RequestId, portal: &Portal) {
        let executions = self.executions(request, portal);
        let asked = &self.asked[&request];
        let resent = asked.outcome.as_ref().is_some_and(|outcome| match outcome {
            Ok(reply) => reply.resent(),
            Err(error) => error.resent(),
        });
        assert!(!resent || asked.what == What::IdempotentText, "P2: {request:?} was sent twice");
        // Of one that died with its process nobody says whether it was.
        let unsaid = asked.died && asked.what == What::IdempotentText;
        let most = 1 + usize::from(resent || unsaid);
        let allowed = match asked.outcome.as_ref() {
            None => 0..=most,
            Some(Ok(_)) => 1..=most,
            Some(Err(error)) => match error.code() {
                Code::AckLost
                | Code::AckTimeout
                | Code::Cancelled
                | Code::Closed
                | Code::Dropped => 0..=most,
                _ => 0..=0,
            },
        };
        let outcome = &self.asked[&request].outcome;
        assert!(
            allowed.contains(&executions),
            "P2: {request:?} was executed {executions} times and ended {outcome:?}"
        );
    }

    fn handle_conference(&mut self, event: ConferenceEvent, portal: &Portal, admissions: u64) {
        match event {
            ConferenceEvent::State(step) => self.handle_step(step, admissions),
            ConferenceEvent::Retry(retry) => self.retries.push(retry),
            ConferenceEvent::Resumed { complete, .. } => {
                self.told.resumes += 1;
                self.resumed.push(complete);
            }
            ConferenceEvent::Migrated => {
                assert_eq!(self.state, ConferenceState::Ready, "only a ready session migrates");
                assert!(admissions > self.admissions_used, "P4: moved before the portal's answer");
                self.admissions_used = admissions;
                self.told.migrations += 1;
                self.migrated += 1;
            }
            ConferenceEvent::Gap { from, to, certain } => self.handle_gap(from, to, certain),
            ConferenceEvent::Notification { payload, replayed, number } => {
                self.handle_notification(&payload, replayed, number, portal);
            }
            ConferenceEvent::ProtocolError(error) => self.complaints.push(error),
            ConferenceEvent::Resumable(resumable) => self.resumable = Some(resumable),
            ConferenceEvent::HostSlow => {
                self.told.host_slow += 1;
                self.host_slow += 1;
            }
            ConferenceEvent::TokenWanted { token, error } => {
                self.questions.push_back(token);
                self.wanted.push(error.map(|error| error.code()));
            }
            ConferenceEvent::Rejoined { answer } => {
                assert_eq!(self.state, ConferenceState::Ready, "P4: rejoined is ready");
                assert!(self.adrift, "E: what was lost in between is told before");
                self.become_participant(&answer);
                self.rejoined += 1;
            }
        }
    }

    fn handle_step(&mut self, step: Transition<ConferenceState>, admissions: u64) {
        assert_eq!(step.number, self.steps.len() as u64 + 1, "P4: steps are numbered");
        assert_ne!(step.state, self.state, "P4: a step leads elsewhere");
        assert_ne!(self.state, ConferenceState::Ended, "P4: nothing follows the end");
        if step.state == ConferenceState::Ready {
            assert!(admissions > self.admissions_used, "P4: ready before the portal's answer");
            self.admissions_used = admissions;
        }
        self.state = step.state;
        if step.state == ConferenceState::Ended {
            self.end = Some(step.cause.clone());
        }
        self.steps.push(step);
    }

    fn handle_gap(&mut self, from: u64, to: u64, certain: bool) {
        self.told.gaps += 1;
        self.gaps.push((from, to, certain));
        self.room.stale = true;
        if certain {
            if !self.adrift {
                assert_eq!(
                    from,
                    self.position as u64 + 1,
                    "a gap begins behind the last delivered"
                );
            }
            assert!(to >= from, "a gap has a length");
            self.position = to as usize;
            self.others.clear();
        } else {
            self.adrift = true;
            self.uncounted = true;
        }
    }

    /// P1: the next of the ledger, unless a gap was announced.
    fn handle_notification(
        &mut self,
        payload: &Payload,
        replayed: bool,
        number: u64,
        portal: &Portal,
    ) {
        assert_ne!(self.state, ConferenceState::Ended, "P1: a notification after the end");
        self.notified += 1;
        self.told.replayed += u64::from(replayed);
        self.replayed += u64::from(replayed);
        let ledger = self.ledger(portal).expect("notifications follow the login's outcome");
        let data: Value = payload.decode(0).expect("JSON");
        let fits = |index: usize| {
            let issued = &ledger.notifications[index];
            issued.event == payload.name() && *issued.data.as_ref().unwrap_or(&Value::Null) == data
        };
        let mut places = vec![self.position];
        if self.adrift {
            places.extend(self.position + 1..ledger.notifications.len());
        } else {
            places.append(&mut self.others);
        }
        places.retain(|at| *at < ledger.notifications.len() && fits(*at));
        if places.is_empty() {
            panic!(
                "P1: after {} notifications came {} {data}, and the ledger goes on with {:?}",
                self.position,
                payload.name(),
                ledger.notifications.get(self.position),
            );
        }
        self.position = places.remove(0) + 1;
        self.others = places.into_iter().map(|at| at + 1).collect();
        self.adrift = false;
        if let Some(notification) = Notification::parse(payload) {
            self.room.apply(notification);
        }
        let numbered = number == self.position as u64;
        assert!(numbered || self.uncounted, "P1: number {number} at {}", self.position);
    }

    /// Whether the room has to be that of the portal: the session goes on, all that was issued has
    /// come, and nothing was ever lost.
    pub(crate) fn knows_room(&self, portal: &Portal) -> bool {
        let issued = self.ledger(portal).map_or(0, |ledger| ledger.notifications.len());
        self.state == ConferenceState::Ready && !self.room.stale && self.position == issued
    }

    /// Whether the room is that of the portal.
    pub(crate) fn agrees(&self, portal: &Portal) -> bool {
        let me = self.participant.as_deref();
        me.and_then(|me| portal.welcome(me)).is_none_or(|welcome| {
            let told = Room::of_login(&payload(format!("430{}", Value::from(vec![welcome]))));
            same(&self.room, &told)
        })
    }

    /// What must hold while the client is awake.
    pub(crate) fn check(&self, now: Millis) {
        if let Some((request, _)) = self.open.iter().find(|(_, deadline)| **deadline < now) {
            panic!("P2: {request:?} has no outcome in time: {:?}", self.asked[request]);
        }
        let overdue = self.closing_since.is_some_and(|since| now > since + 1_000);
        assert!(self.finished || !overdue, "P5: not finished within a second");
    }

    /// The client has counted what it told.
    pub(crate) fn check_stats(&self, stats: &Stats) {
        let Stats { resumes, migrations, gaps, replayed, host_slow, .. } = *stats;
        let counted = Stats { resumes, migrations, gaps, replayed, host_slow, ..Stats::default() };
        assert_eq!(self.told, counted);
    }

    /// What must hold at last.
    pub(crate) fn check_end(&self, portal: &Portal) {
        for (request, asked) in &self.asked {
            if asked.what.is_text() {
                self.check_executions(*request, portal);
            }
        }
        if self.state == ConferenceState::Ready && !self.adrift {
            let issued = self.ledger(portal).map_or(0, |ledger| ledger.notifications.len());
            let all = self.position == issued || self.others.contains(&issued);
            assert!(all, "P1: {} of {issued} were delivered", self.position);
        }
    }
}

/// A payload as it comes out of a packet.
fn payload(packet: String) -> Payload {
    let mut decoder = Decoder::new(Codec::default(), Limits::default());
    let received = decoder.text(packet.into(), 1).expect("a packet");
    received.expect("a packet without attachments").into_payload()
}

/// Whether two rooms are the same. Legacy streams have other members in notifications than in the
/// answer to a login.
fn same(one: &Room, other: &Room) -> bool {
    let streams = |room: &Room| {
        let streams = room.streams.iter();
        let ids = streams.map(|stream| (stream.id.clone(), stream.owner().map(str::to_owned)));
        ids.collect::<Vec<_>>()
    };
    let legacy = one.views.is_empty();
    one.id == other.id
        && one.participants == other.participants
        && if legacy { streams(one) == streams(other) } else { one.streams == other.streams }
}
