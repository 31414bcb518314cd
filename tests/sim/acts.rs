//! What can be done to a world: by the application, by others, and by the network.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use roamio::config::{PortalProtocol, Token};
use roamio::error::{Code, Error};
use roamio::owt::Members;
use roamio::owt::legacy::{self, PublishOptions};
use roamio::owt::request::{Kind, Media, Publish, PublishTrack, PublishVideo, Request, Source};
use roamio::payload::Outgoing;
use roamio::proto::io::{AskToken, Command, Hint, Input, OfflineRequest, RequestId, WireId};
use roamio::proto::stack::Stack;
use roamio_portal::model::{Audience, Portal, TextBurst, TokenRequest};
use serde_json::json;

use super::{Below, Dials, Provider, World};
use crate::app::{App, Export, What};
use crate::link::{Flow, Link, Millis, Pipe, Side, ToClient, ToServer};

/// The room that everybody is in.
const ROOM: &str = "room";

impl World {
    // ---- what the application does ----------------------------------------------------------

    /// Log in with a fresh token.
    pub(crate) fn login(&mut self) -> RequestId {
        let token = self.mint("presenter");
        self.login_with(&token)
    }

    fn mint(&mut self, role: &str) -> String {
        self.server.portal.mint_token(TokenRequest::new(ROOM, "alice", role), self.now)
    }

    pub(crate) fn login_with(&mut self, token: &str) -> RequestId {
        let token = self.spend(token);
        let request = self.app.ask(What::Login, self.now, self.limits.login);
        self.command(Command::Login { request, token });
        request
    }

    fn spend(&mut self, token: &str) -> Token {
        token.clone_into(&mut self.token);
        Token::parse(token, false).expect("the portal's tokens are good")
    }

    /// Answer what the core has asked, as this application does.
    pub(super) fn answer_questions(&mut self) {
        while self.provider != Provider::Silent
            && let Some(question) = self.app.questions.pop_front()
        {
            self.answer(question);
        }
    }

    pub(crate) fn answer(&mut self, token: AskToken) {
        let fresh = match self.provider {
            Provider::Silent | Provider::Refuses => None,
            Provider::Gives => Some(self.mint("presenter")),
            Provider::GivesBad => Some(self.mint("jester")),
            Provider::Repeats => Some(self.token.clone()),
        };
        let refusal = || Error::new(Code::Cancelled, "no");
        let answer = fresh.map(|text| self.spend(&text)).ok_or_else(refusal);
        self.command(Command::Token { token, answer });
    }

    pub(crate) fn rejoin(&mut self) -> RequestId {
        let request = self.app.ask(What::Rejoin, self.now, self.limits.rejoin);
        self.command(Command::Rejoin { request });
        request
    }

    /// The process dies, and its connections with it. Another one restores the session.
    pub(crate) fn restore(&mut self, export: &Export) -> RequestId {
        self.note("app       dies and is restored".into());
        for link in self.links.values_mut() {
            link.client_holds = false;
            link.down.clear();
            link.up.push(ToServer::End, self.now);
        }
        self.watch.begin_anew();
        self.app.begin_anew(export);
        self.stack = Stack::conference(Arc::clone(&self.config), self.rng.next_u64());
        (self.host_full, self.suspended) = (false, false);
        let request = self.app.ask(What::Restore, self.now, self.limits.restore);
        let kept = Box::new(export.kept.clone());
        self.command(Command::Restore { request, kept });
        request
    }

    pub(crate) fn logout(&mut self) -> RequestId {
        let request = self.app.ask(What::Logout, self.now, self.limits.logout);
        self.command(Command::Logout { request });
        request
    }

    /// Send a text to the room: it comes back as a notification.
    pub(crate) fn text(&mut self) -> RequestId {
        self.text_within(None)
    }

    pub(crate) fn text_within(&mut self, timeout_ms: Option<Millis>) -> RequestId {
        self.ask_text(What::Text, OfflineRequest::Wait, timeout_ms)
    }

    /// A text that the portal may execute twice.
    pub(crate) fn idempotent_text(&mut self) -> RequestId {
        self.ask_text(What::IdempotentText, OfflineRequest::Wait, None)
    }

    /// A text that does not wait for the session.
    pub(crate) fn impatient_text(&mut self) -> RequestId {
        self.ask_text(What::Text, OfflineRequest::Fail, None)
    }

    fn ask_text(
        &mut self,
        what: What,
        offline: OfflineRequest,
        timeout_ms: Option<Millis>,
    ) -> RequestId {
        let limit = timeout_ms.unwrap_or(self.limits.request);
        let request = self.app.ask(what, self.now, limit);
        let idempotent = what == What::IdempotentText;
        let message = App::message(request);
        let event = match self.protocol {
            PortalProtocol::Legacy => {
                let data = json!({"type": "data", "receiver": "all", "data": message});
                outgoing("customMessage", &data.to_string())
            }
            _ => outgoing("text", &json!({"to": "all", "message": message}).to_string()),
        };
        self.command(Command::Request { request, event, timeout_ms, offline, idempotent });
        request
    }

