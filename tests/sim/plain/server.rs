//! A Socket.IO server as strict as a current one: what would make it close the whole connection,
//! and with it every other namespace, fails the test instead.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use roamio::proto::io::WireId;

use crate::link::Millis;
use crate::server::Says;

/// A namespace on one connection.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Joined {
    /// The middleware decides then.
    Pending(Millis),
    Yes,
    /// Put out by the server: the client may not know yet.
    Kicked,
}

#[derive(Debug, Default)]
struct Engine {
    next_ping: Millis,
    pong_due: Option<Millis>,
    namespaces: BTreeMap<String, Joined>,
    /// The auth payload of each that is pending.
    auths: BTreeMap<String, String>,
}

/// Events with their offsets, and the sids of sessions by their pids.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    log: Vec<(String, String, String)>,
    sids: BTreeMap<String, String>,
}

/// How a namespace answers CONNECT.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Door {
    #[default]
    Open,
    Refusing,
    Silent,
}

/// An event that was read.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) namespace: String,
    pub(crate) json: String,
    pub(crate) at: Millis,
}

/// The server.
#[derive(Debug)]
pub(crate) struct PlainServer {
    pub(crate) ping: (Millis, Millis),
    /// How long a CONNECT takes.
    pub(crate) middleware: Millis,
    pub(crate) doors: BTreeMap<String, Door>,
    /// Events that ask for an ack get none.
    pub(crate) mute: bool,
    /// It is of version 2.x: it joins `/` by itself, holds every CONNECT until then, and does neither
    /// again once `/` is left. The client sends the pings.
    pub(crate) protocol_4: bool,
    /// Clients may take it for a newer one: CONNECT of `/` is ignored, as it is by such servers.
    pub(crate) is_mistaken: bool,
    /// The connection is closed right after the open packet.
    pub(crate) flapping: bool,
    /// What is kept to recover connections with.
    pub(crate) sessions: Option<Sessions>,
    pub(crate) heard: Vec<Heard>,
    /// The different events that were answered.
    pub(crate) acked: BTreeSet<String>,
    /// Auth payloads, in the order of their CONNECTs; of protocol 4 the queries.
    pub(crate) auths: Vec<String>,
    engines: BTreeMap<WireId, Engine>,
    says: VecDeque<(WireId, Says)>,
    sids: u64,
}

/// Split `/name,rest`.
fn namespace(packet: &str) -> (&str, &str) {
    match packet.split_once(',').filter(|_| packet.starts_with('/')) {
        Some((name, rest)) => (name, rest),
        None => ("/", packet),
    }
}

/// What stands in front of a packet's data for a namespace.
fn prefix(name: &str) -> String {
    if name == "/" { String::new() } else { format!("{name},") }
}

impl PlainServer {
    pub(crate) fn new() -> Self {
        Self {
            ping: (25_000, 20_000),
            middleware: 5,
            doors: BTreeMap::new(),
            mute: false,
            protocol_4: false,
            is_mistaken: false,
            flapping: false,
            sessions: None,
            heard: Vec::new(),
            acked: BTreeSet::new(),
            auths: Vec::new(),
            engines: BTreeMap::new(),
            says: VecDeque::new(),
            sids: 0,
        }
    }

    pub(crate) fn open(&mut self, link: WireId, now: Millis) {
        let (interval, timeout) = self.ping;
        self.engines.insert(link, Engine { next_ping: now + interval, ..Engine::default() });
        let open = format!(
            r#"0{{"sid":"e","upgrades":[],"pingInterval":{interval},"pingTimeout":{timeout}}}"#
        );
        self.say(link, open);
        if let Some(engine) = self.engines.get_mut(&link).filter(|_| self.protocol_4) {
            engine.pong_due = Some(now + interval + timeout);
            engine.namespaces.insert("/".into(), Joined::Pending(now + self.middleware));
            self.handle_timeout(now);
        }
        if self.flapping {
            self.close(link);
        }
    }

    pub(crate) fn lose(&mut self, link: WireId) {
        self.engines.remove(&link);
    }

