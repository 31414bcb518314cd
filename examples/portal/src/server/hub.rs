//! Where the model, the sockets and the clock meet.

use std::{
    collections::HashMap,
    fmt,
    fs::File,
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;
use socketioxide::{
    extract::{AckSender, Event, SocketRef, TryData},
    socket::DisconnectReason,
};
use tokio::{
    runtime::Handle,
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::{Refusal, ServerConfig, Target};
use crate::{
    model::{ConnId, Millis, Output, Portal},
    relay::{Connection, Connections, Cut},
    wire::Args,
};

/// Everything the tasks of the portal share.
///
/// Events, timers and calls from outside all take the one lock, do their work and send what
/// follows from it before they let go: per socket, packets leave in the order of their causes.
pub(crate) struct Hub {
    state: Mutex<State>,
    pub(super) connections: Connections,
    refusal: Mutex<Option<Refusal>>,
    /// Told when the model may have an earlier timer.
    changed: Notify,
    /// Told when something happened in the model.
    happened: Condvar,
    started: Instant,
    /// Sending may spawn tasks, and calls come from threads outside of the runtime.
    runtime: Handle,
}

struct State {
    model: Portal,
    joined: u64,
    sockets: HashMap<ConnId, SocketRef>,
    /// The engine sessions of the sockets, also of those the portal has lost.
    engines: HashMap<ConnId, String>,
    /// Requests that are not answered yet, by the ack id of the model.
    acks: HashMap<(ConnId, u64), AckSender>,
    received: u64,
    /// Takes the tokens and tickets.
    issued: Option<File>,
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").finish_non_exhaustive()
    }
}

impl Hub {
    /// # Errors
    ///
    /// The file for tokens and tickets cannot be written.
    pub(super) fn new(config: ServerConfig) -> io::Result<Self> {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seed = config.seed.unwrap_or(wall.as_nanos() as u64);
        let mut model = config.model;
        model.epoch = wall.as_millis() as Millis;
        let mut model = Portal::new(model, seed, 0);
        let open = |path| File::options().append(true).create(true).open(path);
        let issued = config.issued.map(open).transpose()?;
        if issued.is_some() {
            model.keep_issued();
        }
        let state = State {
            model,
            joined: 0,
            sockets: HashMap::new(),
            engines: HashMap::new(),
            acks: HashMap::new(),
            received: 0,
            issued,
        };
        Ok(Self {
            state: Mutex::new(state),
            connections: Connections::default(),
            refusal: Mutex::new(None),
            changed: Notify::new(),
            happened: Condvar::new(),
            started: Instant::now(),
            runtime: Handle::current(),
        })
    }

    /// Act on the model and send what follows.
    pub(super) fn with_model<R>(&self, act: impl FnOnce(&mut Portal, Millis) -> R) -> R {
        self.with_state(|state, now| act(&mut state.model, now))
    }

    fn now(&self) -> Millis {
        self.started.elapsed().as_millis() as Millis
    }

    fn with_state<R>(&self, act: impl FnOnce(&mut State, Millis) -> R) -> R {
        let _runtime = self.runtime.enter();
        let mut state = lock(&self.state);
        let result = act(&mut state, self.now());
        state.send_outputs();
        self.changed.notify_one();
        self.happened.notify_all();
        result
    }

    /// Block until the model is as wanted; false: it was not within `patience`.
    pub(super) fn wait_until(
        &self,
        patience: Duration,
        mut wanted: impl FnMut(&Portal) -> bool,
    ) -> bool {
        let state = lock(&self.state);
        let waited =
            self.happened.wait_timeout_while(state, patience, |state| !wanted(&state.model));
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Serve the timers of the model, for ever.
    pub(super) async fn run_timers(&self) {
        loop {
            let due = lock(&self.state).model.poll_timeout();
            match due {
                None => self.changed.notified().await,
                // A timer would take until the next millisecond.
                Some(at) if at <= self.now() => self.with_model(Portal::handle_timeout),
                Some(at) => tokio::select! {
                    () = sleep_until(self.started + Duration::from_millis(at)) => {
                        self.with_model(Portal::handle_timeout);
                    }
                    () = self.changed.notified() => {}
                },
            }
        }
    }

    /// A client joined the namespace. Nothing here may yield: its first event can already wait.
    pub(super) fn join(self: &Arc<Self>, socket: SocketRef) {
        let Some(connection) = socket.req_parts().extensions.get::<Arc<Connection>>().cloned()
        else {
            return;
        };
        let conn = self.with_state(|state, now| {
            state.joined += 1;
            let conn = ConnId(state.joined);
            let sid = state.new_sid(&socket, conn);
            state.model.handle_connect(conn, &sid, now);
            state.sockets.insert(conn, socket.clone());
            let engine = socket.id.to_string();
            connection.serve(&engine);
            state.forget_engines(&self.connections);
            state.engines.insert(conn, engine);
            conn
        });
        let hub = self.clone();
        // The closure itself runs in the order of arrival; a future would be a task of its own.
        socket.on_fallback(move |event: Event, args: TryData<Args>, ack: AckSender| {
            hub.receive(conn, &event.0, args.0.unwrap_or_default().0, ack);
            std::future::ready(())
        });
        let hub = self.clone();
        socket.on_disconnect(move |reason: DisconnectReason| async move {
            // After a disconnect by the portal late answers still go out.
            if reason != DisconnectReason::ServerNSDisconnect {
                hub.lose(conn);
            }
        });
    }

    fn receive(&self, conn: ConnId, name: &str, args: Vec<Value>, sender: AckSender) {
        self.with_state(|state, now| {
            state.received += 1;
            let ack = state.received;
            // For an event that wants no answer the sender does nothing.
            state.acks.insert((conn, ack), sender);
            state.model.handle_event(conn, name, args, Some(ack), now);
        });
    }

    fn lose(&self, conn: ConnId) {
        self.with_state(|state, now| {
            state.sockets.remove(&conn);
            state.acks.retain(|(of, _), _| *of != conn);
            state.model.handle_disconnect(conn, now);
        });
    }

    pub(super) fn restart(&self) {
        self.with_state(|state, now| {
            state.model.restart();
            state.model.note(None, "restart".into(), now);
            state.sockets.clear();
            state.acks.clear();
        });
        for connection in self.connections.all() {
            connection.cut(Cut::Reset);
        }
    }

    pub(super) fn refuse(&self, refusal: Option<Refusal>) {
        *lock(&self.refusal) = refusal;
    }

    pub(super) fn refusal(&self) -> Option<Refusal> {
        *lock(&self.refusal)
    }

    /// Do something to the target's connections. Returns how many there are.
    pub(super) fn disturb(&self, target: &Target, act: impl Fn(&Connection)) -> usize {
        let hit: Vec<Arc<Connection>> = match target {
            Target::All => self.connections.all(),
            Target::Connection(number) => self.connections.get(*number).into_iter().collect(),
            Target::Participant(id) => {
                self.serving(id).into_iter().map(|(_, connection)| connection).collect()
            }
        };
        hit.iter().for_each(|connection| act(connection));
        hit.len()
    }

    /// The open connections a participant uses, or used last, with their numbers.
    fn serving(&self, participant: &str) -> Vec<(u64, Arc<Connection>)> {
        let state = lock(&self.state);
        let conn = state.model.connection_of(participant);
        let engine = conn.and_then(|conn| state.engines.get(&conn));
        engine.map_or_else(Vec::new, |engine| self.connections.of_engine(engine))
    }

    /// Numbers of the open connections a participant uses, or used last.
    pub(super) fn numbers_of(&self, participant: &str) -> Vec<u64> {
        self.serving(participant).into_iter().map(|(number, _)| number).collect()
    }
}

impl State {
    /// The socket id for the model. The library uses the engine's id for every namespace connect,
    /// where the real server has a new one each time; so a participant that still carries the id
    /// of an earlier connect on the same engine keeps it, and this connect gets another.
    fn new_sid(&self, socket: &SocketRef, conn: ConnId) -> String {
        let sid = socket.id.to_string();
        if self.model.connection_of(&sid).is_some() { format!("{sid}-{}", conn.0) } else { sid }
    }

    /// Forget the engine sessions of lost sockets that have no open connection any more.
    fn forget_engines(&mut self, connections: &Connections) {
        let sockets = &self.sockets;
        self.engines.retain(|conn, engine| {
            sockets.contains_key(conn) || !connections.of_engine(engine).is_empty()
        });
    }

    fn send_outputs(&mut self) {
        if let Some(file) = &mut self.issued {
            for text in self.model.take_issued() {
                // In one piece, because other portals may write too.
                let _ = file.write_all(format!("{text}\n").as_bytes());
            }
        }
        while let Some(output) = self.model.poll_output() {
            // Sending fails when the engine has closed meanwhile; the loss is reported elsewhere.
            match output {
                Output::Emit { conn, event, data } => {
                    if let Some(socket) = self.sockets.get(&conn) {
                        let _ = socket.emit(event, &data.unwrap_or(Value::Null));
                    }
                }
                Output::Ack { conn, id, args } => {
                    if let Some(sender) = self.acks.remove(&(conn, id)) {
                        let _ = sender.send(&Args(args));
                    }
                }
                Output::Disconnect { conn } => {
                    if let Some(socket) = self.sockets.remove(&conn) {
                        let _ = socket.disconnect();
                    }
                }
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
