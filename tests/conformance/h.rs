//! Section H: Reconnection. Items 83 and 84 are in `network.rs`.

mod network;

use std::time::{Duration, Instant};

use network::*;
use roamio::client::{
    DisconnectReason, ManagerEvent, ManagerState, Retry, Socket, SocketEvent, SocketState,
};
use roamio::config::{ManagerConfig, Opening, ReconnectPolicy};
use roamio::error::Code;
use serde_json::{Value, json};

use crate::case::{Case, Via, items};
use crate::fake::Fake;
use crate::host::{Host, Told};
use crate::relay::Relay;

items! {
    75 "Server restart: everything comes back" asks all {
        test conformance_75_everything_comes_back_after_a_restart_of_the_server
            on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over all;
        elsewhere "tests/sim/plain/protocol4.rs" conformance_75_everything_is_joined_again_after_a_loss on [Local] over [];
    }
    76 "Reconnection delays" asks [Local Fake] {
        elsewhere "src/proto/backoff.rs" conformance_76_delays_are_what_the_formula_says on [Local] over [];
        elsewhere "src/proto/backoff.rs"
            conformance_76_b04_delays_grow_stay_under_the_cap_and_keep_their_jitter_there on [Local] over [];
        elsewhere "src/proto/backoff.rs" conformance_76_full_jitter_has_a_floor on [Local] over [];
        test conformance_76_attempts_come_no_sooner_than_the_formula_says on [Fake] over [Polling Websocket];
        not [Fake] over [Upgrade] "attempts that fail have nothing to upgrade";
    }
    77 "Numbering of attempts, and giving up" asks [Local] {
        test conformance_77_attempts_are_numbered_until_the_limit_then_it_is_silent on [Local] over [];
    }
    78 "Reconnection switched off" asks [Local] {
        test conformance_78_without_reconnection_one_attempt_is_all on [Local] over [];
        test conformance_78_switched_off_in_the_loop_no_attempt_follows on [Local] over [];
    }
    79 "disconnect() during the loop" asks [Local V4] {
        test conformance_79_the_loop_ends_with_the_last_socket_that_wants_it on [Local] over [];
        test conformance_79_a_lost_connection_is_not_made_again_once_nobody_wants_it on [V4] over all;
    }
    80 "The first attempt fails, or hangs" asks [Fake] {
        test conformance_80_a_failed_first_attempt_is_followed_by_others on [Fake] over all;
        test conformance_80_a_server_that_never_answers_is_a_timeout on [Fake] over all;
    }
    81 "Disconnect and connect by hand, then automatically" asks all {
        test conformance_81_by_hand_and_then_by_itself on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over all;
    }
    82 "Engine closed locally; parse error; no leaks" asks [V4] {
        test conformance_82_a_parse_error_closes_the_old_connection_and_opens_another on [V4] over all;
        test conformance_82_a_connection_given_up_here_is_replaced on [V4] over all;
        elsewhere "tests/scale.rs" conformance_82_parse_errors_leave_nothing_behind on [V4] over all;
    }
    83 "Network change" asks [V4] {
        test conformance_83_a_changed_address_is_noticed_by_the_heartbeat on [V4] over all;
        test conformance_83_a_hint_moves_to_the_new_address_at_once on [V4] over all;
        test conformance_83_a_link_that_was_down_is_used_as_soon_as_it_is_said_to_be_up on [V4] over all;
    }
    84 "Half-open TCP" asks [V4] {
        test conformance_84_a_path_that_swallows_everything_is_a_ping_timeout on [V4] over all;
    }
    85 "200 cycles leak nothing" asks [V4] {
        elsewhere "tests/scale.rs" conformance_85_two_hundred_cycles_leave_nothing_behind on [V4] over all;
    }
}

/// The id that the server has for the connection.
fn engine(host: &mut Host, socket: &Socket) -> Value {
    host.answer(socket, "handshake", "[]").remove(0)["engine"].take()
}

