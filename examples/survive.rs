//! The twin of `examples/c/survive.c` in Rust: log in, lose the network in several ways, be back
//! every time with nothing lost and nothing twice, and compare everything with the portal's ledger.
//! It brings its own portal: `cargo run --example survive`

use std::error::Error;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use roamio::client::{Conference, ConferenceEvent, ConferenceState, RequestOptions};
use roamio::config::ConferenceConfig;
use roamio::error::Code;
use roamio_portal::model::{Audience, Ledger, TextBurst};
use roamio_portal::{Cut, Direction, FreezeMode, Server, ServerConfig, Target};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const ROOM: &str = "demo";

/// What the handler and the completions learn, and the main thread waits for.
#[derive(Clone, Debug, Default)]
struct Seen {
    ready: bool,
    /// Why the session ended, once it has.
    end: Option<Option<Code>>,
    /// Name and data, in the order of delivery.
    notifications: Vec<(String, serde_json::Value)>,
    resumed: usize,
    gaps: usize,
    replied: usize,
    unknown: usize,
    refused: usize,
    failed: usize,
}

impl Seen {
    const fn outcomes(&self) -> usize {
        self.replied + self.unknown + self.refused + self.failed
    }

    fn learn(&mut self, event: &ConferenceEvent) {
        match event {
            ConferenceEvent::State(step) => {
                println!("{:?} {:?}", step.state, step.cause);
                self.ready |= step.state == ConferenceState::Ready;
                if step.state == ConferenceState::Ended {
                    self.end = Some(step.cause.as_ref().map(roamio::error::Error::code));
                }
            }
            ConferenceEvent::Resumed { replayed, .. } => {
                println!("resumed, {replayed} missed notifications follow");
                self.resumed += 1;
            }
            ConferenceEvent::Gap { .. } => self.gaps += 1,
            ConferenceEvent::Notification { payload, .. } => {
                let data = payload.arg(0).and_then(|json| serde_json::from_str(json).ok());
                self.notifications.push((payload.name().to_owned(), data.unwrap_or_default()));
            }
            _ => {}
        }
    }

    fn count(&mut self, outcome: Result<(), Code>) {
        match outcome {
            Ok(()) => self.replied += 1,
            Err(Code::AckLost) => self.unknown += 1,
            Err(Code::RequestRejected) => self.refused += 1,
            Err(_) => self.failed += 1,
        }
    }
}

#[derive(Clone, Default)]
struct Witness(Arc<(Mutex<Seen>, Condvar)>);

impl Witness {
    fn see(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.0.0.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.1.notify_all();
    }

    fn wait_until(&self, what: &str, condition: impl Fn(&Seen) -> bool) -> Outcome {
        let seen = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = Duration::from_secs(20);
        let (_seen, wait) = self
            .0
            .1
            .wait_timeout_while(seen, limit, |seen| !condition(seen))
            .unwrap_or_else(PoisonError::into_inner);
        if wait.timed_out() { Err(format!("{what} did not happen").into()) } else { Ok(()) }
    }

