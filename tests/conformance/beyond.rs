//! What no item asks for: how fast a connection opens, and how many there may be.

use std::time::{Duration, Instant};

use roamio::client::{Socket, SocketState};
use roamio::config::{Endpoint, ManagerConfig, TransportConfig};
use serde_json::json;

use crate::case::{Case, Via};
use crate::host::Host;
use crate::relay::Relay;
use crate::server::{Kind, Server};

const ONE_WAY: Duration = Duration::from_millis(50);

/// Assert that connect() to the joined namespace takes so many round trips. What the machine takes
/// itself is less than half of one, and it may be busy, so it is tried until it comes out.
fn assert_round_trips(trips: u32, server: &Server, prepare: impl Fn(&mut ManagerConfig)) {
    let (least, most) = (f64::from(trips) - 0.1, f64::from(trips) + 0.5);
    let relay = Relay::delaying(server.port(), ONE_WAY);
    let url = server.url().replace(&server.port().to_string(), &relay.port().to_string());
    let (endpoint, _) = Endpoint::parse(&url).unwrap();
    let mut config = ManagerConfig::new(endpoint);
    prepare(&mut config);
    let attempt = || {
        let mut host = Host::new(config.clone());
        let start = Instant::now();
        let _root = host.joined("/");
        start.elapsed().as_secs_f64() / (2 * ONE_WAY).as_secs_f64()
    };
    let mut all = Vec::new();
    while all.len() < 30 && all.last().is_none_or(|took| *took > most) {
        all.push(attempt());
    }
    let fastest = all.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(fastest >= least, "the relay does not delay: {all:?}");
    assert!(fastest <= most, "{all:?}");
}

#[test]
fn a_connection_opens_in_three_round_trips() {
    // TCP, WebSocket, CONNECT.
    assert_round_trips(3, Server::shared(Kind::V4), |_| {});
    // The reference client's way: CONNECT needs a second TCP connection, beside the GET.
    assert_round_trips(4, Server::shared(Kind::V4), |config| {
        config.common.transports = TransportConfig::polling_first();
    });
}

#[test]
fn tls_takes_one_or_two_round_trips_more() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let identity = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let file = |kind: &str, text: String| {
        let path = folder.join(format!("{}-{kind}.pem", std::process::id()));
        std::fs::write(&path, text).unwrap();
        path
    };
    let cert = file("cert", identity.cert.pem());
    let key = file("key", identity.signing_key.serialize_pem());
    for (version, trips) in [("TLSv1.3", 4), ("TLSv1.2", 5)] {
        let tls = json!({ "cert": cert, "key": key, "maxVersion": version });
        let server = Server::start(Kind::V4, json!({ "tls": tls }));
        assert_round_trips(trips, &server, |config| {
            config.common.tls.add_roots_pem(&identity.cert.pem()).unwrap();
        });
    }
    for path in [cert, key] {
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_hundred_namespaces_share_one_connection() {
    for via in Via::ALL {
        let case = Case { kind: Kind::V4, via };
        let mut host = case.host(case.shared());
        let names: Vec<&'static str> =
            (0..100).map(|number| &*format!("/many/{number}").leak()).collect();
        let sockets: Vec<Socket> = names.iter().map(|name| host.socket(name)).collect();
        let mut numbers = Vec::new();
        for socket in &sockets {
            socket.connect(None).unwrap();
            numbers.push(host.ask(socket, "handshake", "[]"));
        }
        let mut engines = Vec::new();
        for number in numbers {
            let seen: serde_json::Value = host.outcome(number).unwrap().decode(0).unwrap();
            engines.push(seen["engine"].to_string());
        }
        engines.dedup();
        assert_eq!(engines.len(), 1);
        assert_eq!(host.manager_states(roamio::client::ManagerState::Connected), 1);
        for name in names {
            assert_eq!(host.states(name, SocketState::Connected), 1);
        }
    }
}
