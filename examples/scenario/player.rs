//! Plays one step after the other, and knows everything that was made by them.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use roamio::client::{Conference, EmitOptions, Manager, RequestId, RequestOptions, Socket};
use roamio::config::{ConferenceConfig, Endpoint, ManagerConfig};
use roamio::error::Result as Outcome;
use roamio::payload::Payload;
use roamio::secret::Secret;

use crate::Result;
use crate::log::{LIMIT, Log};
use crate::names::Names;
use crate::portal::Portal;
use crate::seat::Seat;
use crate::steps::{Action, Step};
use crate::words;

/// What an object has told, and how much of it was awaited.
#[derive(Debug)]
struct Told {
    name: String,
    log: Arc<Log>,
    awaited: usize,
}

/// A scenario under way.
#[derive(Debug)]
pub(crate) struct Player {
    portal: Portal,
    names: Arc<Names>,
    /// In the order of their making.
    told: Vec<Told>,
    seats: HashMap<String, Arc<Seat>>,
    sockets: HashMap<String, Socket>,
    requests: HashMap<String, RequestId>,
    exports: HashMap<String, Secret>,
    outcomes: Arc<Log>,
    /// The ids of what has an outcome, in the order of the steps.
    asked: Vec<String>,
}

type Completion = Box<dyn FnOnce(Outcome<Payload>) + Send>;

impl Player {
    pub(crate) fn new(portal: Portal) -> Self {
        Self {
            portal,
            names: Arc::default(),
            told: Vec::new(),
            seats: HashMap::new(),
            sockets: HashMap::new(),
            requests: HashMap::new(),
            exports: HashMap::new(),
            outcomes: Arc::default(),
            asked: Vec::new(),
        }
    }

    pub(crate) fn play(&mut self, step: Step) -> Result<()> {
        let usual = if step.action.is_of_sockets() { "s" } else { "c" };
        let name = step.name.as_deref().unwrap_or(usual);
        match step.action {
            Action::Conference { ask_token, rejoin_on_gap } => {
                let config =
                    ConferenceConfig { ask_token, rejoin_on_gap, ..ConferenceConfig::default() };
                let seat = Seat::new(name, &self.portal, &self.names, config)?;
                self.add(name, Arc::clone(seat.log()));
                self.seats.insert(name.into(), seat);
            }
            Action::Login { id, user } => {
                let seat = self.seat(name)?;
                let (conference, token) = (seat.conference()?, seat.token(&user)?);
                self.ask(id, words::done, |tell| {
                    conference.login(&token, move |outcome| {
                        seat.entered(&outcome);
                        tell(outcome);
                    })
                });
            }
            Action::Request { id, name: request, data } => {
                let conference = self.conference(name)?;
                let data = self.names.resolve(&data.to_string());
                self.ask(id, words::answered, |tell| {
                    conference.request(&request, &data, RequestOptions::default(), tell)
                });
            }
            Action::Cancel { id } => {
                let request = self.requests.get(&id).ok_or(format!("no request {id}"))?;
                self.conference(name)?.cancel(*request)?;
            }
            Action::Hint { kind } => self.conference(name)?.hint(kind.into())?,
            Action::Rejoin { id } => {
                let conference = self.conference(name)?;
                self.ask(id, words::done, |tell| conference.rejoin(tell));
            }
            Action::Logout { id } => {
                let conference = self.conference(name)?;
                self.ask(id, words::done, |tell| conference.logout(tell));
            }
            Action::Export { to } => {
                let export = self.conference(name)?.export()?;
                self.exports.insert(to, export);
            }
            Action::Restore { id, from } => {
                let conference = self.conference(name)?;
                let export = self.exports.remove(&from).ok_or(format!("no export {from}"))?;
                self.ask(id, words::done, |tell| conference.restore(export.expose(), tell));
            }
            Action::Detach => self.conference(name)?.detach(),
            Action::DestroyOn { line } => self.seat(name)?.destroy_on(line),
            Action::Socket { namespace } => self.connect(name, &namespace)?,
            Action::Emit { id, name: event, args, attachments } => {
                let attachments =
                    attachments.iter().map(|hex| bytes(hex)).collect::<Result<_>>()?;
                self.emit(name, id, &event, &args.to_string(), attachments)?;
            }
            Action::Disconnect => self.socket(name)?.disconnect()?,
            Action::Portal { path } => {
                self.portal.post(&self.names.resolve(&path), "")?;
            }
            // Only where time is what a scenario is about.
            #[allow(clippy::disallowed_methods)]
            Action::Pause { ms } => thread::sleep(Duration::from_millis(ms)),
            Action::Await { id: Some(id), .. } => {
                self.outcomes.wait(0, &id)?;
            }
            Action::Await { line: Some(line), .. } => {
                let told = self.told.iter_mut().find(|told| told.name == name);
                let told = told.ok_or(format!("no object {name}"))?;
                told.awaited = told.log.wait(told.awaited, &line)? + 1;
            }
            Action::Await { .. } => return Err("await what?".into()),
        }
        Ok(())
    }

