//! The network in front of the portal: every client connection passes through a relay that can
//! lose it, silence it or slow it down.
//!
//! ```text
//!   client <-- TCP --> relay <-- in-memory pipe --> TLS, HTTP, WebSocket
//! ```
//!
//! Between reading and writing a lane stores without limit, so that a frozen or slow client never
//! keeps the portal from noticing that its pings stay unanswered.

#![allow(clippy::disallowed_methods)]

use std::{
    collections::BTreeMap,
    io,
    num::NonZeroUsize,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream},
    net::TcpStream,
    sync::{mpsc, watch},
    time::{Instant, sleep, sleep_until, timeout},
};

/// Size of the in-memory pipe and of the reads.
pub(crate) const CHUNK: usize = 64 * 1024;

/// A slow connection passes its bytes in so many parts a second.
const TICKS_PER_SECOND: usize = 50;
const TICK: Duration = Duration::from_millis(1_000 / TICKS_PER_SECOND as u64);

/// How long a closed connection still takes what the client sends, until that closes too.
const DRAIN_LIMIT: Duration = Duration::from_secs(1);

/// How to end a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// With RST: the client sees a reset.
    Reset,
    /// With FIN: the client sees the end of the stream, without a WebSocket close.
    Close,
}

/// Which way bytes flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the portal.
    ToServer,
    /// From the portal to the client.
    ToClient,
    /// Either way.
    Both,
}

/// What happens to bytes, and to the end of the stream, while a direction is frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FreezeMode {
    /// They are delivered after the thaw. Without a thaw this is a black hole.
    Hold,
    /// They are lost. A WebSocket cut in the middle of a frame does not survive this.
    Discard,
}

/// What one direction does with its bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Conditions {
    frozen: Option<FreezeMode>,
    delay: Duration,
    /// In bytes per second; none is as fast as the machine.
    rate: Option<NonZeroUsize>,
}

impl Conditions {
    /// How much passes in one [`TICK`].
    fn per_tick(self) -> Option<usize> {
        self.rate.map(|rate| (rate.get() / TICKS_PER_SECOND).max(1))
    }
}

/// One client connection.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Set by the first Socket.IO request; connections that never make one are immune to faults.
    number: OnceLock<u64>,
    /// The engine session it served last: polling takes several connections for one, and a
    /// connection can serve several in turn.
    engine: Mutex<Option<String>>,
    to_server: watch::Sender<Conditions>,
    to_client: watch::Sender<Conditions>,
    cut: watch::Sender<Option<Cut>>,
}

impl Connection {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            number: OnceLock::new(),
            engine: Mutex::default(),
            to_server: watch::Sender::default(),
            to_client: watch::Sender::default(),
            cut: watch::Sender::default(),
        })
    }

    /// Take note which engine session the connection serves.
    pub(crate) fn serve(&self, engine_sid: &str) {
        let mut engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        if engine.as_deref() != Some(engine_sid) {
            *engine = Some(engine_sid.into());
        }
    }

    fn serves(&self, engine_sid: &str) -> bool {
        let engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        engine.as_deref() == Some(engine_sid)
    }

    pub(crate) fn cut(&self, how: Cut) {
        self.cut.send_replace(Some(how));
    }

    pub(crate) fn freeze(&self, direction: Direction, mode: FreezeMode) {
        self.change(direction, |conditions| conditions.frozen = Some(mode));
    }

    pub(crate) fn thaw(&self) {
        self.change(Direction::Both, |conditions| conditions.frozen = None);
    }

    pub(crate) fn delay(&self, one_way: Duration) {
        self.change(Direction::Both, |conditions| conditions.delay = one_way);
    }

    pub(crate) fn throttle(&self, rate: Option<NonZeroUsize>) {
        self.change(Direction::Both, |conditions| conditions.rate = rate);
    }

    fn change(&self, direction: Direction, change: impl Fn(&mut Conditions)) {
        if direction != Direction::ToClient {
            self.to_server.send_modify(&change);
        }
        if direction != Direction::ToServer {
            self.to_client.send_modify(&change);
        }
    }
}

