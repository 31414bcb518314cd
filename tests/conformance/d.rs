//! Section D: Upgrade. Item 33 is in `burst.rs`.

mod burst;

use std::thread::sleep;
use std::time::Duration;

use burst::*;
use roamio::client::{ManagerEvent, SocketState};
use roamio::config::{ManagerConfig, Opening, Transport};
use roamio::error::{Code, Error};
use serde_json::{Value, json};

use crate::case::{Case, Via, items};
use crate::fake::{Fake, Frame, Open, Request};
use crate::host::{Host, Told};
use crate::relay::{Relay, Stripping};
use crate::server::Server;

items! {
    32 "Opens on polling, upgrades, tells it once" asks all {
        test conformance_32_the_connection_moves_to_websocket_and_tells_it_once
            on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over [Upgrade];
        not all over [Polling Websocket] "there is no upgrade with one transport; 37 shows that";
    }
    33 "Exactly once and in order while upgrading" asks all {
        test conformance_33_burst_during_upgrade on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over all;
        test conformance_33_a_cut_loses_only_what_was_never_acknowledged on [V2 V4] over all;
    }
    34 "Failed upgrades leave the session on polling" asks [Fake V4] {
        test conformance_34_a_failed_upgrade_leaves_the_session_on_polling on [Fake] over [Upgrade];
        test conformance_34_a_probe_that_is_not_answered_is_given_up_in_time on [Fake] over [Upgrade];
        test conformance_34_a_failure_after_the_answer_resumes_polling on [Fake] over [Upgrade];
        test conformance_34_a_proxy_that_drops_upgrades_leaves_polling on [V4] over [Upgrade];
        not [Fake V4] over [Polling Websocket] "there is no upgrade with one transport";
    }
    35 "close() during the upgrade" asks [V4] {
        test conformance_35_leaving_at_any_moment_of_the_upgrade_delivers_what_was_sent_before
            on [V4] over [Upgrade];
        not [V4] over [Polling Websocket] "there is no upgrade with one transport";
    }
    36 "The late close packet on the old GET" asks [V4 Fake] {
        test conformance_36_no_get_is_left_for_a_late_close_packet on [Fake] over [Upgrade];
        test conformance_36_upgrades_on_a_slow_path_cost_no_session on [V4] over [Upgrade];
        not [V4 Fake] over [Polling Websocket] "there is no upgrade with one transport";
    }
    37 "upgrade=false, WebSocket only" asks all {
        test conformance_37_only_the_wanted_transport_is_used on all over all;
    }
    38 "rememberUpgrade" asks [V4] {
        test conformance_38_a_successful_upgrade_is_remembered_until_an_error on [V4] over [Upgrade];
        not [V4] over [Polling Websocket] "there is no upgrade with one transport";
    }
    39 "tryAllTransports" asks [V4 Fake] {
        test conformance_39_the_next_transport_follows_one_that_fails on [V4] over [Polling Websocket];
        test conformance_39_each_transport_is_tried_in_turn_or_only_the_first on [Fake]
            over [Polling Websocket];
        not [V4 Fake] over [Upgrade] "what follows polling that fails is in the column of polling";
    }
    40 "No transports: an error, and no crash" asks [Local] {
        test conformance_40_without_transports_connecting_fails_later on [Local] over [];
    }
}

fn assert_never_lost(host: &mut Host) {
    assert_eq!(host.states("/", SocketState::Connected), 1, "{:#?}", host.log);
    assert_eq!(host.states("/", SocketState::Rejoining), 0, "{:#?}", host.log);
}

/// Every transport that carried the connection, and whether it was upgraded to.
fn transports(host: &mut Host) -> Vec<(Transport, bool)> {
    host.catch_up();
    let transport = |told: &Told| match told {
        Told::Manager(ManagerEvent::Transport { transport, upgraded }) => {
            Some((*transport, *upgraded))
        }
        _ => None,
    };
    host.log.iter().filter_map(transport).collect()
}

fn upgrade_failed(host: &mut Host) -> Error {
    host.until("a failed upgrade", |told| match told {
        Told::Manager(ManagerEvent::UpgradeFailed(error)) => Some(error.clone()),
        _ => None,
    })
}

fn conformance_32_the_connection_moves_to_websocket_and_tells_it_once(case: Case) {
    let mut host = case.host(case.shared());
    let root = host.socket("/");
    root.connect(None).unwrap();
    let id = host.until_joined("/");
    host.until_over(Transport::Websocket);
    assert_eq!(host.answer(&root, "who", "[]")[0], id);
    let told = host.answer(&root, "handshake", "[]");
    if !case.kind.is_python() {
        assert_eq!(told[0]["transport"], "websocket");
    }
    assert_eq!(transports(&mut host), [(Transport::Polling, false), (Transport::Websocket, true)]);
    assert_never_lost(&mut host);
}

