//! One Engine.IO connection, its reconnection, and the sockets on it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::core::{Core, Object, may_wait};
use super::socket::{Socket, WeakSocket};
use super::validate;
use crate::config::{
    CommonConfig, HeaderList, Limits, ManagerConfig, ReconnectPolicy, Revision, SocketOptions,
    Target,
};
use crate::driver::dispatch::{Addition, Gate, Mailbox, Owner};
use crate::driver::{Driver, seed};
use crate::error::{Code, Error, Result};
use crate::proto::io::{
    AskToken, Command, Hint, ManagerEvent, ManagerState, SocketEvent, SocketId,
};
use crate::proto::stack::Stack;
use crate::proto::stats::Stats;

/// A connection to one Socket.IO server. It is made when the first socket connects.
///
/// See [the module](super) for what holds for all objects.
#[derive(Clone, Debug)]
pub struct Manager {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    object: Object,
    state: Arc<AtomicU32>,
    namespaces: Arc<Namespaces>,
}

/// The namespaces in use, so that no two sockets share one.
#[derive(Debug, Default)]
pub(super) struct Namespaces(Mutex<Used>);

#[derive(Debug, Default)]
struct Used {
    /// Empty while the socket is being made.
    names: HashMap<Arc<str>, WeakSocket>,
    last: u32,
}

impl Namespaces {
    fn used(&self) -> MutexGuard<'_, Used> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Take a namespace; `attach` tells the stack, in the order of the calls.
    fn take(
        &self,
        name: &Arc<str>,
        attach: impl FnOnce(SocketId) -> Result<()>,
    ) -> Result<SocketId> {
        let mut used = self.used();
        if used.names.contains_key(name) {
            let text = format!("another socket of this manager uses the namespace {name}");
            return Err(Error::new(Code::InvalidState, text));
        }
        let socket = SocketId(used.last + 1);
        attach(socket)?;
        used.last += 1;
        used.names.insert(Arc::clone(name), WeakSocket::default());
        Ok(socket)
    }

    fn has(&self, name: Option<&str>) -> bool {
        let used = self.used();
        name.map_or(!used.names.is_empty(), |name| used.names.contains_key(name))
    }

    /// The socket of a namespace that was taken.
    fn set(&self, name: &str, socket: &Socket) {
        if let Some(place) = self.used().names.get_mut(name) {
            *place = socket.downgrade();
        }
    }

    /// Dropping a socket gives its namespace back, so it must not happen under the lock.
    fn get(&self, name: &str) -> Option<Socket> {
        self.used().names.get(name).and_then(WeakSocket::upgrade)
    }

    /// Give a namespace back; `detach` tells the stack, in the order of the calls.
    pub(super) fn give_back(&self, name: &str, detach: impl FnOnce()) {
        let mut used = self.used();
        used.names.remove(name);
        detach();
    }
}

impl Manager {
    /// A manager that tells `events` what happens. No traffic before a socket connects.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] naming the option that is out of range, or for a certificate or key
    /// that cannot be used; [`Code::Unsupported`] when the system gives no thread or its TLS library
    /// cannot do what is asked; [`Code::InvalidState`] in a forked child of a process that has made
    /// an object before.
    pub fn new(
        config: ManagerConfig,
        events: impl FnMut(ManagerEvent) + Send + 'static,
    ) -> Result<Self> {
        Self::start(config, events, Driver::spawn)
    }

    /// As [`Manager::new`], with I/O on a runtime of the caller, which has I/O and time enabled.
    ///
    /// # Errors
    /// As [`Manager::new`].
    pub fn new_on(
        runtime: tokio::runtime::Handle,
        config: ManagerConfig,
        events: impl FnMut(ManagerEvent) + Send + 'static,
    ) -> Result<Self> {
        Self::start(config, events, |stack, common, mailbox| {
            Driver::spawn_on(runtime, stack, common, mailbox)
        })
    }

    fn start(
        config: ManagerConfig,
        mut events: impl FnMut(ManagerEvent) + Send + 'static,
        spawn: impl FnOnce(Stack, CommonConfig, Arc<Mailbox>) -> Result<Driver>,
    ) -> Result<Self> {
        validate::manager(&config)?;
        let common = config.common.clone();
        let limits = common.limits.clone();
        let mailbox = Mailbox::new(common.dispatch.clone(), &limits);
        let protocol_4 = common.transports.revision == Revision::V3;
        let gate = Arc::new(Gate::default());
        let state = Arc::new(AtomicU32::new(ManagerState::Idle as u32));
        let told = Arc::clone(&state);
        let sink = move |event: ManagerEvent| {
            if let ManagerEvent::State(step) = &event {
                told.store(step.state as u32, Ordering::Release);
            }
            events(event);
        };
        let stack = Stack::manager(Arc::new(config), seed());
        let driver = spawn(stack, common, Arc::clone(&mailbox))?;
        mailbox.add(Addition::Manager(Arc::clone(&gate), Box::new(sink)));
        let core = Core::new(driver, mailbox, limits, protocol_4);
        let object = Object::new(core, gate, Owner::Manager);
        let namespaces = Arc::default();
        Ok(Self { inner: Arc::new(Inner { object, state, namespaces }) })
    }

