//! An ordinary Engine.IO session of the scripted server.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;

use super::{Fake, Frame, Peer, Request};
use crate::case::Via;
use crate::server::PATIENCE;

impl Fake {
    /// Let a client in: revision 4, a heartbeat that no test waits for.
    #[track_caller]
    pub fn open(&mut self, via: Via) -> Session<'_> {
        self.open_with(via, Open::default())
    }

    /// Let a client in, which opens over `via`. [`Via::Upgrade`] is upgraded when this returns.
    #[track_caller]
    pub fn open_with(&mut self, via: Via, open: Open) -> Session<'_> {
        let request = self.handshake();
        let packet = open.packet();
        let Open { sid, revision_3, .. } = open;
        let mut session = Session {
            fake: self,
            sid,
            revision_3,
            poll: None,
            peer: None,
            inbox: VecDeque::new(),
            outbox: Vec::new(),
        };
        assert_eq!(request.is_websocket(), via == Via::Websocket, "{request:?}");
        if via == Via::Websocket {
            let mut peer = request.upgrade();
            peer.send(&packet);
            session.peer = Some(peer);
        } else {
            request.ok(&session.payload(&[Packet::Text(packet)]));
        }
        if via == Via::Upgrade {
            session.upgrade();
        }
        session
    }
}

/// The handshake of a scripted session.
#[derive(Clone, Debug)]
pub struct Open {
    /// Engine.IO 3 in place of 4.
    pub revision_3: bool,
    /// The id of the session, by default one that no other has.
    pub sid: String,
    /// In milliseconds.
    pub ping_interval: u64,
    /// In milliseconds.
    pub ping_timeout: u64,
    /// The transports to upgrade to.
    pub upgrades: Vec<&'static str>,
}

impl Default for Open {
    fn default() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        Self {
            revision_3: false,
            sid: format!("scripted-{}", NEXT.fetch_add(1, Ordering::Relaxed)),
            ping_interval: 25_000,
            ping_timeout: 20_000,
            upgrades: vec!["websocket"],
        }
    }
}

impl Open {
    /// As JSON behind its digit.
    pub fn packet(&self) -> String {
        let handshake = serde_json::json!({
            "sid": self.sid,
            "upgrades": self.upgrades,
            "pingInterval": self.ping_interval,
            "pingTimeout": self.ping_timeout,
            "maxPayload": 1_000_000,
        });
        format!("0{handshake}")
    }
}

/// An Engine.IO packet, over whatever transport it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// With its digit.
    Text(String),
    /// A binary message, without what marks it as one.
    Binary(Bytes),
}

impl Packet {
    /// A text packet.
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// An Engine.IO session of the scripted server over any transport.
///
/// It works while the test waits for it: a POST is answered inside [`Session::recv`].
pub struct Session<'a> {
    pub fake: &'a mut Fake,
    sid: String,
    revision_3: bool,
    /// The GET that waits.
    poll: Option<Request>,
    /// The WebSocket that carries the session.
    peer: Option<Peer>,
    inbox: VecDeque<Packet>,
    outbox: Vec<Packet>,
}

