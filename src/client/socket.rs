//! One namespace.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use super::core::{Core, Object, check_size, may_wait, timeout_ms};
use super::manager::Namespaces;
use super::reply::Reply;
use crate::config::Limits;
use crate::driver::dispatch::{Addition, Gate, Owner};
use crate::error::{Code, Error, Result};
use crate::payload::{Arguments, Outgoing, Payload, check_name};
use crate::proto::io::{
    AckToken, AskToken, Command, Offline, RequestId, SocketEvent, SocketId, SocketState,
};
use crate::secret::Secret;

/// A namespace of a manager. See [the module](super) for what holds for all objects.
///
/// Events emitted while it is not connected wait for the connection, in order and bounded by
/// [`Limits::wire_queue_events`] and [`Limits::wire_queue_bytes`].
#[derive(Clone, Debug)]
pub struct Socket {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    object: Object,
    id: SocketId,
    namespace: Arc<str>,
    namespaces: Arc<Namespaces>,
    state: Arc<AtomicU32>,
}

/// What finds a socket again, without keeping it.
#[derive(Debug, Default)]
pub(super) struct WeakSocket(Weak<Inner>);

impl WeakSocket {
    /// The socket, unless it is closed.
    pub(super) fn upgrade(&self) -> Option<Socket> {
        self.0.upgrade().map(|inner| Socket { inner })
    }
}

/// How an event is emitted.
#[derive(Clone, Debug, Default)]
pub struct EmitOptions {
    /// Binary values. Where one belongs, the arguments hold `{"_placeholder":true,"num":i}`, which
    /// stands for attachment `i`. They are sent in the order of the placeholders, one for each.
    pub attachments: Vec<Bytes>,
    /// What becomes of it while it cannot be written at once.
    pub offline: Offline,
    /// Time limit of an ack, 1 ms to 24 h; `None` for the socket's or the manager's. It counts from
    /// the call, connected or not; on a socket with retries after each write.
    pub timeout: Option<Duration>,
}

impl Socket {
    /// A socket that the stack knows already.
    pub(super) fn new(
        core: Arc<Core>,
        namespaces: Arc<Namespaces>,
        id: SocketId,
        namespace: Arc<str>,
        mut events: impl FnMut(SocketEvent) + Send + 'static,
    ) -> Self {
        let gate = Arc::new(Gate::default());
        let state = Arc::new(AtomicU32::new(SocketState::Idle as u32));
        let told = Arc::clone(&state);
        let sink = move |event: SocketEvent| {
            if let SocketEvent::State { transition, .. } = &event {
                told.store(transition.state as u32, Ordering::Release);
            }
            events(event);
        };
        core.mailbox.add(Addition::Socket(id, Arc::clone(&gate), Box::new(sink)));
        let object = Object::new(core, gate, Owner::Socket(id));
        Self { inner: Arc::new(Inner { object, id, namespace, namespaces, state }) }
    }

    pub(super) fn downgrade(&self) -> WeakSocket {
        WeakSocket(Arc::downgrade(&self.inner))
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.inner.namespace
    }

    /// What the socket was last said to be.
    pub fn state(&self) -> SocketState {
        if self.inner.object.is_closed() {
            return SocketState::Closed;
        }
        let states = [
            SocketState::Idle,
            SocketState::Joining,
            SocketState::Connected,
            SocketState::Rejoining,
        ];
        let told = self.inner.state.load(Ordering::Acquire) as usize;
        states.get(told).copied().unwrap_or(SocketState::Closed)
    }

    /// Join the namespace, now and after every reconnect, with `auth` (a JSON object) as payload.
    /// When it is wanted already only the payload changes, for the next time. A socket that asks for
    /// its payload ([`SocketOptions::ask_auth`](crate::config::SocketOptions::ask_auth)) does not
    /// use this one.
    ///
    /// # Errors
    /// [`Code::InvalidJson`], [`Code::TooLarge`], [`Code::Closed`], [`Code::QueueFull`] when calls
    /// come faster than they can be looked at.
    pub fn connect(&self, auth: Option<&str>) -> Result<()> {
        let auth = auth.map(|text| self.check_auth(text)).transpose()?;
        self.inner.object.driver()?.submit(Command::Connect { socket: self.inner.id, auth })
    }

    /// Answer [`SocketEvent::AuthWanted`] with the payload, a JSON object. An error lets the socket
    /// rest, and comes back as [`SocketEvent::ConnectError`]. Any thread may do this, at once or
    /// later; an answer that comes too late or a second time is ignored.
    ///
    /// # Errors
    /// As [`Socket::connect`]; then the question stays open.
    pub fn provide_auth(&self, token: AskToken, auth: Result<Option<&str>>) -> Result<()> {
        let auth = match auth {
            Ok(auth) => Ok(auth.map(|text| self.check_auth(text)).transpose()?),
            Err(error) => Err(error),
        };
        self.inner.object.driver()?.submit(Command::Auth { token, auth })
    }

