//! The portal model behind the framing of Engine.IO 4 and Socket.IO 5, as a current server does it.

use std::collections::{BTreeMap, HashMap, VecDeque};

use roamio::proto::io::WireId;
use roamio_portal::model::{ConnId, Output, Portal};
use serde_json::Value;

use crate::link::Millis;

/// A connection that never joins the namespace is closed after this.
const CONNECT_TIMEOUT: Millis = 45_000;

/// What the server does on a link.
#[derive(Debug)]
pub(crate) enum Says {
    Text(String),
    /// Close the connection in order.
    End,
}

/// One Engine.IO connection.
#[derive(Debug)]
struct Engine {
    next_ping: Millis,
    pong_due: Option<Millis>,
    connect_due: Option<Millis>,
    /// The joined namespace. None after a DISCONNECT, while the engine lives on.
    conn: Option<ConnId>,
}

/// The server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) portal: Portal,
    ping_interval: Millis,
    ping_timeout: Millis,
    engines: BTreeMap<WireId, Engine>,
    links: HashMap<ConnId, WireId>,
    conns: u64,
    /// Names of the calls that were read, by connection and ack id: for tests that wait for one.
    read: HashMap<(ConnId, u64), String>,
    answered: Vec<(String, WireId)>,
    says: VecDeque<(WireId, Says)>,
    /// The process does not run: nothing is read and nothing is said.
    pub(crate) stopped: bool,
}

impl Server {
    pub(crate) fn new(portal: Portal, (ping_interval, ping_timeout): (Millis, Millis)) -> Self {
        Self {
            portal,
            ping_interval,
            ping_timeout,
            engines: BTreeMap::new(),
            links: HashMap::new(),
            conns: 0,
            read: HashMap::new(),
            answered: Vec::new(),
            says: VecDeque::new(),
            stopped: false,
        }
    }

    /// Calls that were answered, oldest first: name, and link of the answer.
    pub(crate) fn answered(&self) -> &[(String, WireId)] {
        &self.answered
    }

    /// The link that a participant's session is on.
    pub(crate) fn link_of(&self, participant: &str) -> Option<WireId> {
        self.links.get(&self.portal.connection_of(participant)?).copied()
    }

    /// A WebSocket was accepted.
    pub(crate) fn open(&mut self, link: WireId, now: Millis) {
        // Another process of the client counts its links anew: the old one of this number is gone.
        self.lose(link, now);
        let engine = Engine {
            next_ping: now + self.ping_interval,
            pong_due: None,
            connect_due: Some(now + CONNECT_TIMEOUT),
            conn: None,
        };
        self.engines.insert(link, engine);
        self.say(
            link,
            format!(
                r#"0{{"sid":"engine-{}","upgrades":[],"pingInterval":{},"pingTimeout":{},"maxPayload":1000000}}"#,
                link.0, self.ping_interval, self.ping_timeout
            ),
        );
    }

    /// A WebSocket is gone.
    pub(crate) fn lose(&mut self, link: WireId, now: Millis) {
        if let Some(conn) = self.engines.remove(&link).and_then(|engine| engine.conn) {
            self.portal.handle_disconnect(conn, now);
            self.collect();
        }
    }

    /// Close a connection from this side.
    fn close(&mut self, link: WireId, now: Millis) {
        self.says.push_back((link, Says::End));
        self.lose(link, now);
    }

    /// A text frame arrived.
    pub(crate) fn receive(&mut self, link: WireId, frame: &str, now: Millis) {
        let interval = self.ping_interval;
        let Some(engine) = self.engines.get_mut(&link) else { return };
        match frame.as_bytes() {
            b"3" => {
                engine.pong_due = None;
                engine.next_ping = now + interval;
            }
            b"1" => self.lose(link, now),
            b"40" if engine.conn.is_none() => self.join(link, now),
            b"41" => {
                if let Some(conn) = engine.conn.take() {
                    self.portal.handle_disconnect(conn, now);
                    self.collect();
                }
            }
            [b'4', b'2', ..] => match engine.conn {
                Some(conn) => self.event(conn, &frame[2..], now),
                // A packet for a namespace that is not joined costs the whole connection.
                None => self.close(link, now),
            },
            other => panic!("a client sent {}", String::from_utf8_lossy(other)),
        }
    }

