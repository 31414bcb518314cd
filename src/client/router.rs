//! Listeners by name: a table from event names to the host's functions.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use super::core::Core;
use super::manager::Manager;
use super::registry::{Lookup, Registry};
use super::socket::Socket;
use crate::config::SocketOptions;
use crate::driver::dispatch::{Gate, guarded};
use crate::error::{Code, Error, Result};
use crate::payload::{Payload, is_reserved};
use crate::proto::io::{AckToken, Command, SocketEvent, SocketId};

/// Gives each event of its sockets to those who listen to its name.
///
/// Cheap clones of one table, which may be changed at any time, from any thread and inside the
/// handlers. What is changed while an event is being told holds from the next event on. A handler
/// that panics is reported in the log; the others are called all the same, and it is called again.
///
/// For one event come the catch-all handlers, then the handlers of its name, each in the order of
/// the list, one at a time and with no lock held. Sockets of different managers may call a handler
/// at the same time. An event costs one lookup, and nothing while there is no handler at all.
///
/// ```no_run
/// # fn main() -> roamio::error::Result<()> {
/// # use roamio::client::{Manager, Router, SocketEvent};
/// # use roamio::config::{Endpoint, ManagerConfig, SocketOptions};
/// # let (endpoint, namespace) = Endpoint::parse("https://example.com/chat")?;
/// # let manager = Manager::new(ManagerConfig::new(endpoint), |_| {})?;
/// let router = Router::new();
/// router.on("news", |event, _| println!("{:?}", event.arg(0)))?;
/// let options = SocketOptions::default();
/// let socket = manager.socket_with_router(&namespace, options, &router, |event| {
///     if let SocketEvent::Event { payload, .. } = event {
///         println!("nobody listens to {}", payload.name());
///     }
/// })?;
/// let answering = socket.clone();
/// router.on("time?", move |_, ack| {
///     if let Some(token) = ack {
///         answering.ack(token, "[12]").unwrap_or_default();
///     }
/// })?;
/// socket.connect(None)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Router {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    tables: Mutex<Tables>,
    /// Handlers of incoming events, so that a table without any is not looked at.
    incoming: AtomicUsize,
}

/// One handler of a [`Router`]; never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerId(pub u64);

type Handler = Box<dyn Fn(&Payload, Option<AckToken>) + Send + Sync>;

struct Listener {
    id: ListenerId,
    /// For one call only; true once that has begun.
    once: Option<AtomicBool>,
    handler: Handler,
}

/// A list is replaced, never changed, so that an event can be told from the one that it found.
type List = Arc<[Arc<Listener>]>;

#[derive(Default)]
struct Tables {
    last: u64,
    /// Names come from the server too, so the standard hasher, which cannot be made to collide.
    named: HashMap<Arc<[u8]>, List>,
    any: List,
    outgoing: List,
    /// Where each handler is.
    places: HashMap<ListenerId, Place>,
    sockets: Vec<Attached>,
}

/// A socket that is told through the table.
struct Attached {
    core: Weak<Core>,
    gate: Arc<Gate>,
    socket: SocketId,
}

impl Attached {
    /// The core, unless the socket is closed. Not to be dropped in the lock.
    fn core(&self) -> Option<Arc<Core>> {
        if self.gate.is_closed() { None } else { self.core.upgrade() }
    }
}

#[derive(Clone)]
enum Place {
    Named(Arc<[u8]>),
    Any,
    Outgoing,
}

impl Router {
    /// A table without handlers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Call `handler` with every event of this name, and with the right to answer it if the server
    /// wants that: give it to [`Socket::ack`], now or later.
    ///
    /// # Errors
    /// [`Code::ReservedEvent`] for `connect`, `disconnect` and the like: they are no events of a
    /// server, and are told as [`SocketEvent::State`] and [`SocketEvent::ConnectError`].
    pub fn on(
        &self,
        name: &str,
        handler: impl Fn(&Payload, Option<AckToken>) + Send + Sync + 'static,
    ) -> Result<ListenerId> {
        Self::check(name)?;
        let place = Place::Named(name.as_bytes().into());
        Ok(self.add(place, false, None, Box::new(handler)))
    }

    /// As [`Router::on`], for one event.
    ///
    /// # Errors
    /// As [`Router::on`].
    pub fn once(
        &self,
        name: &str,
        handler: impl Fn(&Payload, Option<AckToken>) + Send + Sync + 'static,
    ) -> Result<ListenerId> {
        Self::check(name)?;
        let place = Place::Named(name.as_bytes().into());
        Ok(self.add(place, false, Some(AtomicBool::new(false)), Box::new(handler)))
    }

    /// Refuse a name that nobody can listen to.
    pub(crate) fn check(name: &str) -> Result<()> {
        if is_reserved(name) {
            let text = format!("\"{name}\" is no event of a server");
            return Err(Error::new(Code::ReservedEvent, text));
        }
        Ok(())
    }