    /// Leave the namespace. Does nothing when it is not wanted.
    ///
    /// What was emitted before is sent before. Servers of the npm package forget events that arrive
    /// in the same moment as the good-bye: await the ack of what must not be lost.
    ///
    /// # Errors
    /// [`Code::Closed`], [`Code::QueueFull`] as [`Socket::connect`].
    pub fn disconnect(&self) -> Result<()> {
        self.inner.object.driver()?.submit(Command::Disconnect { socket: self.inner.id })
    }

    /// Emit an event; `args_json` is a JSON array of its arguments.
    ///
    /// # Errors
    /// [`Code::ReservedEvent`], [`Code::InvalidJson`], [`Code::TooLarge`], [`Code::QueueFull`],
    /// [`Code::Closed`].
    pub fn emit(&self, name: &str, args_json: &str) -> Result<()> {
        self.emit_with(name, args_json, EmitOptions::default())
    }

    /// Emit an event with binary values, see [`EmitOptions::attachments`].
    ///
    /// # Errors
    /// As [`Socket::emit_with`].
    pub fn emit_binary(&self, name: &str, args_json: &str, attachments: Vec<Bytes>) -> Result<()> {
        self.emit_with(name, args_json, EmitOptions { attachments, ..EmitOptions::default() })
    }

    /// Emit an event that is dropped unless it can be written at once.
    ///
    /// # Errors
    /// As [`Socket::emit`].
    pub fn emit_volatile(&self, name: &str, args_json: &str) -> Result<()> {
        self.emit_with(
            name,
            args_json,
            EmitOptions { offline: Offline::Volatile, ..EmitOptions::default() },
        )
    }

    /// Emit an event with arguments that serialize to a JSON array: a tuple, a slice.
    ///
    /// # Errors
    /// As [`Socket::emit`]; what does not serialize is [`Code::InvalidJson`].
    pub fn emit_json(&self, name: &str, args: &(impl Serialize + ?Sized)) -> Result<()> {
        self.emit(name, &to_json(args)?)
    }

    /// Emit an event. A time limit in `options` is that of each try on a socket with retries, and is
    /// not used on others.
    ///
    /// # Errors
    /// As [`Socket::emit`]; [`Code::InvalidArgument`] for the time limit; [`Code::Attachments`] when attachments and placeholders do not fit,
    /// [`Code::TooLarge`] also for more than [`Limits::outbound_attachments`].
    pub fn emit_with(&self, name: &str, args_json: &str, options: EmitOptions) -> Result<()> {
        let args = self.check(name, args_json, &options)?;
        let timeout_ms = timeout_ms(options.timeout)?;
        let inner = &self.inner;
        inner.object.driver()?.submit_packet(None, |pool, request| {
            let EmitOptions { attachments, offline, .. } = options;
            let event = Outgoing::event_of(pool, &inner.namespace, name, args, attachments);
            Ok(Command::Emit { socket: inner.id, event, request, timeout_ms, offline })
        })?;
        Ok(())
    }

    /// Emit an event that the server answers. The outcome is the server's arguments, or one of
    /// `ACK_TIMEOUT`, `ACK_LOST` (both: the server may have acted), `NOT_SENT`, `CANCELLED`,
    /// `CLOSED`.
    ///
    /// # Errors
    /// As [`Socket::emit_with`]; [`Code::InvalidArgument`] for the time limit, [`Code::QueueFull`]
    /// also when [`Limits::host_queue_events`] outcomes are outstanding.
    pub fn emit_with_ack(
        &self,
        name: &str,
        args_json: &str,
        options: EmitOptions,
        completion: impl FnOnce(Result<Payload>) + Send + 'static,
    ) -> Result<RequestId> {
        let args = self.check(name, args_json, &options)?;
        let timeout_ms = timeout_ms(options.timeout)?;
        let inner = &self.inner;
        inner.object.request(self.limits().host_queue_events, completion, |driver, completion| {
            let request = driver.submit_packet(Some(completion), |pool, request| {
                let EmitOptions { attachments, offline, .. } = options;
                let event = Outgoing::event_of(pool, &inner.namespace, name, args, attachments);
                Ok(Command::Emit { socket: inner.id, event, request, timeout_ms, offline })
            })?;
            Ok(request.unwrap_or(RequestId(0)))
        })
    }

    /// [`Socket::emit_with_ack`] as a future.
    ///
    /// # Errors
    /// As [`Socket::emit_with_ack`].
    pub fn emit_with_ack_async(
        &self,
        name: &str,
        args_json: &str,
        options: EmitOptions,
    ) -> Result<Reply> {
        Reply::start(&self.inner.object.core, |completion| {
            self.emit_with_ack(name, args_json, options, completion)
        })
    }

