//! Section C: Heartbeat.

use std::time::{Duration, Instant};

use roamio::client::{DisconnectReason, ManagerState, SocketState};
use roamio::error::Code;
use serde_json::json;

use crate::case::{Case, items};
use crate::fake::{Fake, Open, Packet};
use crate::host::Host;
use crate::relay::Relay;

items! {
    25 "A pong within 100 ms of each ping" asks [V4 Uvicorn Aiohttp Oxide] {
        test conformance_25_a_pong_follows_each_ping_idle_and_busy on [V4 Uvicorn Aiohttp Oxide] over all;
        test conformance_25_a_pong_is_written_within_100_ms on [Fake] over all;
    }
    26 "No ping in time: `ping timeout`, then reconnection" asks [Fake] {
        test conformance_26_without_pings_the_connection_is_over_whatever_else_comes on [Fake] over all;
    }
    27 "Never a ping in revision 4, outside the probe" asks [Fake] {
        test conformance_27_a_client_of_revision_4_sends_no_ping on [Fake] over all;
    }
    28 "Revision 3: pings, missing pong, any packet extends life" asks [V2 Fake] {
        test conformance_28_a_client_of_revision_3_keeps_the_connection_by_pings on [V2] over all;
        test conformance_28_a_missing_pong_ends_the_connection on [Fake] over all;
        test conformance_28_any_packet_is_as_good_as_a_pong on [Fake] over all;
    }
    29 "20 heartbeat periods without traffic" asks [V2 V4] {
        test conformance_29_twenty_quiet_heartbeats on [V2 V4] over all;
    }
    30 "Suspend past the deadline: one `ping timeout`, the emit arrives" asks [V4 Fake] {
        test conformance_30_an_emit_after_a_suspend_arrives_over_a_new_connection on [V4] over all;
        test conformance_30_a_suspend_past_the_deadline_is_one_ping_timeout on [Fake] over all;
    }
    31 "Absurd intervals cause no busy loop" asks [Fake Uvicorn Aiohttp] {
        test conformance_31_absurd_intervals_are_refused_with_growing_delays on [Fake] over [Polling Websocket];
        test conformance_31_sub_second_intervals_of_python_are_refused_likewise on [Uvicorn Aiohttp] over [Polling Websocket];
        not [Fake Uvicorn Aiohttp] over [Upgrade] "the handshake fails before there is anything to upgrade";
    }
}

const INTERVAL: Duration = Duration::from_millis(300);
const DEADLINE: Duration = Duration::from_millis(500);

/// A scripted handshake of 300 and 200 ms.
fn fast(revision_3: bool) -> Open {
    Open { revision_3, ping_interval: 300, ping_timeout: 200, ..Open::default() }
}

/// A client of a scripted server that speaks the revision.
fn client(case: Case, fake: &Fake, revision_3: bool) -> Host {
    let mut config = case.config(&fake.url());
    if revision_3 {
        config.common.transports.revision = roamio::config::Revision::V3;
    }
    Host::new(config)
}

fn assert_never_lost(host: &mut Host) {
    assert_eq!(host.manager_states(ManagerState::Reconnecting), 0, "{:#?}", host.log);
    assert_eq!(host.states("/", SocketState::Connected), 1);
}

/// Wait until the socket is told a loss; gives the reason.
fn lost(host: &mut Host) -> DisconnectReason {
    let (_, reason) = host.until_state("/", SocketState::Rejoining);
    reason.expect("a joined socket is told why")
}

/// The server gives up without a pong. The exact time is measured with the scripted server, because a
/// busy machine can hold up these.
fn conformance_25_a_pong_follows_each_ping_idle_and_busy(case: Case) {
    let mut options = case.fast();
    options["pingTimeout"] = json!(1_000);
    let server = case.start(options);
    let mut host = case.host(&server);
    let socket = host.joined("/");
    let period = Duration::from_millis(case.fast()["pingInterval"].as_u64().unwrap());
    assert!(host.within(period * 3, |_| None::<()>).is_none());
    let busy_until = Instant::now() + period * 3;
    let filler = format!("[{:?}]", "x".repeat(200));
    while Instant::now() < busy_until {
        for _ in 0..20 {
            socket.emit("silence", &filler).unwrap();
        }
        host.answer(&socket, "ack", "[]");
    }
    assert_never_lost(&mut host);
}