/// Nobody listens there.
fn nowhere(case: Case) -> ManagerConfig {
    let mut config = case.config("http://127.0.0.1:1");
    config.reconnect.floor = Duration::ZERO;
    config
}

/// Wait for a failed attempt.
#[track_caller]
fn until_attempt(host: &mut Host) -> Retry {
    host.until("a failed attempt", |told| match told {
        Told::Manager(ManagerEvent::Retry(retry)) => Some(retry.clone()),
        _ => None,
    })
}

/// Nothing at all is told for a while.
#[track_caller]
fn assert_silence(host: &mut Host) {
    let told = host.within(Duration::from_millis(300), |told| match told {
        // The step that has just been made.
        Told::Manager(ManagerEvent::State(step)) if step.state == ManagerState::Idle => None,
        told => Some(format!("{told:?}")),
    });
    assert_eq!(told, None);
    assert_eq!(host.manager.state(), ManagerState::Idle);
}

fn conformance_75_everything_comes_back_after_a_restart_of_the_server(case: Case) {
    let mut server = case.start(json!({}));
    let mut config = case.config(&server.url());
    // The server needs its time.
    config.reconnect.max = Duration::from_millis(500);
    let mut host = Host::new(config);
    let root = host.joined("/");
    let chat = host.joined("/chat");
    let rested = host.joined("/admin");
    rested.disconnect().unwrap();
    host.until_state("/admin", SocketState::Idle);
    if case.via == Via::Upgrade {
        host.until_transport(case.via.last());
    }
    let first = engine(&mut host, &root);
    server.stop();
    for _ in 0..2 {
        let (namespace, reason) = host.until("a loss", |told| match told {
            Told::Socket(namespace, SocketEvent::State { transition, reason, .. })
                if transition.state == SocketState::Rejoining =>
            {
                Some((*namespace, *reason))
            }
            _ => None,
        });
        let broken = [DisconnectReason::TransportClose, DisconnectReason::TransportError];
        assert!(reason.is_some_and(|reason| broken.contains(&reason)), "{namespace}: {reason:?}");
    }
    root.emit("echo", "[\"meanwhile\"]").unwrap();
    server.restart();
    let (echo, _) = host.event("echo");
    assert_eq!(echo.decode::<String>(0).unwrap(), "meanwhile");
    for socket in [&root, &chat] {
        assert_eq!(host.answer(socket, "ack", "[1]")[0], json!(1));
    }
    assert_ne!(engine(&mut host, &chat), first);
    assert_eq!((host.states("/", SocketState::Connected), rested.state()), (2, SocketState::Idle));
    assert_eq!(host.states("/admin", SocketState::Connected), 1, "who has left stays away");
}

fn conformance_76_attempts_come_no_sooner_than_the_formula_says(case: Case) {
    const MIN: u64 = 40;
    const MAX: u64 = 240;
    let mut fake = Fake::start();
    let mut config = case.config(&fake.url());
    config.reconnect = ReconnectPolicy {
        min: Duration::from_millis(MIN),
        max: Duration::from_millis(MAX),
        floor: Duration::ZERO,
        dials_per_10s: u32::MAX,
        ..ReconnectPolicy::default()
    };
    let mut host = Host::new(config);
    let root = host.socket("/");
    root.connect(None).unwrap();
    let mut planned = None;
    for attempt in 0..10 {
        let request = fake.handshake();
        if let Some((since, delay)) = planned {
            // It may come late on a busy machine, but not early.
            let waited: Duration = Instant::elapsed(&since) + Duration::from_millis(2);
            assert!(waited >= Duration::from_millis(delay), "{waited:?} in place of {delay} ms");
        }
        let answered = Instant::now();
        request.answer(503, &[], b"");
        let retry = until_attempt(&mut host);
        assert_eq!((retry.attempt, retry.error.code()), (attempt + 1, Code::HttpStatus));
        let middle = ((MIN << attempt) as f64).min(MAX as f64 / 1.5);
        let delay = retry.delay_ms.unwrap();
        let range = (middle * 0.5) as u64..=(middle * 1.5) as u64;
        assert!(range.contains(&delay), "attempt {attempt} after {delay} ms, not {range:?}");
        planned = Some((answered, delay));
    }
}

