//! What the host is asked for, and what it changes on the way.

use crate::config::{ReconnectPolicy, Target};
use crate::error::{Error, Result};
use crate::proto::io::{AskToken, Event, ManagerEvent, SocketEvent};
use crate::proto::socket::manager::Manager;
use crate::proto::socket::namespace::{Asking, Wire};
use crate::proto::time::{Timestamp, millis};
use crate::secret::Secret;

impl Manager {
    const fn next_ask(&mut self) -> AskToken {
        self.last_ask += 1;
        AskToken(self.last_ask)
    }

    /// CONNECT waits for its auth payload. What was asked before is not answered any more.
    pub(super) fn ask_auth(&mut self, index: usize, now: Timestamp) {
        let token = self.next_ask();
        let deadline = now + millis(self.config.common.timeouts.provider);
        let namespace = &mut self.namespaces[index];
        namespace.asking = Some(Asking { token, deadline });
        if let Some(socket) = namespace.socket {
            let event = SocketEvent::AuthWanted { token, error: namespace.last_error.clone() };
            self.events.push_back(Event::Socket(socket, event));
        }
    }

    pub(super) fn handle_auth(
        &mut self,
        token: AskToken,
        auth: Result<Option<Secret>>,
        now: Timestamp,
    ) {
        let asked = |asking: Asking| asking.token == token;
        let index = self.namespaces.iter().position(|known| known.asking.is_some_and(asked));
        let Some(index) = index else { return };
        let namespace = &mut self.namespaces[index];
        namespace.asking = None;
        match (auth, self.path.current()) {
            (Ok(auth), Some(link)) => {
                debug_assert!(namespace.wanted && namespace.wire == Wire::Apart);
                namespace.auth = auth;
                self.send_connect(index, link, now);
            }
            // A question does not outlive its connection.
            (Ok(_), None) => {}
            (Err(error), _) => self.refuse(index, error, now),
        }
    }

    pub(super) fn ask_target(&mut self, attempt: u32, error: Option<Error>) {
        let token = self.next_ask();
        self.target_asked = Some(token);
        let event = ManagerEvent::TargetWanted { token, attempt, error };
        self.events.push_back(Event::Manager(event));
    }

    pub(super) fn handle_target(
        &mut self,
        token: AskToken,
        target: Result<Target>,
        now: Timestamp,
    ) {
        if self.target_asked.take_if(|asked| *asked == token).is_some() {
            self.path.set_target(target, now);
        }
    }

    /// Reconnect in another way from the next wait on. Switched off, a wait is over at once.
    pub(super) fn set_reconnect(&mut self, policy: ReconnectPolicy) {
        self.path.set_policy(&policy);
        let waits = self.path.current().is_none() && self.path.fresh().is_none();
        let stops = waits && !policy.enabled && !self.closing;
        self.policy = policy;
        if stops && let Some((attempt, error)) = self.failure.take() {
            self.handle_retry(attempt, error, None);
        }
    }
}