/// What an upgrade meets; the last ones are answers to the probe.
const FAILURES: [&str; 7] =
    ["refused", "reset", "closed", "finished", "3prob", "3", "42[\"event\",\"by WebSocket\"]"];

fn conformance_34_a_failed_upgrade_leaves_the_session_on_polling(case: Case) {
    for failure in FAILURES {
        let mut fake = Fake::start();
        let mut host = Host::new(case.config(&fake.url()));
        let root = host.socket("/");
        root.connect(None).unwrap();
        let mut session = fake.open(Via::Polling);
        session.join("/", "id");
        host.until_state("/", SocketState::Connected);
        let request = session.wait_websocket();
        let mut left_open = None;
        match failure {
            "refused" => request.answer(403, &[], b"no"),
            "reset" => request.reset(),
            _ => {
                let mut peer = request.upgrade();
                peer.expect("2probe");
                match failure {
                    "closed" => peer.close(Some(1000)),
                    "finished" => peer.finish(),
                    answer => {
                        peer.send(answer);
                        left_open = Some(peer);
                    }
                }
            }
        }
        let error = upgrade_failed(&mut host);
        assert_eq!(error.code(), Code::Upgrade, "{failure}: {error}");
        // The client closes what it does not need.
        if let Some(mut peer) = left_open {
            assert!(matches!(peer.recv(), Frame::Close(_) | Frame::Gone), "{failure}");
        }
        root.emit("event", "[1]").unwrap();
        session.expect("42[\"event\",1]");
        session.send("42[\"event\",\"by polling\"]");
        assert_eq!(host.event("event").0.arg(0), Some("\"by polling\""), "{failure}");
        assert_eq!(transports(&mut host), [(Transport::Polling, false)], "{failure}");
        assert_never_lost(&mut host);
    }
}

fn conformance_34_a_probe_that_is_not_answered_is_given_up_in_time(case: Case) {
    for handshake in [false, true] {
        let mut fake = Fake::start();
        let mut config = case.config(&fake.url());
        config.common.timeouts.upgrade = Duration::from_millis(200);
        let mut host = Host::new(config);
        let root = host.socket("/");
        root.connect(None).unwrap();
        let mut session = fake.open(Via::Polling);
        session.join("/", "id");
        let request = session.wait_websocket();
        let (mut silent, mut peer) = (None, None);
        if handshake {
            peer.insert(request.upgrade()).expect("2probe");
        } else {
            silent = Some(request);
        }
        let error = upgrade_failed(&mut host);
        assert_eq!(error.message(), "upgrade to WebSocket: not done in time");
        if let Some(mut peer) = peer {
            assert!(matches!(peer.recv(), Frame::Close(_) | Frame::Gone));
        }
        if let Some(request) = silent {
            assert!(request.is_dropped_within(crate::server::PATIENCE));
        }
        root.emit("event", "[1]").unwrap();
        session.expect("42[\"event\",1]");
        assert_never_lost(&mut host);
    }
}

fn conformance_34_a_failure_after_the_answer_resumes_polling(case: Case) {
    for in_time in [true, false] {
        let mut fake = Fake::start();
        let mut config = case.config(&fake.url());
        if !in_time {
            config.common.timeouts.upgrade = Duration::from_millis(200);
        }
        let mut host = Host::new(config);
        let root = host.socket("/");
        root.connect(None).unwrap();
        let mut session = fake.open(Via::Polling);
        session.join("/", "id");
        host.until_state("/", SocketState::Connected);
        let request = session.wait_websocket();
        // The GET is there before polling is paused, and is left alone.
        let poll = session.into_poll();
        let mut peer = request.upgrade();
        peer.expect("2probe");
        peer.send("3probe");
        assert_eq!(peer.recv_within(Duration::from_millis(50)), None, "polling is not at rest");
        root.emit("event", "[1]").unwrap();
        if in_time {
            peer.reset();
        }
        let error = upgrade_failed(&mut host);
        assert_eq!(error.code(), Code::Upgrade);
        let post = fake.post();
        assert_eq!(post.text(), "42[\"event\",1]");
        post.ok("ok");
        poll.ok("42[\"event\",2]");
        assert_eq!(host.event("event").0.arg(0), Some("2"));
        // Letting go of it would end the connection.
        let _poll = fake.poll();
        assert_never_lost(&mut host);
    }
}

fn conformance_34_a_proxy_that_drops_upgrades_leaves_polling(case: Case) {
    let proxy = Stripping::start(case.shared().port());
    let mut host = Host::new(case.config(&proxy.url()));
    let root = host.socket("/");
    root.connect(None).unwrap();
    // It may fail before the namespace is joined.
    let error = upgrade_failed(&mut host);
    assert_eq!((error.code(), error.http_status()), (Code::Upgrade, Some(400)), "{error:?}");
    let told = host.answer(&root, "handshake", "[]");
    assert_eq!(told[0]["transport"], "polling");
    assert_eq!(transports(&mut host), [(Transport::Polling, false)]);
    assert_never_lost(&mut host);
}

