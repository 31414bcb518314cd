//! The life of one Engine.IO connection over an open WebSocket (`engine-io` revision 4).
//!
//! ```text
//!  Opening --open packet--> Open --close packet, silence, bad packet--> Closed
//! ```

use std::collections::VecDeque;
use std::fmt;

use bytes::Bytes;

use crate::config::{Endpoint, Limits, Timeouts};
use crate::error::{Code, Error};
use crate::proto::engine::handshake::Handshake;
use crate::proto::engine::packet::{self, PacketType};
use crate::proto::time::{Timestamp, earliest};
use crate::secret::Size;

/// A WebSocket frame.
#[derive(Clone, PartialEq, Eq)]
pub enum Frame {
    /// UTF-8 text.
    Text(Bytes),
    /// Bytes.
    Binary(Bytes),
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if matches!(self, Self::Text(_)) { "Text" } else { "Binary" };
        f.debug_tuple(kind).field(&Size(self.weight())).finish()
    }
}

impl Frame {
    /// The number of payload bytes, as queues count them.
    pub fn weight(&self) -> usize {
        match self {
            Self::Text(bytes) | Self::Binary(bytes) => bytes.len(),
        }
    }
}

/// What an engine tells the layer above.
pub enum EngineEvent {
    /// The open packet arrived.
    Opened,
    /// A text message: the whole frame, and where its data starts.
    Message {
        /// The frame with its type digit.
        frame: Bytes,
        /// Index of the first byte of the data.
        start: usize,
    },
    /// A binary message.
    Binary(Bytes),
    /// The connection cannot go on. Said once, last.
    Closed(Error),
}

impl fmt::Debug for EngineEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened => f.write_str("Opened"),
            Self::Message { frame, .. } => {
                f.debug_tuple("Message").field(&Size(frame.len())).finish()
            }
            Self::Binary(data) => f.debug_tuple("Binary").field(&Size(data.len())).finish(),
            Self::Closed(error) => f.debug_tuple("Closed").field(error).finish(),
        }
    }
}

#[derive(Debug)]
enum Phase {
    Opening { deadline: Timestamp },
    Open(Open),
    Closed,
}

#[derive(Debug)]
struct Open {
    handshake: Handshake,
    /// Without a ping of the server (or a part of a long message) by then it is dead.
    deadline: Timestamp,
    /// The last `3` that was queued.
    answered: Timestamp,
    /// A frame is being received whose end has not come.
    partial: bool,
}

impl Open {
    fn patience(&self) -> u64 {
        self.handshake.ping_interval_ms + self.handshake.ping_timeout_ms
    }
}

/// One Engine.IO connection.
#[derive(Debug)]
pub struct Engine {
    phase: Phase,
    max_message: usize,
    reading_paused: bool,
    queue: VecDeque<Frame>,
    queued_bytes: usize,
    events: VecDeque<EngineEvent>,
}

impl Engine {
    /// The path and query of the HTTP request that opens a WebSocket to `endpoint`.
    pub fn path_and_query(endpoint: &Endpoint) -> String {
        let separator = if endpoint.query.is_empty() { "" } else { "&" };
        format!("{}?{}{separator}EIO=4&transport=websocket", endpoint.path, endpoint.query)
    }

    /// An engine on a WebSocket that has just opened.
    pub fn new(timeouts: &Timeouts, limits: &Limits, now: Timestamp) -> Self {
        Self {
            phase: Phase::Opening { deadline: now + timeouts.open },
            max_message: limits.inbound_message,
            reading_paused: false,
            queue: VecDeque::new(),
            queued_bytes: 0,
            events: VecDeque::new(),
        }
    }

    /// What the server said when the connection opened.
    pub const fn handshake(&self) -> Option<&Handshake> {
        match &self.phase {
            Phase::Open(open) => Some(&open.handshake),
            _ => None,
        }
    }

