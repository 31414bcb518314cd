//! A program that uses the library, and everything it was told.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use roamio::client::{
    AckToken, DisconnectReason, EmitOptions, Manager, ManagerEvent, ManagerState, Socket,
    SocketEvent, SocketState,
};
use roamio::config::{ManagerConfig, Transport};
use roamio::error::Error;
use roamio::payload::Payload;
use serde_json::Value;

use crate::server::PATIENCE;

/// What the library told the program, in the order in which it did.
#[derive(Debug)]
pub enum Told {
    /// By the manager.
    Manager(ManagerEvent),
    /// By the socket of a namespace.
    Socket(&'static str, SocketEvent),
    /// What became of a numbered request.
    Outcome(u32, Result<Payload, Error>),
}

/// A program with one manager, and everything it was told.
///
/// What waits (`until` and all that is made of it) goes forward through what was told and never
/// looks back. What counts looks at everything that was waited past.
pub struct Host {
    pub manager: Manager,
    pub tell: Sender<Told>,
    told: Receiver<Told>,
    pub log: Vec<Told>,
    seen: usize,
    requests: u32,
}

impl Host {
    /// A manager with these options.
    pub fn new(config: ManagerConfig) -> Self {
        let (tell, told) = channel();
        let events = tell.clone();
        let manager = Manager::new(config, move |event| {
            let _ = events.send(Told::Manager(event));
        });
        Self { manager: manager.unwrap(), tell, told, log: Vec::new(), seen: 0, requests: 0 }
    }

    /// A socket that does not connect yet.
    pub fn socket(&self, namespace: &'static str) -> Socket {
        let tell = self.tell.clone();
        let socket = self.manager.socket(namespace, move |event| {
            let _ = tell.send(Told::Socket(namespace, event));
        });
        socket.unwrap()
    }

    /// A socket that has joined its namespace.
    #[track_caller]
    pub fn joined(&mut self, namespace: &'static str) -> Socket {
        let socket = self.socket(namespace);
        socket.connect(None).unwrap();
        self.until_state(namespace, SocketState::Connected);
        socket
    }

    /// Wait for something.
    #[track_caller]
    pub fn until<T>(&mut self, what: &str, mut find: impl FnMut(&Told) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            while let Some(told) = self.log.get(self.seen) {
                self.seen += 1;
                if let Some(found) = find(told) {
                    return found;
                }
            }
            match self.told.recv_timeout(PATIENCE.saturating_sub(start.elapsed())) {
                Ok(told) => self.log.push(told),
                Err(_) => panic!("{what} did not come; told: {:#?}", self.log),
            }
        }
    }

    /// Wait until something was told that often since the beginning. It moves nothing forward.
    pub fn until_count(&mut self, what: &str, wanted: usize, matches: impl Fn(&Told) -> bool) {
        let start = Instant::now();
        let (mut looked, mut count) = (0, 0);
        loop {
            count += self.log[looked..].iter().filter(|told| matches(told)).count();
            looked = self.log.len();
            if count >= wanted {
                return;
            }
            match self.told.recv_timeout(PATIENCE.saturating_sub(start.elapsed())) {
                Ok(told) => self.log.push(told),
                Err(_) => panic!("{what}: {count} of {wanted}"),
            }
        }
    }

    /// Wait, but only so long; `None` when it did not come. For what must not happen.
    pub fn within<T>(
        &mut self,
        time: Duration,
        mut find: impl FnMut(&Told) -> Option<T>,
    ) -> Option<T> {
        let start = Instant::now();
        loop {
            while let Some(told) = self.log.get(self.seen) {
                self.seen += 1;
                if let Some(found) = find(told) {
                    return Some(found);
                }
            }
            self.log.push(self.told.recv_timeout(time.saturating_sub(start.elapsed())).ok()?);
        }
    }

    /// Wait until a socket is told a state; gives cause and reason.
    #[track_caller]
    pub fn until_state(
        &mut self,
        namespace: &str,
        wanted: SocketState,
    ) -> (Option<Error>, Option<DisconnectReason>) {
        self.until(&format!("{namespace} {wanted:?}"), |told| match told {
            Told::Socket(name, SocketEvent::State { transition, reason, .. })
                if *name == namespace && transition.state == wanted =>
            {
                Some((transition.cause.clone(), *reason))
            }
            _ => None,
        })
    }

    /// Wait until a socket has joined; gives the id that the server has for it.
    #[track_caller]
    pub fn until_joined(&mut self, namespace: &str) -> String {
        self.until(&format!("{namespace} joined"), |told| match told {
            Told::Socket(name, SocketEvent::State { transition, socket_sid, .. })
                if *name == namespace && transition.state == SocketState::Connected =>
            {
                Some(socket_sid.as_deref().unwrap_or_default().to_owned())
            }
            _ => None,
        })
    }

