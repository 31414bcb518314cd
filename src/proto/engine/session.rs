//! The life of one Engine.IO connection, whatever carries it (`engine-io` 6 and 10).
//!
//! ```text
//!  Opening --open packet--> Open --close packet, silence, bad packet--> Closed
//! ```
//!
//! In revision 4 the server pings, and only its pings count as life. In revision 3 the client pings,
//! something has to come within `pingTimeout`, and every packet counts.

use std::collections::VecDeque;
use std::fmt;

use bytes::Bytes;

use crate::config::{Limits, Revision, Timeouts};
use crate::error::{Code, Error};
use crate::proto::engine::handshake::Handshake;
use crate::proto::engine::packet::{self, PacketType};
use crate::proto::engine::payload::{self, Body};
use crate::proto::time::{Timestamp, earliest};
use crate::secret::Size;

/// A packet, or the WebSocket frame that it is in revision 4.
#[derive(Clone, PartialEq, Eq)]
pub enum Frame {
    /// UTF-8 text that begins with the type digit.
    Text(Bytes),
    /// A binary message.
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
    Opening {
        deadline: Timestamp,
    },
    Open(Open),
    /// What the server said when it opened counts for what came before the end.
    Closed(Option<Handshake>),
}

#[derive(Debug)]
struct Open {
    handshake: Handshake,
    /// Without a sign of life by then it is dead.
    deadline: Timestamp,
    /// Revision 4: the last pong that was queued. Revision 3: the last ping, or the answer to it.
    beat: Timestamp,
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
    revision: Revision,
    phase: Phase,
    max_message: usize,
    reading_paused: bool,
    queue: VecDeque<Frame>,
    queued_bytes: usize,
    events: VecDeque<EngineEvent>,
}

impl Engine {
    /// An engine on a WebSocket that has just opened, or whose first poll starts.
    /// [`Revision::Auto`] means 4 here.
    pub fn new(revision: Revision, timeouts: &Timeouts, limits: &Limits, now: Timestamp) -> Self {
        Self {
            revision,
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
            Phase::Closed(handshake) => handshake.as_ref(),
            Phase::Opening { .. } => None,
        }
    }

    /// Whether messages can be sent.
    pub const fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open(_))
    }

    /// Whether the open packet is still waited for.
    pub const fn is_opening(&self) -> bool {
        matches!(self.phase, Phase::Opening { .. })
    }

    /// Whether it is over.
    pub const fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed(_))
    }

    /// Frames and bytes that wait for the wire.
    pub fn queued(&self) -> (usize, usize) {
        (self.queue.len(), self.queued_bytes)
    }

    /// Heartbeats that wait: they stand in front of what was sent before them.
    pub fn waiting_beats(&self) -> u64 {
        let beat = if self.revision == Revision::V3 { packet::PING } else { packet::PONG };
        u64::from(matches!(self.queue.front(), Some(Frame::Text(frame)) if *frame == beat))
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
            if self.revision == Revision::V3 {
                open.deadline = now + open.patience();
            }
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
            Phase::Closed(_) => return,
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
            // In revision 3 the server has nothing to ask.
            PacketType::Ping if self.revision == Revision::V3 => {}
            PacketType::Ping => {
                open.deadline = now + open.patience();
                self.beat(now);
            }
            PacketType::Pong if self.revision == Revision::V3 => open.beat = now,
            PacketType::Close => {
                self.close(Error::new(Code::EngineClosed, "the server closed the connection"));
            }
            // A second open packet changes nothing; the rest is legal only on other transports.
            PacketType::Open | PacketType::Pong | PacketType::Upgrade | PacketType::Noop => {}
        }
    }

    fn open(&mut self, handshake: Handshake, now: Timestamp) {
        let patience = handshake.ping_interval_ms + handshake.ping_timeout_ms;
        self.phase =
            Phase::Open(Open { handshake, deadline: now + patience, beat: now, partial: false });
        self.events.push_back(EngineEvent::Opened);
    }

    /// Queue a heartbeat in front of what waits, which may take long. One that waits is enough: a
    /// flood of pings costs one answer.
    fn beat(&mut self, now: Timestamp) {
        let Phase::Open(open) = &mut self.phase else { return };
        open.beat = now;
        let packet = match self.revision {
            Revision::V3 => {
                open.deadline = open.deadline.min(now + open.handshake.ping_timeout_ms);
                packet::PING
            }
            Revision::V4 | Revision::Auto => packet::PONG,
        };
        let frame = Frame::Text(packet);
        if self.queue.front() != Some(&frame) {
            self.queued_bytes += frame.weight();
            self.queue.push_front(frame);
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
        let handshake = match std::mem::replace(&mut self.phase, Phase::Closed(None)) {
            Phase::Open(open) => Some(open.handshake),
            Phase::Opening { .. } => None,
            closed @ Phase::Closed(_) => return self.phase = closed,
        };
        self.phase = Phase::Closed(handshake);
        self.events.push_back(EngineEvent::Closed(error));
    }

    /// When the client beats unasked: in revision 3 always, which goes on while no pong can be read; in
    /// revision 4 only while no ping can be read, which keeps the server from closing.
    fn beat_at(&self) -> Option<Timestamp> {
        match &self.phase {
            Phase::Open(open)
                if self.revision == Revision::V3 || open.partial || self.reading_paused =>
            {
                Some(open.beat + open.handshake.ping_interval_ms)
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
        if self.beat_at().is_some_and(|at| at <= now) {
            self.beat(now);
        }
    }

    /// The next frame to send.
    pub fn poll_transmit(&mut self) -> Option<Frame> {
        let frame = self.queue.pop_front()?;
        self.queued_bytes -= frame.weight();
        Some(frame)
    }

    /// The body of the next POST: what waits, as far as the server takes it at once. Empty when nothing
    /// waits.
    pub fn take_body(&mut self) -> Body {
        let limit = self.handshake().and_then(|handshake| handshake.max_payload);
        let limit = limit.unwrap_or(payload::UNKNOWN_LIMIT);
        let body = payload::encode(&mut self.queue, limit, self.revision);
        self.queued_bytes -= body.weight;
        body
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<EngineEvent> {
        self.events.pop_front()
    }

    /// When [`Engine::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        earliest(self.deadline(), self.beat_at())
    }
}

#[cfg(test)]
mod tests;
