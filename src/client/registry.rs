//! Sockets by URL: whoever asks for the same server shares its connection.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::manager::Manager;
use super::socket::Socket;
use crate::config::{Endpoint, ManagerConfig, SocketOptions};
use crate::error::{Code, Error, Result};
use crate::proto::io::SocketEvent;

/// Finds or makes the manager that a URL needs, as `io()` of the reference client does
/// (`socket-io` 6).
///
/// The scheme, host and port of the URL and the HTTP path of the options say which manager. Its path
/// is the namespace. A manager is private, and found by nobody else, if it is asked for, or when the
/// shared one has a socket on this namespace already.
///
/// There is no registry but those that a program makes, so two libraries in one process do not meet
/// in it. A manager that is closed, or whose sockets all are, is forgotten at the next look-up, and
/// the registry keeps it no longer than that. Every method may be called from any thread.
#[derive(Debug, Default)]
pub struct Registry {
    shared: Mutex<HashMap<Key, Manager>>,
}

type Key = (bool, String, u16, String);

/// How a socket is looked up.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// The options of a manager that has to be made; of its endpoint only the path counts. A manager
    /// that exists keeps the options that it has.
    pub config: ManagerConfig,
    /// Share a manager; otherwise the socket gets one of its own.
    pub multiplex: bool,
    /// The options of the socket.
    pub socket: SocketOptions,
}

impl Default for Lookup {
    fn default() -> Self {
        Self {
            config: ManagerConfig::new(Endpoint::default()),
            multiplex: true,
            socket: SocketOptions::default(),
        }
    }
}

impl Registry {
    /// A registry without managers.
    pub fn new() -> Self {
        Self::default()
    }

    /// A socket for `url`, and its manager. Nothing is sent before
    /// [`Socket::connect`].
    ///
    /// A URL without a scheme means https. On revision 3 the URL's query is the namespace's too,
    /// unless `lookup` gives one.
    ///
    /// # Errors
    /// [`Code::InvalidUrl`], those of [`Manager::new`] and [`Manager::socket_with`], and
    /// [`Code::InvalidArgument`] for [`ManagerConfig::ask_target`]: nobody would be asked.
    pub fn socket(
        &self,
        url: &str,
        lookup: Lookup,
        events: impl FnMut(SocketEvent) + Send + 'static,
    ) -> Result<(Manager, Socket)> {
        let (endpoint, namespace) = parse(url)?;
        let Lookup { mut config, multiplex, mut socket } = lookup;
        if config.ask_target {
            let text = "config.ask_target: the URL says where to";
            return Err(Error::new(Code::InvalidArgument, text));
        }
        let path = std::mem::take(&mut config.endpoint.path);
        config.endpoint = Endpoint { path, ..endpoint };
        if socket.query.is_empty() {
            socket.query.clone_from(&config.endpoint.query);
        }
        if !multiplex {
            return private(config, &namespace, socket, events);
        }
        let to = &config.endpoint;
        let key = (to.secure, to.host.clone(), to.port, to.path.clone());
        // The end of a manager may call the host's executor, so it comes after the lock.
        let mut over = Vec::new();
        let mut shared = self.shared();
        over.extend(shared.extract_if(|known, manager| {
            manager.is_closed() || *known != key && !manager.has_sockets()
        }));
        let manager = match shared.entry(key) {
            Entry::Occupied(entry) if entry.get().uses(&namespace) => {
                drop(shared);
                return private(config, &namespace, socket, events);
            }
            Entry::Occupied(entry) => entry.get().clone(),
            Entry::Vacant(entry) => entry.insert(Manager::new(config, |_| {})?).clone(),
        };
        let socket = manager.socket_with(&namespace, socket, events)?;
        Ok((manager, socket))
    }

    fn shared(&self) -> MutexGuard<'_, HashMap<Key, Manager>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn private(
    config: ManagerConfig,
    namespace: &str,
    options: SocketOptions,
    events: impl FnMut(SocketEvent) + Send + 'static,
) -> Result<(Manager, Socket)> {
    let manager = Manager::new(config, |_| {})?;
    let socket = manager.socket_with(namespace, options, events)?;
    Ok((manager, socket))
}

