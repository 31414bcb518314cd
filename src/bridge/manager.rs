//! One connection and its reconnection.

use std::collections::HashMap;
use std::sync::Arc;

use super::ask::{AuthProvider, TargetProvider, TargetRequest};
use super::connection::headers;
use super::error::RoamioError;
use super::guest::{Gone, Guest};
use super::hints::hints;
use super::manager_event::{ManagerEvent, ManagerObserver};
use super::manager_options::ManagerOptions;
use super::observer::{Place, tell};
use super::reconnect::ReconnectOptions;
use super::socket::Socket;
use super::socket_event::SocketObserver;
use super::socket_options::SocketOptions;
use crate::client::{self, ManagerState, Stats};
use crate::config::{Endpoint, ReconnectPolicy};

/// A connection to one Socket.IO server, shared by its sockets. It is made when the first of them
/// connects, and made again whenever it is lost.
#[derive(uniffi::Object)]
pub struct Manager {
    pub(super) inner: client::Manager,
    gone: Gone,
}

/// What of the host a manager holds.
struct Listeners {
    observer: Option<Arc<dyn ManagerObserver>>,
    target: Option<Arc<dyn TargetProvider>>,
}

impl Listeners {
    fn take(&self, event: client::ManagerEvent, place: &Place<Manager>) {
        if let client::ManagerEvent::TargetWanted { token, attempt, error } = event {
            if let Some(provider) = &self.target {
                let asked = TargetRequest::ask(&**provider, place, token, attempt, error);
                tell("a target provider", asked);
            }
        } else if let Some((observer, event)) = self.observer.as_ref().zip(ManagerEvent::of(event))
        {
            tell("a manager's observer", observer.on_event(event));
        }
    }
}

#[uniffi::export]
impl Manager {
    /// A manager for the server of a URL (`https`, `wss`, `http`, `ws`). With a target provider the
    /// provider says where every attempt goes to, and the URL may be empty. No traffic before a
    /// socket connects.
    ///
    /// Throws `INVALID_URL`; `INVALID_ARGUMENT` naming the option that is out of range, or for a
    /// certificate that cannot be used; `UNSUPPORTED`.
    #[uniffi::constructor(default(observer = None, target = None, options))]
    pub fn new(
        url: String,
        options: ManagerOptions,
        observer: Option<Arc<dyn ManagerObserver>>,
        target: Option<Arc<dyn TargetProvider>>,
    ) -> Result<Arc<Self>, RoamioError> {
        let endpoint = match &*url {
            "" if target.is_some() => Endpoint::default(),
            url => Endpoint::parse(url)?.0,
        };
        let config = options.config(endpoint, target.is_some())?;
        let place = Place::<Self>::new();
        let own = place.clone();
        let (guest, gone) = Guest::of(Listeners { observer, target }, &place, Self::detach);
        let inner = client::Manager::new(config, move |event| guest.take(event, &own))?;
        let manager = Arc::new(Self { inner, gone });
        place.fill(&manager);
        Ok(manager)
    }

    /// A socket on a namespace, `/` or `/…`. No traffic before it connects.
    ///
    /// Throws `INVALID_ARGUMENT` for a name that is no namespace or an option out of range,
    /// `INVALID_STATE` while another socket of this manager uses the namespace, `CLOSED`.
    #[uniffi::method(default(observer = None, auth = None, options))]
    pub fn socket(
        &self,
        namespace: String,
        options: SocketOptions,
        observer: Option<Arc<dyn SocketObserver>>,
        auth: Option<Arc<dyn AuthProvider>>,
    ) -> Result<Arc<Socket>, RoamioError> {
        let options = options.config(auth.is_some());
        Socket::new(observer, auth, |events| self.inner.socket_with(&namespace, options, events))
    }

    /// Whether a socket uses a namespace.
    pub fn uses(&self, namespace: &str) -> bool {
        self.inner.uses(namespace)
    }

    /// What the manager was last said to be.
    pub fn state(&self) -> ManagerState {
        self.inner.state()
    }

    /// What the manager and its sockets have done so far. What an observer is told of is counted when it
    /// is called.
    pub fn stats(&self) -> Stats {
        self.inner.stats()
    }

    /// Send other headers from the next attempt on.
    pub fn set_headers(&self, headers: HashMap<String, String>) -> Result<(), RoamioError> {
        Ok(self.inner.set_headers(self::headers(headers)?)?)
    }

    /// Reconnect in another way, from the next wait on.
    pub fn set_reconnect(&self, options: ReconnectOptions) -> Result<(), RoamioError> {
        Ok(self.inner.set_reconnect(options.over(ReconnectPolicy::default()))?)
    }

    /// Close this manager: its observer is told no more. The connection goes on while there are
    /// sockets. Does not wait.
    pub fn detach(&self) {
        self.inner.close();
    }

    /// `detach`, then wait until observer and provider are called no more.
    pub async fn shutdown(&self) {
        self.detach();
        self.gone.clone().wait().await;
    }
}

hints!(Manager);
