//! Items 86 and 87: a server that recovers the state of connections.

use std::time::Duration;

use roamio::client::{Socket, SocketEvent, SocketState};
use roamio::config::ManagerConfig;
use serde_json::{Value, json};

use crate::case::Case;
use crate::host::{Host, Told, values};
use crate::relay::Relay;
use crate::server::Server;

/// A server that remembers sessions for a time, and a client of it behind a relay.
struct Recovering {
    server: Server,
    relay: Relay,
    host: Host,
    root: Socket,
}

impl Recovering {
    fn start(case: Case, remembers: Duration, configure: impl FnOnce(&mut ManagerConfig)) -> Self {
        let mut options = case.fast();
        options["connectionStateRecovery"] =
            json!({ "maxDisconnectionDuration": remembers.as_millis() as u64 });
        options["log"] = json!(["burst"]);
        let server = case.start(options);
        let relay = Relay::new(server.port());
        let mut config = case.config(&relay.url());
        // There is a relay to be waited for.
        config.reconnect.max = Duration::from_millis(200);
        config.reconnect.dials_per_10s = u32::MAX;
        configure(&mut config);
        let mut host = Host::new(config);
        let root = host.joined("/");
        Self { server, relay, host, root }
    }

    /// The server gets to know a loss from which the client does not come back yet.
    fn lose(&mut self) {
        self.relay.refuse(true);
        let closed = self.server.count(|line| line["log"] == "close");
        self.relay.reset();
        self.host.until_state("/", SocketState::Rejoining);
        self.server.until_count("the loss", closed + 1, |line| line["log"] == "close");
    }

    /// The client comes back; everything that was missed has come when this returns.
    fn come_back(&mut self) {
        self.relay.refuse(false);
        self.host.until_state("/", SocketState::Connected);
        self.host.answer(&self.root, "ack", "[]");
    }

    fn until_burst_is_over(&self) {
        self.server.until("the end of the burst", |line| (line["log"] == "burst").then_some(()));
    }

    /// The ids that the server gave, and whether it recovered them.
    fn joins(&self) -> Vec<(String, bool)> {
        let join = |told: &Told| match told {
            Told::Socket(_, SocketEvent::State { socket_sid: Some(id), recovered, .. }) => {
                Some((id.to_string(), *recovered))
            }
            _ => None,
        };
        self.host.log.iter().filter_map(join).collect()
    }

    /// The numbers of all ticks so far.
    fn ticks(&mut self) -> Vec<Value> {
        self.host.catch_up();
        let tick = |told: &Told| match told {
            Told::Socket(_, SocketEvent::Event { payload, .. }) if payload.name() == "tick" => {
                values(payload).first().cloned()
            }
            _ => None,
        };
        self.host.log.iter().filter_map(tick).collect()
    }
}

const LONG: Duration = Duration::from_secs(120);

pub(super) fn conformance_86_what_was_missed_comes_in_order_and_under_the_same_id(case: Case) {
    let mut it = Recovering::start(case, LONG, |_| {});
    it.root.emit("burst", "[8,2,200]").unwrap();
    it.host.event("tick");
    it.host.event("tick");
    it.lose();
    it.until_burst_is_over();
    it.come_back();
    assert_eq!(it.ticks(), (0..8).map(Value::from).collect::<Vec<_>>());
    let joins = it.joins();
    assert_eq!(joins.len(), 2);
    assert_eq!((&joins[0].0, joins[0].1, joins[1].1), (&joins[1].0, false, true));
    let recovered = |line: &Value| line["log"] == "join" && line["recovered"] == true;
    it.server.until_count("the recovery", 1, recovered);
}

pub(super) fn conformance_86_an_expired_or_unknown_session_begins_anew(case: Case) {
    let short = Duration::from_millis(100);
    let mut it = Recovering::start(case, short, |_| {});
    // There is an offset.
    it.root.emit("echo", "[]").unwrap();
    it.host.event("echo");
    it.lose();
    // The server forgets by its clock, and does not say so.
    std::thread::sleep(short * 2);
    it.come_back();
    it.root.emit("echo", "[]").unwrap();
    it.host.event("echo");
    it.lose();
    it.server.restart();
    it.come_back();
    let joins = it.joins();
    assert_eq!(joins.iter().map(|(_, recovered)| *recovered).collect::<Vec<_>>(), [false; 3]);
    assert!(joins[0].0 != joins[1].0 && joins[1].0 != joins[2].0, "{joins:?}");
}

/// The server keeps what it has recovered, and would recover it again.
pub(super) fn conformance_86_a_session_is_forgotten_by_who_disconnects_unless_wanted_otherwise(
    case: Case,
) {
    for keep in [false, true] {
        let mut it = Recovering::start(case, LONG, |config| config.recover_after_disconnect = keep);
        it.root.emit("echo", "[]").unwrap();
        it.host.event("echo");
        it.lose();
        it.come_back();
        it.root.disconnect().unwrap();
        it.host.until_state("/", SocketState::Idle);
        it.root.connect(None).unwrap();
        it.host.until_state("/", SocketState::Connected);
        let joins = it.joins();
        assert_eq!(
            joins.iter().map(|(_, recovered)| *recovered).collect::<Vec<_>>(),
            [false, true, keep]
        );
        assert_eq!(joins[1].0 == joins[2].0, keep, "{joins:?}");
    }
}

pub(super) fn conformance_87_the_offset_is_passed_on_as_the_last_argument(case: Case) {
    let mut it = Recovering::start(case, LONG, |_| {});
    let number = it.host.ask(&it.root, "echo", "[\"a\",1]");
    let (echo, _) = it.host.event("echo");
    let echo = values(&echo);
    assert_eq!((echo.len(), &echo[..2]), (3, &[json!("a"), json!(1)][..]));
    assert!(echo[2].as_str().is_some_and(|offset| !offset.is_empty()), "{echo:?}");
    // Acks have none.
    assert_eq!(values(&it.host.outcome(number).unwrap()), [json!("a"), json!(1)]);
}

pub(super) fn conformance_87_neither_acks_nor_other_arguments_are_taken_for_offsets(case: Case) {
    let mut it = Recovering::start(case, LONG, |_| {});
    it.root.emit("burst", "[4,1,400]").unwrap();
    it.host.event("tick");
    // An ack with a text, events that are not kept: with numbers, with a text, with nothing.
    assert_eq!(it.host.answer(&it.root, "ack", "[\"zzzzzzz\"]"), ["zzzzzzz"]);
    for args in [r#"["2[\"other\",5]"]"#, r#"["2[\"other\",\"PZZZZZZ\"]"]"#, r#"["2[\"other\"]"]"#]
    {
        it.root.emit("raw", args).unwrap();
        it.host.event("other");
    }
    it.lose();
    it.until_burst_is_over();
    it.come_back();
    assert_eq!(it.ticks(), [0, 1, 2, 3]);
    assert!(it.joins()[1].1, "recovered");
}
