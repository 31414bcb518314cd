//! Everything that the commands have made, by the names that they gave.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use roamio::client::{
    Conference, ConferenceState, ListenerId, Manager, Registry, RequestId, Router, Socket,
};
use roamio::config::PortalProtocol;
use roamio::error::{Error, Result};
use roamio::payload::Payload;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::events::Kind;
use super::line::{self, Line};
use super::output::Output;
use super::{Answer, invalid};

/// How long the end of an object may take.
const END: Duration = Duration::from_secs(5);

/// The id of a command, as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Id(String);

impl Id {
    /// A number or a text.
    pub(super) fn new(json: &RawValue) -> Option<Self> {
        let first = json.get().bytes().next()?;
        let fits = first == b'"' || first == b'-' || first.is_ascii_digit();
        fits.then(|| Self(json.get().to_owned()))
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        line::raw(&self.0).serialize(serializer)
    }
}

/// Who is asked for a request, and can be told to forget it.
#[derive(Clone)]
pub(super) enum Asked {
    Socket(Socket),
    Conference(Conference),
}

impl Asked {
    pub(super) fn cancel(&self, request: RequestId) -> Result<()> {
        match self {
            Self::Socket(socket) => socket.cancel(request),
            Self::Conference(conference) => conference.cancel(request),
        }
    }
}

/// Commands whose outcome is still to come. None: it was asked, but its number is not known yet.
#[derive(Clone, Default)]
pub(super) struct Requests(Arc<Mutex<Pending>>);

type Pending = HashMap<Id, Option<(Asked, RequestId)>>;

impl Requests {
    /// Refuse an id that an outcome will repeat.
    pub(super) fn check_free(&self, id: &Id) -> Result<()> {
        if self.all().contains_key(id) {
            return Err(invalid("`id` is that of a command without an outcome"));
        }
        Ok(())
    }

    /// The request that a command has made, unless it has its outcome.
    pub(super) fn get(&self, id: &Id) -> Option<(Asked, RequestId)> {
        self.all().get(id).cloned().flatten()
    }

    fn all(&self) -> MutexGuard<'_, Pending> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A socket with its listeners.
pub(super) struct Listening {
    pub(super) socket: Socket,
    pub(super) router: Router,
    pub(super) listeners: HashMap<u64, ListenerId>,
    /// Listeners so far.
    pub(super) numbered: u64,
}

/// The state of the program.
pub(super) struct Session {
    pub(super) output: Output,
    pub(super) requests: Requests,
    pub(super) registry: Registry,
    managers: HashMap<String, Manager>,
    sockets: HashMap<String, Listening>,
    conferences: HashMap<String, (Conference, PortalProtocol)>,
    /// What was made, in this order.
    made: Vec<(Kind, String)>,
}

impl Session {
    pub(super) fn new(output: Output) -> Self {
        Self {
            output,
            requests: Requests::default(),
            registry: Registry::new(),
            managers: HashMap::new(),
            sockets: HashMap::new(),
            conferences: HashMap::new(),
            made: Vec::new(),
        }
    }

    /// Refuse a name that another object of this kind has.
    pub(super) fn check_new(&self, kind: Kind, name: &str) -> Result<()> {
        let known = match kind {
            Kind::Manager => self.managers.contains_key(name),
            Kind::Socket => self.sockets.contains_key(name),
            Kind::Conference => self.conferences.contains_key(name),
        };
        if known {
            let text = format!("there is a {} `{name}` already", kind.as_str());
            return Err(invalid(text));
        }
        Ok(())
    }

    pub(super) fn add_manager(&mut self, name: &str, manager: Manager) {
        self.managers.insert(name.into(), manager);
        self.made.push((Kind::Manager, name.into()));
    }

    pub(super) fn add_socket(&mut self, name: &str, socket: Socket, router: Router) {
        let listening = Listening { socket, router, listeners: HashMap::new(), numbered: 0 };
        self.sockets.insert(name.into(), listening);
        self.made.push((Kind::Socket, name.into()));
    }

