//! Programs that say before every attempt where it goes: what is learned of one server is for no other.

use std::sync::Arc;

use bytes::Bytes;
use roamio::config::{
    Endpoint, HeaderList, ManagerConfig, SocketOptions, Target, Transport, TransportConfig,
};
use roamio::proto::io::{
    AskToken, Command, Cookies, Event, Exchange, Hint, HttpResponse, Input, ManagerEvent, SocketId,
    Transmit, WireId,
};
use roamio::proto::stack::Stack;
use roamio::proto::time::{Now, Timestamp};

const OPEN: &str = r#"0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;

struct Asked {
    stack: Stack,
    now: u64,
    asked: Option<AskToken>,
    /// Wire, host, and the header `Cookie` of every request.
    requests: Vec<(WireId, String, String)>,
}

impl Asked {
    fn new() -> Self {
        let (endpoint, _) = Endpoint::parse("http://nowhere.test").expect("a URL");
        let mut config = ManagerConfig::new(endpoint);
        config.common.transports = TransportConfig::only(Transport::Polling);
        config.ask_target = true;
        let stack = Stack::manager(Arc::new(config), 1);
        let mut this = Self { stack, now: 1_000, asked: None, requests: Vec::new() };
        let (socket, namespace) = (SocketId(1), "/".into());
        this.command(Command::Attach { socket, namespace, options: SocketOptions::default() });
        this.command(Command::Connect { socket, auth: None });
        this
    }

    fn command(&mut self, command: Command) {
        self.stack.handle_command(command, self.clock());
        self.settle();
    }

    fn clock(&self) -> Now {
        Now { mono: Timestamp(self.now), wall: 0 }
    }

    fn settle(&mut self) {
        while let Some(transmit) = self.stack.poll_transmit() {
            if let Transmit::Request { wire, endpoint, request } = transmit {
                let cookie = request.headers.iter().find(|(name, _)| name == "Cookie");
                let cookie = cookie.map(|(_, value)| value.clone()).unwrap_or_default();
                self.requests.push((wire, endpoint.host.clone(), cookie));
            }
        }
        while let Some(event) = self.stack.poll_event() {
            if let Event::Manager(ManagerEvent::TargetWanted { token, .. }) = event {
                self.asked = Some(token);
            }
        }
    }

    fn go_to(&mut self, host: &str) {
        let token = self.asked.take().expect("it was asked for");
        let (endpoint, _) = Endpoint::parse(&format!("http://{host}")).expect("a URL");
        let target = Ok(Target { endpoint, headers: HeaderList::default() });
        self.command(Command::Target { token, target });
    }

    fn answer(&mut self, wire: u32, exchange: Exchange, body: &str, set: &[&str]) {
        let set = set.iter().map(|text| (*text).to_owned()).collect();
        let result = Ok(HttpResponse {
            status: 200,
            body: Bytes::from(body.to_owned()),
            cookies: Cookies { set, date: None },
            ..HttpResponse::default()
        });
        self.stack
            .handle_input(Input::Response { wire: WireId(wire), exchange, result }, self.clock());
        self.settle();
    }

    /// Host and cookies of the last request.
    fn last(&self) -> (&str, &str) {
        let (_, host, cookie) = self.requests.last().expect("a request");
        (host, cookie)
    }
}

#[test]
fn cookies_of_two_servers_are_kept_apart_while_both_are_spoken_to() {
    let mut asked = Asked::new();
    asked.go_to("a.test");
    asked.answer(1, Exchange::Poll, OPEN, &["node=a"]);
    asked.answer(1, Exchange::Post, "ok", &[]);
    asked.answer(1, Exchange::Poll, r#"40{"sid":"S"}"#, &[]);
    assert_eq!(asked.last(), ("a.test", "node=a"));
    // The network changes, and the program knows a nearer server.
    asked.now += 1_000;
    asked.command(Command::Hint(Hint::NetworkChanged));
    asked.go_to("b.test");
    assert_eq!(asked.last(), ("b.test", ""));
    asked.answer(2, Exchange::Poll, OPEN, &["node=b"]);
    assert_eq!(asked.last(), ("b.test", "node=b"));
    asked.answer(1, Exchange::Poll, "6", &["more=1"]);
    assert_eq!(asked.last(), ("a.test", "node=a; more=1"));
    asked.answer(2, Exchange::Poll, "6", &[]);
    assert_eq!(asked.last(), ("b.test", "node=b"));
}
