//! A participant on the device, the portal on the server, and what the participant was told when.

use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use roamio::client::{Conference, ConferenceEvent, RequestOptions};
use roamio::config::{ConferenceConfig, DispatchMode};
use roamio::error::Error;
use roamio::payload::Payload;
use roamio::proto::io::ConferenceState;
use roamio_portal::model::{Audience, TextBurst};
use roamio_portal::{Server, ServerConfig};
use tokio::sync::oneshot;

use crate::relay;
use crate::rig::{PORTAL, Place, Rig};

/// The way to the portal and the way back.
pub(crate) const ONE_WAY: Duration = Duration::from_millis(50);
/// Nothing takes longer, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(20);
const ROOM: &str = "room";

/// What the participant was told.
#[derive(Debug)]
pub(crate) enum Told {
    Event(ConferenceEvent),
    Outcome(Result<Payload, Error>),
}

/// A session over the rig.
pub(crate) struct Device {
    pub(crate) portal: Server,
    pub(crate) conference: Conference,
    pub(crate) participant: String,
    told: Receiver<(Instant, Told)>,
    tell: Sender<(Instant, Told)>,
    /// When notifications were delivered, and what they said.
    pub(crate) notifications: Vec<(Instant, String)>,
    /// Dropped, they end the threads of client and relay.
    _runtimes: [oneshot::Sender<()>; 2],
    /// The last field: the namespaces go after what lives in them.
    pub(crate) rig: Rig,
}

impl Device {
    /// A participant that is logged in, over Wi-Fi.
    ///
    /// # Errors
    /// There can be no rig here.
    pub(crate) fn joined() -> Result<Self, String> {
        let rig = Rig::new()?;
        let portal = rig.inside(Place::Server, || {
            let config = ServerConfig { host: PORTAL.into(), ..ServerConfig::default() };
            Server::start_blocking(config).unwrap()
        });
        let address = SocketAddr::new(PORTAL.into(), portal.port());
        let listener = rig.inside(Place::Router, || TcpListener::bind(address).unwrap());
        let (relay_runtime, relay_end) = live_in(&rig, Place::Server);
        relay_runtime.spawn(relay::serve(listener, address, ONE_WAY));
        let (client_runtime, client_end) = live_in(&rig, Place::Client);
        let (tell, told) = channel();
        let events = tell.clone();
        let mut config = ConferenceConfig { allow_plaintext: true, ..ConferenceConfig::default() };
        config.common.dispatch = DispatchMode::Inline;
        let conference = Conference::new_on(client_runtime, config, move |event| {
            let _ = events.send((Instant::now(), Told::Event(event)));
        });
        let mut device = Self {
            portal,
            conference: conference.unwrap(),
            participant: String::new(),
            told,
            tell,
            notifications: Vec::new(),
            _runtimes: [relay_end, client_end],
            rig,
        };
        let token = device.portal.mint_token(ROOM, "alice", "presenter");
        let completion = device.completion();
        device.conference.login(&token, completion).unwrap();
        let answer: serde_json::Value = device.outcome().unwrap().decode(0).unwrap();
        device.participant = answer["id"].as_str().unwrap().to_owned();
        Ok(device)
    }

    fn completion(&self) -> impl FnOnce(Result<Payload, Error>) + Send + 'static {
        let tell = self.tell.clone();
        move |result| {
            let _ = tell.send((Instant::now(), Told::Outcome(result)));
        }
    }

    /// Say something to the room.
    pub(crate) fn text(&self) {
        let text = r#"{"to":"all","message":"hello"}"#;
        let completion = self.completion();
        self.conference.request("text", text, RequestOptions::default(), completion).unwrap();
    }

    /// Somebody sends texts to the room, this far apart.
    pub(crate) fn burst(&self, count: u64, gap: Duration) {
        let to = Audience::Room(ROOM.into());
        let gap = gap.as_millis() as u64;
        self.portal.send_texts(TextBurst { to, prefix: "text ".into(), first: 1, count, gap });
    }

    /// Wait for something; what comes before it is passed over. When it came.
    pub(crate) fn until<T>(
        &mut self,
        what: &str,
        mut find: impl FnMut(&Told) -> Option<T>,
    ) -> (Instant, T) {
        let begun = Instant::now();
        loop {
            let rest = PATIENCE.saturating_sub(begun.elapsed());
            let (at, told) = self.told.recv_timeout(rest).unwrap_or_else(|_| panic!("no {what}"));
            if let Told::Event(ConferenceEvent::Notification { payload, .. }) = &told {
                let text = format!("{} {}", payload.name(), payload.arg(0).unwrap_or("null"));
                self.notifications.push((at, text));
            }
            if let Told::Event(ConferenceEvent::Gap { .. } | ConferenceEvent::ProtocolError(_)) =
                told
            {
                panic!("{told:?}");
            }
            if let Some(found) = find(&told) {
                return (at, found);
            }
        }
    }

    /// Wait until the session is there again, on another connection. When that was.
    pub(crate) fn until_back(&mut self) -> Instant {
        let back = |told: &Told| match told {
            Told::Event(ConferenceEvent::Migrated) => Some(()),
            Told::Event(ConferenceEvent::State(step)) => {
                (step.state == ConferenceState::Ready).then_some(())
            }
            _ => None,
        };
        self.until("session", back).0
    }

    /// Wait until so many notifications have been delivered in all.
    pub(crate) fn until_notified(&mut self, count: usize) {
        while self.notifications.len() < count {
            self.until("notification", |told| {
                matches!(told, Told::Event(ConferenceEvent::Notification { .. })).then_some(())
            });
        }
    }

    pub(crate) fn outcome(&mut self) -> Result<Payload, Error> {
        self.until("outcome", |told| match told {
            Told::Outcome(result) => Some(result.clone()),
            Told::Event(_) => None,
        })
        .1
    }

    /// A session that is back does its work.
    pub(crate) fn assert_works(&mut self) {
        self.text();
        self.outcome().unwrap();
    }

    /// What was delivered is what the portal issued: nothing lost, nothing twice, in order.
    pub(crate) fn assert_nothing_lost_or_doubled(&mut self) {
        let ledger = self.portal.ledger(&self.participant).unwrap();
        let issued = ledger.notifications.len();
        self.until_notified(issued);
        assert_eq!(self.notifications.len(), issued);
        for ((_, delivered), issued) in self.notifications.iter().zip(&ledger.notifications) {
            let data = issued.data.as_ref().map_or("null".into(), ToString::to_string);
            let (name, json) = delivered.split_once(' ').unwrap();
            let delivered: serde_json::Value = serde_json::from_str(json).unwrap();
            assert_eq!((name, delivered.to_string()), (issued.event.as_str(), data));
        }
    }
}

/// A runtime whose thread lives in a namespace until the sender is dropped.
fn live_in(rig: &Rig, place: Place) -> (tokio::runtime::Handle, oneshot::Sender<()>) {
    let (end, ended) = oneshot::channel::<()>();
    let handle = rig.inside(place, || {
        let (tell, told) = channel();
        // A thread is in the namespace of the one that makes it.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.unwrap();
            tell.send(runtime.handle().clone()).unwrap();
            let _ = runtime.block_on(ended);
            runtime.shutdown_background();
        });
        told.recv().unwrap()
    });
    (handle, end)
}
