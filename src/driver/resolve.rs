//! Name lookup by the system, on threads that nobody waits for.
//!
//! `getaddrinfo` cannot be cancelled and may hang for minutes. At most [`MAX_THREADS`] threads of
//! the library call it. They belong to no handle; a result that nobody waits for any more is
//! dropped. While all of them hang, a new lookup waits in the queue until its own limit ends it.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::mem;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::error::{Code, Error, Result};

const MAX_THREADS: usize = 4;

/// The system's lookups come in bursts.
const IDLE: Duration = Duration::from_secs(10);

/// More addresses than this are not tried in one attempt.
const MAX_ADDRESSES: usize = 8;

type Lookup = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// Turns a host into addresses.
#[derive(Clone)]
pub(crate) struct Resolver {
    lookup: Arc<Lookup>,
    pool: &'static Pool,
}

impl Resolver {
    /// The system's resolver.
    pub(crate) fn system() -> Self {
        Self::new(|host, port| (host, port).to_socket_addrs().map(Iterator::collect))
    }

    /// A resolver that calls `lookup`, which may block, on a resolver thread.
    pub(crate) fn new(
        lookup: impl Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        Self { lookup: Arc::new(lookup), pool: &POOL }
    }

    /// The addresses of a host in the order in which they are to be tried: the families
    /// alternate, beginning with the one that the system prefers (RFC 8305, section 4).
    ///
    /// # Errors
    /// [`Code::Dns`], also when `limit` has passed.
    pub(crate) async fn resolve(
        &self,
        host: &str,
        port: u16,
        limit: Duration,
    ) -> Result<Vec<SocketAddr>> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let failed = |what: &dyn fmt::Display| {
            Error::new(Code::Dns, format!("name lookup of {host}: {what}"))
        };
        let (reply, answer) = oneshot::channel();
        let job = Job { lookup: Arc::clone(&self.lookup), host: host.to_owned(), port, reply };
        self.pool.submit(job).map_err(|error| failed(&error))?;
        let addresses = timeout(limit, answer)
            .await
            .map_err(|_| failed(&format_args!("no answer within {} ms", limit.as_millis())))?
            .map_err(|_| failed(&"the lookup failed"))?
            .map_err(|error| failed(&error))?;
        match interleave(addresses) {
            addresses if addresses.is_empty() => Err(failed(&"the name has no address")),
            addresses => Ok(addresses),
        }
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}

/// Alternate the address families, without duplicates, at most [`MAX_ADDRESSES`].
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut ordered = Vec::with_capacity(MAX_ADDRESSES);
    loop {
        let pair = [first.next(), second.next()];
        if pair == [None, None] {
            return ordered;
        }
        for address in pair.into_iter().flatten() {
            if ordered.len() < MAX_ADDRESSES && !ordered.contains(&address) {
                ordered.push(address);
            }
        }
    }
}

/// One lookup. It is wanted as long as somebody holds the other end of `reply`.
struct Job {
    lookup: Arc<Lookup>,
    host: String,
    port: u16,
    reply: oneshot::Sender<io::Result<Vec<SocketAddr>>>,
}

/// The threads of this process that look up names.
struct Pool {
    state: Mutex<PoolState>,
    changed: Condvar,
    /// How long a thread without work stays.
    idle: Duration,
}

struct PoolState {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

static POOL: Pool = Pool::new(IDLE);

impl Pool {
    const fn new(idle: Duration) -> Self {
        let state = PoolState { jobs: VecDeque::new(), threads: 0, idle: 0 };
        Self { state: Mutex::new(state), changed: Condvar::new(), idle }
    }

    /// Queue a lookup.
    ///
    /// # Errors
    /// The system gives not even one thread.
    fn submit(&'static self, job: Job) -> io::Result<()> {
        let mut state = self.state();
        // Those who gave up would pile up behind lookups that hang.
        state.jobs.retain(|job| !job.reply.is_closed());
        state.jobs.push_back(job);
        if state.jobs.len() <= state.idle {
            self.changed.notify_one();
        } else if state.threads < MAX_THREADS {
            state.threads += 1;
            let thread = Thread { pool: self };
            let builder = thread::Builder::new().name("roamio-dns".into());
            drop(state);
            // A refused thread drops `thread`, which takes its count back.
            let spawned = builder.spawn(move || thread.run());
            if let Err(error) = spawned
                && self.state().threads == 0
            {
                return Err(error);
            }
        }
        Ok(())
    }

