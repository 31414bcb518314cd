//! The network's side of a trace.

use bytes::Bytes;

use super::Recorder;
use super::packets::{Way, binary, of_body};
use super::record::{Cause, Packet, What, snake};
use crate::error::Error;
use crate::proto::engine::handshake::{Handshake, percent_encode_component};
use crate::proto::engine::packet::PacketType;
use crate::proto::engine::session::Frame;
use crate::proto::io::{Exchange, HttpRequest, HttpResponse, Input, Transmit, WireId};

/// A wire that carries an open engine.
#[derive(Debug)]
pub(super) struct Carrier {
    wire: WireId,
    /// The engine's id as a query has it. It never leaves the memory.
    sid: String,
}

impl Recorder {
    /// Something came from the network.
    pub(crate) fn input(&mut self, input: &Input) {
        match input {
            Input::Reached { wire, connect_ms } => {
                self.write(What::Reached { wire: wire.0, connect_ms: *connect_ms });
            }
            Input::Secured { wire, tls_ms } => {
                self.write(What::Secured { wire: wire.0, tls_ms: *tls_ms });
            }
            Input::Connected { wire, local, cookies } => {
                let local = local.map(|address| address.ip().to_string());
                self.write(What::Connected { wire: wire.0, local, cookies: cookies.set.len() });
            }
            Input::Failed { wire, error } => {
                self.totals.wires_lost += 1;
                self.write(What::Failed { wire: wire.0, error: error.into() });
            }
            Input::Text { wire, frame } => self.text(Way::In, *wire, frame),
            Input::Binary { wire, frame } => self.binary(Way::In, *wire, frame),
            Input::Response { wire, exchange, result } => self.answer(*wire, *exchange, result),
            Input::Activity { wire, pong: true, .. } => self.write(What::Pong { wire: wire.0 }),
            Input::Activity { wire, partial: true, .. } if !self.partial.contains(wire) => {
                self.partial.push(*wire);
                self.write(What::Partial { wire: wire.0 });
            }
            Input::Activity { .. } => {}
            Input::Closed { wire, error } => {
                self.totals.wires_lost += 1;
                self.write(What::Closed { wire: wire.0, error: error.into() });
                self.engine_over(*wire, "network");
            }
            Input::Writable { wire, writable } => {
                self.write(What::Writable { wire: wire.0, writable: *writable });
            }
            Input::HostQueue { full } => self.write(What::HostQueue { full: *full }),
            Input::LocalAddress { wire, local } => {
                let local = local.map(|address| address.to_string());
                self.write(What::LocalAddress { wire: wire.0, local });
            }
        }
    }

    /// Something goes to the network.
    pub(crate) fn transmit(&mut self, transmit: &Transmit) {
        match transmit {
            Transmit::Dial { wire, endpoint, path_and_query, headers: _ } => {
                self.totals.dials += 1;
                let upgrades = self.engine_of(path_and_query);
                if let Some(from) = upgrades {
                    self.upgrades.insert(*wire, from);
                }
                self.write(What::Dial {
                    wire: wire.0,
                    transport: "websocket",
                    host: &endpoint.host,
                    port: endpoint.port,
                    secure: endpoint.secure,
                    revision: revision_of(path_and_query),
                    upgrades,
                });
            }
            Transmit::Request { wire, endpoint, request } => {
                if !self.polling.contains(wire) {
                    self.totals.dials += 1;
                    self.polling.push(*wire);
                    self.write(What::Dial {
                        wire: wire.0,
                        transport: "polling",
                        host: &endpoint.host,
                        port: endpoint.port,
                        secure: endpoint.secure,
                        revision: revision_of(&request.path_and_query),
                        upgrades: None,
                    });
                }
                self.request(*wire, request);
            }
            Transmit::Text { wire, frame } => self.text(Way::Out, *wire, frame),
            Transmit::Binary { wire, frame } => self.binary(Way::Out, *wire, frame),
            // Its answer says it all.
            Transmit::AskLocalAddress { .. } => {}
            Transmit::LimitUnacknowledged { wire, ms } => {
                self.write(What::LimitUnacknowledged { wire: wire.0, ms: *ms });
            }
            Transmit::Ping { wire } => self.write(What::Probe { wire: wire.0 }),
            Transmit::Hangup { wire, farewell } => {
                for request in farewell {
                    self.request(*wire, request);
                }
                self.write(What::Hangup { wire: wire.0 });
                self.engine_over(*wire, "client");
                self.upgrades.remove(wire);
                self.polling.retain(|polling| polling != wire);
                self.partial.retain(|partial| partial != wire);
            }
        }
    }

