//! One Engine.IO connection and the transports that carry it, one after another.
//!
//! A WebSocket carries it from the beginning, or takes over from polling (`upgrade`).

use std::collections::VecDeque;

use crate::config::{CommonConfig, Transport};
use crate::error::{Code, Error, Result};
use crate::proto::engine::address::Address;
use crate::proto::engine::cookies::Jars;
use crate::proto::engine::packet;
use crate::proto::engine::payload::{self, Packets};
use crate::proto::engine::polling::{self, Polling};
use crate::proto::engine::refusal::refusal;
use crate::proto::engine::session::{Engine, Frame};
use crate::proto::engine::upgrade::{Probe, Stage};
use crate::proto::io::{Cookies, Exchange, HttpResponse, Transmit, WireId};
use crate::proto::time::{Timestamp, earliest, millis};

/// What happened to the transports.
#[derive(Debug)]
pub enum Notice {
    /// WebSocket carries the connection now.
    Upgraded,
    /// It does not; polling goes on.
    UpgradeFailed(Error),
}

#[derive(Debug)]
pub(super) enum Carrier {
    Websocket {
        wire: WireId,
        writable: bool,
        /// It was told to be over.
        over: bool,
    },
    Polling(Polling),
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    pub(super) address: Address,
    pub(super) carrier: Carrier,
    /// None until the server was reached.
    pub(super) engine: Option<Engine>,
    pub(super) probe: Option<Probe>,
    /// When the next upgrade may be tried.
    pub(super) upgrade_at: Option<Timestamp>,
    reading_paused: bool,
    /// Packets that the transport is done with, without heartbeats, which overtake others.
    left: u64,
    pub(super) notices: VecDeque<Notice>,
}

/// How a connection is let go of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goodbye {
    /// It is broken.
    Silent,
    /// The server is told, and what is queued is not sent any more.
    Close,
    /// What is queued is sent, and the server is told.
    Flush,
}

/// What a connection needs from around it.
pub struct Context<'a> {
    /// Options.
    pub config: &'a CommonConfig,
    /// The cookies of all servers.
    pub jars: &'a mut Jars,
    /// Where what is to be done goes.
    pub control: &'a mut VecDeque<Transmit>,
    /// The number of the next wire.
    pub next_wire: &'a mut u32,
    /// The time.
    pub now: Timestamp,
}

impl Context<'_> {
    fn wire(&mut self) -> WireId {
        let wire = WireId(*self.next_wire);
        *self.next_wire += 1;
        wire
    }

    pub(super) fn dial(&mut self, address: &mut Address, sid: Option<&str>) -> WireId {
        let wire = self.wire();
        let path_and_query = address.path_and_query(Transport::Websocket, sid, self.now);
        let headers = address.headers(Transport::Websocket, self.jars, self.now);
        let endpoint = address.endpoint();
        self.control.push_back(Transmit::Dial { wire, endpoint, path_and_query, headers });
        wire
    }

    pub(super) fn hang_up(&mut self, wire: WireId) {
        self.control.push_back(Transmit::Hangup { wire, farewell: Vec::new() });
    }
}

impl Connection {
    /// Start a connection on this transport.
    pub fn open(mut address: Address, transport: Transport, cx: &mut Context<'_>) -> Self {
        let carrier = match transport {
            Transport::Websocket => {
                let wire = cx.dial(&mut address, None);
                Carrier::Websocket { wire, writable: true, over: false }
            }
            Transport::Polling => {
                let wire = cx.wire();
                let mut polling = Polling::new(wire);
                let request = polling.open(&mut address, cx.jars, cx.now);
                let endpoint = address.endpoint();
                cx.control.push_back(Transmit::Request { wire, endpoint, request });
                Carrier::Polling(polling)
            }
        };
        Self {
            address,
            carrier,
            engine: None,
            probe: None,
            upgrade_at: None,
            reading_paused: false,
            left: 0,
            notices: VecDeque::new(),
        }
    }

    /// The transport that carries it.
    pub const fn transport(&self) -> Transport {
        match self.carrier {
            Carrier::Websocket { .. } => Transport::Websocket,
            Carrier::Polling(_) => Transport::Polling,
        }
    }

    /// The address of its requests.
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// The protocol machine, once the server was reached.
    pub const fn engine(&self) -> Option<&Engine> {
        self.engine.as_ref()
    }

    /// As [`Connection::engine`].
    pub const fn engine_mut(&mut self) -> Option<&mut Engine> {
        self.engine.as_mut()
    }

    /// Whether messages can be sent.
    pub fn is_open(&self) -> bool {
        self.engine.as_ref().is_some_and(Engine::is_open)
    }