    /// Whether messages can be sent.
    pub const fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open(_))
    }

    /// Frames and bytes that wait for the wire.
    pub fn queued(&self) -> (usize, usize) {
        (self.queue.len(), self.queued_bytes)
    }

    /// Queue a frame. After the end it goes nowhere: whoever waits for an answer was told.
    pub fn send(&mut self, frame: Frame) {
        if self.is_open() {
            self.push(frame);
        }
    }

    fn push(&mut self, frame: Frame) {
        self.queued_bytes += frame.weight();
        self.queue.push_back(frame);
    }

    /// A frame arrived.
    pub fn handle_input(&mut self, frame: Frame, now: Timestamp) {
        if let Phase::Open(open) = &mut self.phase {
            open.partial = false;
        }
        if frame.weight() > self.max_message {
            return self.close(Error::new(Code::PayloadLimit, "message above the inbound limit"));
        }
        match frame {
            Frame::Text(frame) => self.handle_text(frame, now),
            Frame::Binary(data) if self.is_open() => {
                self.events.push_back(EngineEvent::Binary(data));
            }
            Frame::Binary(_) => {
                self.close(Error::new(Code::Handshake, "binary frame before the open packet"));
            }
        }
    }

    fn handle_text(&mut self, frame: Bytes, now: Timestamp) {
        let (kind, start) = match packet::decode_text(&frame) {
            Ok(decoded) => decoded,
            Err(error) => return self.close(Error::new(Code::EnginePacket, error.to_string())),
        };
        let open = match &mut self.phase {
            Phase::Closed => return,
            Phase::Opening { .. } if kind == PacketType::Open => {
                return match Handshake::parse(&frame[start..]) {
                    Ok(handshake) => self.open(handshake, now),
                    Err(error) => self.close(error),
                };
            }
            Phase::Opening { .. } => {
                return self.close(Error::new(Code::Handshake, "first packet is not open"));
            }
            Phase::Open(open) => open,
        };
        match kind {
            PacketType::Message => self.events.push_back(EngineEvent::Message { frame, start }),
            PacketType::Binary => match packet::decode_base64(&frame[start..]) {
                Ok(data) => self.events.push_back(EngineEvent::Binary(data)),
                Err(error) => self.close(Error::new(Code::EnginePacket, error.to_string())),
            },
            PacketType::Ping => {
                open.deadline = now + open.patience();
                self.pong(now);
            }
            PacketType::Close => {
                self.close(Error::new(Code::EngineClosed, "the server closed the connection"));
            }
            // A second open packet changes nothing; the rest is legal only on other transports.
            PacketType::Open | PacketType::Pong | PacketType::Upgrade | PacketType::Noop => {}
        }
    }

    fn open(&mut self, handshake: Handshake, now: Timestamp) {
        let patience = handshake.ping_interval_ms + handshake.ping_timeout_ms;
        self.phase = Phase::Open(Open {
            handshake,
            deadline: now + patience,
            answered: now,
            partial: false,
        });
        self.events.push_back(EngineEvent::Opened);
    }

    /// Queue a pong unless one is the last thing that waits: a flood of pings costs one answer.
    fn pong(&mut self, now: Timestamp) {
        if let Phase::Open(open) = &mut self.phase {
            open.answered = now;
        }
        if self.queue.back() != Some(&Frame::Text(packet::PONG)) {
            self.push(Frame::Text(packet::PONG));
        }
    }

    /// Bytes arrived that are a part of a frame: the server lives, and cannot ping meanwhile.
    pub fn handle_partial(&mut self, now: Timestamp) {
        if let Phase::Open(open) = &mut self.phase {
            open.partial = true;
            open.deadline = open.deadline.max(now + open.patience());
        }
    }

    /// Reading stopped because the host does not keep up, or goes on.
    pub fn pause_reading(&mut self, paused: bool, now: Timestamp) {
        self.reading_paused = paused;
        if let Phase::Open(open) = &mut self.phase
            && !paused
        {
            open.deadline = now + open.patience();
        }
    }

    /// The WebSocket below is gone.
    pub fn handle_closed(&mut self, error: Error) {
        self.close(error);
    }

    fn close(&mut self, error: Error) {
        if !matches!(self.phase, Phase::Closed) {
            self.phase = Phase::Closed;
            self.events.push_back(EngineEvent::Closed(error));
        }
    }

    /// While pings cannot be read, `3` is sent unasked once per interval, which keeps the server
    /// from closing.
    fn keepalive_at(&self) -> Option<Timestamp> {
        match &self.phase {
            Phase::Open(open) if open.partial || self.reading_paused => {
                Some(open.answered + open.handshake.ping_interval_ms)
            }
            _ => None,
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        match &self.phase {
            Phase::Opening { deadline } => Some(*deadline),
            Phase::Open(open) if !self.reading_paused => Some(open.deadline),
            _ => None,
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            let error = if self.is_open() {
                Error::new(Code::PingTimeout, "no heartbeat within pingInterval + pingTimeout")
            } else {
                Error::new(Code::ConnectTimeout, "no Engine.IO open packet in time")
            };
            return self.close(error);
        }
        if self.keepalive_at().is_some_and(|at| at <= now) {
            self.pong(now);
        }
    }

    /// The next frame to send.
    pub fn poll_transmit(&mut self) -> Option<Frame> {
        let frame = self.queue.pop_front()?;
        self.queued_bytes -= frame.weight();
        Some(frame)
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<EngineEvent> {
        self.events.pop_front()
    }

    /// When [`Engine::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        earliest(self.deadline(), self.keepalive_at())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: &str = r#"0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;

    fn text(text: &'static str) -> Frame {
        Frame::Text(Bytes::from_static(text.as_bytes()))
    }

    fn opened() -> Engine {
        let mut engine = Engine::new(&Timeouts::default(), &Limits::default(), Timestamp(0));
        engine.handle_input(text(OPEN), Timestamp(10));
        assert!(matches!(engine.poll_event(), Some(EngineEvent::Opened)));
        engine
    }

    fn closed_with(engine: &mut Engine) -> Code {
        match engine.poll_event() {
            Some(EngineEvent::Closed(error)) => error.code(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_ping_is_answered_and_extends_the_deadline() {
        let mut engine = opened();
        assert_eq!(engine.poll_timeout(), Some(Timestamp(45_010)));
        engine.handle_input(text("2"), Timestamp(25_000));
        assert_eq!(engine.poll_transmit(), Some(text("3")));
        assert_eq!(engine.poll_timeout(), Some(Timestamp(70_000)));
    }

    #[test]
    fn other_traffic_does_not_extend_the_deadline() {
        let mut engine = opened();
        engine.handle_input(text("42[\"a\"]"), Timestamp(40_000));
        assert!(matches!(engine.poll_event(), Some(EngineEvent::Message { start: 1, .. })));
        engine.handle_timeout(Timestamp(45_010));
        assert_eq!(closed_with(&mut engine), Code::PingTimeout);
    }

    #[test]
    fn a_ping_flood_leaves_one_pending_pong() {
        let mut engine = opened();
        for _ in 0..1_000 {
            engine.handle_input(text("2"), Timestamp(20));
        }
        assert_eq!(engine.queued().0, 1);
    }

    #[test]
    fn a_second_open_packet_changes_nothing() {
        let mut engine = opened();
        engine.handle_input(
            text(r#"0{"sid":"b","upgrades":[],"pingInterval":100,"pingTimeout":100}"#),
            Timestamp(20),
        );
        assert_eq!(engine.handshake().map(|handshake| handshake.sid.as_str()), Some("a"));
        assert_eq!(engine.poll_timeout(), Some(Timestamp(45_010)));
    }

    #[test]
    fn a_long_message_counts_as_life_and_is_accompanied_by_unasked_pongs() {
        let mut engine = opened();
        engine.handle_partial(Timestamp(20_000));
        assert_eq!(engine.poll_timeout(), Some(Timestamp(25_010)));
        engine.handle_timeout(Timestamp(25_010));
        assert_eq!(engine.poll_transmit(), Some(text("3")));
        engine.handle_input(text("42[\"long\"]"), Timestamp(26_000));
        assert_eq!(engine.poll_timeout(), Some(Timestamp(65_000)));
    }

    #[test]
    fn while_the_host_is_slow_the_engine_is_kept_alive() {
        let mut engine = opened();
        engine.pause_reading(true, Timestamp(10));
        for beat in 1..=4 {
            engine.handle_timeout(Timestamp(10 + beat * 25_000));
            assert_eq!(engine.poll_transmit(), Some(text("3")));
        }
        engine.pause_reading(false, Timestamp(100_010));
        assert_eq!(engine.poll_timeout(), Some(Timestamp(145_010)));
    }

    #[test]
    fn bad_input_closes_once_with_a_precise_error() {
        for (frame, code) in [
            (text(""), Code::EnginePacket),
            (text("9"), Code::EnginePacket),
            (text("1"), Code::EngineClosed),
        ] {
            let mut engine = opened();
            engine.handle_input(frame, Timestamp(20));
            assert_eq!(closed_with(&mut engine), code);
            engine.handle_closed(Error::from(Code::NetworkLost));
            assert!(engine.poll_event().is_none());
        }
        let mut engine = Engine::new(&Timeouts::default(), &Limits::default(), Timestamp(0));
        engine.handle_input(text("40"), Timestamp(1));
        assert_eq!(closed_with(&mut engine), Code::Handshake);
    }

    #[test]
    fn a_missing_open_packet_ends_the_attempt() {
        let mut engine = Engine::new(&Timeouts::default(), &Limits::default(), Timestamp(0));
        engine.handle_timeout(Timestamp(10_000));
        assert_eq!(closed_with(&mut engine), Code::ConnectTimeout);
    }
}