    /// Ask for something about media.
    pub(crate) fn media<R: Request>(&mut self, data: &R) {
        let request = self.app.ask(What::Media, self.now, self.limits.request);
        let data = serde_json::to_string(data).expect("JSON");
        let event = match self.protocol {
            PortalProtocol::Legacy => outgoing_of(R::NAME, &data),
            _ => outgoing(R::NAME, &data),
        };
        self.command(Command::Request {
            request,
            event,
            timeout_ms: None,
            offline: OfflineRequest::Wait,
            idempotent: false,
        });
    }

    /// Send a video to the room, in the way of the protocol.
    pub(crate) fn publish(&mut self) {
        let (mid, more, source) = ("0".into(), Members::new(), Source::Camera);
        let media = match self.protocol {
            PortalProtocol::Legacy => {
                let state = Some("erizo".into());
                let options = PublishOptions { state, ..PublishOptions::default() };
                return self.media(&legacy::Publish(options, None));
            }
            PortalProtocol::V1_2 => {
                Media::tracks([PublishTrack { kind: Kind::Video, mid, source, more }])
            }
            _ => {
                let video = Some(PublishVideo { source, parameters: None });
                Media::Parts { audio: None, video }
            }
        };
        self.media(&Publish::new(media));
    }

    pub(crate) fn cancel(&mut self, request: RequestId) {
        self.command(Command::Cancel { request });
    }

    pub(crate) fn close(&mut self) {
        self.app.closing_since.get_or_insert(self.now);
        self.command(Command::Close);
    }

    pub(crate) fn hint(&mut self, hint: Hint) {
        self.command(Command::Hint(hint));
        self.suspended = hint == Hint::Suspended;
    }

    pub(crate) fn command(&mut self, command: Command) {
        if self.trace {
            self.note(format!("app       {command:?}"));
        }
        // Any call but a hint wakes.
        self.suspended &= matches!(command, Command::Hint(_));
        self.stack.handle_command(command, self.clock());
        self.drain();
    }

    /// The queue to the application fills up, or is empty again.
    pub(crate) fn host_full(&mut self, full: bool) {
        if self.host_full != full {
            self.host_full = full;
            self.input(Input::HostQueue { full });
        }
    }

    /// A callback of the application begins, and does not return.
    pub(crate) fn begin_callback(&mut self) {
        self.callback.get_or_insert_default();
    }

    /// The callback returns: what was told meanwhile is delivered, in order.
    pub(crate) fn end_callback(&mut self) {
        for event in self.callback.take().unwrap_or_default() {
            self.tell(event);
        }
    }

    // ---- what others do ---------------------------------------------------------------------

    /// Somebody joins the room.
    pub(crate) fn join(&mut self) {
        let request = TokenRequest::new(ROOM, "somebody", "presenter");
        let somebody = self.portal(|portal, _, now| portal.add_participant(request, now));
        self.others.push(somebody);
    }

    /// One of those who joined leaves.
    pub(crate) fn leave(&mut self) {
        if let Some(somebody) = self.others.pop() {
            self.portal(|portal, _, now| portal.drop_participant(&somebody, now));
        }
    }

    /// Somebody sends numbered texts to the room.
    pub(crate) fn burst(&mut self, prefix: &str, count: u64, gap: Millis) {
        let to = Audience::Room(ROOM.into());
        let burst = TextBurst { to, prefix: prefix.into(), first: 1, count, gap };
        self.server.portal.send_texts(burst, self.now);
        self.settle_server();
    }

    /// Act on the portal, and send what it says to that.
    pub(crate) fn portal<R>(&mut self, act: impl FnOnce(&mut Portal, &str, Millis) -> R) -> R {
        let participant = self.app.participant.clone().unwrap_or_default();
        let result = act(&mut self.server.portal, &participant, self.now);
        self.settle_server();
        result
    }

    /// The portal is restarted: it knows nobody, and all connections are reset.
    pub(crate) fn restart_portal(&mut self) {
        self.server.restart();
        for link in self.links.values_mut() {
            link.reset(Side::Both, self.now);
        }
        self.run_for(0);
    }

    /// Say anything on a link, as a portal gone mad would.
    pub(crate) fn inject(&mut self, link: WireId, frame: impl Into<Bytes>) {
        let now = self.now;
        if let Some(link) = self.links.get_mut(&link) {
            link.down.push(ToClient::Text(frame.into()), now);
        }
    }