    /// Forget a request: its outcome is `CANCELLED` unless it has one already. What was sent is
    /// sent.
    ///
    /// # Errors
    /// [`Code::Closed`].
    pub fn cancel(&self, request: RequestId) -> Result<()> {
        self.inner.object.driver()?.submit(Command::Cancel { request })
    }

    /// Answer an event that asked for it; `args_json` is a JSON array. Only the first answer is
    /// sent, and only on the connection that the event came from; others are dropped silently.
    ///
    /// # Errors
    /// As [`Socket::emit`], without the name.
    pub fn ack(&self, token: AckToken, args_json: &str) -> Result<()> {
        self.ack_binary(token, args_json, Vec::new())
    }

    /// [`Socket::ack`] with binary values, see [`EmitOptions::attachments`].
    ///
    /// # Errors
    /// As [`Socket::emit_with`], without the name.
    pub fn ack_binary(
        &self,
        token: AckToken,
        args_json: &str,
        attachments: Vec<Bytes>,
    ) -> Result<()> {
        let args = self.check_args(args_json, &attachments)?;
        let inner = &self.inner;
        inner.object.driver()?.submit_packet(None, |pool, _| {
            let ack = Outgoing::ack_of(pool, &inner.namespace, args, attachments);
            Ok(Command::Ack { socket: inner.id, token, ack })
        })?;
        Ok(())
    }

    /// Whether to tell every event of this socket as it is written ([`SocketEvent::Sent`]); no by
    /// default. A [`Router`](super::Router) does this by itself.
    ///
    /// # Errors
    /// [`Code::Closed`].
    pub fn watch_sent(&self, watch: bool) -> Result<()> {
        self.inner.object.driver()?.submit(Command::WatchSent { socket: self.inner.id, watch })
    }

    /// Manual mode: as [`Manager::dispatch`](super::Manager::dispatch) of its manager, also when
    /// that has been closed.
    ///
    /// # Errors
    /// [`Code::InvalidState`] in another mode, [`Code::WouldDeadlock`] inside a callback.
    pub fn dispatch(&self, max_events: usize) -> Result<usize> {
        self.inner.object.core.mailbox.dispatch(max_events)
    }

    /// Leave the namespace and close this socket; its pending acks end `CLOSED`.
    pub fn close(&self) {
        self.inner.close();
    }

    /// [`Socket::close`], then wait until its event closure is dropped and, if it was the last
    /// object of its manager, until the connection is gone.
    ///
    /// # Errors
    /// [`Code::WouldDeadlock`] inside a callback: nothing is closed. [`Code::TimedOut`]: it is
    /// closed, but not over yet; wait again or let go.
    pub fn close_wait(&self, timeout: Duration) -> Result<()> {
        may_wait()?;
        self.close();
        self.inner.object.wait_ended(timeout)
    }

    /// The limits that hold for this socket.
    pub fn limits(&self) -> &Limits {
        &self.inner.object.core.limits
    }

    /// What a router has to know.
    pub(super) fn parts(&self) -> (&Arc<Core>, Arc<Gate>, SocketId) {
        let object = &self.inner.object;
        (&object.core, Arc::clone(object.gate()), self.inner.id)
    }

    fn check_auth(&self, text: &str) -> Result<Secret> {
        check_size(text.len(), self.limits())?;
        let object = Arguments::object(text, self.limits().json_depth)?;
        Ok(Secret::new(object.as_str()))
    }

    fn check<'a>(
        &self,
        name: &str,
        args_json: &'a str,
        options: &EmitOptions,
    ) -> Result<Arguments<'a>> {
        check_size(name.len(), self.limits())?;
        check_name(name)?;
        if self.inner.object.core.protocol_4 && name == "error" {
            let text = "\"error\" cannot be emitted in protocol 4";
            return Err(Error::new(Code::ReservedEvent, text));
        }
        self.check_args(args_json, &options.attachments)
    }

    fn check_args<'a>(&self, args_json: &'a str, attachments: &[Bytes]) -> Result<Arguments<'a>> {
        let limits = self.limits();
        let bytes = attachments.iter().map(Bytes::len).fold(args_json.len(), usize::saturating_add);
        check_size(bytes, limits)?;
        let most = limits.outbound_attachments;
        let check = |count| match count > most {
            true => Err(Error::new(Code::TooLarge, format!("more than {most} attachments"))),
            false => Ok(()),
        };
        check(attachments.len())?;
        let args = Arguments::array(args_json, limits.json_depth, attachments.len())?;
        check(args.attachments())?;
        Ok(args)
    }
}

impl Inner {
    fn close(&self) {
        self.object.close(|driver| {
            self.namespaces.give_back(&self.namespace, || {
                // An error says that the manager is closing, which detaches everything.
                let _ = driver.submit(Command::Detach { socket: self.id });
            });
        });
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

/// JSON text of what is to be sent. The error tells no content.
pub(super) fn to_json(value: &(impl Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|_| Error::new(Code::InvalidJson, "the value does not serialize to JSON"))
}