/// Looked at in the engine: socket.io drops events that it gets in one go with the DISCONNECT behind
/// them.
fn conformance_35_leaving_at_any_moment_of_the_upgrade_delivers_what_was_sent_before(case: Case) {
    let server = case.start(json!({ "log": ["packet"] }));
    let relay = Relay::delaying(server.port(), Duration::from_millis(3));
    for moment in 0..25u64 {
        let before = server.log().len();
        let mut host = Host::new(case.config(&relay.url()));
        let root = host.joined("/");
        let emit = |number: u32| root.emit_json("silence", &(number,)).unwrap();
        (0..5).for_each(emit);
        // The moment is what is tested: from the first packet to long after the upgrade.
        sleep(Duration::from_millis(8 * moment));
        (5..10).for_each(emit);
        root.disconnect().unwrap();
        emit(10);
        server.until_count("the end", moment as usize + 1, |line| line["log"] == "close");
        let came: Vec<String> = server.log()[before..]
            .iter()
            .filter(|line| line["log"] == "packet" && line["type"] == "message")
            .map(|line| line["data"].as_str().unwrap_or_default().to_owned())
            .collect();
        let mut sent = vec!["0".to_owned()];
        sent.extend((0..10).map(|number| format!("2[\"silence\",{number}]")));
        sent.push("1".to_owned());
        assert_eq!(came, sent, "after {} ms", 8 * moment);
        relay.until_open(0);
        assert_eq!(host.states("/", SocketState::Rejoining), 0);
    }
}

fn conformance_36_no_get_is_left_for_a_late_close_packet(case: Case) {
    let mut fake = Fake::start();
    let mut host = Host::new(case.config(&fake.url()));
    let root = host.socket("/");
    root.connect(None).unwrap();
    let mut session = fake.open(Via::Polling);
    session.join("/", "id");
    host.until_state("/", SocketState::Connected);
    let request = session.wait_websocket();
    let poll = session.into_poll();
    let mut peer = request.upgrade();
    peer.expect("2probe");
    peer.send("3probe");
    // A server answers a GET that waits with a close packet when it sees `5`.
    assert_eq!(peer.recv_within(Duration::from_millis(200)), None, "a GET still waits");
    root.emit("event", "[1]").unwrap();
    poll.ok("42[\"event\",\"last\"]\x1e6");
    assert_eq!(host.event("event").0.arg(0), Some("\"last\""));
    peer.expect("5");
    peer.expect("42[\"event\",1]");
    assert!(fake.within(Duration::from_millis(100), |_| true).is_none(), "nothing is polled");
    peer.send("42[\"event\",\"first\"]");
    assert_eq!(host.event("event").0.arg(0), Some("\"first\""));
    assert_never_lost(&mut host);
}

fn conformance_36_upgrades_on_a_slow_path_cost_no_session(case: Case) {
    let server = case.start(json!({}));
    for delay in [0, 1, 5, 20, 60] {
        let relay = Relay::delaying(server.port(), Duration::from_millis(delay));
        let mut host = Host::new(case.config(&relay.url()));
        let root = host.joined("/");
        root.emit("burst", "[200,10,2]").unwrap();
        host.until_over(Transport::Websocket);
        host.answer(&root, "ack", "[]");
        assert_never_lost(&mut host);
    }
    let upgrade = |line: &Value| line["log"] == "upgrade";
    server.until_count("five upgrades", 5, upgrade);
    assert_eq!(server.count(upgrade), 5);
}

fn conformance_37_only_the_wanted_transport_is_used(case: Case) {
    let server = case.start(json!({ "log": ["request"] }));
    let mut config = case.config(&server.url());
    let wanted = case.via.first();
    config.common.transports.upgrade = false;
    let mut host = Host::new(config);
    let root = host.joined("/");
    // An upgrade would begin with the connection.
    for number in 0..5 {
        assert_eq!(host.answer(&root, "ack", &format!("[{number}]")), [json!(number)]);
    }
    assert!(host.within(Duration::from_millis(200), |_| None::<()>).is_none());
    assert_eq!(transports(&mut host), [(wanted, false)]);
    let requests = server.log().into_iter().filter(|line| line["log"] == "request");
    let used: Vec<Value> = requests.map(|request| request["query"]["transport"].clone()).collect();
    assert!(!used.is_empty());
    assert!(used.iter().all(|transport| *transport == wanted.as_str()), "{used:?}");
}

