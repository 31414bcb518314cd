//! A client over HTTP long-polling that knows packets but no Socket.IO.

use serde_json::Value;
use tokio::task::JoinHandle;

use super::http::{Answer, http};

/// What stands between two packets.
const SEPARATOR: char = '\u{1e}';

/// One engine session.
pub(crate) struct Polling {
    port: u16,
    sid: String,
    poll: Option<JoinHandle<Answer>>,
    post: Option<JoinHandle<Answer>>,
}

impl Polling {
    pub(crate) fn new(port: u16) -> Self {
        Self { port, sid: String::new(), poll: None, post: None }
    }

    /// Id of the engine session, once it is open.
    pub(crate) fn sid(&self) -> &str {
        &self.sid
    }

    /// Begin a request; `<sid>` in the path is replaced.
    pub(crate) fn send(&mut self, method: &str, path: &str, body: String) {
        let path = path.replace("<sid>", &self.sid);
        let port = self.port;
        if method == "GET" {
            self.poll = Some(tokio::spawn(poll(port, path)));
        } else {
            let post = async move { http(port, "POST", &path, &body).await.expect("an answer") };
            self.post = Some(tokio::spawn(post));
        }
    }

    /// The answer to the request that was begun last with this method.
    pub(crate) async fn answer(&mut self, method: &str) -> Answer {
        let pending = if method == "GET" { &mut self.poll } else { &mut self.post };
        let answer = pending.take().expect("a request").await.expect("the request ends well");
        if let Some(open) = answer.body.strip_prefix('0') {
            let open: Value = serde_json::from_str(open).expect("the open packet is JSON");
            self.sid = open["sid"].as_str().expect("the open packet names the session").into();
        }
        answer
    }
}

/// Poll until there is something else than a ping, and answer pings.
async fn poll(port: u16, path: String) -> Answer {
    loop {
        let mut answer = http(port, "GET", &path, "").await.expect("an answer");
        let packets: Vec<&str> = answer.body.split(SEPARATOR).collect();
        let others: Vec<&str> = packets.iter().copied().filter(|packet| *packet != "2").collect();
        if others.len() < packets.len() {
            http(port, "POST", &path, "3").await.expect("an answer");
        }
        if !others.is_empty() {
            answer.body = others.join(&SEPARATOR.to_string());
            return answer;
        }
    }
}