/// The Socket.IO connections that are open, by number.
#[derive(Debug, Default)]
pub(crate) struct Connections(Mutex<Numbered>);

#[derive(Debug, Default)]
struct Numbered {
    given: u64,
    open: BTreeMap<u64, Arc<Connection>>,
}

impl Connections {
    /// Give a connection its number, at its first Socket.IO request.
    pub(crate) fn number(&self, connection: &Arc<Connection>) {
        let mut numbered = self.lock();
        connection.number.get_or_init(|| {
            numbered.given += 1;
            let number = numbered.given;
            numbered.open.insert(number, connection.clone());
            number
        });
    }

    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.lock().open.keys().copied().collect()
    }

    pub(crate) fn get(&self, number: u64) -> Option<Arc<Connection>> {
        self.lock().open.get(&number).cloned()
    }

    /// Those that serve an engine session, with their numbers.
    pub(crate) fn of_engine(&self, engine_sid: &str) -> Vec<(u64, Arc<Connection>)> {
        let numbered = self.lock();
        let serving = numbered.open.iter().filter(|(_, connection)| connection.serves(engine_sid));
        serving.map(|(number, connection)| (*number, connection.clone())).collect()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Connection>> {
        self.lock().open.values().cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Numbered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carry bytes between a client and the portal until both ends are closed or a cut comes.
    pub(crate) async fn relay(
        &self,
        connection: &Connection,
        mut client: TcpStream,
        server: DuplexStream,
    ) {
        let mut cut = connection.cut.subscribe();
        let how = {
            let (client_read, client_write) = client.split();
            let (server_read, server_write) = tokio::io::split(server);
            let to_server = carry(client_read, server_write, connection.to_server.subscribe());
            let to_client = carry(server_read, client_write, connection.to_client.subscribe());
            let ended = async {
                tokio::pin!(to_server, to_client);
                tokio::select! {
                    // The portal has closed; a client that does not follow is cut off.
                    () = &mut to_client => drop(timeout(DRAIN_LIMIT, to_server).await),
                    () = &mut to_server => to_client.await,
                }
            };
            tokio::select! {
                () = ended => None,
                how = cut.wait_for(Option::is_some) => how.ok().and_then(|how| *how),
            }
        };
        if let Some(number) = connection.number.get() {
            self.lock().open.remove(number);
        }
        match how {
            // Linger 0 turns the close into a reset. It fails on a socket that is already gone.
            Some(Cut::Reset) => drop(SockRef::from(&client).set_linger(Some(Duration::ZERO))),
            Some(Cut::Close) => {
                let _ = timeout(DRAIN_LIMIT, close(client)).await;
            }
            None => {}
        }
    }
}

/// Close with FIN. Closing with unread bytes would send RST, so they are read until the client
/// closes too.
async fn close(mut client: TcpStream) -> io::Result<()> {
    client.shutdown().await?;
    let mut rest = vec![0; CHUNK];
    while client.read(&mut rest).await? > 0 {}
    Ok(())
}

/// Carry one direction under the given conditions until its source ends.
///
/// An end or an error of the source becomes an end of the stream for the target, and it too waits
/// for a thaw. A target that no longer takes bytes is not reported: the other direction has its
/// own end.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut conditions: watch::Receiver<Conditions>,
) {
    let (sender, mut stored) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let read = async move {
        let mut chunk = vec![0; CHUNK];
        while let Ok(length @ 1..) = from.read(&mut chunk).await {
            if sender.send((Instant::now(), chunk[..length].to_vec())).is_err() {
                break;
            }
        }
    };
    let write = async move {
        while let Some((arrived, bytes)) = stored.recv().await {
            let due = arrived + conditions.borrow().delay;
            // A timer would take until the next millisecond.
            if due > Instant::now() {
                sleep_until(due).await;
            }
            if conditions.borrow().frozen == Some(FreezeMode::Discard) {
                continue;
            }
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                thawed(&mut conditions).await;
                let per_tick = conditions.borrow().per_tick();
                if per_tick.is_some() {
                    sleep(TICK).await;
                }
                let (part, later) = rest.split_at(per_tick.unwrap_or(CHUNK).min(rest.len()));
                let _ = to.write_all(part).await;
                rest = later;
            }
        }
        thawed(&mut conditions).await;
        let _ = to.shutdown().await;
    };
    tokio::join!(read, write);
}