    /// Nothing is told any more.
    pub(crate) fn close(&self) -> Result<()> {
        for seat in self.seats.values() {
            seat.close()?;
        }
        for socket in self.sockets.values() {
            socket.close_wait(LIMIT)?;
        }
        Ok(())
    }

    /// Everything that was told: per object, then the outcomes.
    pub(crate) fn trace(&self) -> String {
        let mut trace = String::new();
        for Told { name, log, .. } in &self.told {
            for line in log.all() {
                let _ = writeln!(trace, "{name} {}", self.names.hide(&line));
            }
        }
        for id in &self.asked {
            let outcome = self.outcomes.find(id).unwrap_or_else(|| format!("{id} has none"));
            let _ = writeln!(trace, "outcome {}", self.names.hide(&outcome));
        }
        trace
    }

    /// Do something that has an outcome. An error of the call is one too.
    fn ask(
        &mut self,
        id: String,
        show: fn(&Outcome<Payload>) -> String,
        call: impl FnOnce(Completion) -> Outcome<RequestId>,
    ) {
        self.asked.push(id.clone());
        let (outcomes, of) = (Arc::clone(&self.outcomes), id.clone());
        let tell = move |outcome| outcomes.tell(format!("{of} {}", show(&outcome)));
        match call(Box::new(tell)) {
            Ok(request) => drop(self.requests.insert(id, request)),
            Err(error) => self.outcomes.tell(format!("{id} {}", show(&Err(error)))),
        }
    }

    fn connect(&mut self, name: &str, namespace: &str) -> Result<()> {
        let (endpoint, _) = Endpoint::parse(&self.portal.url())?;
        let manager = Manager::new(ManagerConfig::new(endpoint), |_| {})?;
        let log = Arc::<Log>::default();
        let telling = Arc::clone(&log);
        let socket = manager.socket(namespace, move |event| {
            if let Some(line) = words::socket(&event) {
                telling.tell(line);
            }
        })?;
        socket.connect(None)?;
        self.add(name, log);
        self.sockets.insert(name.into(), socket);
        Ok(())
    }

    fn emit(
        &mut self,
        name: &str,
        id: Option<String>,
        event: &str,
        args: &str,
        attachments: Vec<Bytes>,
    ) -> Result<()> {
        let socket = self.socket(name)?.clone();
        let options = EmitOptions { attachments, ..EmitOptions::default() };
        match id {
            None => socket.emit_with(event, args, options)?,
            Some(id) => {
                self.ask(id, words::acked, |tell| socket.emit_with_ack(event, args, options, tell))
            }
        }
        Ok(())
    }

    fn add(&mut self, name: &str, log: Arc<Log>) {
        self.told.push(Told { name: name.into(), log, awaited: 0 });
    }

    fn seat(&self, name: &str) -> Result<Arc<Seat>> {
        Ok(Arc::clone(self.seats.get(name).ok_or(format!("no conference {name}"))?))
    }

    fn conference(&self, name: &str) -> Result<Conference> {
        self.seat(name)?.conference()
    }

    fn socket(&self, name: &str) -> Result<&Socket> {
        Ok(self.sockets.get(name).ok_or(format!("no socket {name}"))?)
    }
}

fn bytes(hex: &str) -> Result<Bytes> {
    let digits = |index| hex.get(index..index + 2).ok_or("hexadecimal digits come in pairs");
    let pairs = (0..hex.len()).step_by(2);
    pairs.map(|index| Ok(u8::from_str_radix(digits(index)?, 16)?)).collect()
}