    /// The next lookup that somebody wants. None within the idle time: the thread goes, and is not
    /// counted any more.
    fn next(&self) -> Option<Job> {
        let mut state = self.state();
        loop {
            while let Some(job) = state.jobs.pop_front() {
                if !job.reply.is_closed() {
                    return Some(job);
                }
            }
            state.idle += 1;
            let (woken, waited) =
                self.changed.wait_timeout(state, self.idle).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if waited.timed_out() && state.jobs.is_empty() {
                // In the same breath, so that a lookup that comes now starts another one.
                state.threads -= 1;
                return None;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread of the pool. Dropping it takes its count back when it ends in any other way than for
/// lack of work.
struct Thread {
    pool: &'static Pool,
}

impl Thread {
    fn run(self) {
        while let Some(Job { lookup, host, port, reply }) = self.pool.next() {
            // An error says that nobody wants it any more.
            let _ = reply.send(lookup(&host, port));
        }
        mem::forget(self);
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.pool.state().threads -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn addresses(list: &[&str]) -> Vec<SocketAddr> {
        list.iter().map(|text| text.parse().expect("an address")).collect()
    }

    #[test]
    fn families_alternate_beginning_with_the_preferred_one() {
        let given = addresses(&["[::1]:1", "[::2]:1", "[::2]:1", "1.1.1.1:1", "[::3]:1"]);
        let ordered = addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]);
        assert_eq!(interleave(given), ordered);
        let many = (0..100).map(|port| SocketAddr::new([127, 0, 0, 1].into(), port)).collect();
        assert_eq!(interleave(many).len(), MAX_ADDRESSES);
    }

    #[tokio::test]
    async fn an_address_needs_no_lookup() {
        let resolver = Resolver::new(|_, _| panic!("not asked"));
        let resolved = resolver.resolve("::1", 80, Duration::ZERO).await;
        assert_eq!(resolved, Ok(addresses(&["[::1]:80"])));
    }

    #[tokio::test]
    async fn failures_and_empty_answers_are_dns_errors() {
        let refused = Resolver::new(|_, _| Err(io::Error::other("no such name")));
        let error = refused.resolve("a.test", 80, IDLE).await.expect_err("refused");
        assert_eq!(
            (error.code(), error.message()),
            (Code::Dns, "name lookup of a.test: no such name")
        );
        let empty = Resolver::new(|_, _| Ok(Vec::new()));
        assert_eq!(empty.resolve("a.test", 80, IDLE).await.map_err(|e| e.code()), Err(Code::Dns));
    }

    #[test]
    fn a_thread_that_goes_is_not_counted_from_the_moment_it_finds_nothing() {
        let pool = Pool::new(Duration::from_millis(1));
        pool.state().threads = 1;
        assert!(pool.next().is_none());
        assert_eq!(pool.state().threads, 0);
    }

    #[tokio::test]
    async fn lookups_that_hang_hold_up_nobody_and_are_forgotten() {
        let (release, released) = mpsc::channel::<()>();
        let released = Mutex::new(released);
        let (entered, mut hanging) = tokio::sync::mpsc::unbounded_channel();
        let pool: &'static Pool = Box::leak(Box::new(Pool::new(IDLE)));
        let mut stuck = Resolver::new(move |_, _| {
            let _ = entered.send(());
            let _ = released.lock().map(|released| released.recv());
            Ok(addresses(&["1.1.1.1:1"]))
        });
        stuck.pool = pool;
        let mut waiting = Vec::new();
        for _ in 0..MAX_THREADS {
            let stuck = stuck.clone();
            waiting.push(tokio::spawn(async move { stuck.resolve("a.test", 1, IDLE).await }));
            hanging.recv().await.expect("entered");
        }
        let mut good = Resolver::new(|_, _| Ok(addresses(&["2.2.2.2:2"])));
        good.pool = pool;
        let limit = Duration::from_millis(50);
        for _ in 0..3 {
            let error = good.resolve("b.test", 2, limit).await.expect_err("no thread is free");
            assert_eq!(error.code(), Code::Dns);
        }
        assert!(pool.state().jobs.len() <= 1, "those who gave up are not kept");
        // The first lookup comes back, and its thread goes on with what is still wanted.
        release.send(()).expect("waits");
        let resolved = good.resolve("b.test", 2, IDLE).await;
        assert_eq!(resolved, Ok(addresses(&["2.2.2.2:2"])));
        drop(release);
        for lookup in waiting {
            assert!(lookup.await.expect("no panic").is_ok());
        }
    }
}
