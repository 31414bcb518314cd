//! An Engine.IO server with both transports, as strict as a current one: a second GET or POST, a
//! GET that is given up, or a `5` while a GET is pending is the client's mistake and is recorded.

use std::collections::{BTreeMap, VecDeque};

use roamio::proto::io::WireId;

use crate::link::Millis;

/// How often a server looks whether it can end the GET of a session that is being upgraded.
const FLUSH_EVERY: Millis = 100;

/// What the server sends, and on which wire.
#[derive(Debug)]
pub(crate) enum Say {
    /// The answer to the pending GET.
    Get(WireId, u16, String),
    /// The answer to the POST.
    Post(WireId, u16, String),
    /// A frame.
    Frame(WireId, String),
    /// The end of a WebSocket.
    Close(WireId),
}

#[derive(Debug, Default)]
struct Session {
    get: Option<WireId>,
    /// The WebSocket in use.
    socket: Option<WireId>,
    probe: Option<WireId>,
    flush_at: Option<Millis>,
    /// Packets that wait.
    buffer: VecDeque<String>,
    ping_at: Millis,
    closed: bool,
}

/// What goes wrong with upgrades.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Upgrades {
    #[default]
    Work,
    /// The WebSocket handshake is refused.
    Refused,
    /// The first packet is another one.
    WrongAnswer,
    /// It closes instead of answering.
    Closes,
    /// It never answers.
    Silent,
    /// It answers, but the pending GET is not ended.
    KeepsGet,
    /// They are not offered.
    NotOffered,
}

/// The server.
#[derive(Debug)]
pub(crate) struct Server {
    sessions: BTreeMap<String, Session>,
    pub(crate) says: VecDeque<Say>,
    pub(crate) upgrades: Upgrades,
    pub(crate) ping_interval: Millis,
    pub(crate) max_payload: usize,
    /// What the client did that it must not do.
    pub(crate) mistakes: Vec<String>,
    /// The events of the client, in order.
    pub(crate) received: Vec<String>,
    /// The bodies of all POSTs.
    pub(crate) posts: Vec<String>,
    pub(crate) joins: usize,
    /// Sessions that the client ended properly.
    pub(crate) goodbyes: usize,
    created: usize,
}

impl Server {
    pub(crate) fn new() -> Self {
        Self {
            sessions: BTreeMap::new(),
            says: VecDeque::new(),
            upgrades: Upgrades::Work,
            ping_interval: 25_000,
            max_payload: 1_000_000,
            mistakes: Vec::new(),
            received: Vec::new(),
            posts: Vec::new(),
            joins: 0,
            goodbyes: 0,
            created: 0,
        }
    }

    fn create(&mut self, socket: Option<WireId>, now: Millis) -> String {
        self.created += 1;
        let sid = format!("sid{}", self.created);
        let upgrades = match (socket, self.upgrades) {
            (Some(_), _) | (_, Upgrades::NotOffered) => "[]",
            _ => r#"["websocket"]"#,
        };
        let open = format!(
            r#"0{{"sid":"{sid}","upgrades":{upgrades},"pingInterval":{},"pingTimeout":20000,"maxPayload":{}}}"#,
            self.ping_interval, self.max_payload
        );
        let session = Session { socket, ping_at: now + self.ping_interval, ..Session::default() };
        self.sessions.insert(sid.clone(), session);
        if socket.is_some() {
            self.say(&sid, open);
            return sid;
        }
        open
    }

    /// Sessions that are open.
    pub(crate) fn alive(&self) -> usize {
        self.sessions.values().filter(|session| !session.closed).count()
    }

    /// The newest session.
    pub(crate) fn newest(&self) -> String {
        format!("sid{}", self.created)
    }

    fn mistake(&mut self, sid: &str, what: &str) {
        self.mistakes.push(what.to_owned());
        self.close(sid);
    }

    fn close(&mut self, sid: &str) {
        let Some(session) = self.sessions.get_mut(sid) else { return };
        if std::mem::replace(&mut session.closed, true) {
            return;
        }
        if let Some(wire) = session.socket {
            self.says.push_back(Say::Close(wire));
        }
        if let Some(wire) = session.get.take() {
            self.says.push_back(Say::Get(wire, 200, "1".into()));
        }
    }

    /// A GET has come in.
    pub(crate) fn get(&mut self, wire: WireId, sid: Option<&str>, now: Millis) {
        let Some(sid) = sid else {
            let open = self.create(None, now);
            return self.says.push_back(Say::Get(wire, 200, open));
        };
        match self.sessions.get_mut(sid) {
            Some(session) if !session.closed && session.socket.is_none() => {
                if session.get.is_some() {
                    return self.mistake(sid, "a second GET");
                }
                session.get = Some(wire);
                self.flush(sid);
            }
            Some(session) if !session.closed => self.refuse(wire, true, 3),
            _ => self.refuse(wire, true, 1),
        }
    }

