//! Where the requests of one connection go: path, query and headers.

use std::sync::Arc;

use crate::config::{
    CommonConfig, Endpoint, Extra, HeaderList, Revision, Target, Transport, TransportConfig,
};
use crate::proto::engine::cookies::Jars;
use crate::proto::engine::handshake::percent_encode_component;
use crate::proto::io::Headers;
use crate::proto::time::Timestamp;

/// What all requests of one connection have in common (`engine-io` 1 and 5).
#[derive(Debug)]
pub struct Address {
    endpoint: Arc<Endpoint>,
    headers: HeaderList,
    config: Arc<CommonConfig>,
    /// Never `Auto`.
    revision: Revision,
    requests: u32,
}

impl Address {
    /// The address of a connection that speaks `revision`, 3 or 4.
    pub fn new(target: Target, config: Arc<CommonConfig>, revision: Revision) -> Self {
        let Target { endpoint, headers } = target;
        Self { endpoint: Arc::new(endpoint), headers, config, revision, requests: 0 }
    }

    /// The server.
    pub fn endpoint(&self) -> Arc<Endpoint> {
        Arc::clone(&self.endpoint)
    }

    /// The revision of Engine.IO, never `Auto`.
    pub const fn revision(&self) -> Revision {
        self.revision
    }

    /// The options of the transports.
    pub fn config(&self) -> &TransportConfig {
        &self.config.transports
    }

    fn extra(&self, transport: Transport) -> &Extra {
        match transport {
            Transport::Polling => &self.config().polling,
            Transport::Websocket => &self.config().websocket,
        }
    }

    /// Path and query of the next request. The parameters of the protocol come last, so that none of
    /// the application's can take their place.
    pub fn path_and_query(
        &mut self,
        transport: Transport,
        sid: Option<&str>,
        now: Timestamp,
    ) -> String {
        let revision = if self.revision == Revision::V3 { '3' } else { '4' };
        let mut out = format!("{}?", self.endpoint.path);
        for query in [&self.endpoint.query, &self.extra(transport).query] {
            if !query.is_empty() {
                out.push_str(query);
                out.push('&');
            }
        }
        out.push_str("EIO=");
        out.push(revision);
        out.push_str("&transport=");
        out.push_str(transport.as_str());
        if self.config().force_base64 {
            out.push_str("&b64=1");
        }
        let polling = transport == Transport::Polling;
        if self.config().timestamp_requests.unwrap_or(polling) {
            // The time tells connections apart, the number the requests of one.
            self.requests = self.requests.wrapping_add(1);
            let name = percent_encode_component(&self.config().timestamp_param);
            out.push_str(&format!("&{name}={:x}.{:x}", now.0, self.requests));
        }
        if let Some(sid) = sid {
            out.push_str("&sid=");
            out.push_str(&percent_encode_component(sid));
        }
        out
    }

    /// The headers of a request of this transport: those of the application, and the cookies.
    pub fn headers(&self, transport: Transport, jars: &Jars, now: Timestamp) -> Headers {
        let extra = &self.extra(transport).headers;
        let own = |list: &HeaderList| list.0.clone();
        let mut all = own(&self.headers);
        all.extend(own(extra));
        if self.config().cookies {
            let is_cookie = |(name, _): &(String, String)| name.eq_ignore_ascii_case("cookie");
            let user: Vec<String> =
                all.extract_if(.., |header| is_cookie(header)).map(|(_, value)| value).collect();
            let user = (!user.is_empty()).then(|| user.join("; "));
            if let Some(cookie) = jars.header(&self.endpoint, user.as_deref(), now) {
                all.push(("Cookie".to_owned(), cookie));
            }
        }
        all.into()
    }
}
