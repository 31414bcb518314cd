//! The network of a world: what the core sends reaches the server, what the server says reaches the
//! core, and both take their time or are lost.

use roamio::error::{Code, Error};
use roamio::proto::io::{Cookies, Input, Transmit, WireId};

use super::{Dials, World};
use crate::link::{Link, Millis, Side, ToClient, ToServer};
use crate::server::Says;

/// Bytes that arrive at once.
const SEGMENT: usize = 1_400;

impl World {
    pub(super) fn transmit(&mut self, transmit: Transmit) {
        let now = self.now;
        match transmit {
            Transmit::Request { .. } => panic!("WebSocket only"),
            Transmit::Dial { wire: link, endpoint, .. } => {
                let secure = self.server.portal.config().secure;
                assert_eq!(endpoint.secure, secure, "7.2: as the token says");
                self.watch.dial(link, now);
                self.dial(link);
            }
            Transmit::Text { wire: id, frame } => {
                let text = std::str::from_utf8(&frame).expect("text frames are UTF-8");
                let live = self.links.get_mut(&id).filter(|link| link.is_open());
                if let Some(link) = live {
                    self.watch.sent(id, text);
                    if self.hole.is_some_and(|most| frame.len() > most) {
                        link.up.break_off();
                    }
                    let delay = link.up.delay(frame.len(), now);
                    link.up.push_after(delay, ToServer::Text(frame), now);
                }
                self.bounce(id);
            }
            Transmit::Binary { .. } => panic!("a conference sends no binary frames"),
            Transmit::LimitUnacknowledged { .. } => {}
            Transmit::AskLocalAddress { wire } => {
                self.asked_for_address.push(now);
                let local = self.datagrams_from.unwrap_or(self.local.ip());
                let local = self.routed.then_some(local);
                self.stack.handle_input(Input::LocalAddress { wire, local }, self.clock());
            }
            Transmit::Ping { wire: link } => {
                self.with_link(link, |link| link.up.push(ToServer::Ping, now));
                self.bounce(link);
            }
            Transmit::Hangup { wire: id, .. } => {
                self.watch.over(id);
                self.with_link(id, |link| {
                    link.client_holds = false;
                    link.down.clear();
                    link.up.push(ToServer::End, now);
                });
            }
        }
    }

    /// A middlebox that does not know a link answers what comes on it with a reset.
    fn bounce(&mut self, id: WireId) {
        let now = self.now;
        self.with_link(id, |link| {
            if std::mem::take(&mut link.rebound) {
                link.reset(Side::Client, now);
            }
        });
    }

    fn dial(&mut self, id: WireId) {
        let mut link = Link::new(self.local, self.latency, self.now);
        (link.up.rate, link.down.rate) = (self.rate, self.rate);
        // The way there and back, for TCP and for the WebSocket handshake.
        let handshakes = 4 * self.latency;
        match self.dials {
            Dials::Succeed => link.down.push_after(handshakes, ToClient::Accepted, self.now),
            Dials::Slow(by) => link.down.push_after(handshakes + by, ToClient::Accepted, self.now),
            Dials::Refused => {
                link.down.push(ToClient::Refused(self.refusal.clone()), self.now);
            }
            Dials::Hang => link.down.break_off(),
            Dials::Unreachable => {
                let error = Error::new(Code::Connect, "host unreachable");
                link.down.push_after(3_000, ToClient::Refused(error), self.now);
            }
        }
        self.links.insert(id, link);
    }

    pub(super) fn step_server(&mut self) {
        if self.server.stopped {
            return;
        }
        let now = self.now;
        let ids: Vec<WireId> = self.links.keys().copied().collect();
        for id in ids {
            while let Some(link) = self.links.get_mut(&id)
                && let Some(item) = link.up.pop(now)
            {
                match item {
                    ToServer::Text(frame) if link.server_holds => {
                        let frame = std::str::from_utf8(&frame).expect("UTF-8");
                        self.server.receive(id, frame, now);
                    }
                    ToServer::Ping => link.down.push(ToClient::Pong, now),
                    ToServer::End => {
                        link.server_holds = false;
                        self.server.lose(id, now);
                    }
                    ToServer::Text(_) => {}
                }
                self.settle_server();
            }
        }
        if self.server.poll_timeout().is_some_and(|at| at <= now) {
            self.server.handle_timeout(now);
        }
        self.settle_server();
    }

    /// Put what the server says on the wire.
    pub(super) fn settle_server(&mut self) {
        let (now, drip) = (self.now, self.drip);
        self.server.collect();
        while let Some((id, says)) = self.server.poll_says() {
            let Some(link) = self.links.get_mut(&id) else { continue };
            match says {
                Says::Text(text) if self.hole.is_some_and(|most| text.len() > most) => {
                    link.down.break_off();
                }
                Says::Text(text) => {
                    if let Some((length, pause)) = drip.filter(|(length, _)| text.len() > *length) {
                        for part in 1..=text.len() / length {
                            let delay = link.down.latency + part as Millis * pause;
                            link.down.push_after(delay, ToClient::Part, now);
                        }
                    }
                    if link.down.rate.is_some() {
                        for _ in 1..text.len().div_ceil(SEGMENT) {
                            let delay = link.down.delay(SEGMENT, now);
                            link.down.push_after(delay, ToClient::Part, now);
                        }
                    }
                    let delay = link.down.delay(text.len() % SEGMENT, now);
                    link.down.push_after(delay, ToClient::Text(text.into()), now);
                }
                Says::End => {
                    link.server_holds = false;
                    link.up.clear();
                    let error = Error::new(Code::EngineClosed, "closed by the server");
                    link.down.push(ToClient::Closed(error), now);
                }
            }
        }
    }

    pub(super) fn step_inputs(&mut self) {
        let ids: Vec<WireId> = self.links.keys().copied().collect();
        for id in ids {
            while let Some(link) = self.links.get(&id)
                && self.reads(link)
                && let Some(item) = self.links.get_mut(&id).and_then(|link| link.down.pop(self.now))
            {
                self.deliver(id, item);
            }
        }
    }

    fn deliver(&mut self, id: WireId, item: ToClient) {
        let now = self.now;
        let Some(link) = self.links.get_mut(&id).filter(|link| link.client_holds) else { return };
        let input = match item {
            ToClient::Accepted => {
                link.server_holds = true;
                let (local, connect_ms) = (Some(link.local), now - link.dialled);
                self.server.open(id, now);
                self.settle_server();
                self.input(Input::Reached { wire: id, connect_ms });
                Input::Connected { wire: id, local, cookies: Cookies::default() }
            }
            ToClient::Refused(error) => {
                link.client_holds = false;
                self.watch.over(id);
                Input::Failed { wire: id, error }
            }
            ToClient::Text(frame) => {
                let text = String::from_utf8_lossy(&frame);
                self.watch.received(id, &text);
                Input::Text { wire: id, frame }
            }
            ToClient::Part => Input::Activity { wire: id, partial: true, pong: false },
            ToClient::Pong => Input::Activity { wire: id, partial: false, pong: true },
            ToClient::Closed(error) => {
                link.client_holds = false;
                self.watch.over(id);
                Input::Closed { wire: id, error }
            }
        };
        self.input(input);
    }
}