    /// Whether a wire carries this connection, or is meant to.
    pub fn has_wire(&self, wire: WireId) -> bool {
        self.live_wire() == wire || self.probe.as_ref().is_some_and(|probe| probe.wire == wire)
    }

    /// The wire that carries this connection, or is meant to.
    pub const fn live_wire(&self) -> WireId {
        match &self.carrier {
            Carrier::Websocket { wire, .. } => *wire,
            Carrier::Polling(polling) => polling.wire,
        }
    }

    pub(super) fn is_probe(&self, wire: WireId) -> bool {
        self.probe.as_ref().is_some_and(|probe| probe.wire == wire)
    }

    /// Whether a frame would leave at once.
    pub fn is_writable(&self) -> bool {
        let takes = match &self.carrier {
            Carrier::Websocket { writable, .. } => *writable,
            Carrier::Polling(polling) => polling.is_writable(),
        };
        takes && self.engine.as_ref().is_some_and(|engine| engine.queued().0 == 0)
    }

    /// Queue a frame.
    pub fn send(&mut self, frame: Frame) {
        if let Some(engine) = &mut self.engine {
            engine.send(frame);
        }
    }

    /// Everything that was sent up to now, as a point that [`Connection::has_left`] knows.
    pub fn mark(&self) -> u64 {
        let posted = match &self.carrier {
            Carrier::Polling(polling) => polling.posted(),
            Carrier::Websocket { .. } => 0,
        };
        let queued = |engine: &Engine| engine.queued().0 as u64 - engine.waiting_beats();
        self.left + posted + self.engine.as_ref().map_or(0, queued)
    }

    /// Whether everything up to a mark was handed to the WebSocket, or is in POSTs that were
    /// answered.
    pub const fn has_left(&self, mark: u64) -> bool {
        self.left >= mark
    }

    // ---- input ----------------------------------------------------------------------------

    fn start_engine(&mut self, config: &CommonConfig, now: Timestamp) -> &mut Engine {
        let (paused, revision) = (self.reading_paused, self.address.revision());
        self.engine.get_or_insert_with(|| {
            let mut engine = Engine::new(revision, &config.timeouts, &config.limits, now);
            if paused {
                engine.pause_reading(true, now);
            }
            engine
        })
    }

    /// TCP is there.
    pub fn handle_reached(&mut self, wire: WireId, cx: &Context<'_>) {
        if matches!(&self.carrier, Carrier::Polling(polling) if polling.wire == wire) {
            self.start_engine(cx.config, cx.now);
        }
    }

    fn keep_cookies(&self, cookies: &Cookies, cx: &mut Context<'_>) {
        if self.address.config().cookies {
            cx.jars.store(&self.address.endpoint(), cookies, cx.now);
        }
    }

    /// A WebSocket handshake is done.
    pub fn handle_connected(&mut self, wire: WireId, cookies: &Cookies, cx: &mut Context<'_>) {
        self.keep_cookies(cookies, cx);
        match &mut self.probe {
            Some(probe) if probe.wire == wire => {
                probe.stage = Stage::Asked;
                cx.control.push_back(Transmit::Text { wire, frame: packet::PROBE });
            }
            _ => {
                self.start_engine(cx.config, cx.now);
            }
        }
    }

    /// A wire could not be dialled, or is gone.
    pub fn handle_wire_lost(&mut self, wire: WireId, error: Error, cx: &mut Context<'_>) {
        if self.is_probe(wire) {
            return self.fail_upgrade(error, false, cx);
        }
        if let Carrier::Websocket { over, .. } = &mut self.carrier {
            *over = true;
        }
        self.start_engine(cx.config, cx.now).handle_closed(error);
    }

    /// A WebSocket frame arrived.
    pub fn handle_frame(&mut self, wire: WireId, frame: Frame, cx: &mut Context<'_>) {
        if self.is_probe(wire) {
            return self.handle_probe_frame(&frame, cx);
        }
        let Some(engine) = &mut self.engine else { return };
        match payload::ws_decode(frame, self.address.revision()) {
            Ok(frame) => engine.handle_input(frame, cx.now),
            Err(error) => engine.handle_closed(error),
        }
    }

