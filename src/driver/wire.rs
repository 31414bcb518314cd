//! One wire of a stack: a WebSocket that is being dialled, then open, or the requests of polling.

use std::future::Future;
use std::mem;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Sink, StreamExt};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::config::Endpoint;
use crate::driver::dial::{Dialer, Dialled, Progress};
use crate::driver::hangup::Goodbye;
use crate::driver::inbox::Waiting;
use crate::driver::polling::Polling;
use crate::driver::socket;
use crate::driver::stream::ByteCount;
use crate::driver::ws::{self, Socket};
use crate::error::{Error, Result};
use crate::proto::io::{Headers, HttpRequest, Input, WireId};

/// A dial in progress.
type Dial = Pin<Box<dyn Future<Output = Result<Dialled>> + Send>>;

/// A wire.
///
/// ```text
/// Polling
///
/// Dialling --Reached, Secured--> Dialling --Connected--> Open --Closed--> over
///     `--------------Failed----------`-----------------------------------> over
/// ```
pub(crate) struct Wire {
    pub(crate) id: WireId,
    state: State,
}

enum State {
    Dialling(Dial, Progress),
    Open(Box<Open>),
    Polling(Box<Polling>),
    /// Nothing more comes, and nothing is taken.
    Over,
}

struct Open {
    socket: Socket,
    count: ByteCount,
    /// The other end.
    peer: Option<SocketAddr>,
    /// A ping or pong came.
    control: bool,
    /// A pong came.
    pong: bool,
    /// Frames since the socket last took everything.
    unsent: Waiting,
    /// There is something to flush.
    dirty: bool,
    /// The socket did not take everything.
    blocked: bool,
    /// Writing failed. What has arrived before is still read.
    broken: Option<Error>,
}

impl Wire {
    /// Start to dial.
    pub(crate) fn dial(
        id: WireId,
        dialer: &Arc<Dialer>,
        endpoint: Arc<Endpoint>,
        path_and_query: String,
        headers: Headers,
    ) -> Self {
        let (dialer, progress) = (Arc::clone(dialer), Progress::default());
        let dial = dialer.dial(endpoint, path_and_query, headers, progress.clone());
        Self { id, state: State::Dialling(Box::pin(dial), progress) }
    }

    /// Start to poll. It connects with its first request, and is there until it is let go of.
    pub(crate) fn polling(id: WireId, dialer: &Arc<Dialer>, endpoint: Arc<Endpoint>) -> Self {
        Self { id, state: State::Polling(Box::new(Polling::new(id, dialer, endpoint))) }
    }

    /// Begin a request of polling. Gives its answer when it cannot be sent at all.
    pub(crate) fn request(&mut self, request: HttpRequest) -> Option<Input> {
        let State::Polling(polling) = &mut self.state else { return None };
        polling.request(request)
    }