fn conformance_77_attempts_are_numbered_until_the_limit_then_it_is_silent(case: Case) {
    let mut config = nowhere(case);
    config.reconnect.attempts = Some(3);
    let mut host = Host::new(config);
    let root = host.socket("/");
    for _ in 0..2 {
        root.connect(None).unwrap();
        for attempt in 1..=4 {
            let (error, active) = host.until_connect_error("/");
            assert_eq!((error.code(), active), (Code::Connect, attempt < 4));
            let retry = until_attempt(&mut host);
            assert_eq!((retry.attempt, retry.error), (attempt, error));
            assert_eq!(retry.delay_ms.is_some(), attempt < 4, "the first one and three more");
        }
        host.until_state("/", SocketState::Idle);
        assert_silence(&mut host);
    }
}

fn conformance_78_without_reconnection_one_attempt_is_all(case: Case) {
    let mut config = nowhere(case);
    config.reconnect.enabled = false;
    let mut host = Host::new(config);
    let root = host.socket("/");
    root.connect(None).unwrap();
    assert_eq!(until_attempt(&mut host).delay_ms, None);
    host.until_state("/", SocketState::Idle);
    assert_silence(&mut host);
}

fn conformance_78_switched_off_in_the_loop_no_attempt_follows(case: Case) {
    let config = nowhere(case);
    let policy = config.reconnect.clone();
    let mut host = Host::new(config);
    let root = host.socket("/");
    root.connect(None).unwrap();
    while until_attempt(&mut host).attempt < 3 {}
    host.manager.set_reconnect(ReconnectPolicy { enabled: false, ..policy }).unwrap();
    host.until_state("/", SocketState::Idle);
    assert_silence(&mut host);
}

fn conformance_79_the_loop_ends_with_the_last_socket_that_wants_it(case: Case) {
    let mut host = Host::new(nowhere(case));
    let (root, chat) = (host.socket("/"), host.socket("/chat"));
    root.connect(None).unwrap();
    chat.connect(None).unwrap();
    until_attempt(&mut host);
    chat.disconnect().unwrap();
    host.until_state("/chat", SocketState::Idle);
    let before = until_attempt(&mut host).attempt;
    assert!(until_attempt(&mut host).attempt > before, "the other socket's loop goes on");
    root.disconnect().unwrap();
    host.until_manager(ManagerState::Idle);
    assert_eq!(root.state(), SocketState::Idle);
    assert_silence(&mut host);
    chat.connect(None).unwrap();
    assert_eq!(until_attempt(&mut host).attempt, 1);
}

fn conformance_79_a_lost_connection_is_not_made_again_once_nobody_wants_it(case: Case) {
    let relay = Relay::new(case.shared().port());
    let mut host = Host::new(case.config(&relay.url()));
    let (root, chat) = (host.joined("/"), host.joined("/chat"));
    relay.refuse(true);
    relay.reset();
    host.until_state("/chat", SocketState::Rejoining);
    until_attempt(&mut host);
    chat.disconnect().unwrap();
    host.until_state("/chat", SocketState::Idle);
    until_attempt(&mut host);
    assert_eq!(root.state(), SocketState::Rejoining);
    root.disconnect().unwrap();
    host.until_manager(ManagerState::Idle);
    assert_silence(&mut host);
    relay.refuse(false);
    root.connect(None).unwrap();
    host.until_state("/", SocketState::Connected);
    host.answer(&root, "ack", "[]");
    assert_eq!(chat.state(), SocketState::Idle);
    // Its loop begins anew.
    relay.refuse(true);
    relay.reset();
    host.until_state("/", SocketState::Rejoining);
    assert_eq!(until_attempt(&mut host).attempt, 1);
}