/// The transports that connections to a server opened with.
fn opened(server: &Server) -> Vec<String> {
    let lines = server.log().into_iter().filter(|line| line["log"] == "open");
    lines.map(|line| line["transport"].as_str().unwrap_or_default().to_owned()).collect()
}

fn conformance_38_a_successful_upgrade_is_remembered_until_an_error(case: Case) {
    for remember in [true, false] {
        let server = case.start(json!({}));
        let relay = Relay::new(server.port());
        let mut config = case.config(&relay.url());
        config.common.transports.remember_upgrade = remember;
        let mut host = Host::new(config);
        let root = host.joined("/");
        host.until_over(Transport::Websocket);
        root.disconnect().unwrap();
        host.until_state("/", SocketState::Idle);
        root.connect(None).unwrap();
        host.until_state("/", SocketState::Connected);
        host.until_over(Transport::Websocket);
        let second = if remember { "websocket" } else { "polling" };
        assert_eq!(opened(&server), ["polling", second]);
        relay.reset();
        host.until_state("/", SocketState::Rejoining);
        host.until_state("/", SocketState::Connected);
        assert_eq!(opened(&server), ["polling", second, "polling"]);
    }
}

/// Options that try the other transport after the one of the case.
fn both(case: Case, url: &str, opening: Opening) -> ManagerConfig {
    let mut config = case.config(url);
    let (first, second) = match case.via.first() {
        Transport::Polling => (Transport::Polling, Transport::Websocket),
        Transport::Websocket => (Transport::Websocket, Transport::Polling),
    };
    config.common.transports.order = vec![first, second];
    config.common.transports.opening = opening;
    config.common.transports.upgrade = false;
    config
}

const fn other(transport: Transport) -> Transport {
    match transport {
        Transport::Polling => Transport::Websocket,
        Transport::Websocket => Transport::Polling,
    }
}

fn conformance_39_the_next_transport_follows_one_that_fails(case: Case) {
    let first = case.via.first();
    let server = case.start(json!({}));
    let url = format!("{}/?refuse={}", server.url(), first.as_str());
    let mut host = Host::new(both(case, &url, Opening::InTurn));
    let root = host.joined("/");
    host.answer(&root, "ack", "[]");
    assert_eq!(transports(&mut host), [(other(first), false)]);
    let mut host = Host::new(both(case, &url, Opening::First));
    let root = host.socket("/");
    root.connect(None).unwrap();
    for attempt in 1..=3 {
        let (number, error) = host.until_retry();
        assert_eq!((number, error.code()), (attempt, Code::HttpStatus));
    }
    assert_eq!(transports(&mut host), []);
    assert_eq!(opened(&server), [other(first).as_str()]);
}

fn conformance_39_each_transport_is_tried_in_turn_or_only_the_first(case: Case) {
    let first = case.via.first();
    let of = |request: &Request| request.query("transport").unwrap_or_default().to_owned();
    for opening in [Opening::InTurn, Opening::First] {
        let mut fake = Fake::start();
        let mut host = Host::new(both(case, &fake.url(), opening));
        let root = host.socket("/");
        root.connect(None).unwrap();
        let request = fake.handshake();
        assert_eq!(of(&request), first.as_str());
        request.answer(500, &[], b"");
        if opening == Opening::First {
            host.until_retry();
            let request = fake.handshake();
            assert_eq!(of(&request), first.as_str());
            continue;
        }
        let request = fake.handshake();
        assert_eq!(of(&request), other(first).as_str());
        request.answer(501, &[], b"");
        let (attempt, error) = host.until_retry();
        assert_eq!(attempt, 1);
        assert!(error.http_status().is_some(), "{error}");
        // The next attempt starts at the front, and the second transport works now.
        let request = fake.handshake();
        assert_eq!(of(&request), first.as_str());
        request.answer(500, &[], b"");
        let via = if first == Transport::Polling { Via::Websocket } else { Via::Polling };
        fake.open_with(via, Open { upgrades: Vec::new(), ..Open::default() }).join("/", "id");
        assert_eq!(host.until_joined("/"), "id");
        assert_eq!(transports(&mut host), [(other(first), false)]);
    }
}

fn conformance_40_without_transports_connecting_fails_later(case: Case) {
    let mut config = case.config("http://127.0.0.1:9");
    config.common.transports.order.clear();
    let mut host = Host::new(config);
    let root = host.socket("/");
    root.connect(None).unwrap();
    let (error, active) = host.until_connect_error("/");
    assert_eq!((error.code(), error.message()), (Code::Unsupported, "no transports available"));
    assert!(!active);
    host.until_state("/", SocketState::Idle);
    // It can be asked again.
    root.connect(None).unwrap();
    assert_eq!(host.until_connect_error("/").0.code(), Code::Unsupported);
}
