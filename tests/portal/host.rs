//! A host program of the tests: one participant, and everything it was told.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use roamio::client::{Conference, ConferenceEvent, ConferenceState, RequestOptions};
use roamio::config::ConferenceConfig;
use roamio::error::{Code, Error};
use roamio::payload::Payload;
use roamio_portal::model::{Audience, Portal, TextBurst};
use roamio_portal::{Server, ServerConfig, Target};

/// Nothing in these tests takes longer, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(30);
pub const ROOM: &str = "room";

/// What the host is told, in the order in which the callbacks ran.
#[derive(Debug)]
pub enum Told {
    Event(ConferenceEvent),
    Outcome(u64, Result<Payload, Error>),
}

pub struct Host {
    pub conference: Conference,
    pub participant: String,
    told: Receiver<Told>,
    tell: Sender<Told>,
    log: Vec<Told>,
    /// What of `log` was waited for already.
    seen: usize,
    requests: u64,
}

/// A portal with its shipped settings.
pub fn portal() -> Server {
    Server::start_blocking(ServerConfig::default()).unwrap()
}

/// Quick attempts without limits on their number, for tests that lose many connections.
pub fn eager() -> ConferenceConfig {
    let mut config = ConferenceConfig::default();
    config.resume.min = Duration::from_millis(1);
    config.resume.floor = Duration::ZERO;
    config.resume.stable_after = Duration::ZERO;
    config.resume.dials_per_10s = u32::MAX;
    config
}

impl Host {
    /// A conference that has not logged in.
    pub fn new(config: ConferenceConfig) -> Self {
        let (tell, told) = channel();
        let events = tell.clone();
        let conference = Conference::new(config, move |event| {
            let _ = events.send(Told::Event(event));
        });
        Self {
            conference: conference.unwrap(),
            participant: String::new(),
            told,
            tell,
            log: Vec::new(),
            seen: 0,
            requests: 0,
        }
    }

    /// A participant in the portal's room.
    pub fn joined(portal: &Server, config: ConferenceConfig) -> Self {
        let mut host = Self::new(config);
        let login = host.login(&portal.mint_token(ROOM, "alice", "presenter"));
        let answer: serde_json::Value = host.outcome(login).unwrap().decode(0).unwrap();
        host.participant = answer["id"].as_str().unwrap().to_owned();
        assert_eq!(host.conference.state(), ConferenceState::Ready);
        host
    }

    /// How the network of this participant is named to the portal.
    pub fn network(&self) -> Target {
        Target::Participant(self.participant.clone())
    }

    fn completion(&mut self) -> (u64, impl FnOnce(Result<Payload, Error>) + Send + 'static) {
        self.requests += 1;
        let (number, tell) = (self.requests, self.tell.clone());
        (number, move |result| {
            let _ = tell.send(Told::Outcome(number, result));
        })
    }

    pub fn login(&mut self, token: &str) -> u64 {
        let (number, completion) = self.completion();
        self.conference.login(token, completion).unwrap();
        number
    }

    pub fn rejoin(&mut self) -> u64 {
        let (number, completion) = self.completion();
        self.conference.rejoin(completion).unwrap();
        number
    }

    pub fn restore(&mut self, export: &str) -> u64 {
        let (number, completion) = self.completion();
        self.conference.restore(export, completion).unwrap();
        number
    }

    pub fn logout(&mut self) -> u64 {
        let (number, completion) = self.completion();
        self.conference.logout(completion).unwrap();
        number
    }

    pub fn request(&mut self, name: &str, data: &str) -> u64 {
        let (number, completion) = self.completion();
        self.conference.request(name, data, RequestOptions::default(), completion).unwrap();
        number
    }