async fn thawed(conditions: &mut watch::Receiver<Conditions>) {
    // The sender lives as long as the connection, so the wait cannot fail before the thaw.
    let _ = conditions.wait_for(|conditions| conditions.frozen.is_none()).await;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio::{io::duplex, time::advance};

    use super::*;

    /// One lane between a sender and a receiver.
    fn lane(connection: &Connection) -> (DuplexStream, DuplexStream) {
        let (sender, from) = duplex(CHUNK);
        let (to, receiver) = duplex(CHUNK);
        tokio::spawn(carry(from, to, connection.to_server.subscribe()));
        (sender, receiver)
    }

    /// With paused time this returns when everything else waits.
    async fn idle() {
        sleep(Duration::from_millis(1)).await;
    }

    async fn expect(receiver: &mut DuplexStream, bytes: &[u8]) {
        let mut received = vec![0; bytes.len()];
        receiver.read_exact(&mut received).await.unwrap();
        assert_eq!(received, bytes);
    }

    #[tokio::test(start_paused = true)]
    async fn held_bytes_and_the_end_come_after_the_thaw() {
        let connection = Connection::new();
        let (mut sender, mut receiver) = lane(&connection);
        connection.freeze(Direction::ToServer, FreezeMode::Hold);
        sender.write_all(b"held").await.unwrap();
        drop(sender);
        let early = timeout(Duration::from_secs(60), receiver.read_u8()).await;
        assert!(early.is_err(), "{early:?}");
        connection.thaw();
        expect(&mut receiver, b"held").await;
        assert_eq!(receiver.read(&mut [0]).await.unwrap(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn discarded_bytes_never_come() {
        let connection = Connection::new();
        let (mut sender, mut receiver) = lane(&connection);
        connection.freeze(Direction::Both, FreezeMode::Discard);
        sender.write_all(b"lost").await.unwrap();
        idle().await;
        connection.thaw();
        sender.write_all(b"found").await.unwrap();
        expect(&mut receiver, b"found").await;
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_delay_no_time_passes() {
        let connection = Connection::new();
        let (mut sender, mut receiver) = lane(&connection);
        advance(Duration::from_micros(100)).await;
        let start = Instant::now();
        sender.write_all(b"at once").await.unwrap();
        expect(&mut receiver, b"at once").await;
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_delay_shifts_everything_by_the_same_time() {
        let connection = Connection::new();
        let (mut sender, mut receiver) = lane(&connection);
        connection.delay(Duration::from_secs(1));
        let start = Instant::now();
        sender.write_all(b"first").await.unwrap();
        idle().await;
        advance(Duration::from_millis(499)).await;
        sender.write_all(b"second").await.unwrap();
        expect(&mut receiver, b"first").await;
        assert_eq!(start.elapsed().as_millis(), 1000);
        expect(&mut receiver, b"second").await;
        assert_eq!(start.elapsed().as_millis(), 1500);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_connection_passes_so_many_bytes_a_second_until_it_is_fast_again() {
        let connection = Connection::new();
        let (mut sender, mut receiver) = lane(&connection);
        connection.throttle(NonZeroUsize::new(1_000));
        let start = Instant::now();
        sender.write_all(&[7; 3_000]).await.unwrap();
        expect(&mut receiver, &[7; 2_000]).await;
        assert_eq!(start.elapsed().as_millis(), 2_000);
        connection.throttle(None);
        expect(&mut receiver, &[7; 1_000]).await;
        assert!(start.elapsed().as_millis() <= 2_020);
    }

    #[tokio::test(start_paused = true)]
    async fn a_receiver_that_does_not_read_holds_nobody_up() {
        let connection = Connection::new();
        let (mut sender, _receiver) = lane(&connection);
        sender.write_all(&vec![0; 100 * CHUNK]).await.unwrap();
    }
}