    /// Wait until the manager is told a state.
    #[track_caller]
    pub fn until_manager(&mut self, wanted: ManagerState) -> Option<Error> {
        self.until(&format!("manager {wanted:?}"), |told| match told {
            Told::Manager(ManagerEvent::State(step)) if step.state == wanted => {
                Some(step.cause.clone())
            }
            _ => None,
        })
    }

    /// Wait for a transport, which may have been told already; gives whether it was upgraded.
    #[track_caller]
    pub fn until_transport(&mut self, wanted: Transport) -> bool {
        let find = |told: &Told| match told {
            Told::Manager(ManagerEvent::Transport { transport, upgraded })
                if *transport == wanted =>
            {
                Some(*upgraded)
            }
            _ => None,
        };
        self.anywhere(&format!("{wanted:?}"), find)
    }

    /// Wait until the connection is carried by a transport, if it is not already.
    pub fn until_over(&mut self, wanted: Transport) {
        let now = self.log[..self.seen].iter().rev().find_map(|told| match told {
            Told::Manager(ManagerEvent::Transport { transport, .. }) => Some(*transport),
            _ => None,
        });
        if now != Some(wanted) {
            self.until_transport(wanted);
        }
    }

    /// Wait for a failed attempt; gives its number and error.
    #[track_caller]
    pub fn until_retry(&mut self) -> (u32, Error) {
        self.until("a failed attempt", |told| match told {
            Told::Manager(ManagerEvent::Retry(retry)) => Some((retry.attempt, retry.error.clone())),
            _ => None,
        })
    }

    /// Wait for a refusal, or a failed attempt as sockets see it; gives whether it will try again.
    #[track_caller]
    pub fn until_connect_error(&mut self, namespace: &str) -> (Error, bool) {
        self.until(&format!("an error of {namespace}"), |told| match told {
            Told::Socket(name, SocketEvent::ConnectError { error, active })
                if *name == namespace =>
            {
                Some((error.clone(), *active))
            }
            _ => None,
        })
    }

    /// Wait for an event of any namespace.
    #[track_caller]
    pub fn event(&mut self, name: &str) -> (Payload, Option<AckToken>) {
        self.until(name, |told| match told {
            Told::Socket(_, SocketEvent::Event { payload, ack }) if payload.name() == name => {
                Some((payload.clone(), *ack))
            }
            _ => None,
        })
    }

    /// Emit with ack; its number is for [`Host::outcome`].
    #[track_caller]
    pub fn ask(&mut self, socket: &Socket, name: &str, args: &str) -> u32 {
        self.ask_with(socket, name, args, EmitOptions::default())
    }

    /// Emit with ack and options; its number is for [`Host::outcome`].
    #[track_caller]
    pub fn ask_with(
        &mut self,
        socket: &Socket,
        name: &str,
        args: &str,
        options: EmitOptions,
    ) -> u32 {
        self.requests += 1;
        let (number, tell) = (self.requests, self.tell.clone());
        let emitted = socket.emit_with_ack(name, args, options, move |result| {
            let _ = tell.send(Told::Outcome(number, result));
        });
        emitted.unwrap();
        number
    }

    /// Wait for what became of a request. Looks back, too.
    #[track_caller]
    pub fn outcome(&mut self, number: u32) -> Result<Payload, Error> {
        let find = |told: &Told| match told {
            Told::Outcome(known, result) if *known == number => Some(result.clone()),
            _ => None,
        };
        self.anywhere("an outcome", find)
    }

    /// Look for something that may have been told already, or wait for it.
    #[track_caller]
    fn anywhere<T>(&mut self, what: &str, mut find: impl FnMut(&Told) -> Option<T>) -> T {
        match self.log[..self.seen].iter().find_map(&mut find) {
            Some(found) => found,
            None => self.until(what, find),
        }
    }

    /// Emit with ack, and the values of the answer.
    #[track_caller]
    pub fn answer(&mut self, socket: &Socket, name: &str, args: &str) -> Vec<Value> {
        let number = self.ask(socket, name, args);
        values(&self.outcome(number).unwrap())
    }

    /// Take in what has been told meanwhile, without waiting.
    pub fn catch_up(&mut self) {
        self.log.extend(self.told.try_iter());
    }

    /// How often something was told.
    pub fn count(&mut self, matches: impl Fn(&Told) -> bool) -> usize {
        self.catch_up();
        self.log.iter().filter(|told| matches(told)).count()
    }

    /// How often a socket was told a state.
    pub fn states(&mut self, namespace: &str, wanted: SocketState) -> usize {
        self.count(|told| {
            matches!(told, Told::Socket(name, SocketEvent::State { transition, .. })
                if *name == namespace && transition.state == wanted)
        })
    }

    /// How often the manager was told a state.
    pub fn manager_states(&mut self, wanted: ManagerState) -> usize {
        self.count(
            |told| matches!(told, Told::Manager(ManagerEvent::State(step)) if step.state == wanted),
        )
    }
}

/// The arguments as values.
pub fn values(payload: &Payload) -> Vec<Value> {
    payload.args().map(|arg| serde_json::from_str(arg).unwrap()).collect()
}