    /// A socket on the namespace `/` or `/…`, which tells `events` what happens. No traffic before
    /// [`Socket::connect`].
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for a name that is no namespace, [`Code::InvalidState`] while
    /// another socket of this manager uses it, [`Code::Closed`].
    pub fn socket(
        &self,
        namespace: &str,
        events: impl FnMut(SocketEvent) + Send + 'static,
    ) -> Result<Socket> {
        self.socket_with(namespace, SocketOptions::default(), events)
    }

    /// As [`Manager::socket`], with options.
    ///
    /// # Errors
    /// As [`Manager::socket`]; [`Code::InvalidArgument`] also names an option that is out of range.
    pub fn socket_with(
        &self,
        namespace: &str,
        options: SocketOptions,
        events: impl FnMut(SocketEvent) + Send + 'static,
    ) -> Result<Socket> {
        validate::namespace(namespace)?;
        validate::socket(&options)?;
        let name: Arc<str> = namespace.into();
        let driver = self.inner.object.driver()?;
        let core = Arc::clone(&self.inner.object.core);
        let socket = self.inner.namespaces.take(&name, |socket| {
            core.enter();
            let command = Command::Attach { socket, namespace: Arc::clone(&name), options };
            let attached = driver.submit(command);
            if attached.is_err() {
                core.leave(None);
            }
            attached
        })?;
        let namespaces = Arc::clone(&self.inner.namespaces);
        let socket = Socket::new(core, namespaces, socket, Arc::clone(&name), events);
        self.inner.namespaces.set(&name, &socket);
        Ok(socket)
    }

    /// The socket that uses a namespace: another handle of the same object. Nothing is sent; to join
    /// again after it has come to rest is [`Socket::connect`].
    pub fn existing(&self, namespace: &str) -> Option<Socket> {
        self.inner.namespaces.get(namespace)
    }

    /// Whether a socket of this manager uses a namespace.
    pub fn uses(&self, namespace: &str) -> bool {
        self.inner.namespaces.has(Some(namespace))
    }

    /// Whether it has a socket that is not closed.
    pub fn has_sockets(&self) -> bool {
        self.inner.namespaces.has(None)
    }

    /// Whether both are handles of one manager.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// What the manager was last said to be.
    pub fn state(&self) -> ManagerState {
        if self.inner.object.is_closed() {
            return ManagerState::Closed;
        }
        let states = [
            ManagerState::Idle,
            ManagerState::Connecting,
            ManagerState::Connected,
            ManagerState::Reconnecting,
        ];
        let told = self.inner.state.load(Ordering::Acquire) as usize;
        states.get(told).copied().unwrap_or(ManagerState::Closed)
    }

    /// What this manager and its sockets have done since it was made. Any thread may
    /// ask at any time, after the end too; what a callback is told of is counted when it runs.
    pub fn stats(&self) -> Stats {
        self.inner.object.core.driver.stats()
    }

    /// Answer [`ManagerEvent::TargetWanted`]: where the attempt goes to, and with which headers. An
    /// error counts as a failed attempt. Any thread may do this, at once or later; an answer that
    /// comes too late or a second time is ignored.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for a target that cannot be used: the question stays open.
    /// [`Code::Closed`], [`Code::QueueFull`] as [`Socket::connect`].
    pub fn provide_target(&self, token: AskToken, target: Result<Target>) -> Result<()> {
        if let Ok(target) = &target {
            validate::target(target)?;
        }
        self.inner.object.driver()?.submit(Command::Target { token, target })
    }

    /// Send other application headers from the next attempt on.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for a malformed header; [`Code::Closed`], [`Code::QueueFull`] as
    /// [`Socket::connect`].
    pub fn set_headers(&self, headers: HeaderList) -> Result<()> {
        validate::headers(&headers)?;
        self.inner.object.driver()?.submit(Command::SetHeaders(headers))
    }

