//! What arrives from the network: to which connection it belongs, and what that makes of it.

use super::{Path, PathEvent};
use crate::error::Result;
use crate::proto::engine::connection::{Connection, Context, Goodbye, Notice};
use crate::proto::engine::session::{Engine, EngineEvent, Frame};
use crate::proto::io::{Exchange, HttpResponse, Input, LinkId, WireId};
use crate::proto::path::link::Link;
use crate::proto::time::Timestamp;

impl Path {
    /// Something arrived from the network.
    pub fn handle_input(&mut self, input: Input, now: Timestamp) {
        self.now = now;
        self.stats.bytes_in += input.bytes() as u64;
        self.wake(now);
        match input {
            Input::Text { wire, frame } => self.handle_frame(wire, Frame::Text(frame), now),
            Input::Binary { wire, frame } => self.handle_frame(wire, Frame::Binary(frame), now),
            Input::Response { wire, exchange, result } => {
                self.handle_response(wire, exchange, result, now);
            }
            Input::Activity { wire, partial, pong } => {
                self.handle_activity(wire, partial, pong, now)
            }
            Input::Writable { wire, writable } => {
                if let Some((_, connection, _)) = self.find(wire, now) {
                    connection.handle_writable(wire, writable);
                }
            }
            Input::Reached { wire, connect_ms } => self.handle_reached(wire, connect_ms, now),
            Input::Secured { .. } => {}
            Input::Connected { wire, local, cookies } => {
                let local = local.map(|address| address.ip());
                if let Some(link) = self.links.iter_mut().find(|link| link.has_wire(wire)) {
                    link.local = local.or(link.local);
                    link.last_byte = now;
                    if link.opened.is_none() {
                        link.probe = None;
                    }
                }
                self.with(wire, now, |connection, cx| {
                    connection.handle_connected(wire, &cookies, cx);
                });
            }
            Input::Failed { wire, error } | Input::Closed { wire, error } => {
                self.with(wire, now, |connection, cx| {
                    connection.handle_wire_lost(wire, error, cx);
                });
            }
            Input::LocalAddress { wire, local } => self.handle_local_address(wire, local, now),
            Input::HostQueue { full } => self.handle_host_queue(full, now),
        }
        self.ask_address(now);
    }

    /// The connection that a wire carries, its link, and what it needs.
    fn find(
        &mut self,
        wire: WireId,
        now: Timestamp,
    ) -> Option<(LinkId, &mut Connection, Context<'_>)> {
        let (links, cx) = self.split(now);
        links
            .iter_mut()
            .find_map(|link| {
                let id = link.id;
                let connection = link.connections().find(|connection| connection.has_wire(wire))?;
                Some((id, connection))
            })
            .map(|(id, connection)| (id, connection, cx))
    }

