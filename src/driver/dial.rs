//! One connection attempt: name lookup, TCP race, TLS, and the WebSocket handshake where it is for
//! one. Dropping the future cancels it and closes what it has opened.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use crate::config::{CommonConfig, Endpoint, Limits};
use crate::driver::clock;
use crate::driver::proxy;
use crate::driver::resolve::Resolver;
use crate::driver::socket::{connect, source_address};
use crate::driver::stream::{ByteCount, CountedTcp, Stream};
use crate::driver::tls::Tls;
use crate::driver::ws::{self, Socket};
use crate::error::{Code, Error, Result};
use crate::log::log;
use crate::proto::io::{Cookies, Headers, Input, WireId};

/// When the next address gets its chance (RFC 8305, section 5).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// What every dial of a stack needs.
#[derive(Debug)]
pub(crate) struct Dialer {
    common: CommonConfig,
    resolver: Resolver,
    tls: Arc<Tls>,
}

/// A connection before the first byte of HTTP.
#[derive(Debug)]
pub(crate) struct Reached {
    pub(crate) stream: Stream,
    /// What has arrived on it.
    pub(crate) count: ByteCount,
    /// This end's address.
    pub(crate) local: Option<SocketAddr>,
    /// What the TCP connect and the tunnel through a proxy took, in milliseconds.
    pub(crate) connect_ms: u64,
}

/// An open WebSocket.
#[derive(Debug)]
pub(crate) struct Dialled {
    pub(crate) socket: Socket,
    /// What has arrived on it.
    pub(crate) count: ByteCount,
    /// This end's address.
    pub(crate) local: Option<SocketAddr>,
    /// What the answer says about cookies.
    pub(crate) cookies: Cookies,
}

/// What is told of a dial or a request before it is done. Who polls it asks here afterwards.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress(Arc<Told>);

#[derive(Debug)]
struct Told {
    connect_ms: AtomicU64,
    tls_ms: AtomicU64,
    /// The connection that an answer is awaited on.
    count: Mutex<Option<ByteCount>>,
    /// Who is at the other end, or is meant to be: the server or the proxy.
    peer: Mutex<Option<SocketAddr>>,
}

/// No time to connect.
const NOTHING: u64 = u64::MAX;

impl Default for Told {
    fn default() -> Self {
        Self {
            connect_ms: AtomicU64::new(NOTHING),
            tls_ms: AtomicU64::new(NOTHING),
            count: Mutex::default(),
            peer: Mutex::default(),
        }
    }
}

impl Progress {
    /// How far the dial of this wire has come, if that was not told yet.
    pub(crate) fn take_step(&self, wire: WireId) -> Option<Input> {
        let take = |ms: &AtomicU64| {
            let ms = ms.swap(NOTHING, Ordering::Relaxed);
            (ms != NOTHING).then_some(ms)
        };
        if let Some(connect_ms) = take(&self.0.connect_ms) {
            return Some(Input::Reached { wire, connect_ms });
        }
        take(&self.0.tls_ms).map(|tls_ms| Input::Secured { wire, tls_ms })
    }

    /// Whether bytes of the answer have arrived since the last call.
    pub(crate) fn take_arrived(&self) -> bool {
        self.count().as_ref().is_some_and(ByteCount::take)
    }

    /// The other end, once its address is known.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        *self.0.peer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The other end is, or will be, this.
    pub(crate) fn towards(&self, peer: Option<SocketAddr>) {
        *self.0.peer.lock().unwrap_or_else(PoisonError::into_inner) = peer;
    }

    /// The connection is there. The dial stops here for a moment, so that this is told before
    /// anything that comes of it.
    async fn reached(&self, connect_ms: u64) {
        self.0.connect_ms.store(connect_ms, Ordering::Relaxed);
        yield_now().await;
    }

    /// TLS was agreed; as for [`Progress::reached`].
    async fn secured(&self, tls_ms: u64) {
        self.0.tls_ms.store(tls_ms, Ordering::Relaxed);
        yield_now().await;
    }

    /// What arrives from here on belongs to the answer.
    pub(crate) fn sent(&self, count: &ByteCount) {
        count.take();
        *self.count() = Some(count.clone());
    }