    fn refuse(&mut self, wire: WireId, get: bool, code: u8) {
        let body = format!(r#"{{"code":{code},"message":"no"}}"#);
        let say = if get { Say::Get(wire, 400, body) } else { Say::Post(wire, 400, body) };
        self.says.push_back(say);
    }

    /// A POST has come in.
    pub(crate) fn post(&mut self, wire: WireId, sid: &str, body: &str, now: Millis) {
        self.posts.push(body.to_owned());
        match self.sessions.get(sid) {
            Some(session) if !session.closed && session.socket.is_none() => {}
            Some(session) if !session.closed => return self.refuse(wire, false, 3),
            _ => return self.refuse(wire, false, 1),
        }
        for packet in body.split('\u{1e}') {
            self.packet(sid, packet, now);
        }
        self.says.push_back(Say::Post(wire, 200, "ok".into()));
    }

    /// A client gave a GET up.
    pub(crate) fn aborted(&mut self, wire: WireId) {
        let sid = self.sessions.iter().find(|(_, session)| session.get == Some(wire));
        if let Some((sid, session)) = sid
            && !session.closed
        {
            let sid = sid.clone();
            if let Some(session) = self.sessions.get_mut(&sid) {
                session.get = None;
                session.closed = true;
            }
        }
    }

    /// A WebSocket handshake. False: refused.
    pub(crate) fn connect(&mut self, wire: WireId, sid: Option<&str>, now: Millis) -> bool {
        let Some(sid) = sid else {
            self.create(Some(wire), now);
            return true;
        };
        if self.upgrades == Upgrades::Refused {
            return false;
        }
        let Some(session) = self.sessions.get_mut(sid) else { return false };
        session.probe = Some(wire);
        true
    }

    /// A frame of a WebSocket has come in.
    pub(crate) fn frame(&mut self, wire: WireId, text: &str, now: Millis) {
        let of = |session: &Session| session.socket == Some(wire) || session.probe == Some(wire);
        let found = self.sessions.iter().find(|(_, session)| of(session));
        let Some((sid, session)) = found.map(|(sid, session)| (sid.clone(), session)) else {
            return;
        };
        if session.socket == Some(wire) {
            return self.packet(&sid, text, now);
        }
        match text {
            "2probe" => self.probed(wire, &sid, now),
            "5" if session.get.is_some() => self.mistake(&sid, "5 while a GET is pending"),
            "5" => {
                if let Some(session) = self.sessions.get_mut(&sid) {
                    session.socket = session.probe.take();
                    session.flush_at = None;
                }
                self.flush(&sid);
            }
            _ => self.mistake(&sid, "no probe and no upgrade"),
        }
    }

    fn probed(&mut self, wire: WireId, sid: &str, now: Millis) {
        match self.upgrades {
            Upgrades::WrongAnswer => self.says.push_back(Say::Frame(wire, "3what".into())),
            Upgrades::Closes => self.says.push_back(Say::Close(wire)),
            Upgrades::Silent => {}
            _ => {
                self.says.push_back(Say::Frame(wire, "3probe".into()));
                if let Some(session) = self.sessions.get_mut(sid)
                    && self.upgrades != Upgrades::KeepsGet
                {
                    session.flush_at = Some(now + FLUSH_EVERY);
                }
            }
        }
    }

    /// A WebSocket is gone.
    pub(crate) fn lost(&mut self, wire: WireId) {
        for session in self.sessions.values_mut() {
            if session.socket == Some(wire) {
                session.closed = true;
            }
            if session.probe == Some(wire) {
                session.probe = None;
                session.flush_at = None;
            }
        }
    }

    fn packet(&mut self, sid: &str, packet: &str, _now: Millis) {
        match packet {
            "1" => {
                self.goodbyes += 1;
                if let Some(session) = self.sessions.get_mut(sid) {
                    session.closed = true;
                    if let Some(wire) = session.get.take() {
                        self.says.push_back(Say::Get(wire, 200, "6".into()));
                    }
                }
            }
            "3" | "6" | "41" => {}
            "40" => {
                self.joins += 1;
                self.say(sid, format!(r#"40{{"sid":"S{sid}"}}"#));
            }
            _ if packet.starts_with("40/other") => self.say(sid, r#"40/other,{"sid":"o"}"#),
            _ if packet.starts_with("42") => self.received.push(packet[2..].to_owned()),
            _ => self.mistake(sid, &format!("unexpected packet {packet}")),
        }
    }

    /// Send a packet on whatever carries the session.
    pub(crate) fn say(&mut self, sid: &str, packet: impl Into<String>) {
        if let Some(session) = self.sessions.get_mut(sid).filter(|session| !session.closed) {
            session.buffer.push_back(packet.into());
            self.flush(sid);
        }
    }

    fn flush(&mut self, sid: &str) {
        let Some(session) = self.sessions.get_mut(sid) else { return };
        if let Some(wire) = session.socket {
            let frames = session.buffer.drain(..).map(|packet| Say::Frame(wire, packet));
            self.says.extend(frames);
        } else if !session.buffer.is_empty()
            && let Some(wire) = session.get.take()
        {
            let body: Vec<String> = session.buffer.drain(..).collect();
            self.says.push_back(Say::Get(wire, 200, body.join("\u{1e}")));
        }
    }

    /// Heartbeats, and the noop that ends the GET of an upgrade.
    pub(crate) fn tick(&mut self, now: Millis) {
        let sids: Vec<String> = self.sessions.keys().cloned().collect();
        for sid in sids {
            let Some(session) = self.sessions.get_mut(&sid).filter(|it| !it.closed) else {
                continue;
            };
            let ping = session.ping_at <= now;
            if ping {
                session.ping_at = now + self.ping_interval;
            }
            if session.flush_at.is_some_and(|at| at <= now) {
                session.flush_at = Some(now + FLUSH_EVERY);
                if session.socket.is_none()
                    && let Some(wire) = session.get.take()
                {
                    self.says.push_back(Say::Get(wire, 200, "6".into()));
                }
            }
            if ping {
                self.say(&sid, "2");
            }
        }
    }

    /// When [`Server::tick`] is due.
    pub(crate) fn due(&self) -> Option<Millis> {
        let open = self.sessions.values().filter(|session| !session.closed);
        open.flat_map(|session| [Some(session.ping_at), session.flush_at]).flatten().min()
    }
}