    // ---- what the network does --------------------------------------------------------------

    /// Links that the client has and that are not being dialled.
    pub(crate) fn open_links(&self) -> Vec<WireId> {
        self.links.iter().filter(|(_, link)| link.is_open()).map(|(id, _)| *id).collect()
    }

    /// The link that the session was granted on last.
    pub(crate) fn session_link(&self) -> WireId {
        self.watch.newest_admitted().expect("there is a session")
    }

    pub(crate) fn reset(&mut self, link: WireId, side: Side) {
        self.note(format!("network   {link:?} is reset, {side:?}"));
        let now = self.now;
        self.with_link(link, |link| link.reset(side, now));
    }

    pub(crate) fn finish(&mut self, link: WireId) {
        self.note(format!("network   {link:?} ends"));
        let now = self.now;
        self.with_link(link, |link| link.finish(now));
    }

    /// Stop what flows to the given side: held until [`World::thaw`], or lost for ever.
    pub(crate) fn freeze(&mut self, link: WireId, to: Side, flow: Flow) {
        self.note(format!("network   {link:?} {flow:?} to {to:?}"));
        self.with_link(link, |link| {
            if to.is_server() {
                freeze(&mut link.up, flow);
            }
            if to.is_client() {
                freeze(&mut link.down, flow);
            }
        });
    }

    pub(crate) fn thaw(&mut self, link: WireId) {
        self.note(format!("network   {link:?} flows again"));
        self.with_link(link, |link| {
            link.up.thaw();
            link.down.thaw();
        });
    }

    /// A middlebox forgets a link: nothing arrives, and what the client sends is answered with a
    /// reset.
    pub(crate) fn rebind(&mut self, link: WireId) {
        self.note(format!("network   {link:?} is forgotten by a middlebox"));
        self.with_link(link, |link| {
            link.up.break_off();
            link.down.break_off();
            link.rebound = true;
        });
    }

    /// Let time pass in which new connections do this.
    pub(crate) fn run_with_dials(&mut self, dials: Dials, duration: Millis) {
        self.dials = dials;
        self.run_for(duration);
        self.dials = Dials::Succeed;
    }

    /// Let all connections, of now and of later, carry so many bytes a second.
    pub(crate) fn set_rate(&mut self, rate: Option<u64>) {
        self.rate = rate;
        for link in self.links.values_mut() {
            (link.up.rate, link.down.rate) = (rate, rate);
        }
    }

    /// Let all connections, of now and of later, be this slow.
    pub(crate) fn set_latency(&mut self, latency: Millis) {
        self.latency = latency;
        for link in self.links.values_mut() {
            (link.up.latency, link.down.latency) = (latency, latency);
        }
    }

    pub(crate) fn with_link(&mut self, id: WireId, act: impl FnOnce(&mut Link)) {
        if let Some(link) = self.links.get_mut(&id) {
            act(link);
        }
    }

    /// The device moves: new connections have another address. `old_works`: those of the old
    /// address go on, otherwise they are silent for ever.
    pub(crate) fn roam(&mut self, old_works: bool) {
        self.note(format!("network   another address; the old one works: {old_works}"));
        let port = self.local.port();
        self.local = SocketAddr::new([10, 0, 0, 2 + self.rng.below(200) as u8].into(), port + 1);
        if !old_works {
            for link in self.links.values_mut() {
                link.up.break_off();
                link.down.break_off();
            }
        }
    }

    /// Everything that is on its way or will be sent on the present connections is lost.
    pub(crate) fn black_out(&mut self) {
        self.note("network   silent".into());
        for link in self.links.values_mut() {
            link.up.break_off();
            link.down.break_off();
        }
    }

    /// The device sleeps; its monotonic clock goes on, and its wall clock may be set meanwhile.
    pub(crate) fn sleep(&mut self, duration: Millis, wall_jump: i64) {
        self.asleep = true;
        self.run_for(duration);
        self.asleep = false;
        self.wall = self.wall.saturating_add_signed(wall_jump);
        self.run_for(0);
    }
}

fn freeze<T>(pipe: &mut Pipe<T>, flow: Flow) {
    match (pipe.flow, flow) {
        (_, Flow::BlackHole) => pipe.break_off(),
        // What is lost does not come back.
        (Flow::BlackHole, _) => {}
        (_, flow) => pipe.flow = flow,
    }
}

/// An event as the application makes it.
pub(crate) fn outgoing(name: &str, data: &str) -> Outgoing {
    outgoing_of(name, &format!("[{data}]"))
}

fn outgoing_of(name: &str, args: &str) -> Outgoing {
    let mut pool = bytes::BytesMut::new();
    Outgoing::event(&mut pool, "/", name, args, Vec::new()).expect("JSON")
}
