//! What the portal answers: which ticket it means, where a replay ends, and what its texts become.

use std::sync::Arc;

use base64::Engine as _;
use bytes::Bytes;
use roamio::config::{ConferenceConfig, Token};
use roamio::error::{Code, Error};
use roamio::proto::io::{
    Command, ConferenceEvent, ConferenceState, Cookies, Event, Hint, Input, RequestId, Transmit,
    WireId,
};
use roamio::proto::stack::Stack;
use roamio::proto::time::{Now, Timestamp};

use crate::link::{Millis, Side};
use crate::world::{Setup, World};

/// The core alone, with a portal that says what the test wants, word by word.
struct Alone {
    stack: Stack,
    now: Millis,
    dialled: Vec<WireId>,
    sent: Vec<(WireId, String)>,
    events: Vec<ConferenceEvent>,
}

impl Alone {
    /// A session whose login waits for its connection.
    fn new() -> Self {
        let stack = Stack::conference(Arc::new(ConferenceConfig::default()), 1);
        let mut alone =
            Self { stack, now: 1_000, dialled: Vec::new(), sent: Vec::new(), events: Vec::new() };
        let json = r#"{"tokenId":"t","host":"127.0.0.1:1","secure":false,"signature":"s"}"#;
        let token = base64::engine::general_purpose::STANDARD.encode(json);
        let token = Token::parse(&token, false).unwrap();
        alone.command(Command::Login { request: RequestId(1), token });
        alone
    }

