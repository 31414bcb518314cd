//! A conference of a scenario, and what its callback needs.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use roamio::client::{AskToken, Conference, ConferenceEvent};
use roamio::config::ConferenceConfig;
use roamio::error::{Code, Error, Result as Outcome};
use roamio::payload::Payload;

use crate::Result;
use crate::log::{LIMIT, Log, begins};
use crate::names::Names;
use crate::portal::Portal;
use crate::words;

/// What belongs to one conference.
#[derive(Debug)]
pub(crate) struct Seat {
    name: String,
    portal: Portal,
    names: Arc<Names>,
    log: Arc<Log>,
    /// None once it is destroyed.
    conference: Mutex<Option<Conference>>,
    user: OnceLock<String>,
    destroy_on: OnceLock<String>,
}

impl Seat {
    pub(crate) fn new(
        name: &str,
        portal: &Portal,
        names: &Arc<Names>,
        config: ConferenceConfig,
    ) -> Result<Arc<Self>> {
        let seat = Arc::new(Self {
            name: name.into(),
            portal: portal.clone(),
            names: Arc::clone(names),
            log: Arc::default(),
            conference: Mutex::new(None),
            user: OnceLock::new(),
            destroy_on: OnceLock::new(),
        });
        // The seat has the conference, so the conference must not keep the seat.
        let weak = Arc::downgrade(&seat);
        let conference = Conference::new(config, move |event| {
            if let Some(seat) = Weak::upgrade(&weak) {
                seat.observe(&event);
            }
        })?;
        *seat.own() = Some(conference);
        Ok(seat)
    }

    pub(crate) fn log(&self) -> &Arc<Log> {
        &self.log
    }

    pub(crate) fn conference(&self) -> Result<Conference> {
        Ok(self.own().clone().ok_or_else(|| format!("{} is destroyed", self.name))?)
    }

    /// A token for somebody, who is also meant when the conference asks for another one.
    pub(crate) fn token(&self, user: &str) -> Result<String> {
        self.portal.token(self.user.get_or_init(|| user.into()))
    }

    /// The outcome of a login: the participant has an id.
    pub(crate) fn entered(&self, outcome: &Outcome<Payload>) {
        if let Ok(answer) = outcome {
            self.names.learn(&self.name, answer);
        }
    }

    pub(crate) fn destroy_on(&self, line: String) {
        let _ = self.destroy_on.set(line);
    }

    /// Wait until nothing is told any more.
    pub(crate) fn close(&self) -> Outcome<()> {
        let conference = self.own().take();
        conference.map_or(Ok(()), |conference| conference.close_wait(LIMIT))
    }

    fn own(&self) -> MutexGuard<'_, Option<Conference>> {
        self.conference.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn observe(&self, event: &ConferenceEvent) {
        let Some(line) = words::conference(event) else { return };
        match event {
            ConferenceEvent::TokenWanted { token, .. } => self.provide(*token),
            ConferenceEvent::Rejoined { answer } => self.names.learn(&self.name, answer),
            _ => {}
        }
        if self.destroy_on.get().is_some_and(|wanted| begins(&line, wanted)) {
            // This is the last handle.
            drop(self.own().take());
        }
        self.log.tell(line);
    }

    fn provide(&self, question: AskToken) {
        let user = self.user.get().map_or("nobody", String::as_str);
        let token = self
            .portal
            .token(user)
            .map_err(|error| Error::new(Code::InvalidArgument, error.to_string()));
        let answer = token.as_deref().map_err(Clone::clone);
        // A conference that is over needs none.
        let _ = self.conference().map(|conference| conference.provide_token(question, answer));
    }
}