    fn close(&mut self, link: WireId) {
        self.says.push_back((link, Says::End));
        self.lose(link);
    }

    pub(crate) fn receive(&mut self, link: WireId, frame: &str, now: Millis) {
        let (interval, timeout) = self.ping;
        let Some(engine) = self.engines.get_mut(&link) else { return };
        if self.protocol_4 {
            engine.pong_due = Some(now + interval + timeout);
        }
        let Some((kind, packet)) =
            frame.strip_prefix('4').and_then(|text| text.split_at_checked(1))
        else {
            if self.protocol_4 {
                assert_eq!(frame, "2", "only the client pings");
                return self.say(link, "3");
            }
            engine.pong_due = None;
            engine.next_ping = now + interval;
            return;
        };
        let (name, rest) = namespace(packet);
        let (name, query) = name.split_once('?').unwrap_or((name, ""));
        if self.is_mistaken && (kind, name) == ("0", "/") {
            return;
        }
        let rest = if self.protocol_4 && kind == "0" {
            assert!(name != "/" && rest.is_empty(), "hazard: {frame}");
            query
        } else {
            rest
        };
        let state = engine.namespaces.get(name).copied();
        match kind {
            "0" => {
                assert!(
                    matches!(state, None | Some(Joined::Kicked)),
                    "hazard: CONNECT {name} while {state:?}"
                );
                let held = self.protocol_4 && engine.namespaces.get("/") != Some(&Joined::Yes);
                let at = if held { Millis::MAX } else { now + self.middleware };
                engine.namespaces.insert(name.into(), Joined::Pending(at));
                engine.auths.insert(name.into(), rest.to_owned());
                self.auths.push(rest.to_owned());
            }
            "1" => {
                assert!(
                    matches!(state, Some(Joined::Yes | Joined::Kicked)),
                    "hazard: DISCONNECT {name} while {state:?}"
                );
                engine.namespaces.remove(name);
            }
            "2" | "5" if state == Some(Joined::Yes) => {
                let rest = rest.trim_start_matches(|c: char| kind == "5" && c != '-');
                let rest = rest.trim_start_matches('-');
                let bracket = rest.find('[').expect("an event has arguments");
                let id: Option<u64> = rest[..bracket].parse().ok();
                let json = rest[bracket..].to_owned();
                if let Some(id) = id.filter(|_| !self.mute) {
                    self.say(link, format!("43{}{id}{json}", prefix(name)));
                    self.acked.insert(json.clone());
                }
                self.heard.push(Heard { namespace: name.into(), json, at: now });
            }
            "3" => {
                let json = rest.to_owned();
                self.heard.push(Heard { namespace: name.into(), json, at: now });
            }
            // What was on its way when the namespace was left.
            "2" | "5" if state == Some(Joined::Kicked) => {}
            _ => panic!("hazard: {frame} while {state:?}"),
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Millis) {
        let timeout = self.ping.1;
        let mut dead = Vec::new();
        let mut decided = Vec::new();
        for (link, engine) in &mut self.engines {
            if engine.pong_due.is_some_and(|due| due <= now) {
                dead.push(*link);
            } else if engine.pong_due.is_none() && engine.next_ping <= now {
                engine.pong_due = Some(now + timeout);
                self.says.push_back((*link, Says::Text("2".into())));
            }
            for (name, state) in &mut engine.namespaces {
                if matches!(state, Joined::Pending(at) if *at <= now) {
                    decided.push((*link, name.clone()));
                }
            }
        }
        for (link, name) in decided {
            self.decide(link, &name);
        }
        dead.into_iter().for_each(|link| self.close(link));
    }

    fn decide(&mut self, link: WireId, name: &str) {
        let door = self.doors.get(name).copied().unwrap_or_default();
        let Some(engine) = self.engines.get_mut(&link) else { return };
        let prefix = prefix(name);
        match door {
            Door::Open => {
                engine.namespaces.insert(name.into(), Joined::Yes);
                self.sids += 1;
                if self.protocol_4 {
                    let held = engine.namespaces.iter_mut().filter(|_| name == "/");
                    for (_, state) in held {
                        if let Joined::Pending(at) = state {
                            *at = 0;
                        }
                    }
                    return self.say(link, format!("40{prefix}"));
                }
                let auth = engine.auths.remove(name).unwrap_or_default();
                let Some(sessions) = &mut self.sessions else {
                    return self.say(link, format!(r#"40{prefix}{{"sid":"sid-{}"}}"#, self.sids));
                };
                let auth: serde_json::Value = serde_json::from_str(&auth).unwrap_or_default();
                let text = |name: &str| auth[name].as_str().unwrap_or_default().to_owned();
                let known = sessions
                    .log
                    .iter()
                    .position(|(space, offset, _)| space == name && *offset == text("offset"));
                let session = sessions.sids.get(&text("pid")).cloned().zip(known);
                let (pid, sid, missed) = match session {
                    Some((sid, last)) => (text("pid"), sid, sessions.log[last + 1..].to_vec()),
                    None => {
                        let (pid, sid) =
                            (format!("pid-{}", self.sids), format!("sid-{}", self.sids));
                        sessions.sids.insert(pid.clone(), sid.clone());
                        (pid, sid, Vec::new())
                    }
                };
                // As the reference server has it: what was missed comes before the reply.
                for (_, _, json) in missed.iter().filter(|(space, ..)| space == name) {
                    self.say(link, format!("42{prefix}{json}"));
                }
                self.say(link, format!(r#"40{prefix}{{"sid":"{sid}","pid":"{pid}"}}"#));
            }
            Door::Refusing => {
                engine.namespaces.remove(name);
                if self.protocol_4 {
                    return self.say(link, format!("44{prefix}\"no\""));
                }
                self.say(link, format!(r#"44{prefix}{{"message":"no","data":{{"why":7}}}}"#));
            }
            Door::Silent => {
                engine.namespaces.insert(name.into(), Joined::Pending(Millis::MAX));
            }
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Millis> {
        self.engines
            .values()
            .flat_map(|engine| {
                let heartbeat = Some(engine.pong_due.unwrap_or(engine.next_ping));
                let pending = engine.namespaces.values().filter_map(|state| match state {
                    Joined::Pending(at) => Some(*at),
                    _ => None,
                });
                heartbeat.into_iter().chain(pending)
            })
            .min()
    }

    pub(crate) fn poll_says(&mut self) -> Option<(WireId, Says)> {
        self.says.pop_front()
    }

    pub(crate) fn say(&mut self, link: WireId, text: impl Into<String>) {
        self.says.push_back((link, Says::Text(text.into())));
    }

    /// Connections on which a namespace is joined.
    pub(crate) fn members(&self, name: &str) -> BTreeSet<WireId> {
        let joined = |engine: &Engine| engine.namespaces.get(name) == Some(&Joined::Yes);
        self.engines.iter().filter(|(_, engine)| joined(engine)).map(|(link, _)| *link).collect()
    }

    /// Send an event to everybody in a namespace.
    pub(crate) fn emit(&mut self, name: &str, id: Option<u64>, json: &str) {
        let id = id.map(|id| id.to_string()).unwrap_or_default();
        for link in self.members(name) {
            self.say(link, format!("42{}{id}{json}", prefix(name)));
        }
    }

    /// Send an event that counts to everybody in a namespace, now or when they come back.
    pub(crate) fn emit_kept(&mut self, name: &str, word: &str, offset: &str) {
        let json = format!(r#"["say","{word}","{offset}"]"#);
        if let Some(sessions) = &mut self.sessions {
            sessions.log.push((name.into(), offset.into(), json.clone()));
        }
        self.emit(name, None, &json);
    }

    /// Put everybody out of a namespace.
    pub(crate) fn kick(&mut self, name: &str) {
        for link in self.members(name) {
            self.say(link, format!("41{}", prefix(name)));
            if let Some(engine) = self.engines.get_mut(&link) {
                engine.namespaces.insert(name.into(), Joined::Kicked);
            }
        }
    }
}