    /// Call `handler` with every event, before those who listen to its name.
    pub fn on_any(
        &self,
        handler: impl Fn(&Payload, Option<AckToken>) + Send + Sync + 'static,
    ) -> ListenerId {
        self.add(Place::Any, false, None, Box::new(handler))
    }

    /// As [`Router::on_any`], before all that are there already.
    pub fn prepend_any(
        &self,
        handler: impl Fn(&Payload, Option<AckToken>) + Send + Sync + 'static,
    ) -> ListenerId {
        self.add(Place::Any, true, None, Box::new(handler))
    }

    /// Call `handler` with every event that is sent, when it is written, also from the buffer and
    /// again if it is repeated. Not with answers.
    pub fn on_any_outgoing(
        &self,
        handler: impl Fn(&Payload) + Send + Sync + 'static,
    ) -> ListenerId {
        self.add(Place::Outgoing, false, None, Box::new(move |payload, _| handler(payload)))
    }

    /// As [`Router::on_any_outgoing`], before all that are there already.
    pub fn prepend_any_outgoing(
        &self,
        handler: impl Fn(&Payload) + Send + Sync + 'static,
    ) -> ListenerId {
        self.add(Place::Outgoing, true, None, Box::new(move |payload, _| handler(payload)))
    }

    /// Forget a handler, of whatever kind. False: it was forgotten already.
    pub fn off(&self, id: ListenerId) -> bool {
        let mut tables = self.tables();
        let Some(place) = tables.places.remove(&id) else { return false };
        let list = tables.list(&place);
        let rest = list.iter().filter(|listener| listener.id != id).cloned().collect();
        let former = self.replace(tables, &place, rest);
        drop(former);
        true
    }

    /// Forget all handlers of a name.
    pub fn off_all(&self, name: &str) {
        self.empty(&Place::Named(name.as_bytes().into()));
    }

    /// Forget all catch-all handlers of incoming events.
    pub fn off_any(&self) {
        self.empty(&Place::Any);
    }

    /// Forget all catch-all handlers of outgoing events.
    pub fn off_any_outgoing(&self) {
        self.empty(&Place::Outgoing);
    }

    /// Forget all handlers.
    pub fn clear(&self) {
        let names: Vec<_> = self.tables().named.keys().cloned().collect();
        names.into_iter().for_each(|name| self.empty(&Place::Named(name)));
        self.off_any();
        self.off_any_outgoing();
    }

    fn add(
        &self,
        place: Place,
        first: bool,
        once: Option<AtomicBool>,
        handler: Handler,
    ) -> ListenerId {
        let mut tables = self.tables();
        tables.last += 1;
        let id = ListenerId(tables.last);
        let listener = Arc::new(Listener { id, once, handler });
        let list = tables.list(&place);
        let (before, after) = if first { (Some(listener), None) } else { (None, Some(listener)) };
        let list = before.into_iter().chain(list.iter().cloned()).chain(after).collect();
        tables.places.insert(id, place.clone());
        // What was in the former list is in the new one.
        drop(self.replace(tables, &place, list));
        id
    }

    fn empty(&self, place: &Place) {
        let mut tables = self.tables();
        for listener in tables.list(place).iter() {
            tables.places.remove(&listener.id);
        }
        let former = self.replace(tables, place, List::default());
        drop(former);
    }

    /// Put a list in the place of another. What is given back has to be dropped with no lock held,
    /// because that may run the host's code.
    fn replace(&self, mut tables: MutexGuard<'_, Tables>, place: &Place, list: List) -> Former {
        let (before, after) = (tables.list(place).len(), list.len());
        let former = match place {
            Place::Named(name) if list.is_empty() => tables.named.remove(name),
            Place::Named(name) => tables.named.insert(Arc::clone(name), list),
            Place::Any => Some(mem::replace(&mut tables.any, list)),
            Place::Outgoing => {
                let changes = (before == 0) != (after == 0);
                let cores = if changes { tables.watch_sent(after > 0) } else { Vec::new() };
                return Former { _list: mem::replace(&mut tables.outgoing, list), _cores: cores };
            }
        };
        if after > before {
            self.inner.incoming.fetch_add(after - before, Ordering::Relaxed);
        } else {
            self.inner.incoming.fetch_sub(before - after, Ordering::Relaxed);
        }
        Former { _list: former.unwrap_or_default(), _cores: Vec::new() }
    }

    /// Tell an event. False: nobody listens to its name. Stops when `closed`.
    fn event(&self, payload: &Payload, ack: Option<AckToken>, closed: impl Fn() -> bool) -> bool {
        if self.inner.incoming.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let (any, named) = {
            let tables = self.tables();
            (Arc::clone(&tables.any), tables.named.get(payload.name_bytes()).cloned())
        };
        for listener in any.iter().chain(named.iter().flat_map(|list| list.iter())) {
            if closed() {
                return true;
            }
            self.call(listener, payload, ack);
        }
        named.is_some()
    }