    /// Say something to the room, which comes back as a notification.
    pub fn text(&mut self, message: &str) -> u64 {
        self.request("text", &format!(r#"{{"to":"all","message":"{message}"}}"#))
    }

    /// Wait for something not waited for before; what was told until then is passed over.
    pub fn until<T>(&mut self, what: &str, mut find: impl FnMut(&Told) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            while let Some(told) = self.log.get(self.seen) {
                self.seen += 1;
                if let Some(found) = find(told) {
                    return found;
                }
            }
            let rest = PATIENCE.saturating_sub(start.elapsed());
            match self.told.recv_timeout(rest) {
                Ok(told) => self.log.push(told),
                Err(_) => panic!("{what} did not come; told: {:#?}", self.log),
            }
        }
    }

    pub fn state(&mut self, wanted: ConferenceState) -> Option<Error> {
        self.until(&format!("{wanted:?}"), |told| match told {
            Told::Event(ConferenceEvent::State(step)) if step.state == wanted => {
                Some(step.cause.clone())
            }
            _ => None,
        })
    }

    /// The code with which the session ends.
    pub fn end(&mut self) -> Option<Code> {
        self.state(ConferenceState::Ended).map(|error| error.code())
    }

    /// `complete` of the next resume.
    pub fn resumed(&mut self) -> bool {
        self.until("resumed", |told| match told {
            Told::Event(ConferenceEvent::Resumed { complete, .. }) => Some(*complete),
            _ => None,
        })
    }

    /// The outcome of a request, told before or to come.
    pub fn outcome(&mut self, number: u64) -> Result<Payload, Error> {
        let told = |told: &Told| match told {
            Told::Outcome(known, result) if *known == number => Some(result.clone()),
            _ => None,
        };
        match self.log[..self.seen].iter().find_map(told) {
            Some(result) => result,
            None => {
                let seen = self.seen;
                let result = self.until("an outcome", told);
                self.seen = seen;
                result
            }
        }
    }

    pub fn outcome_code(&mut self, number: u64) -> Option<Code> {
        self.outcome(number).err().map(|error| error.code())
    }

    /// Every notification so far: name and data.
    pub fn notifications(&self) -> Vec<(String, String)> {
        let notifications = self.log.iter().filter_map(|told| match told {
            Told::Event(ConferenceEvent::Notification { payload, .. }) => {
                Some((payload.name().to_owned(), payload.arg(0).unwrap_or("null").to_owned()))
            }
            _ => None,
        });
        notifications.collect()
    }

    /// How often something was told.
    pub fn count(&self, matches: impl Fn(&Told) -> bool) -> usize {
        self.log.iter().filter(|told| matches(told)).count()
    }

    /// Wait until as many notifications were delivered as the portal issued, and compare them.
    pub fn assert_nothing_lost_or_doubled(&mut self, portal: &Server) {
        let ledger = portal.ledger(&self.participant).unwrap();
        self.seen = 0;
        let mut missing = ledger.notifications.len();
        if missing > 0 {
            self.until("every notification", |told| {
                let delivered = matches!(told, Told::Event(ConferenceEvent::Notification { .. }));
                missing -= usize::from(delivered);
                (missing == 0).then_some(())
            });
        }
        let issued: Vec<(String, String)> = ledger
            .notifications
            .iter()
            .map(|issued| {
                let data = issued.data.as_ref().map_or("null".into(), ToString::to_string);
                (issued.event.clone(), data)
            })
            .collect();
        assert_eq!(self.notifications(), issued);
        let gaps = self.count(|told| matches!(told, Told::Event(ConferenceEvent::Gap { .. })));
        assert_eq!(gaps, 0, "nothing was lost, so no gap is told");
    }
}

/// Wait until the portal knows something.
pub fn await_in(portal: &Server, what: &str, wanted: impl FnMut(&Portal) -> bool) {
    assert!(portal.wait_until(PATIENCE, wanted), "{what} did not come");
}

/// Let another participant say something to the room, `count` times, 1 ms apart.
pub fn burst(portal: &Server, prefix: &str, count: u64) {
    portal.send_texts(TextBurst {
        to: Audience::Room(ROOM.into()),
        prefix: prefix.into(),
        first: 1,
        count,
        gap: 1,
    });
}

/// How often the portal executed texts with this message.
pub fn executions(portal: &Server, participant: &str, message: &str) -> usize {
    let ledger = portal.ledger(participant).unwrap();
    let wanted = format!("\"{message}\"");
    let texts = ledger.requests.iter().filter(|request| request.name == "text");
    texts.filter(|text| text.data.to_string().contains(&wanted)).count()
}