impl Session<'_> {
    /// Send a text packet, `40{…}` and the like.
    #[track_caller]
    pub fn send(&mut self, text: &str) {
        self.send_all(&[Packet::text(text)]);
    }

    /// Send packets: in one payload if it is polling.
    #[track_caller]
    pub fn send_all(&mut self, packets: &[Packet]) {
        if let Some(peer) = &mut self.peer {
            for packet in packets {
                match packet {
                    Packet::Text(text) => peer.send(text),
                    Packet::Binary(bytes) if self.revision_3 => {
                        peer.send_binary(&[&[4], &bytes[..]].concat());
                    }
                    Packet::Binary(bytes) => peer.send_binary(bytes),
                }
            }
            return;
        }
        self.outbox.extend_from_slice(packets);
        let start = Instant::now();
        while !self.outbox.is_empty() {
            let left = PATIENCE.saturating_sub(start.elapsed());
            assert!(self.step(left), "the client polls");
        }
    }

    /// Send a text packet if the client takes it at once: its WebSocket is there, or its GET waits.
    pub fn send_if_open(&mut self, text: &str) {
        if let Some(peer) = &mut self.peer {
            peer.send_if_open(text);
            return;
        }
        while self.poll.is_none() && self.step(Duration::from_millis(10)) {}
        if self.poll.is_some() {
            self.outbox.push(Packet::text(text));
            self.flush();
        }
    }

    /// The next packet.
    #[track_caller]
    pub fn recv(&mut self) -> Packet {
        self.recv_within(PATIENCE).expect("the client sends something")
    }

    /// The next packet, if it comes in time. The end of a WebSocket is none.
    pub fn recv_within(&mut self, time: Duration) -> Option<Packet> {
        let start = Instant::now();
        loop {
            if let Some(packet) = self.inbox.pop_front() {
                return Some(packet);
            }
            let left = time.saturating_sub(start.elapsed());
            if let Some(peer) = &mut self.peer {
                return match peer.recv_within(left)? {
                    Frame::Text(text) => Some(self.text_packet(text)),
                    Frame::Binary(bytes) if self.revision_3 => {
                        Some(Packet::Binary(bytes.slice(1..)))
                    }
                    Frame::Binary(bytes) => Some(Packet::Binary(bytes)),
                    Frame::Close(_) | Frame::Gone => None,
                };
            }
            if !self.step(left) {
                return None;
            }
        }
    }

    /// The next packet is this text.
    #[track_caller]
    pub fn expect(&mut self, text: &str) {
        assert_eq!(self.recv(), Packet::text(text));
    }

    /// The next packet is text; gives it.
    #[track_caller]
    pub fn recv_text(&mut self) -> String {
        match self.recv() {
            Packet::Text(text) => text,
            packet @ Packet::Binary(_) => panic!("text was expected, not {packet:?}"),
        }
    }

    /// Expect the CONNECT of a namespace (without its payload) and let it in.
    #[track_caller]
    pub fn join(&mut self, namespace: &str, id: &str) {
        let prefix = if namespace == "/" { String::new() } else { format!("{namespace},") };
        let connect = self.recv_text();
        assert!(connect.starts_with(&format!("40{prefix}")), "{connect} is CONNECT {namespace}");
        self.send(&format!("40{prefix}{{\"sid\":\"{id}\"}}"));
    }

    /// Upgrade from polling, as a server does.
    #[track_caller]
    pub fn upgrade(&mut self) {
        let mut peer = self.wait_websocket().upgrade();
        peer.expect("2probe");
        peer.send("3probe");
        loop {
            // What is posted meanwhile counts; a poll that waits is answered so that the client can
            // move, again and again because it may not have seen the answer to its probe yet.
            while self.step(Duration::from_millis(1)) {}
            if let Some(poll) = self.poll.take() {
                poll.ok(&self.payload(&[Packet::text("6")]));
            }
            match peer.recv_within(Duration::from_millis(20)) {
                None => {}
                Some(Frame::Text(text)) if text == "5" => break,
                Some(other) => panic!("not 5 but {other:?}"),
            }
        }
        self.poll = None;
        self.peer = Some(peer);
    }

    /// Wait for the WebSocket of an upgrade, and work meanwhile.
    #[track_caller]
    pub fn wait_websocket(&mut self) -> Request {
        let start = Instant::now();
        loop {
            if let Some(request) = self.fake.within(Duration::ZERO, Request::is_websocket) {
                return request;
            }
            self.step(Duration::from_millis(10));
            assert!(start.elapsed() < PATIENCE, "the client upgrades");
        }
    }

    /// Take the WebSocket out of an upgraded or WebSocket session.
    #[track_caller]
    pub fn into_peer(self) -> Peer {
        self.peer.expect("a WebSocket")
    }

    /// The GET that waits, once there is one.
    #[track_caller]
    pub fn into_poll(mut self) -> Request {
        let start = Instant::now();
        while self.poll.is_none() {
            let left = PATIENCE.saturating_sub(start.elapsed());
            assert!(self.step(left), "the client polls");
        }
        self.poll.expect("seen above")
    }

    /// Break it: reset the WebSocket or the poll that waits.
    pub fn reset(self) {
        if self.peer.is_some() {
            self.into_peer().reset();
        } else {
            self.into_poll().reset();
        }
    }

    /// Take one request of the session; whether there was one.
    fn step(&mut self, time: Duration) -> bool {
        if self.flush() {
            return true;
        }
        let sid = self.sid.clone();
        let ours = |request: &Request| {
            !request.is_websocket() && request.query("sid") == Some(sid.as_str())
        };
        let Some(request) = self.fake.within(time, ours) else { return false };
        if request.method == "POST" {
            for packet in self.packets(request.text()) {
                self.inbox.push_back(packet);
            }
            request.ok("ok");
        } else {
            assert!(self.poll.is_none(), "a second GET while one waits: {request:?}");
            self.poll = Some(request);
            self.flush();
        }
        true
    }

    /// Answer the GET that waits if there is something for it; whether it was.
    fn flush(&mut self) -> bool {
        if self.outbox.is_empty() || self.poll.is_none() {
            return false;
        }
        let packets = std::mem::take(&mut self.outbox);
        let payload = self.payload(&packets);
        self.poll.take().expect("seen above").ok(&payload);
        true
    }

    fn payload(&self, packets: &[Packet]) -> String {
        let text = |packet: &Packet| match packet {
            Packet::Text(text) => text.clone(),
            Packet::Binary(bytes) if self.revision_3 => format!("b4{}", BASE64.encode(bytes)),
            Packet::Binary(bytes) => format!("b{}", BASE64.encode(bytes)),
        };
        let texts = packets.iter().map(text);
        if self.revision_3 {
            texts.map(|text| format!("{}:{text}", text.encode_utf16().count())).collect()
        } else {
            texts.collect::<Vec<_>>().join("\x1e")
        }
    }

    fn packets(&self, payload: &str) -> Vec<Packet> {
        if !self.revision_3 {
            return payload.split('\x1e').map(|text| self.text_packet(text.to_owned())).collect();
        }
        let (mut packets, mut rest) = (Vec::new(), payload);
        while let Some((length, after)) = rest.split_once(':') {
            let mut units = length.parse::<usize>().expect("a length");
            let end = after.char_indices().find_map(|(at, char)| {
                (units == 0).then_some(at).or_else(|| {
                    units -= char.len_utf16();
                    None
                })
            });
            let (text, left) = after.split_at(end.unwrap_or(after.len()));
            packets.push(self.text_packet(text.to_owned()));
            rest = left;
        }
        packets
    }

    fn text_packet(&self, text: String) -> Packet {
        let base64 = if self.revision_3 { text.strip_prefix("b4") } else { text.strip_prefix('b') };
        match base64 {
            Some(base64) => Packet::Binary(BASE64.decode(base64).expect("base64").into()),
            None => Packet::Text(text),
        }
    }
}
