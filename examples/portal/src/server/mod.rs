//! The portal on a real port: the [model](crate::model) behind Socket.IO, HTTP and, on request,
//! TLS, with a faulty network in front.

#![allow(clippy::disallowed_methods)]

mod control;
mod cors;
mod echo;
mod hub;
mod listen;
mod options;
mod status;
mod tokens;

use std::{
    env, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroUsize,
    path::PathBuf,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::Value;
use tokio::sync::oneshot;

use crate::{
    model::{
        Attendance, Ledger, Millis, ModelConfig, Participant, Portal, Retention, TextBurst,
        TokenRequest,
    },
    relay::{Connection, Cut, Direction, FreezeMode},
};
use hub::Hub;

/// Where the portal listens and how it behaves.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Address to listen on. Default 127.0.0.1.
    pub host: IpAddr,
    /// Port to listen on; 0, the default, takes a free one.
    pub port: u16,
    /// Certificate and key; with them the portal speaks TLS only. Default none.
    pub tls: Option<TlsIdentity>,
    /// Time between two Engine.IO pings. Default 25 s.
    pub ping_interval: Duration,
    /// How long an answer to a ping is waited for. Default 20 s.
    pub ping_timeout: Duration,
    /// Largest message a client may send, in bytes. Default 1 000 000.
    pub max_payload: u64,
    /// How long a client may take for its namespace connect. Default 45 s.
    pub connect_timeout: Duration,
    /// Whether the HTTP endpoints below `/control` exist. Default true.
    pub control: bool,
    /// Switches of the portal itself. `host`, `secure` and `epoch` are set by the server.
    pub model: ModelConfig,
    /// Seed of ids and keys. Default: another one at every start.
    pub seed: Option<u64>,
    /// A file to which every token and ticket is added, one a line, so that the logs of a client can
    /// be searched for them. Default: what `ROAMIO_PORTAL_ISSUED` names, or none.
    pub issued: Option<PathBuf>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            host: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            tls: None,
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            max_payload: 1_000_000,
            connect_timeout: Duration::from_secs(45),
            control: true,
            model: ModelConfig::default(),
            seed: None,
            issued: env::var_os("ROAMIO_PORTAL_ISSUED").map(PathBuf::from),
        }
    }
}

impl ServerConfig {
    /// Configure the pings as an operator of the real portal would.
    ///
    /// Only then does the real portal remove old notifications from its replay buffers, after
    /// interval, timeout and one second; so this sets [`ModelConfig::retention`] too.
    #[must_use]
    pub fn with_ping(mut self, interval: Duration, timeout: Duration) -> Self {
        self.ping_interval = interval;
        self.ping_timeout = timeout;
        let retention = interval + timeout + Duration::from_secs(1);
        self.model.retention = Retention::For(retention.as_millis() as Millis);
        self
    }
}

/// A server certificate with its key.
#[derive(Clone)]
pub struct TlsIdentity {
    /// Certificate chain in PEM, the server's own first.
    pub certificate: String,
    /// Private key in PKCS#8 PEM (`-----BEGIN PRIVATE KEY-----`).
    pub key: String,
}

impl std::fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsIdentity").finish_non_exhaustive()
    }
}

/// Which connections a fault hits. HTTP requests to the portal are never hit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The connections a participant uses, or used last: one, or with polling several.
    Participant(String),
    /// A connection by its number: 1 is the first that made a Socket.IO request.
    Connection(u64),
    /// Every open Socket.IO connection.
    All,
}

/// What new Socket.IO connections meet instead of the portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A reset, after the request was read.
    Reset,
    /// HTTP status 403.
    Forbidden,
    /// HTTP status 200 with a page that is not from the portal, as behind a hotel's network.
    CaptivePortal,
}

impl Refusal {
    /// The word for it in control requests.
    fn name(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Forbidden => "forbidden",
            Self::CaptivePortal => "captive",
        }
    }
}