fn conformance_25_a_pong_is_written_within_100_ms(case: Case) {
    let mut fake = Fake::start();
    let host = client(case, &fake, false);
    let socket = host.socket("/");
    socket.connect(None).unwrap();
    let mut session = fake.open(case.via);
    session.join("/", "id");
    let mut delays = Vec::new();
    for ping in 0..20 {
        if ping >= 10 {
            // Busy from here on: what was emitted before must not hold up the pong.
            for _ in 0..50 {
                socket.emit("event", "[\"some text\"]").unwrap();
            }
        }
        session.send("2");
        let start = Instant::now();
        while session.recv_text() != "3" {}
        delays.push(start.elapsed());
    }
    // One of them may fall into a pause of the machine.
    delays.sort();
    assert!(delays[18] < Duration::from_millis(100), "{delays:?}");
}

fn conformance_26_without_pings_the_connection_is_over_whatever_else_comes(case: Case) {
    let mut fake = Fake::start();
    let mut host = client(case, &fake, false);
    let socket = host.socket("/");
    socket.connect(None).unwrap();
    let opened = Instant::now();
    let mut session = fake.open_with(case.via, fast(false));
    session.join("/", "first");
    host.until_state("/", SocketState::Connected);
    // Ordinary traffic, and no ping.
    while host.states("/", SocketState::Rejoining) == 0 {
        assert!(opened.elapsed() < DEADLINE * 6, "events do not keep a connection alive");
        session.send_if_open("42[\"tick\"]");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(opened.elapsed() >= DEADLINE, "{:?}", opened.elapsed());
    assert_eq!(lost(&mut host), DisconnectReason::PingTimeout);
    drop(session);
    fake.open(case.via).join("/", "second");
    assert_eq!(host.until_joined("/"), "second");
}

fn conformance_27_a_client_of_revision_4_sends_no_ping(case: Case) {
    let mut fake = Fake::start();
    let mut host = client(case, &fake, false);
    let socket = host.socket("/");
    socket.connect(None).unwrap();
    // The probe is told apart there.
    let mut session = fake.open_with(case.via, fast(false));
    session.join("/", "id");
    host.until_state("/", SocketState::Connected);
    let mut packets = Vec::new();
    for _ in 0..8 {
        session.send("2");
        socket.emit("event", "[]").unwrap();
        while let Some(packet) = session.recv_within(INTERVAL / 2) {
            packets.push(packet);
        }
    }
    let text =
        |wanted: &str| packets.iter().filter(|packet| **packet == Packet::text(wanted)).count();
    assert_eq!((text("3"), text("42[\"event\"]")), (8, 8), "{packets:?}");
    assert_eq!(packets.len(), 16, "{packets:?}");
}

fn conformance_28_a_client_of_revision_3_keeps_the_connection_by_pings(case: Case) {
    let mut options = case.fast();
    options["log"] = json!(["packet"]);
    let server = case.start(options);
    let mut host = case.host(&server);
    let _socket = host.joined("/");
    server.until_count("six pings", 6, |line| line["log"] == "packet" && line["type"] == "ping");
    assert_never_lost(&mut host);
}

fn conformance_28_a_missing_pong_ends_the_connection(case: Case) {
    let mut fake = Fake::start();
    let mut host = client(case, &fake, true);
    let socket = host.socket("/");
    socket.connect(None).unwrap();
    let mut session = fake.open_with(case.via, fast(true));
    session.send("40");
    host.until_state("/", SocketState::Connected);
    // Taken before the pong, so that no pause of this machine makes a wait too short.
    let mut ponged = Instant::now();
    for _ in 0..3 {
        session.expect("2");
        ponged = Instant::now();
        session.send("3");
    }
    session.expect("2");
    assert!(ponged.elapsed() > INTERVAL / 2, "a ping comes an interval after the pong");
    assert_eq!(lost(&mut host), DisconnectReason::PingTimeout);
    let waited = ponged.elapsed();
    // The client counts whole milliseconds.
    let least = DEADLINE - Duration::from_millis(5);
    assert!(waited > least && waited < DEADLINE * 4, "{waited:?}");
}

fn conformance_28_any_packet_is_as_good_as_a_pong(case: Case) {
    let mut fake = Fake::start();
    let mut host = client(case, &fake, true);
    let socket = host.socket("/");
    socket.connect(None).unwrap();
    let mut session = fake.open_with(case.via, fast(true));
    session.send("40");
    host.until_state("/", SocketState::Connected);
    session.expect("2");
    // No pong, but other traffic for much longer than the deadline.
    for _ in 0..30 {
        session.send("42[\"tick\"]");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_never_lost(&mut host);
    assert_eq!(lost(&mut host), DisconnectReason::PingTimeout);
}

fn conformance_29_twenty_quiet_heartbeats(case: Case) {
    let mut options = case.fast();
    options["log"] = json!(["packet"]);
    let server = case.start(options);
    let mut host = case.host(&server);
    let _socket = host.joined("/");
    // Each period has one of these from the client.
    let heartbeat = if case.kind.is_revision_3() { "ping" } else { "pong" };
    server.until_count("20 heartbeats", 20, |line| {
        line["log"] == "packet" && line["type"] == heartbeat && line["data"] != "probe"
    });
    assert_never_lost(&mut host);
}

fn conformance_30_an_emit_after_a_suspend_arrives_over_a_new_connection(case: Case) {
    let server = case.start_fast();
    let relay = Relay::new(server.port());
    let mut host = Host::new(case.config(&relay.url()));
    let socket = host.joined("/");
    host.until_over(case.via.last());
    // Whatever arrives would wake the client up.
    relay.freeze(true);
    host.manager.suspended().unwrap();
    // The server has given up by then, and the client's own deadline, which is as long, is over.
    server.until("a close", |line| (line["log"] == "close").then_some(()));
    std::thread::sleep(DEADLINE);
    socket.emit("echo", "[\"after the suspend\"]").unwrap();
    assert_eq!(lost(&mut host), DisconnectReason::PingTimeout);
    relay.freeze(false);
    host.until_state("/", SocketState::Connected);
    let (echo, _) = host.event("echo");
    assert_eq!(echo.decode::<String>(0).unwrap(), "after the suspend");
    assert_eq!(host.states("/", SocketState::Rejoining), 1);
}

fn conformance_30_a_suspend_past_the_deadline_is_one_ping_timeout(case: Case) {
    let mut fake = Fake::start();
    let mut host = client(case, &fake, false);
    let socket = host.socket("/");
    socket.connect(None).unwrap();
    let mut session = fake.open_with(case.via, fast(false));
    session.join("/", "first");
    host.until_state("/", SocketState::Connected);
    host.manager.suspended().unwrap();
    // Nothing tells the client that the time passes, so there is nothing to wait for.
    std::thread::sleep(DEADLINE * 2);
    socket.emit("event", "[1]").unwrap();
    assert_eq!(lost(&mut host), DisconnectReason::PingTimeout);
    // Nothing was written to the dead connection.
    assert_eq!(session.recv_within(Duration::from_millis(100)), None);
    drop(session);
    let mut session = fake.open(case.via);
    session.join("/", "second");
    session.expect("42[\"event\",1]");
    assert_eq!(host.states("/", SocketState::Rejoining), 1);
}

/// Let a client try for two seconds; how often it tried, and that it said why.
fn attempts(host: &mut Host) -> usize {
    let socket = host.socket("/");
    socket.connect(None).unwrap();
    let (_, error) = host.until_retry();
    assert_eq!(error.code(), Code::Handshake, "{error}");
    assert!(host.within(Duration::from_secs(2), |_| None::<()>).is_none());
    host.count(|told| {
        matches!(told, crate::host::Told::Manager(roamio::client::ManagerEvent::Retry(_)))
    })
}

fn conformance_31_absurd_intervals_are_refused_with_growing_delays(case: Case) {
    for (interval, timeout) in [
        ("0", "0"),
        ("1", "1"),
        ("-300", "200"),
        ("300", "1e300"),
        ("\"300\"", "200"),
        ("null", "200"),
    ] {
        let fake = Fake::start();
        let mut config = case.config(&fake.url());
        config.reconnect.min = Duration::from_millis(200);
        let mut host = Host::new(config);
        let answering = std::thread::spawn({
            let open = format!(
                "0{{\"sid\":\"s\",\"upgrades\":[],\"pingInterval\":{interval},\"pingTimeout\":{timeout}}}"
            );
            move || answer_handshakes(fake, &open)
        });
        let attempts = attempts(&mut host);
        assert!(attempts <= 8, "{attempts} attempts with {interval} and {timeout}");
        host.manager.close();
        drop(host);
        answering.join().unwrap();
    }
}

/// Answer every handshake with this open packet, until there is none for a second.
fn answer_handshakes(mut fake: Fake, open: &str) {
    while let Some(request) = fake.within(Duration::from_secs(2), |_| true) {
        if request.is_websocket() {
            let mut peer = request.upgrade();
            peer.send(open);
            // The client closes it.
            peer.recv();
        } else if request.method == "GET" {
            request.ok(open);
        } else {
            request.ok("ok");
        }
    }
}

/// It announces an interval of zero.
fn conformance_31_sub_second_intervals_of_python_are_refused_likewise(case: Case) {
    let server = case.start(json!({ "pingInterval": 300, "pingTimeout": 200 }));
    let mut config = case.config(&server.url());
    config.reconnect.min = Duration::from_millis(200);
    let mut host = Host::new(config);
    let attempts = attempts(&mut host);
    assert!(attempts <= 8, "{attempts} attempts");
}
