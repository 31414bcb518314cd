//! Tests of the whole model.

#![allow(clippy::unwrap_used)]

mod accounts;
mod legacy;
mod requests_and_rooms;
mod sessions;

use super::*;

const A: ConnId = ConnId(1);
const B: ConnId = ConnId(2);

/// A portal with a virtual clock that jumps to the next timer.
struct World {
    portal: Portal,
    now: Millis,
    requests: u64,
}

impl World {
    fn new(config: ModelConfig) -> Self {
        Self { portal: Portal::new(config, 7, 0), now: 0, requests: 0 }
    }

    fn connect(&mut self, conn: ConnId) {
        self.portal.handle_connect(conn, &format!("socket-{}", conn.0), self.now);
    }

    fn send(&mut self, conn: ConnId, name: &str, args: Vec<Value>) -> u64 {
        self.requests += 1;
        self.portal.handle_event(conn, name, args, Some(self.requests), self.now);
        self.requests
    }

    fn lose(&mut self, conn: ConnId) {
        self.portal.handle_disconnect(conn, self.now);
    }

    /// Let time pass.
    fn pass(&mut self, duration: Millis) {
        let end = self.now + duration;
        while let Some(at) = self.portal.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.portal.handle_timeout(self.now);
        }
        self.now = end;
    }

    fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.portal.poll_output()).collect()
    }

    /// Send a request, let it complete and return its answer; null if there is none.
    fn request(&mut self, conn: ConnId, name: &str, args: Vec<Value>) -> Value {
        let wanted = self.send(conn, name, args);
        self.pass(1);
        let answer = self.outputs().into_iter().find_map(|output| match output {
            Output::Ack { id, args, .. } if id == wanted => Some(Value::from(args)),
            _ => None,
        });
        answer.unwrap_or_default()
    }

    fn mint(&mut self, role: &str) -> String {
        self.portal.mint_token(TokenRequest::new("room", "user", role), self.now)
    }

    fn login_with(&mut self, conn: ConnId, protocol: &str, role: &str) -> Value {
        self.connect(conn);
        let token = self.mint(role);
        self.request(conn, "login", vec![login(protocol, &token)])
    }

    /// Log in and return the ticket.
    fn login(&mut self, conn: ConnId, protocol: &str) -> Value {
        let reply = self.login_with(conn, protocol, "presenter");
        assert_eq!(reply[0], "ok");
        reply[1]["reconnectionTicket"].clone()
    }

    fn relogin(&mut self, conn: ConnId, ticket: &Value) -> Value {
        self.connect(conn);
        self.request(conn, "relogin", vec![ticket.clone()])
    }

    fn notify(&mut self, participant: &str, message: &str) {
        let data = json!({"message": message});
        self.portal.notify(participant, "text", Some(&data), self.now);
    }
}

fn login(protocol: &str, token: &str) -> Value {
    json!({
        "token": token,
        "userAgent": {"sdk": {"type": "C++", "version": "5.1"}},
        "protocol": protocol,
    })
}

fn error(text: &str) -> Value {
    json!(["error", text])
}

fn text(message: &str) -> Vec<Value> {
    vec![json!({"to": "all", "message": message})]
}

fn world() -> World {
    World::new(ModelConfig::default())
}