    /// A request of polling has ended. True: the path works.
    pub fn handle_response(
        &mut self,
        exchange: Exchange,
        result: Result<HttpResponse>,
        cx: &mut Context<'_>,
    ) -> bool {
        let Carrier::Polling(polling) = &mut self.carrier else { return false };
        let Some(arrived) = polling.answered(exchange) else { return false };
        let revision = self.address.revision();
        let response = match result {
            Ok(response) => response,
            Err(error) => {
                self.start_engine(cx.config, cx.now).handle_closed(error);
                return false;
            }
        };
        self.keep_cookies(&response.cookies, cx);
        let engine = self.start_engine(cx.config, cx.now);
        if response.status != 200 {
            let phase = match exchange {
                Exchange::Poll => "poll",
                Exchange::Post => "POST",
            };
            let wait = response.retry_after_ms;
            engine.handle_closed(refusal(phase, response.status, &response.body, wait));
            return true;
        }
        match exchange {
            Exchange::Post => self.left += arrived,
            Exchange::Poll => {
                let was_open = engine.is_open();
                let (body, binary) = (&response.body, response.binary);
                let packets = if was_open {
                    Ok(payload::decode(body, binary, revision))
                } else {
                    payload::decode_handshake(body, binary, revision)
                };
                match packets {
                    Ok(packets) => take_packets(engine, packets, cx.now),
                    Err(error) => engine.handle_closed(error),
                }
                if !was_open && engine.is_open() {
                    self.upgrade_at = Some(cx.now);
                }
            }
        }
        self.switch_when_idle(cx);
        true
    }

    /// Whether the WebSocket takes frames.
    pub fn handle_writable(&mut self, of: WireId, takes: bool) {
        if let Carrier::Websocket { wire, writable, .. } = &mut self.carrier
            && *wire == of
        {
            *writable = takes;
        }
    }

    /// Reading stopped because the host does not keep up, or goes on.
    pub fn pause_reading(&mut self, paused: bool, now: Timestamp) {
        self.reading_paused = paused;
        if let Some(engine) = &mut self.engine {
            engine.pause_reading(paused, now);
        }
    }

    /// What happened to the transports.
    pub fn poll_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    // ---- time -----------------------------------------------------------------------------

    /// Time has passed.
    pub fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        if self.probe.as_ref().is_some_and(|probe| probe.deadline <= cx.now) {
            let error = Error::new(Code::Upgrade, "upgrade to WebSocket: not done in time");
            self.fail_upgrade(error, true, cx);
        }
        if self.upgrade_at.is_some_and(|at| at <= cx.now) {
            self.start_upgrade(cx);
        }
        let post = match &self.carrier {
            Carrier::Polling(polling) => polling.deadline(),
            Carrier::Websocket { .. } => None,
        };
        if let Some(engine) = &mut self.engine {
            engine.handle_timeout(cx.now);
            if post.is_some_and(|at| at <= cx.now) {
                engine.handle_closed(Error::new(Code::NetworkLost, "POST: no answer in time"));
            }
        }
    }

    /// What is awaited may have arrived without having been read: it has at least until then.
    pub fn renew(&mut self, until: Timestamp) {
        if let Carrier::Polling(polling) = &mut self.carrier {
            polling.renew(until);
        }
    }

    /// When [`Connection::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let engine = self.engine.as_ref().and_then(Engine::poll_timeout);
        let probe = self.probe.as_ref().map(|probe| probe.deadline);
        let post = match &self.carrier {
            Carrier::Polling(polling) => polling.deadline(),
            Carrier::Websocket { .. } => None,
        };
        earliest(earliest(engine, probe), earliest(self.upgrade_at, post))
    }

    // ---- output ---------------------------------------------------------------------------

    /// Ask the next hop for a sign of life: a WebSocket ping, or a POST with a noop.
    pub fn ping(&mut self, control: &mut VecDeque<Transmit>) {
        match &self.carrier {
            Carrier::Websocket { wire, .. } => control.push_back(Transmit::Ping { wire: *wire }),
            Carrier::Polling(polling) if polling.is_writable() => {
                self.send(Frame::Text(packet::NOOP));
            }
            // Polling is silent until the switch. An answer that is due already will do, too.
            Carrier::Polling(_) => {
                if let Some(probe) = self.probe.as_ref().filter(|it| it.stage == Stage::Switching) {
                    control.push_back(Transmit::Ping { wire: probe.wire });
                }
            }
        }
    }

    /// The next thing to do on the network.
    pub fn poll_transmit(
        &mut self,
        config: &CommonConfig,
        jars: &Jars,
        now: Timestamp,
    ) -> Option<Transmit> {
        let engine = self.engine.as_mut()?;
        match &mut self.carrier {
            Carrier::Websocket { wire, writable, .. } => {
                if !*writable {
                    return None;
                }
                let beats = engine.waiting_beats();
                let frame = engine.poll_transmit()?;
                self.left += 1 - beats;
                Some(websocket_transmit(*wire, frame, &self.address))
            }
            Carrier::Polling(polling) => {
                let limit = millis(config.timeouts.post);
                let read = !self.reading_paused;
                let address = &mut self.address;
                let request = polling.poll_request(engine, address, jars, read, limit, now)?;
                let endpoint = address.endpoint();
                Some(Transmit::Request { wire: polling.wire, endpoint, request })
            }
        }
    }

    /// Let go of the connection. Gives it back when the server can be told only after its answer.
    pub fn release(mut self, goodbye: Goodbye, cx: &mut Context<'_>) -> Option<Self> {
        if let Some(probe) = self.probe.take() {
            cx.hang_up(probe.wire);
        }
        match &mut self.carrier {
            Carrier::Websocket { over: true, .. } => None,
            Carrier::Websocket { wire, .. } => {
                let wire = *wire;
                if goodbye == Goodbye::Flush
                    && let Some(engine) = &mut self.engine
                {
                    while let Some(frame) = engine.poll_transmit() {
                        cx.control.push_back(websocket_transmit(wire, frame, &self.address));
                    }
                }
                cx.hang_up(wire);
                None
            }
            Carrier::Polling(polling) => {
                let wire = polling.wire;
                let over = self.engine.as_ref().is_some_and(Engine::is_closed);
                if goodbye == Goodbye::Silent || over {
                    cx.hang_up(wire);
                    return None;
                }
                // It may have reached the server, which then has a session that nobody wants.
                let Some(engine) = self.engine.as_mut().filter(|engine| engine.is_open()) else {
                    return Some(self);
                };
                if goodbye == Goodbye::Close {
                    while engine.poll_transmit().is_some() {}
                }
                let farewell = polling::farewell(engine, &mut self.address, cx.jars, cx.now);
                cx.control.push_back(Transmit::Hangup { wire, farewell });
                None
            }
        }
    }
}