    /// Tell an event that was sent. False: nobody listens.
    fn sent(&self, payload: &Payload, closed: impl Fn() -> bool) -> bool {
        let list = Arc::clone(&self.tables().outgoing);
        for listener in list.iter().take_while(|_| !closed()) {
            self.call(listener, payload, None);
        }
        !list.is_empty()
    }

    fn call(&self, listener: &Listener, payload: &Payload, ack: Option<AckToken>) {
        if let Some(begun) = &listener.once {
            if begun.swap(true, Ordering::AcqRel) {
                return;
            }
            self.off(listener.id);
        }
        guarded(|| (listener.handler)(payload, ack));
    }

    /// The closure to make a socket with, and what is then to be called with that socket, before it
    /// connects. `rest` is told what no handler is.
    pub(crate) fn serve(
        self,
        mut rest: impl FnMut(SocketEvent) + Send + 'static,
    ) -> (impl FnMut(SocketEvent) + Send + 'static, impl FnOnce(&Socket)) {
        // There before anybody can close the socket.
        let gate: Arc<OnceLock<Arc<Gate>>> = Arc::default();
        let (table, its) = (self.clone(), Arc::clone(&gate));
        let sink = move |event: SocketEvent| {
            let closed = || its.get().is_some_and(|gate| gate.is_closed());
            let told = match &event {
                SocketEvent::Event { payload, ack } => table.event(payload, *ack, closed),
                SocketEvent::Sent { payload } => table.sent(payload, closed),
                _ => false,
            };
            if !told && !closed() {
                rest(event);
            }
        };
        let table = self;
        let attach = move |socket: &Socket| {
            let (core, own, id) = socket.parts();
            // It is set nowhere else.
            let _ = gate.set(Arc::clone(&own));
            table.attach(core, own, id);
        };
        (sink, attach)
    }

    /// A new socket: it is told from now on, and its sent events if anybody wants them.
    fn attach(&self, core: &Arc<Core>, gate: Arc<Gate>, socket: SocketId) {
        let mut tables = self.tables();
        tables.sockets.retain(|known| known.core.strong_count() > 0 && !known.gate.is_closed());
        tables.sockets.push(Attached { core: Arc::downgrade(core), gate, socket });
        if !tables.outgoing.is_empty() {
            watch_sent(core, socket, true);
        }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.inner.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("handlers", &self.tables().places.len()).finish()
    }
}

impl Tables {
    fn list(&self, place: &Place) -> List {
        match place {
            Place::Named(name) => self.named.get(name).cloned().unwrap_or_default(),
            Place::Any => Arc::clone(&self.any),
            Place::Outgoing => Arc::clone(&self.outgoing),
        }
    }

    /// Tell all sockets whether anybody wants their sent events. In the lock, so that the last word
    /// is the last change.
    fn watch_sent(&self, watch: bool) -> Vec<Arc<Core>> {
        let living = self.sockets.iter().filter_map(|known| {
            let core = known.core()?;
            watch_sent(&core, known.socket, watch);
            Some(core)
        });
        living.collect()
    }
}

/// What a change has put out of use.
struct Former {
    _list: List,
    _cores: Vec<Arc<Core>>,
}

fn watch_sent(core: &Core, socket: SocketId, watch: bool) {
    // An error says that it is closed.
    let _ = core.driver.submit(Command::WatchSent { socket, watch });
}

impl Manager {
    /// As [`Manager::socket_with`], with `router` for events. `rest` is told everything else, and the
    /// events that nobody listens to by name.
    ///
    /// The router and its handlers stay when the socket is closed; then it is called no more.
    ///
    /// # Errors
    /// As [`Manager::socket_with`].
    pub fn socket_with_router(
        &self,
        namespace: &str,
        options: SocketOptions,
        router: &Router,
        rest: impl FnMut(SocketEvent) + Send + 'static,
    ) -> Result<Socket> {
        let (sink, attach) = router.clone().serve(rest);
        let socket = self.socket_with(namespace, options, sink)?;
        attach(&socket);
        Ok(socket)
    }
}

impl Registry {
    /// As [`Registry::socket`], with `router` for events, as [`Manager::socket_with_router`] has it.
    ///
    /// # Errors
    /// As [`Registry::socket`].
    pub fn socket_with_router(
        &self,
        url: &str,
        lookup: Lookup,
        router: &Router,
        rest: impl FnMut(SocketEvent) + Send + 'static,
    ) -> Result<(Manager, Socket)> {
        let (sink, attach) = router.clone().serve(rest);
        let (manager, socket) = self.socket(url, lookup, sink)?;
        attach(&socket);
        Ok((manager, socket))
    }
}