    /// Reconnect in another way, from the next wait on. Switched off no attempt starts any more, and
    /// if one is being waited for the sockets come to rest.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] naming what is out of range; [`Code::Closed`], [`Code::QueueFull`]
    /// as [`Socket::connect`].
    pub fn set_reconnect(&self, policy: ReconnectPolicy) -> Result<()> {
        validate::policy("reconnect", &policy)?;
        self.inner.object.driver()?.submit(Command::SetReconnect(policy))
    }

    /// Say what is known about the network. Harmless when wrong.
    ///
    /// # Errors
    /// [`Code::Closed`].
    pub fn hint(&self, hint: Hint) -> Result<()> {
        self.inner.object.hint(hint)
    }

    /// A network is there (again): do not wait for the next attempt.
    ///
    /// # Errors
    /// [`Code::Closed`].
    pub fn network_available(&self) -> Result<()> {
        self.hint(Hint::NetworkAvailable)
    }

    /// There is no network: attempts become rare, the connection is kept.
    ///
    /// # Errors
    /// [`Code::Closed`].
    pub fn network_lost(&self) -> Result<()> {
        self.hint(Hint::NetworkLost)
    }

    /// The device moved to another network: connect there now.
    ///
    /// # Errors
    /// [`Code::Closed`].
    pub fn network_changed(&self) -> Result<()> {
        self.hint(Hint::NetworkChanged)
    }

    /// The application is about to be suspended: no timer, nothing sent until
    /// [`Manager::resumed`] or any other call.
    ///
    /// # Errors
    /// [`Code::Closed`].
    pub fn suspended(&self) -> Result<()> {
        self.hint(Hint::Suspended)
    }

    /// The application runs again: find out at once whether the connection has survived.
    ///
    /// # Errors
    /// [`Code::Closed`].
    pub fn resumed(&self) -> Result<()> {
        self.hint(Hint::Resumed)
    }

    /// Manual mode: run up to `max_events` callbacks of this manager and its sockets on this thread.
    /// Gives how many deliveries were worked off; fewer than `max_events` means that there is no
    /// more, or that another thread is dispatching.
    ///
    /// # Errors
    /// [`Code::InvalidState`] in another mode, [`Code::WouldDeadlock`] inside a callback.
    pub fn dispatch(&self, max_events: usize) -> Result<usize> {
        self.inner.object.core.mailbox.dispatch(max_events)
    }

    /// Manual mode: run `wake` when there is something to dispatch after a dispatch has found
    /// nothing more; at once if there is something now. It runs on the I/O thread or inside this
    /// call, must only wake the host's loop, and is not called any more once this manager and its
    /// sockets are closed (the last of them waits for a call that has begun: hold no lock then that
    /// `wake` takes).
    ///
    /// # Errors
    /// [`Code::InvalidState`] in another mode, [`Code::WouldDeadlock`] inside `wake` itself.
    pub fn set_wake(&self, wake: impl Fn() + Send + 'static) -> Result<()> {
        self.inner.object.core.mailbox.set_wake(Box::new(wake))
    }

    /// Manual mode: a descriptor that is readable while there is something to dispatch. Only poll
    /// it. It is closed with the last handle.
    ///
    /// # Errors
    /// [`Code::InvalidState`] in another mode, [`Code::Unsupported`] when the system gives none.
    #[cfg(unix)]
    pub fn wake_fd(&self) -> Result<std::os::fd::BorrowedFd<'_>> {
        self.inner.object.core.mailbox.wake_fd()
    }

    /// Close this manager: its callbacks end. The connection goes on while it has sockets.
    pub fn close(&self) {
        self.inner.object.close(|_| {});
    }

    /// [`Manager::close`], then wait until its event closure is dropped and, without sockets, until
    /// the connection is gone.
    ///
    /// # Errors
    /// [`Code::WouldDeadlock`] inside a callback: nothing is closed. [`Code::TimedOut`]: it is
    /// closed, but not over yet; wait again or let go.
    pub fn close_wait(&self, timeout: Duration) -> Result<()> {
        may_wait()?;
        self.close();
        self.inner.object.wait_ended(timeout)
    }

    /// [`Manager::close_wait`] if nobody has a handle but the caller, who has `own`; otherwise the
    /// manager goes on.
    pub(crate) fn close_last_wait(&self, own: usize, timeout: Duration) -> Result<()> {
        may_wait()?;
        if Arc::strong_count(&self.inner) > own {
            return Ok(());
        }
        self.close_wait(timeout)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.inner.object.is_closed()
    }

    /// The limits that hold for this manager.
    pub fn limits(&self) -> &Limits {
        &self.inner.object.core.limits
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.object.close(|_| {});
    }
}