/// More packets in one body are no server's burst: each costs many times its few bytes here.
const MAX_PACKETS: usize = 65_536;

/// Nothing behind a close packet or an error counts.
fn take_packets(engine: &mut Engine, packets: Packets, now: Timestamp) {
    for (number, packet) in packets.enumerate() {
        match packet {
            Ok(_) if number >= MAX_PACKETS => {
                let text = format!("poll: more than {MAX_PACKETS} packets in one body");
                engine.handle_closed(Error::new(Code::PayloadLimit, text));
            }
            Ok(frame) => engine.handle_input(frame, now),
            Err(error) => engine.handle_closed(error),
        }
        if engine.is_closed() {
            return;
        }
    }
}

fn websocket_transmit(wire: WireId, frame: Frame, address: &Address) -> Transmit {
    match payload::ws_encode(frame, address.revision(), address.config().force_base64) {
        Frame::Text(frame) => Transmit::Text { wire, frame },
        Frame::Binary(frame) => Transmit::Binary { wire, frame },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::config::{Endpoint, HeaderList, ManagerConfig, Revision, Target};

    fn text(text: &'static str) -> Frame {
        Frame::Text(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn a_pong_that_overtakes_does_not_count_as_what_was_sent_before() {
        let config = ManagerConfig::new(Endpoint::default()).common;
        let (mut jars, mut control, mut next_wire) = (Jars::default(), VecDeque::new(), 1);
        let now = Timestamp(0);
        let mut cx = Context {
            config: &config,
            jars: &mut jars,
            control: &mut control,
            next_wire: &mut next_wire,
            now,
        };
        let target = Target { endpoint: Endpoint::default(), headers: HeaderList::default() };
        let address = Address::new(target, Arc::new(config.clone()), Revision::V4);
        let mut connection = Connection::open(address, Transport::Websocket, &mut cx);
        let wire = WireId(1);
        connection.handle_connected(wire, &Cookies::default(), &mut cx);
        let open = r#"0{"sid":"a","pingInterval":25000,"pingTimeout":20000}"#;
        connection.handle_frame(wire, text(open), &mut cx);
        connection.handle_writable(wire, false);
        connection.send(text("41"));
        let mark = connection.mark();
        connection.handle_frame(wire, text("2"), &mut cx);
        assert_eq!(connection.mark(), mark, "nothing was sent since");
        connection.handle_writable(wire, true);
        for (frame, has_left) in [("3", false), ("41", true)] {
            let transmit = connection.poll_transmit(&config, &jars, now);
            assert!(matches!(transmit, Some(Transmit::Text { frame: sent, .. }) if sent == frame));
            assert_eq!(connection.has_left(mark), has_left, "{frame}");
        }
    }
}