    pub(super) fn add_conference(
        &mut self,
        name: &str,
        conference: Conference,
        protocol: PortalProtocol,
    ) {
        self.conferences.insert(name.into(), (conference, protocol));
        self.made.push((Kind::Conference, name.into()));
    }

    pub(super) fn manager(&self, name: &str) -> Result<&Manager> {
        self.managers.get(name).ok_or_else(|| unknown(Kind::Manager, name))
    }

    pub(super) fn listening(&mut self, name: &str) -> Result<&mut Listening> {
        self.sockets.get_mut(name).ok_or_else(|| unknown(Kind::Socket, name))
    }

    pub(super) fn socket(&self, name: &str) -> Result<&Socket> {
        let listening = self.sockets.get(name).ok_or_else(|| unknown(Kind::Socket, name))?;
        Ok(&listening.socket)
    }

    pub(super) fn conference(&self, name: &str) -> Result<&Conference> {
        let known = self.conferences.get(name).ok_or_else(|| unknown(Kind::Conference, name))?;
        Ok(&known.0)
    }

    /// The protocol that a conference speaks.
    pub(super) fn protocol(&self, name: &str) -> PortalProtocol {
        self.conferences.get(name).map_or_else(PortalProtocol::default, |(_, protocol)| *protocol)
    }

    /// Do something whose outcome comes later: as the answer to the command `id`, `show`n.
    pub(super) fn ask(
        &self,
        id: &Id,
        of: Asked,
        show: impl FnOnce(Payload) -> Result<Line> + Send + 'static,
        call: impl FnOnce(Box<dyn FnOnce(Result<Payload>) + Send>) -> Result<RequestId>,
    ) -> Answer {
        self.requests.all().insert(id.clone(), None);
        let (output, requests, own) = (self.output.clone(), self.requests.clone(), id.clone());
        let completion = move |outcome: Result<Payload>| {
            requests.all().remove(&own);
            let line = Line::new().with("id", &own);
            output.line(match outcome.and_then(show) {
                Ok(answer) => line.with("ok", answer),
                Err(error) => line.with("error", line::error(&error)),
            });
        };
        match call(Box::new(completion)) {
            Ok(request) => {
                // Unless the outcome was faster.
                if let Some(asked) = self.requests.all().get_mut(id) {
                    *asked = Some((of, request));
                }
                Ok(None)
            }
            Err(error) => {
                self.requests.all().remove(id);
                Err(error)
            }
        }
    }

    /// Close an object and wait for its end, after which its name is free.
    pub(super) fn close_one(&mut self, kind: Kind, name: &str) -> Result<()> {
        match kind {
            Kind::Manager => self.manager(name)?.close_wait(END)?,
            Kind::Socket => self.socket(name)?.close_wait(END)?,
            Kind::Conference => self.conference(name)?.close_wait(END)?,
        }
        self.forget(kind, name);
        Ok(())
    }

    fn forget(&mut self, kind: Kind, name: &str) {
        match kind {
            Kind::Manager => drop(self.managers.remove(name)),
            Kind::Socket => drop(self.sockets.remove(name)),
            Kind::Conference => drop(self.conferences.remove(name)),
        }
        self.made.retain(|(of, made)| *of != kind || made != name);
    }

    /// The end of the program: everything is closed, what was made last first. A conference that has
    /// a session leaves it.
    pub(super) fn close(&mut self) {
        while let Some((kind, name)) = self.made.last().cloned() {
            if kind == Kind::Conference {
                self.leave(&name);
            }
            // What does not end in time ends with the process.
            if self.close_one(kind, &name).is_err() {
                self.forget(kind, &name);
            }
        }
    }

    fn leave(&self, name: &str) {
        let Ok(conference) = self.conference(name) else { return };
        if matches!(conference.state(), ConferenceState::Idle | ConferenceState::Ended) {
            return;
        }
        let (tell, told) = mpsc::channel();
        let leaving = conference.logout(move |outcome| drop(tell.send(outcome)));
        if leaving.is_ok() {
            // Whatever comes of it: the end follows.
            let _ = told.recv_timeout(2 * END);
        }
    }
}

fn unknown(kind: Kind, name: &str) -> Error {
    invalid(format!("no {} `{name}`", kind.as_str()))
}