fn conformance_80_a_failed_first_attempt_is_followed_by_others(case: Case) {
    let mut fake = Fake::start();
    let mut config = case.config(&fake.url());
    config.common.transports.opening = Opening::First;
    let mut host = Host::new(config);
    let root = host.socket("/");
    root.connect(None).unwrap();
    fake.handshake().reset();
    assert_eq!(until_attempt(&mut host).attempt, 1);
    fake.handshake().answer(500, &[], b"");
    let retry = until_attempt(&mut host);
    assert_eq!((retry.attempt, retry.error.http_status()), (2, Some(500)));
    fake.open(case.via).join("/", "id");
    assert_eq!(host.until_joined("/"), "id");
    assert_eq!(host.states("/", SocketState::Joining), 1);
}

fn conformance_80_a_server_that_never_answers_is_a_timeout(case: Case) {
    let mut fake = Fake::start();
    let mut config = case.config(&fake.url());
    config.common.transports.opening = Opening::First;
    config.common.timeouts.open = Duration::from_millis(300);
    let mut host = Host::new(config);
    let root = host.socket("/");
    root.connect(None).unwrap();
    let unanswered = fake.handshake();
    let start = Instant::now();
    let retry = until_attempt(&mut host);
    assert_eq!((retry.attempt, retry.error.code()), (1, Code::ConnectTimeout), "{}", retry.error);
    assert!(start.elapsed() > Duration::from_millis(200), "{:?}", start.elapsed());
    assert!(unanswered.is_dropped_within(crate::server::PATIENCE));
    fake.open(case.via).join("/", "id");
    host.until_state("/", SocketState::Connected);
}

fn conformance_81_by_hand_and_then_by_itself(case: Case) {
    let relay = Relay::new(case.shared().port());
    let mut host = Host::new(case.config(&relay.url()));
    let root = host.joined("/");
    for _ in 0..2 {
        root.disconnect().unwrap();
        let (_, reason) = host.until_state("/", SocketState::Idle);
        assert_eq!(reason, Some(DisconnectReason::ClientDisconnect));
        host.until_manager(ManagerState::Idle);
        root.connect(None).unwrap();
        host.until_state("/", SocketState::Connected);
        host.answer(&root, "ack", "[]");
        relay.reset();
        host.until_state("/", SocketState::Rejoining);
        host.until_state("/", SocketState::Connected);
        host.answer(&root, "ack", "[]");
    }
}

fn conformance_82_a_parse_error_closes_the_old_connection_and_opens_another(case: Case) {
    let server = case.start(json!({}));
    let relay = Relay::new(server.port());
    let mut host = Host::new(case.config(&relay.url()));
    let root = host.joined("/");
    for _ in 0..3 {
        let former = engine(&mut host, &root);
        root.emit("raw", r#"["2[\"disconnect\"]"]"#).unwrap();
        let (cause, reason) = host.until_state("/", SocketState::Rejoining);
        assert_eq!(reason, Some(DisconnectReason::ParseError));
        assert_eq!(cause.map(|error| error.code()), Some(Code::SocketPacket));
        host.until_state("/", SocketState::Connected);
        assert_ne!(engine(&mut host, &root), former);
        // The server is told at once, long before it would miss a pong.
        server.until("the end of the old connection", |line| {
            (line["log"] == "close" && line["id"] == former).then_some(())
        });
    }
    root.close();
    relay.until_open(0);
}

fn conformance_82_a_connection_given_up_here_is_replaced(case: Case) {
    let relay = Relay::new(case.shared().port());
    let mut host = Host::new(case.config(&relay.url()));
    let root = host.joined("/");
    if case.via == Via::Upgrade {
        host.until_transport(case.via.last());
    }
    let former = engine(&mut host, &root);
    relay.freeze(true);
    host.manager.resumed().unwrap();
    // The probe has no answer, so the connection is closed on this side.
    let (cause, reason) = host.until_state("/", SocketState::Rejoining);
    assert_eq!(cause.map(|error| error.code()), Some(Code::NetworkLost));
    assert_eq!(reason, Some(DisconnectReason::TransportClose));
    relay.freeze(false);
    host.until_state("/", SocketState::Connected);
    assert_ne!(engine(&mut host, &root), former);
    root.close();
    relay.until_open(0);
}