/// Server and namespace.
fn parse(url: &str) -> Result<(Endpoint, String)> {
    if url.contains("://") {
        return Endpoint::parse(url);
    }
    Endpoint::parse(&format!("https://{}", url.strip_prefix("//").unwrap_or(url)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;
    use crate::config::{DispatchMode, Executor};

    fn find(registry: &Registry, url: &str, lookup: Lookup) -> (Manager, Socket) {
        registry.socket(url, lookup, |_| {}).expect(url)
    }

    fn same(one: &Manager, other: &Manager) -> bool {
        one.is_same(other)
    }

    #[test]
    fn conformance_44_namespaces_of_one_server_share_a_manager_and_other_servers_do_not() {
        let registry = Registry::new();
        let (one, _root) = find(&registry, "http://h/", Lookup::default());
        let (two, _chat) = find(&registry, "http://h:80/chat?x=1", Lookup::default());
        assert!(same(&one, &two), "the default port and a query make no difference");
        for url in ["http://h:81/a", "https://h/a", "http://other/a"] {
            let (other, _socket) = find(&registry, url, Lookup::default());
            assert!(!same(&one, &other), "{url}");
        }
        let mut lookup = Lookup::default();
        lookup.config.endpoint.path = "/elsewhere/".into();
        let (other, _socket) = find(&registry, "http://h/a", lookup);
        assert!(!same(&one, &other));
    }

    #[test]
    fn conformance_44_one_namespace_twice_means_two_connections() {
        let registry = Registry::new();
        let (one, socket) = find(&registry, "http://h/a", Lookup::default());
        let (two, _other) = find(&registry, "http://h/a", Lookup::default());
        assert!(!same(&one, &two));
        let (three, _third) =
            find(&registry, "http://h/b", Lookup { multiplex: false, ..Lookup::default() });
        assert!(!same(&one, &three));
        socket.close();
        let (four, _fourth) = find(&registry, "http://h/a", Lookup::default());
        assert!(same(&one, &four), "its namespace is free again");
    }

    #[test]
    fn a_closed_manager_is_found_by_nobody() {
        let registry = Registry::new();
        let (one, _socket) = find(&registry, "http://h/a", Lookup::default());
        one.close();
        let (two, _other) = find(&registry, "http://h/b", Lookup::default());
        assert!(!same(&one, &two));
    }

    #[test]
    fn a_lookup_that_would_ask_where_to_is_refused() {
        let mut lookup = Lookup::default();
        lookup.config.ask_target = true;
        let refused = Registry::new().socket("http://h/", lookup, |_| {});
        assert_eq!(refused.expect_err("two servers").code(), Code::InvalidArgument);
    }

    #[test]
    fn managers_without_sockets_are_forgotten() {
        let registry = Registry::new();
        let (_, socket) = find(&registry, "http://one/", Lookup::default());
        drop(socket);
        let (_, _socket) = find(&registry, "http://two/", Lookup::default());
        assert_eq!(registry.shared().len(), 1);
    }

    #[test]
    fn a_manager_that_is_forgotten_ends_outside_of_the_lock() {
        let here = thread::current().id();
        let mut ends = 0;
        for _ in 0..20 {
            let registry = Arc::new(Registry::new());
            let (tell, told) = channel();
            let its = Arc::downgrade(&registry);
            let executor = Executor::new(move |job| {
                // While another thread looks something up, it may hold the lock.
                if thread::current().id() == here {
                    let is_free = its.upgrade().is_some_and(|its| its.shared.try_lock().is_ok());
                    tell.send(is_free).expect("the test listens");
                }
                job.run();
                true
            });
            let mut lookup = Lookup::default();
            lookup.config.common.dispatch = DispatchMode::Executor(executor);
            drop(find(&registry, "http://one/", lookup));
            assert!(told.try_iter().all(|is_free| is_free), "the socket's end");
            let _two = find(&registry, "http://two/", Lookup::default());
            let at_the_end: Vec<bool> = told.try_iter().collect();
            assert!(at_the_end.iter().all(|is_free| *is_free), "the manager's end");
            ends += at_the_end.len();
        }
        assert!(ends > 0, "a manager usually ends on the thread that forgets it");
    }

    #[test]
    fn conformance_03_the_path_of_a_url_is_the_namespace() {
        for (url, namespace) in
            [("http://h", "/"), ("http://h/", "/"), ("http://h/a/b", "/a/b"), ("http://h?x=1", "/")]
        {
            let (endpoint, found) = parse(url).expect(url);
            assert_eq!((found.as_str(), endpoint.path.as_str()), (namespace, "/socket.io/"));
        }
    }

    #[test]
    fn conformance_04_a_missing_scheme_means_https() {
        for url in ["h.example/a", "//h.example/a", "h.example:443/a"] {
            let (endpoint, namespace) = parse(url).expect(url);
            assert_eq!((endpoint.secure, endpoint.port), (true, 443), "{url}");
            assert_eq!((endpoint.host.as_str(), namespace.as_str()), ("h.example", "/a"));
        }
        assert!(parse("/a").is_err());
    }
}