    /// A session that got this ticket.
    fn ready(ticket: &str) -> Self {
        let mut alone = Self::new();
        let link = alone.join();
        alone.answer(link, "login", &format!(r#"["ok",{{"reconnectionTicket":"{ticket}"}}]"#));
        alone
    }

    fn clock(&self) -> Now {
        Now { mono: Timestamp(self.now), wall: 0 }
    }

    fn command(&mut self, command: Command) {
        self.stack.handle_command(command, self.clock());
        self.drain();
    }

    fn input(&mut self, input: Input) {
        self.stack.handle_input(input, self.clock());
        self.drain();
    }

    fn say(&mut self, link: WireId, text: &str) {
        self.input(Input::Text { wire: link, frame: Bytes::copy_from_slice(text.as_bytes()) });
    }

    fn drain(&mut self) {
        while let Some(transmit) = self.stack.poll_transmit() {
            match transmit {
                Transmit::Dial { wire: link, .. } => self.dialled.push(link),
                Transmit::Text { wire: link, frame } => {
                    self.sent.push((link, String::from_utf8(frame.to_vec()).unwrap()));
                }
                _ => {}
            }
        }
        while let Some(event) = self.stack.poll_event() {
            if let Event::Conference(event) = event {
                self.events.push(event);
            }
        }
    }

    fn run_for(&mut self, duration: Millis) {
        let end = self.now + duration;
        while let Some(at) = self.stack.poll_timeout().filter(|at| at.0 <= end) {
            self.now = self.now.max(at.0);
            self.stack.handle_timeout(self.clock());
            self.drain();
        }
        self.now = end;
    }

    /// Accept the newest dial, as far as the joined namespace.
    fn join(&mut self) -> WireId {
        self.join_from("10.0.0.1:1")
    }

    fn join_from(&mut self, local: &str) -> WireId {
        let link = *self.dialled.last().unwrap();
        let local = Some(local.parse().unwrap());
        self.input(Input::Connected { wire: link, local, cookies: Cookies::default() });
        self.say(
            link,
            r#"0{"sid":"e","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#,
        );
        self.say(link, r#"40{"sid":"s"}"#);
        link
    }

    fn lose(&mut self, link: WireId) {
        let error = Error::new(Code::NetworkLost, "reset");
        self.input(Input::Closed { wire: link, error });
    }

    /// The last call of this name.
    fn call(&self, name: &str) -> &(WireId, String) {
        let name = format!("[\"{name}\"");
        self.sent.iter().rev().find(|(_, text)| text.contains(&name)).unwrap()
    }

    /// Answer the last call of this name.
    fn answer(&mut self, link: WireId, name: &str, args: &str) {
        let (_, text) = self.call(name);
        let id = text[2..].split('[').next().unwrap().to_owned();
        self.say(link, &format!("43{id}{args}"));
    }
}

fn ticket(id: &str) -> String {
    let json = format!(r#"{{"ticketId":"{id}","notBefore":0,"notAfter":60000}}"#);
    base64::engine::general_purpose::STANDARD.encode(json)
}

#[test]
fn the_ticket_that_was_refused_is_the_one_that_goes() {
    let mut alone = Alone::ready(&ticket("first"));
    let old = alone.dialled[0];
    alone.run_for(31_000);
    alone.say(old, "2");
    // The refresh is under way when the network changes.
    alone.call("refreshReconnectionTicket");
    alone.command(Command::Hint(Hint::NetworkChanged));
    let link = alone.join_from("10.0.0.2:1");
    assert!(alone.call("relogin").1.contains(&ticket("first")));
    alone.answer(old, "refreshReconnectionTicket", &format!(r#"["ok","{}"]"#, ticket("second")));
    alone.lose(old);
    alone.answer(link, "relogin", r#"["error","Ticket is expired"]"#);
    alone.run_for(1_000);
    alone.join();
    assert!(alone.call("relogin").1.contains(&ticket("second")));
}

#[test]
fn nothing_is_told_after_a_drop_in_the_replay() {
    let mut alone = Alone::ready(&ticket("first"));
    alone.lose(alone.dialled[0]);
    alone.run_for(1_000);
    let link = alone.join();
    let messages = r#"[{"event":"drop","seq":1},{"event":"text","seq":5}]"#;
    let answer = format!(r#"["ok",{{"ticket":"{}","messages":{messages}}}]"#, ticket("second"));
    alone.answer(link, "relogin", &answer);
    let Some(ConferenceEvent::State(step)) = alone.events.last() else {
        panic!("{:?}", alone.events);
    };
    assert_eq!(step.state, ConferenceState::Ended);
}

#[test]
fn an_endless_replay_is_an_uncertain_gap() {
    for (entries, taken) in [(100_000, true), (250_001, false)] {
        let mut alone = Alone::ready(&ticket("first"));
        alone.lose(alone.dialled[0]);
        alone.run_for(1_000);
        let link = alone.join();
        let messages = vec![r#"{"event":"n"}"#; entries].join(",");
        let answer =
            format!(r#"["ok",{{"ticket":"{}","messages":[{messages}]}}]"#, ticket("second"));
        alone.answer(link, "relogin", &answer);
        let count = |what: fn(&ConferenceEvent) -> bool| {
            alone.events.iter().filter(|event| what(event)).count()
        };
        let told = count(|event| matches!(event, ConferenceEvent::Notification { .. }));
        let gaps = count(|event| matches!(event, ConferenceEvent::Gap { certain: false, .. }));
        assert_eq!((told, gaps), if taken { (entries, 0) } else { (0, 1) });
    }
}

#[test]
fn a_text_of_the_portal_that_nobody_knows_is_in_no_message() {
    let mut world = World::new(Setup::default());
    world.server.portal.swallow_acks(None, "login", 1);
    world.login();
    let link = world.run_until_sent("login", 1);
    world.inject(link, r#"430["error","cannot parse c2VjcmV0"]"#);
    world.run_until(1_000, World::is_ended);
    let error = world.app.end.clone().flatten().unwrap();
    assert_eq!(error.code(), Code::LoginRejected);
    assert!(!format!("{error:?} {error}").contains("c2VjcmV0"));
    assert_eq!(error.server_json(), Some(r#""cannot parse c2VjcmV0""#));
}

#[test]
fn what_a_portal_says_when_it_refuses_the_connection_is_told() {
    let mut world = World::ready(Setup::default());
    world.reset(world.session_link(), Side::Both);
    world.run_until(5_000, |world| !world.is_ready() && !world.open_links().is_empty());
    let link = world.open_links()[0];
    world.inject(link, r#"44{"message":"not today"}"#);
    world.run_until(1_000, |world| {
        let last = world.app.retries.last();
        last.is_some_and(|retry| retry.error.code() == Code::ConnectError)
    });
    let error = &world.app.retries.last().unwrap().error;
    assert_eq!(error.server_json(), Some(r#"{"message":"not today"}"#));
}

#[test]
fn a_ticket_that_is_no_text_costs_only_the_coming_back() {
    for (body, complaints) in [
        (r#"{"reconnectionTicket":[1,2]}"#, 1),
        (r#"{"reconnectionTicket":7}"#, 1),
        (r#"{"reconnectionTicket":null}"#, 0),
        ("[]", 0),
    ] {
        let mut alone = Alone::new();
        let link = alone.join();
        alone.answer(link, "login", &format!(r#"["ok",{body}]"#));
        let told = alone.events.iter().filter_map(|event| match event {
            ConferenceEvent::ProtocolError(error) => Some(error.code()),
            _ => None,
        });
        assert_eq!(told.collect::<Vec<_>>(), vec![Code::TicketMalformed; complaints], "{body}");
        assert!(matches!(alone.events.last(), Some(ConferenceEvent::Resumable(false))), "{body}");
    }
}
