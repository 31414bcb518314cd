//! Items 83 and 84: networks that change and paths that swallow everything.
//!
//! Each test runs in a process of its own, in a network of its own with two ends: the client's, and
//! the server's behind a pair of virtual interfaces. Both vanish with the process.

use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use roamio::client::{DisconnectReason, ManagerState, Socket, SocketState};
use roamio::error::Code;
use serde_json::json;

use crate::case::{Case, Via};
use crate::host::Host;
use crate::server::Server;

const SERVER: &str = "10.83.0.1";
const INSIDE: &str = "ROAMIO_TEST_INSIDE_A_NETWORK";

/// Run a test in a network of its own: this program once more, for this test alone.
fn in_own_network(name: &str, case: Case, test: impl FnOnce(Network)) {
    let name = format!("h::{name}::{:?}::{:?}", case.kind, case.via);
    if std::env::var_os(INSIDE).is_some() {
        return test(Network::new());
    }
    let unshare = |program: &std::path::Path| {
        let mut command = Command::new("unshare");
        // Who is not root may be it in a namespace of users, where the system allows that.
        command.args(["--user", "--map-root-user", "--net"]).arg(program);
        command
    };
    let possible =
        unshare("ip".as_ref()).args(["link", "add", "name", "a", "type", "veth"]).output();
    if !possible.as_ref().is_ok_and(|output| output.status.success()) {
        // Not by a macro, which is silent in a test that passes.
        let why = match possible {
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        let line = format!("NOT RUN: {name}: this system gives no network of its own ({why})\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return;
    }
    let mut again = unshare(&std::env::current_exe().unwrap());
    let output = again.args([&name, "--exact", "--nocapture"]).env(INSIDE, "1").output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let passed = output.status.success() && told.contains("1 passed");
    assert!(passed, "{told}{}", String::from_utf8_lossy(&output.stderr));
}

fn run(program: &str, args: &str) {
    let output = Command::new(program).args(args.split(' ')).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args}: {told}");
}

/// The client's end of the network, where this process is.
struct Network {
    server_pid: u32,
}

impl Network {
    fn new() -> Self {
        run("ip", "link set lo up");
        Self { server_pid: 0 }
    }

    /// Start the server at the other end, and connect the ends.
    fn start(&mut self, case: Case, mut options: serde_json::Value) -> Server {
        options["host"] = json!("0.0.0.0");
        options["launcher"] = json!(["unshare", "--net"]);
        let server = case.start(options);
        self.server_pid = server.pid();
        run("ip", "link add name near type veth peer name far");
        run("ip", &format!("link set far netns {}", self.server_pid));
        self.there(&format!("addr add {SERVER}/24 dev far"));
        self.there("link set far up");
        run("ip", "addr add 10.83.0.2/24 dev near");
        run("ip", "link set near up");
        server
    }

    /// `ip` at the server's end.
    fn there(&self, args: &str) {
        run("nsenter", &format!("--net --target {} ip {args}", self.server_pid));
    }

    /// The client is at another address from now on, and the old one is gone.
    fn change_address(&self) {
        run("ip", "addr del 10.83.0.2/24 dev near");
        run("ip", "addr add 10.83.0.3/24 dev near");
    }

    /// Let nothing through any more, without a sign to either end: frames go to a machine that does
    /// not exist. Or let everything through again.
    fn swallow(&self, swallow: bool) {
        for (prefix, peer, device) in [(None, SERVER, "near"), (Some(()), "10.83.0.2", "far")] {
            let args = if swallow {
                format!("neigh replace {peer} lladdr 02:00:00:00:00:99 dev {device} nud permanent")
            } else {
                format!("neigh del {peer} dev {device}")
            };
            match prefix {
                None => run("ip", &args),
                Some(()) => self.there(&args),
            }
        }
    }
}

/// A server, and a socket that has joined.
fn joined(case: Case, network: &mut Network, options: serde_json::Value) -> (Server, Host, Socket) {
    let server = network.start(case, options);
    let mut config = case.config(&format!("http://{SERVER}:{}", server.port()));
    config.reconnect.max = Duration::from_millis(500);
    let mut host = Host::new(config);
    let root = host.joined("/");
    if case.via == Via::Upgrade {
        host.until_transport(case.via.last());
    }
    host.answer(&root, "ack", "[]");
    (server, host, root)
}

/// The event that was emitted without a network, and the connection works.
#[track_caller]
fn assert_resumes(host: &mut Host, root: &Socket) {
    let (echo, _) = host.event("echo");
    assert_eq!(echo.decode::<String>(0).unwrap(), "meanwhile");
    assert_eq!(host.answer(root, "ack", "[1]")[0], json!(1));
    assert_eq!(host.states("/", SocketState::Rejoining), 1);
    assert_eq!(host.manager_states(ManagerState::Connected), 2);
}

pub(super) fn conformance_83_a_changed_address_is_noticed_by_the_heartbeat(case: Case) {
    let name = "conformance_83_a_changed_address_is_noticed_by_the_heartbeat";
    in_own_network(name, case, |mut network| {
        let (_server, mut host, root) = joined(case, &mut network, case.fast());
        network.change_address();
        let start = Instant::now();
        let (_, reason) = host.until_state("/", SocketState::Rejoining);
        let took = start.elapsed();
        root.emit("echo", "[\"meanwhile\"]").unwrap();
        assert!(took < Duration::from_millis(300 + 200 + 1_000), "{took:?}");
        // A system may also tell that the address is gone.
        let known = [DisconnectReason::PingTimeout, DisconnectReason::TransportError];
        assert!(reason.is_some_and(|reason| known.contains(&reason)), "{reason:?}");
        assert_resumes(&mut host, &root);
    });
}

pub(super) fn conformance_83_a_hint_moves_to_the_new_address_at_once(case: Case) {
    let name = "conformance_83_a_hint_moves_to_the_new_address_at_once";
    in_own_network(name, case, |mut network| {
        // By the heartbeat alone it would take three quarters of a minute.
        let (_server, mut host, root) = joined(case, &mut network, json!({}));
        network.change_address();
        let start = Instant::now();
        host.manager.network_changed().unwrap();
        host.until_state("/", SocketState::Rejoining);
        root.emit("echo", "[\"meanwhile\"]").unwrap();
        host.until_state("/", SocketState::Connected);
        let took = start.elapsed();
        // A second for the question whether the old path still works, and the new connection.
        assert!(took < Duration::from_secs(3), "{took:?}");
        assert_resumes(&mut host, &root);
    });
}

pub(super) fn conformance_83_a_link_that_was_down_is_used_as_soon_as_it_is_said_to_be_up(
    case: Case,
) {
    let name = "conformance_83_a_link_that_was_down_is_used_as_soon_as_it_is_said_to_be_up";
    in_own_network(name, case, |mut network| {
        let (_server, mut host, root) = joined(case, &mut network, case.fast());
        run("ip", "link set near down");
        let start = Instant::now();
        host.until_state("/", SocketState::Rejoining);
        assert!(start.elapsed() < Duration::from_millis(300 + 200 + 1_000), "{start:?}");
        root.emit("echo", "[\"meanwhile\"]").unwrap();
        let (_, error) = host.until_retry();
        host.manager.network_lost().unwrap();
        // It is rarely tried now.
        while host.within(Duration::from_millis(700), |_| Some(())).is_some() {}
        run("ip", "link set near up");
        let up = Instant::now();
        host.manager.network_available().unwrap();
        host.until_state("/", SocketState::Connected);
        assert!(up.elapsed() < Duration::from_secs(5), "{:?} after {error}", up.elapsed());
        assert_resumes(&mut host, &root);
    });
}

pub(super) fn conformance_84_a_path_that_swallows_everything_is_a_ping_timeout(case: Case) {
    let name = "conformance_84_a_path_that_swallows_everything_is_a_ping_timeout";
    in_own_network(name, case, |mut network| {
        let (_server, mut host, root) = joined(case, &mut network, case.fast());
        network.swallow(true);
        let start = Instant::now();
        root.emit("silence", "[]").unwrap();
        let (cause, reason) = host.until_state("/", SocketState::Rejoining);
        let took = start.elapsed();
        root.emit("echo", "[\"meanwhile\"]").unwrap();
        assert!(took < Duration::from_millis(300 + 200 + 1_000), "{took:?}");
        assert_eq!(reason, Some(DisconnectReason::PingTimeout));
        assert_eq!(cause.map(|error| error.code()), Some(Code::PingTimeout));
        network.swallow(false);
        assert_resumes(&mut host, &root);
    });
}