    fn look(&self) -> Seen {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Demo {
    portal: Server,
    conference: Conference,
    witness: Witness,
    /// Texts to the room, by anybody; those of our own come back to us too.
    said: usize,
    requested: usize,
}

impl Demo {
    fn start() -> Outcome<Self> {
        let portal = Server::start_blocking(ServerConfig::default())?;
        let witness = Witness::default();
        let tell = witness.clone();
        let conference = Conference::new(ConferenceConfig::default(), move |event| {
            tell.see(|seen| seen.learn(&event));
        })?;
        // The state tells of the answer too.
        conference.login(&portal.mint_token(ROOM, "alice", "presenter"), |_| {})?;
        witness.wait_until("login", |seen| seen.ready)?;
        Ok(Self { portal, conference, witness, said: 0, requested: 0 })
    }

    fn lose_the_network_again_and_again(&mut self) -> Outcome {
        self.send_texts(10)?;
        self.wait_for_everything()?;

        println!("-- RST while idle");
        self.portal.cut(&Target::All, Cut::Reset);
        self.others_speak();
        self.wait_for_resume(1)?;
        self.wait_for_everything()?;
        self.send_texts(10)?;
        self.wait_for_everything()?;

        println!("-- half-open");
        self.portal.freeze(&Target::All, Direction::ToClient, FreezeMode::Discard);
        self.others_speak();
        self.send_text("into the silence")?;
        self.wait_for_resume(2)?;
        self.witness.wait_until("an outcome", |seen| seen.unknown == 1)?;
        self.send_texts(10)?;
        self.wait_for_everything()?;

        println!("-- an ack is swallowed, then closed by the network");
        self.portal.swallow_acks(None, "text", 1);
        self.send_text("swallowed")?;
        // Our own text comes back too, so the portal has executed it.
        self.wait_for_everything()?;
        self.portal.cut(&Target::All, Cut::Close);
        self.wait_for_resume(3)?;
        self.witness.wait_until("an outcome", |seen| seen.unknown == 2)?;

        println!("-- silence, then a hint: the system says that the network changed");
        self.portal.freeze(&Target::All, Direction::Both, FreezeMode::Discard);
        self.others_speak();
        self.conference.network_changed()?;
        self.wait_for_resume(4)?;

        self.others_speak();
        self.wait_for_everything()?;
        self.request("unpublish", r#"{"id":"no-such-stream"}"#)?;
        self.witness.wait_until("a refusal", |seen| seen.refused == 1)?;
        self.send_texts(7)?;
        self.wait_for_everything()
    }

    /// The portal forgets everybody; this is the end of the session. Gives what it has done before.
    fn end(&self) -> Outcome<Ledger> {
        let participants = self.portal.participants(ROOM);
        let me = participants.first().ok_or("nobody is in the room")?;
        let ledger = self.portal.ledger(&me.id).ok_or("no ledger")?;
        println!("-- portal restarted");
        self.portal.restart();
        self.witness.wait_until("the end", |seen| seen.end.is_some())?;
        Ok(ledger)
    }

    /// Compare what was delivered with what was issued, and say what became of everything.
    fn settle_accounts(&self, ledger: &Ledger) -> Outcome {
        let seen = self.witness.look();
        let (issued, received) = (ledger.notifications.len(), seen.notifications.len());
        let delivered =
            |(at, notification): &(usize, &roamio_portal::model::IssuedNotification)| {
                seen.notifications.get(*at).is_some_and(|(name, data)| {
                    *name == notification.event
                        && *data == notification.data.clone().unwrap_or_default()
                })
            };
        let lost = issued - ledger.notifications.iter().enumerate().filter(delivered).count();
        let doubled = received.saturating_sub(issued);
        println!(
            "\nresumed {} of 4, notifications {received} of {issued}, lost {lost}, doubled {doubled}, \
             requests {}: replied {}, unknown {}, refused {}",
            seen.resumed, self.requested, seen.replied, seen.unknown, seen.refused
        );
        println!("the portal executed {} requests", ledger.requests.len());
        let good = seen.resumed == 4
            && issued > 0
            && received == issued
            && lost == 0
            && seen.gaps == 0
            && seen.failed == 0
            && seen.outcomes() == self.requested
            && ledger.requests.len() == seen.replied + seen.unknown
            && seen.end == Some(Some(Code::ServerRestarted));
        if good { Ok(()) } else { Err(format!("the accounts do not agree: {seen:?}").into()) }
    }

    /// Each has exactly one outcome.
    fn request(&mut self, name: &str, data: &str) -> Outcome {
        let tell = self.witness.clone();
        self.conference.request(name, data, RequestOptions::default(), move |outcome| {
            let outcome = outcome.map(|_| ()).map_err(|error| error.code());
            tell.see(|seen| seen.count(outcome));
        })?;
        self.requested += 1;
        Ok(())
    }

    fn send_text(&mut self, message: &str) -> Outcome {
        self.said += 1;
        self.request("text", &format!(r#"{{"to":"all","message":"{message}"}}"#))
    }

    fn send_texts(&mut self, count: usize) -> Outcome {
        for _ in 0..count {
            self.send_text("hello from Rust")?;
        }
        let requested = self.requested;
        self.witness.wait_until("an answer to every text", |seen| seen.outcomes() == requested)
    }

    /// Another participant speaks: 100 texts to the room, 5 ms apart.
    fn others_speak(&mut self) {
        self.said += 100;
        let to = Audience::Room(ROOM.into());
        self.portal.send_texts(TextBurst {
            to,
            prefix: "text ".into(),
            first: 0,
            count: 100,
            gap: 5,
        });
    }

    fn wait_for_everything(&self) -> Outcome {
        let said = self.said;
        self.witness.wait_until("everything said", |seen| seen.notifications.len() == said)
    }

    fn wait_for_resume(&self, number: usize) -> Outcome {
        self.witness.wait_until("resume", |seen| seen.resumed == number)
    }
}

fn main() -> Outcome {
    let mut demo = Demo::start()?;
    demo.lose_the_network_again_and_again()?;
    let ledger = demo.end()?;
    demo.settle_accounts(&ledger)
}