/// A running portal. It has its own thread and stops when dropped.
///
/// All methods but [`start_blocking`](Self::start_blocking) may be called from any thread, inside
/// and outside of async code; none waits for the network.
#[derive(Debug)]
pub struct Server {
    hub: Arc<Hub>,
    address: SocketAddr,
    secure: bool,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Start a portal, from async code of any runtime.
    ///
    /// # Errors
    ///
    /// The port is taken, or certificate and key cannot be used.
    pub async fn start(config: ServerConfig) -> io::Result<Self> {
        let (report, started) = oneshot::channel();
        let parts = Self::spawn(config, move |result| drop(report.send(result)))?;
        parts.join(started.await.map_err(io::Error::other)?)
    }

    /// Start a portal and block until it listens.
    ///
    /// # Errors
    ///
    /// As for [`start`](Self::start).
    pub fn start_blocking(config: ServerConfig) -> io::Result<Self> {
        let (report, started) = mpsc::channel();
        let parts = Self::spawn(config, move |result| drop(report.send(result)))?;
        parts.join(started.recv().map_err(io::Error::other)?)
    }

    fn spawn(
        config: ServerConfig,
        report: impl FnOnce(io::Result<(Arc<Hub>, SocketAddr)>) + Send + 'static,
    ) -> io::Result<Starting> {
        let secure = config.tls.is_some();
        let (stop, stopped) = oneshot::channel();
        // One thread for everything: what socketioxide spawns then runs in the order of spawning.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = thread::Builder::new().name("roamio-portal".into()).spawn(move || {
            runtime.block_on(async {
                match listen::bind(config).await {
                    Ok(listening) => {
                        report(Ok((listening.hub.clone(), listening.address)));
                        tokio::select! {
                            () = listening.run() => {}
                            _ = stopped => {}
                        }
                    }
                    Err(error) => report(Err(error)),
                }
            });
            runtime.shutdown_background();
        })?;
        Ok(Starting { secure, stop, thread })
    }

    /// Where clients connect, `http://127.0.0.1:PORT` or with `https`.
    pub fn url(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The port clients connect to.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Stop the portal and wait for its thread. Dropping does the same.
    pub fn stop(self) {
        drop(self);
    }

    /// Block until the portal ends, which without a panic of its thread is never.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }

    /// Make a token, as an application server would over HTTP. It is good for one login.
    pub fn mint_token(&self, room: &str, user: &str, role: &str) -> String {
        let request = TokenRequest::new(room, user, role);
        self.with_model(|model, now| model.mint_token(request, now))
    }

    /// Everybody in a room, in the order they came.
    pub fn participants(&self, room: &str) -> Vec<Participant> {
        self.with_model(|model, _| model.participants(room))
    }

    /// What was issued to and executed for a participant so far.
    pub fn ledger(&self, participant: &str) -> Option<Ledger> {
        self.with_model(|model, _| model.ledger(participant).cloned())
    }

    /// Issue a notification to a participant.
    pub fn notify(&self, participant: &str, event: &str, data: Option<&Value>) {
        self.with_model(|model, now| model.notify(participant, event, data, now));
    }

    /// Start a burst of texts.
    pub fn send_texts(&self, burst: TextBurst) {
        self.with_model(|model, now| model.send_texts(burst, now));
    }

    /// Remove a participant: `drop`, then a disconnect. Returns whether there was one.
    pub fn drop_participant(&self, participant: &str) -> bool {
        self.with_model(|model, now| model.drop_participant(participant, now))
    }

    /// Disconnect a participant without a `drop`. Returns whether there was a connection.
    pub fn kick(&self, participant: &str) -> bool {
        self.with_model(|model, now| model.kick(participant, now))
    }

    /// Execute the next `count` requests of this name without answering them; `participant` none
    /// means any.
    pub fn swallow_acks(&self, participant: Option<&str>, request: &str, count: u32) {
        self.with_model(|model, _| model.swallow_acks(participant, request, count));
    }

    /// Answer the next `count` requests of this name late; `participant` none means any.
    pub fn delay_acks(
        &self,
        participant: Option<&str>,
        request: &str,
        count: u32,
        delay: Duration,
    ) {
        let delay = delay.as_millis() as Millis;
        self.with_model(|model, _| model.delay_acks(participant, request, count, delay));
    }

    /// Let the next `count` requests of this name fail with a text, which need not be one of the real
    /// portal; `participant` none means any.
    pub fn fail_requests(&self, participant: Option<&str>, request: &str, count: u32, text: &str) {
        self.with_model(|model, _| model.fail_requests(participant, request, count, text));
    }

    /// Everybody who has ever logged in, first come first.
    pub fn attendance(&self) -> Vec<Attendance> {
        self.with_model(|model, _| model.attendance())
    }

    /// Set a switch by its name, such as `ticket-lifetime-ms`.
    ///
    /// # Errors
    ///
    /// As for [`ModelConfig::set`].
    pub fn set_switch(&self, name: &str, value: &str) -> Result<(), String> {
        self.with_model(|model, _| model.config_mut().set(name, value))
    }

    /// Let all tickets issued so far count as expired.
    pub fn expire_tickets(&self) {
        self.with_model(Portal::expire_tickets);
    }

    /// Let the portal's clock be wrong by this many milliseconds.
    pub fn set_clock_offset(&self, offset: i64) {
        self.with_model(|model, _| model.set_clock_offset(offset));
    }

    /// Begin anew as a restarted process: a new reconnection key, all clients forgotten, all
    /// connections reset. The port stays.
    pub fn restart(&self) {
        self.hub.restart();
    }

    /// Do anything else with the model; what it then has to send is sent.
    ///
    /// The model is locked meanwhile: do not call the server from inside.
    pub fn with_model<R>(&self, act: impl FnOnce(&mut Portal, Millis) -> R) -> R {
        self.hub.with_model(act)
    }

    /// Block this thread until the model is as wanted, looking whenever something happened there.
    /// Returns false if that was not so within `patience`.
    ///
    /// Not for a thread that drives tasks, and `wanted` must not call the server.
    #[must_use]
    pub fn wait_until(&self, patience: Duration, wanted: impl FnMut(&Portal) -> bool) -> bool {
        self.hub.wait_until(patience, wanted)
    }

    /// End connections. Returns how many were hit, as all faults do.
    pub fn cut(&self, target: &Target, how: Cut) -> usize {
        self.hub.disturb(target, |connection| connection.cut(how))
    }

    /// Let nothing pass any more.
    pub fn freeze(&self, target: &Target, direction: Direction, mode: FreezeMode) -> usize {
        self.hub.disturb(target, |connection| connection.freeze(direction, mode))
    }

    /// End a freeze, in both directions.
    pub fn thaw(&self, target: &Target) -> usize {
        self.hub.disturb(target, Connection::thaw)
    }

    /// Let everything take this long, in each direction.
    pub fn delay(&self, target: &Target, one_way: Duration) -> usize {
        self.hub.disturb(target, |connection| connection.delay(one_way))
    }

    /// Let so many bytes a second pass in each direction; none is as fast as the machine.
    pub fn throttle(&self, target: &Target, bytes_per_second: Option<NonZeroUsize>) -> usize {
        self.hub.disturb(target, |connection| connection.throttle(bytes_per_second))
    }

    /// Refuse new Socket.IO connections; none accepts them again.
    pub fn refuse(&self, refusal: Option<Refusal>) {
        self.hub.refuse(refusal);
    }

    /// Numbers of the open Socket.IO connections, oldest first.
    pub fn connections(&self) -> Vec<u64> {
        self.hub.connections.numbers()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A thread that has not yet said whether it could listen.
struct Starting {
    secure: bool,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Starting {
    fn join(self, started: io::Result<(Arc<Hub>, SocketAddr)>) -> io::Result<Server> {
        let (hub, address) = started?;
        let (stop, thread) = (Some(self.stop), Some(self.thread));
        Ok(Server { hub, address, secure: self.secure, stop, thread })
    }
}