    fn count(&self) -> MutexGuard<'_, Option<ByteCount>> {
        self.0.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dialer {
    pub(crate) fn new(common: CommonConfig, resolver: Resolver) -> Self {
        let tls = Tls::shared(common.tls.clone());
        Self { common, resolver, tls }
    }

    /// The limits of sizes.
    pub(crate) const fn limits(&self) -> &Limits {
        &self.common.limits
    }

    /// Which of the device's addresses the system would reach `peer` from; none when it cannot.
    pub(crate) fn source_address(&self, peer: SocketAddr) -> Option<IpAddr> {
        source_address(peer, &self.common)
    }

    /// The application's headers, as the stack hands them over.
    #[cfg(test)]
    pub(crate) fn headers(&self) -> Headers {
        self.common.headers.0.as_slice().into()
    }

    /// Connect, through the proxy if there is one, up to TLS. Every attempt starts from a fresh
    /// lookup, fresh sockets and a fresh TLS session.
    ///
    /// # Errors
    /// One code for each phase: [`Code::Dns`], [`Code::Connect`], or [`Code::Proxy`] for both with a
    /// proxy; [`Code::TlsHandshake`], [`Code::TlsCertificate`]; and [`Code::ConnectTimeout`] with a
    /// message that names the phase.
    pub(crate) async fn reach(&self, endpoint: &Endpoint, progress: &Progress) -> Result<Reached> {
        let limits = &self.common.timeouts;
        let proxy = self.common.proxy.as_ref();
        let of_proxy = |error: Error| match proxy {
            Some(proxy) => proxy::failed(proxy, error),
            None => error,
        };
        let (host, port) = proxy.map_or((&endpoint.host, endpoint.port), |it| (&it.host, it.port));
        let addresses = self.resolver.resolve(host, port, limits.dns).await.map_err(of_proxy)?;
        log!(Debug, "{host}:{port} is {addresses:?}");
        progress.towards(addresses.first().copied());
        let started = clock::now().mono;
        let race = race(&addresses, &self.common);
        let tcp = match proxy {
            None => within(limits.tcp, "TCP connect", race).await?,
            Some(proxy) => {
                let tunnel = async {
                    let tcp = race.await.map_err(of_proxy)?;
                    proxy::tunnel(proxy, tcp, endpoint).await
                };
                within(limits.tcp, &format!("tunnel through proxy {proxy}"), tunnel).await?
            }
        };
        let connect_ms = clock::now().mono.since(started);
        progress.towards(tcp.peer_addr().ok());
        progress.reached(connect_ms).await;
        let local = tcp.local_addr().ok();
        let (tcp, count) = CountedTcp::new(tcp);
        let stream = if endpoint.secure {
            let started = clock::now().mono;
            let tls = self.tls.connect(&endpoint.host, tcp);
            let stream = Stream::tls(within(limits.tls, "TLS handshake", tls).await?);
            progress.secured(clock::now().mono.since(started)).await;
            stream
        } else {
            Stream::plain(tcp)
        };
        Ok(Reached { stream, count, local, connect_ms })
    }

    /// Connect and do the WebSocket handshake.
    ///
    /// # Errors
    /// Those of [`Dialer::reach`] and of [`ws::open`], and [`Code::ConnectTimeout`] for the
    /// handshake.
    pub(crate) async fn dial(
        self: Arc<Self>,
        endpoint: Arc<Endpoint>,
        path_and_query: String,
        headers: Headers,
        progress: Progress,
    ) -> Result<Dialled> {
        let Reached { stream, count, local, connect_ms } = self.reach(&endpoint, &progress).await?;
        let common = &self.common;
        let open = ws::open(stream, &endpoint, &path_and_query, &headers, common);
        let limit = common.timeouts.open;
        let (socket, cookies) = within(limit, "WebSocket handshake", open).await?;
        log!(Debug, "connected to {}:{} in {connect_ms} ms", endpoint.host, endpoint.port);
        Ok(Dialled { socket, count, local, cookies })
    }
}

/// The limit of one phase.
async fn within<T>(
    limit: Duration,
    phase: &str,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    timeout(limit, work).await.unwrap_or_else(|_| {
        let text = format!("{phase}: not done within {} ms", limit.as_millis());
        Err(Error::new(Code::ConnectTimeout, text))
    })
}

/// Connect to the addresses in turn, the next one when the one before has failed or has had its
/// time; the first connection wins, and the others are closed. Only those of the family of the
/// device's address are tried, if that is given.
async fn race(addresses: &[SocketAddr], config: &CommonConfig) -> Result<TcpStream> {
    let from = config.local_address;
    let fits = |address: &&SocketAddr| from.is_none_or(|it| it.is_ipv4() == address.is_ipv4());
    let mut waiting = addresses.iter().filter(fits);
    let mut running = FuturesUnordered::new();
    let mut last = io::Error::other("no address of the family of the local one");
    let mut tried = 0;
    loop {
        let next = waiting.next();
        if let Some(address) = next {
            running.push(connect(*address, config));
            tried += 1;
        }
        tokio::select! {
            finished = running.next() => match finished {
                Some(Ok(stream)) => return Ok(stream),
                Some(Err(error)) => last = error,
                None => {
                    let text = format!("TCP connect: {last} (addresses tried: {tried})");
                    return Err(Error::new(Code::Connect, text));
                }
            },
            () = sleep(NEXT_ADDRESS), if next.is_some() => {}
        }
    }
}