    /// The next thing from the network; `None` for one that is told by [`Wire::activity`].
    ///
    /// Without `read`, an open WebSocket is left alone. After `Failed` and `Closed` the wire is
    /// over.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, read: bool) -> Poll<Option<Input>> {
        let wire = self.id;
        match &mut self.state {
            State::Dialling(dial, progress) => {
                let dialled = dial.as_mut().poll(cx);
                if let Some(step) = progress.take_step(wire) {
                    return Poll::Ready(Some(step));
                }
                Poll::Ready(Some(match ready!(dialled) {
                    Ok(Dialled { socket, count, local, cookies }) => {
                        let open = Open::new(socket, count, progress.peer());
                        self.state = State::Open(Box::new(open));
                        Input::Connected { wire, local, cookies }
                    }
                    Err(error) => {
                        self.state = State::Over;
                        Input::Failed { wire, error }
                    }
                }))
            }
            State::Open(open) if read => match ready!(open.poll(cx)) {
                Ok(Message::Text(text)) => {
                    Poll::Ready(Some(Input::Text { wire, frame: text.into() }))
                }
                Ok(Message::Binary(frame)) => Poll::Ready(Some(Input::Binary { wire, frame })),
                Ok(_) => Poll::Ready(None),
                Err(error) => Poll::Ready(Some(Input::Closed { wire, error })),
            },
            // What was asked for is taken in any case; the stack does not ask for more.
            State::Polling(polling) => polling.poll(cx).map(Some),
            State::Open(_) | State::Over => Poll::Pending,
        }
    }

    /// What arrived since the last call besides whole text and binary frames.
    pub(crate) fn activity(&mut self) -> Option<Input> {
        let (partial, control, pong) = match &mut self.state {
            State::Open(open) => {
                let (control, pong) = (mem::take(&mut open.control), mem::take(&mut open.pong));
                (open.count.take(), control, pong)
            }
            State::Polling(polling) => (polling.activity(), false, false),
            State::Dialling(..) | State::Over => return None,
        };
        (partial || control).then_some(Input::Activity { wire: self.id, partial, pong })
    }

    /// Which of the device's addresses the system would reach the other end from, if that is known.
    pub(crate) fn local_address(&self, dialer: &Dialer) -> Option<Input> {
        let peer = match &self.state {
            State::Dialling(_, progress) => progress.peer(),
            State::Open(open) => open.peer,
            State::Polling(polling) => polling.peer(),
            State::Over => None,
        }?;
        Some(Input::LocalAddress { wire: self.id, local: dialer.source_address(peer) })
    }

    /// Let an open WebSocket break when what was sent is not acknowledged for this long.
    pub(crate) fn limit_unacknowledged(&self, ms: u64) {
        if let State::Open(open) = &self.state {
            socket::limit_unacknowledged(open.socket.get_ref().tcp(), ms);
        }
    }

    /// Queue a text frame, which is UTF-8. Gives [`Input::Writable`] when that changed.
    pub(crate) fn send_text(&mut self, cx: &mut Context<'_>, frame: Bytes) -> Option<Input> {
        self.send_frame(cx, frame, Data::Text)
    }

    /// Queue a binary frame. Gives [`Input::Writable`] when that changed.
    pub(crate) fn send_binary(&mut self, cx: &mut Context<'_>, frame: Bytes) -> Option<Input> {
        self.send_frame(cx, frame, Data::Binary)
    }

    /// Queue a ping. Gives [`Input::Writable`] when that changed.
    pub(crate) fn send_ping(&mut self, cx: &mut Context<'_>) -> Option<Input> {
        self.send(cx, Message::Ping(Bytes::new()), Waiting::default())
    }

    /// A frame of our own making skips the second UTF-8 check that `Message::Text` would cost.
    fn send_frame(&mut self, cx: &mut Context<'_>, frame: Bytes, data: Data) -> Option<Input> {
        let waiting = Waiting { events: 1, bytes: frame.len() };
        let frame = Frame::message(frame, OpCode::Data(data), true);
        self.send(cx, Message::Frame(frame), waiting)
    }

    fn send(&mut self, cx: &mut Context<'_>, message: Message, waiting: Waiting) -> Option<Input> {
        let State::Open(open) = &mut self.state else { return None };
        open.send(cx, message, waiting)
            .then_some(Input::Writable { wire: self.id, writable: false })
    }

    /// Write what is queued, as far as the socket takes it. Gives [`Input::Writable`] when that
    /// changed.
    pub(crate) fn flush(&mut self, cx: &mut Context<'_>) -> Option<Input> {
        let State::Open(open) = &mut self.state else { return None };
        open.flush(cx).then_some(Input::Writable { wire: self.id, writable: !open.blocked })
    }

    /// Writing failed, and it has not been told yet.
    pub(crate) fn is_broken(&self) -> bool {
        matches!(&self.state, State::Open(open) if open.broken.is_some())
    }

    /// What was queued and not yet taken by the socket.
    pub(crate) fn unsent(&self) -> Waiting {
        match &self.state {
            State::Open(open) => open.unsent,
            State::Polling(polling) => polling.unsent(),
            State::Dialling(..) | State::Over => Waiting::default(),
        }
    }

    /// What is left to do before this wire can be dropped; none when nothing is.
    pub(crate) fn goodbye(self, farewell: Vec<HttpRequest>) -> Option<Goodbye> {
        match self.state {
            State::Open(open) => Some(Goodbye::Websocket(Box::new(open.socket))),
            State::Polling(polling) if polling.is_posting() || !farewell.is_empty() => {
                Some(Goodbye::Polling(polling, farewell))
            }
            State::Polling(_) | State::Dialling(..) | State::Over => None,
        }
    }
}

impl Open {
    fn new(socket: Socket, count: ByteCount, peer: Option<SocketAddr>) -> Self {
        // The answer to the handshake.
        count.take();
        Self {
            socket,
            count,
            peer,
            control: false,
            pong: false,
            unsent: Waiting::default(),
            dirty: false,
            blocked: false,
            broken: None,
        }
    }

    /// The next message; an error is the end.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message>> {
        let Poll::Ready(next) = self.socket.poll_next_unpin(cx) else {
            return match self.broken.take() {
                Some(error) => Poll::Ready(Err(error)),
                None => Poll::Pending,
            };
        };
        // Whatever came belongs to this.
        self.count.take();
        let error = match next {
            Some(Ok(Message::Close(frame))) => ws::closed(frame),
            Some(Ok(message)) => {
                self.control |= message.is_ping() || message.is_pong();
                self.pong |= message.is_pong();
                return Poll::Ready(Ok(message));
            }
            Some(Err(error)) => ws::stream_error(error),
            None => ws::ended(),
        };
        Poll::Ready(Err(self.broken.take().unwrap_or(error)))
    }

    /// True: the socket has just stopped taking.
    ///
    /// A blocked socket is given frames all the same, and adds them to its buffer: the stack has
    /// been told, and sends only what cannot wait.
    fn send(&mut self, cx: &mut Context<'_>, message: Message, waiting: Waiting) -> bool {
        if self.broken.is_some() {
            return false;
        }
        self.dirty = true;
        self.unsent = self.unsent.and(waiting);
        if let Err(error) = Pin::new(&mut self.socket).start_send(message) {
            self.broken = Some(ws::stream_error(error));
            return false;
        }
        let blocked = Pin::new(&mut self.socket).poll_ready(cx).is_pending();
        blocked && !mem::replace(&mut self.blocked, true)
    }

    /// True: whether the socket takes everything has changed.
    fn flush(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.dirty || self.broken.is_some() {
            return false;
        }
        match Pin::new(&mut self.socket).poll_flush(cx) {
            Poll::Pending => !mem::replace(&mut self.blocked, true),
            Poll::Ready(Ok(())) => {
                self.dirty = false;
                self.unsent = Waiting::default();
                mem::take(&mut self.blocked)
            }
            Poll::Ready(Err(error)) => {
                self.broken = Some(ws::stream_error(error));
                false
            }
        }
    }
}