    fn request(&mut self, wire: WireId, request: &HttpRequest) {
        let bytes = request.body.iter().map(Bytes::len).sum();
        let exchange = snake(&request.exchange);
        self.write(What::HttpSent { wire: wire.0, exchange, bytes });
        let body = Bytes::from(request.body.concat());
        self.body(Way::Out, wire, &body, request.binary);
    }

    fn answer(&mut self, wire: WireId, exchange: Exchange, result: &Result<HttpResponse, Error>) {
        let answer = result.as_ref().ok();
        self.write(What::HttpAnswered {
            wire: wire.0,
            exchange: snake(&exchange),
            status: answer.map(|answer| answer.status),
            bytes: answer.map(|answer| answer.body.len()),
            error: result.as_ref().err().map(Cause::from),
        });
        match result {
            Ok(answer) if answer.status == 200 && exchange == Exchange::Poll => {
                self.body(Way::In, wire, &answer.body, answer.binary);
            }
            Ok(_) => {}
            Err(_) => {
                self.totals.wires_lost += 1;
                self.engine_over(wire, "network");
            }
        }
    }

    fn body(&mut self, way: Way, wire: WireId, body: &Bytes, is_binary: bool) {
        if body.is_empty() {
            return;
        }
        for frame in of_body(body, is_binary) {
            match frame {
                Frame::Text(text) => self.text(way, wire, &text),
                Frame::Binary(data) => self.binary(way, wire, &data),
            }
        }
    }

    fn text(&mut self, way: Way, wire: WireId, frame: &Bytes) {
        let (packet, kind) = self.packets.text(way, wire.0, frame);
        self.packet(way, wire, packet);
        match (way, kind) {
            (Way::In, Some(PacketType::Open)) => self.engine_opened(wire, &frame[1..]),
            (Way::In, Some(PacketType::Close)) => self.engine_over(wire, "server"),
            (Way::Out, Some(PacketType::Upgrade)) => self.engine_upgraded(wire),
            _ => {}
        }
    }

    fn binary(&mut self, way: Way, wire: WireId, data: &Bytes) {
        self.packet(way, wire, binary(wire.0, data.len()));
    }

    fn packet(&mut self, way: Way, wire: WireId, packet: Packet<'_>) {
        let bytes = packet.bytes as u64;
        if way == Way::In {
            self.partial.retain(|partial| *partial != wire);
            self.totals.packets_in += 1;
            self.totals.bytes_in += bytes;
            self.write(What::In(packet));
        } else {
            self.totals.packets_out += 1;
            self.totals.bytes_out += bytes;
            self.write(What::Out(packet));
        }
    }

    fn engine_opened(&mut self, wire: WireId, json: &[u8]) {
        // One that cannot be read opens nothing.
        let Ok(open) = Handshake::parse(json) else { return };
        self.write(What::EngineOpened {
            wire: wire.0,
            ping_interval_ms: open.ping_interval_ms,
            ping_timeout_ms: open.ping_timeout_ms,
        });
        self.carriers.push(Carrier { wire, sid: percent_encode_component(&open.sid) });
    }

    fn engine_upgraded(&mut self, wire: WireId) {
        let from = self.upgrades.remove(&wire);
        self.write(What::EngineUpgraded { wire: wire.0, from });
        if let Some(carrier) = self.carriers.iter_mut().find(|carrier| Some(carrier.wire.0) == from)
        {
            carrier.wire = wire;
        }
    }

    /// The wire carries no engine any more; what is told first counts.
    fn engine_over(&mut self, wire: WireId, by: &'static str) {
        let Some(at) = self.carriers.iter().position(|carrier| carrier.wire == wire) else {
            return;
        };
        self.carriers.swap_remove(at);
        self.write(What::EngineClosed { wire: wire.0, by });
    }

    /// The wire whose engine the query of a dial names.
    fn engine_of(&self, path_and_query: &str) -> Option<u32> {
        let sid = parameter(path_and_query, "sid=")?;
        self.carriers.iter().find(|carrier| carrier.sid == sid).map(|carrier| carrier.wire.0)
    }
}

/// The revision of Engine.IO that a request speaks.
fn revision_of(path_and_query: &str) -> Option<u8> {
    parameter(path_and_query, "EIO=")?.parse().ok()
}

fn parameter<'a>(path_and_query: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = path_and_query.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix(name))
}