    /// Give something to the connection of a wire, and pass on what it has to say about it.
    fn with(
        &mut self,
        wire: WireId,
        now: Timestamp,
        act: impl FnOnce(&mut Connection, &mut Context<'_>),
    ) {
        if let Some((id, connection, mut cx)) = self.find(wire, now) {
            act(connection, &mut cx);
            self.drain(id, now);
        }
    }

    fn handle_frame(&mut self, wire: WireId, frame: Frame, now: Timestamp) {
        let Some(link) = self.links.iter_mut().find(|link| link.has_wire(wire)) else {
            self.stats.packets_ignored += 1;
            return;
        };
        link.partial = false;
        let id = link.id;
        self.heard(id, false, now);
        self.with(wire, now, |connection, cx| connection.handle_frame(wire, frame, cx));
    }

    fn handle_reached(&mut self, wire: WireId, connect_ms: u64, now: Timestamp) {
        let Some((id, connection, cx)) = self.find(wire, now) else { return };
        connection.handle_reached(wire, &cx);
        self.stats.round_trip_ms = connect_ms;
        if let Some(link) = self.get_mut(id) {
            link.measured(connect_ms, now);
        }
        self.plan_race(id, connect_ms);
    }

    fn handle_activity(&mut self, wire: WireId, partial: bool, pong: bool, now: Timestamp) {
        let Some(link) = self.links.iter_mut().find(|link| link.has_wire(wire)) else { return };
        if partial {
            link.partial = true;
            link.last_part = Some(now);
            for connection in link.connections() {
                if let Some(engine) = connection.engine_mut() {
                    engine.handle_partial(now);
                }
            }
        }
        let id = link.id;
        self.heard(id, pong, now);
    }

    fn handle_response(
        &mut self,
        wire: WireId,
        exchange: Exchange,
        result: Result<HttpResponse>,
        now: Timestamp,
    ) {
        if self.links.iter().any(|link| link.has_wire(wire)) {
            let local = result.as_ref().ok().and_then(|response| response.local);
            let answered = result.is_ok();
            if let Some(link) = self.links.iter_mut().find(|link| link.has_wire(wire)) {
                // What is missed when the address changes is the answer to a poll.
                if exchange == Exchange::Poll || link.local.is_none() {
                    link.local = local.map(|address| address.ip()).or(link.local);
                }
                link.partial = false;
                let id = link.id;
                if answered {
                    self.heard(id, exchange == Exchange::Post, now);
                }
            }
            return self.with(wire, now, |connection, cx| {
                connection.handle_response(exchange, result, cx);
            });
        }
        self.handle_lingering(wire, exchange, result, now);
    }

    /// A loser of a race has its answer: now the server can be told.
    fn handle_lingering(
        &mut self,
        wire: WireId,
        exchange: Exchange,
        result: Result<HttpResponse>,
        now: Timestamp,
    ) {
        let place = self.lingering.iter().position(|(connection, _)| connection.has_wire(wire));
        let Some((mut connection, _)) = place.map(|place| self.lingering.remove(place)) else {
            return;
        };
        let (_, mut cx) = self.split(now);
        connection.handle_response(exchange, result, &mut cx);
        self.release(connection, Goodbye::Flush, now);
    }

    pub(super) fn linger_timeout(&mut self, now: Timestamp) {
        while let Some(place) = self.lingering.iter().position(|(_, until)| *until <= now) {
            let (connection, _) = self.lingering.remove(place);
            self.release(connection, Goodbye::Silent, now);
        }
    }

    /// Pass on what the connections of a link have to say.
    pub(super) fn drain(&mut self, id: LinkId, now: Timestamp) {
        while self.settle_race(id, now) {}
        loop {
            let Some(index) = self.links.iter().position(|link| link.id == id) else { return };
            let Some(connection) = self.links[index].opened.as_mut() else { return };
            let Some(event) = connection.engine_mut().and_then(Engine::poll_event) else { break };
            match event {
                // A second one is not said.
                EngineEvent::Opened => {}
                EngineEvent::Message { frame, start } => {
                    self.stats.messages_in += 1;
                    self.events.push_back(PathEvent::Message { link: id, frame, start });
                }
                EngineEvent::Binary(data) => {
                    self.stats.messages_in += 1;
                    self.events.push_back(PathEvent::Binary { link: id, data });
                }
                EngineEvent::Closed(error) if self.events.is_empty() => {
                    return self.lose(index, error, Goodbye::Silent, now);
                }
                EngineEvent::Closed(error) => self.links[index].ended = Some(error),
            }
        }
        self.drain_notices(id);
    }

    fn drain_notices(&mut self, id: LinkId) {
        let notice = |link: &mut Link| link.opened.as_mut().and_then(Connection::poll_notice);
        while let Some(notice) = self.get_mut(id).and_then(notice) {
            match notice {
                Notice::Upgraded => {
                    self.learn_websocket(id, true);
                    self.reprobe(id);
                    self.limit_unacknowledged(id);
                    self.events.push_back(PathEvent::Upgraded(id));
                }
                Notice::UpgradeFailed(error) => {
                    self.learn_websocket(id, false);
                    self.reprobe(id);
                    self.events.push_back(PathEvent::UpgradeFailed(error));
                }
            }
        }
    }
}