    fn join(&mut self, link: WireId, now: Millis) {
        self.conns += 1;
        let conn = ConnId(self.conns);
        if let Some(engine) = self.engines.get_mut(&link) {
            engine.conn = Some(conn);
            engine.connect_due = None;
        }
        self.links.insert(conn, link);
        let sid = format!("socket-{}", conn.0);
        self.say(link, format!(r#"40{{"sid":"{sid}"}}"#));
        self.portal.handle_connect(conn, &sid, now);
        self.collect();
    }

    fn event(&mut self, conn: ConnId, packet: &str, now: Millis) {
        let bracket = packet.find('[').expect("an event has arguments");
        let ack = packet[..bracket].parse().ok();
        let mut args: Vec<Value> = serde_json::from_str(&packet[bracket..]).expect("JSON");
        let name = args.remove(0).as_str().expect("a name").to_owned();
        if let Some(ack) = ack {
            self.read.insert((conn, ack), name.clone());
        }
        self.portal.handle_event(conn, &name, args, ack, now);
        self.collect();
    }

    /// Do what is due.
    pub(crate) fn handle_timeout(&mut self, now: Millis) {
        let timeout = self.ping_timeout;
        let mut dead = Vec::new();
        for (link, engine) in &mut self.engines {
            let late = |due: Option<Millis>| due.is_some_and(|due| due <= now);
            if late(engine.pong_due) || late(engine.connect_due) {
                dead.push(*link);
            } else if engine.pong_due.is_none() && engine.next_ping <= now {
                engine.pong_due = Some(now + timeout);
                self.says.push_back((*link, Says::Text("2".into())));
            }
        }
        for link in dead {
            self.close(link, now);
        }
        self.portal.handle_timeout(now);
        self.collect();
    }

    /// When [`Server::handle_timeout`] is due.
    pub(crate) fn poll_timeout(&self) -> Option<Millis> {
        let engines = self.engines.values().map(|engine| {
            let heartbeat = engine.pong_due.unwrap_or(engine.next_ping);
            engine.connect_due.map_or(heartbeat, |due| due.min(heartbeat))
        });
        engines.chain(self.portal.poll_timeout()).min()
    }

    /// What is to be done next.
    pub(crate) fn poll_says(&mut self) -> Option<(WireId, Says)> {
        self.says.pop_front()
    }

    /// Take along what the portal wants sent. To be called after acting on the portal directly.
    pub(crate) fn collect(&mut self) {
        while let Some(output) = self.portal.poll_output() {
            let (conn, text) = match output {
                Output::Emit { conn, event, data } => {
                    let data = data.unwrap_or(Value::Null);
                    (conn, format!("42{}", Value::from(vec![event.into(), data])))
                }
                Output::Ack { conn, id, args } => {
                    if let Some(name) = self.read.remove(&(conn, id)) {
                        self.answered.push((name, self.links[&conn]));
                    }
                    (conn, format!("43{id}{}", Value::from(args)))
                }
                Output::Disconnect { conn } => {
                    if let Some(engine) = self.engines.get_mut(&self.links[&conn]) {
                        engine.conn = None;
                    }
                    (conn, "41".into())
                }
            };
            let link = self.links[&conn];
            if self.engines.contains_key(&link) {
                self.say(link, text);
            }
        }
    }

    /// Send any text frame.
    pub(crate) fn say(&mut self, link: WireId, text: String) {
        self.says.push_back((link, Says::Text(text)));
    }

    /// Begin anew as a restarted process. The caller resets the links.
    pub(crate) fn restart(&mut self) {
        self.portal.restart();
        self.engines.clear();
        self.says.clear();
    }
}
