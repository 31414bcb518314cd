//! Section A: URL and request construction.

use std::time::Duration;

use roamio::client::{Lookup, Registry, Socket, SocketEvent, SocketState};
use roamio::config::{Endpoint, Extra, HeaderList, ManagerConfig, Proxy};
use roamio::error::Code;
use serde_json::{Value, json};

use crate::case::{Case, Via, items};
use crate::fake::{Fake, Open, Request};
use crate::host::{Host, Told};
use crate::relay::Relay;
use crate::server::Server;

items! {
    1 "Default ports, explicit ports, IPv6 literals" asks [Local] {
        test conformance_01_urls_have_the_ports_of_their_schemes on [Local] over [];
        test conformance_01_a_default_port_is_not_named on [Local] over [];
    }
    2 "Path: default, custom, exactly one trailing slash or none" asks [Local V4] {
        elsewhere "src/config/tests.rs" conformance_02_a_path_has_one_slash_at_its_end_or_none on [Local] over [];
        test conformance_02_a_server_is_found_at_its_path on [V4] over all;
    }
    3 "The URL's path is the namespace and never in the HTTP path" asks [Local V2 V3 V4 Uvicorn Aiohttp Oxide] {
        elsewhere "src/client/registry.rs" conformance_03_the_path_of_a_url_is_the_namespace on [Local] over [];
        test conformance_03_the_path_of_a_url_is_joined_and_not_requested on all over all;
    }
    4 "A URL without scheme means https" asks [Local] {
        elsewhere "src/client/registry.rs" conformance_04_a_missing_scheme_means_https on [Local] over [];
    }
    5 "EIO, transport, sid and `t` on every request" asks [Fake V4] {
        test conformance_05_every_request_says_what_it_is_for on [Fake] over all;
        test conformance_05_a_server_sees_the_parameters on [V4] over all;
    }
    6 "User query arrives decoded, and cannot override reserved keys" asks [V2 V3 V4 Uvicorn Aiohttp] {
        test conformance_06_the_query_arrives_decoded on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over all;
        test conformance_06_reserved_parameters_are_refused on [Local] over [];
    }
    7 "Extra headers on handshake, polls, POSTs and upgrade" asks all {
        test conformance_07_headers_are_on_every_request on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over all;
    }
    8 "Options of one transport touch only that transport" asks [V4] {
        test conformance_08_what_one_transport_has_the_other_has_not on [V4] over all;
    }
    9 "Cookies come back on all later requests" asks [V2 V4 Fake] {
        test conformance_09_the_cookie_of_the_session_comes_back on [V2 V4] over [Polling Upgrade];
        not [V2 V4] over [Websocket] "these servers set their cookie in polling responses only";
        test conformance_09_cookies_of_any_response_come_back_on_all_later_requests on [Fake] over [Polling Upgrade];
        test conformance_09_the_cookie_of_a_websocket_handshake_comes_back on [Fake] over [Websocket Upgrade];
    }
    10 "Changed headers count from the next reconnection" asks [V4] {
        test conformance_10_changed_headers_are_on_the_next_connection on [V4] over all;
    }
}

fn conformance_01_urls_have_the_ports_of_their_schemes(_: Case) {
    for (url, host, port, secure) in [
        ("http://h", "h", 80, false),
        ("ws://h/", "h", 80, false),
        ("https://h", "h", 443, true),
        ("wss://h?x=1", "h", 443, true),
        ("http://h:443", "h", 443, false),
        ("https://h:80/chat", "h", 80, true),
        ("ws://h:3000", "h", 3000, false),
        ("http://[::1]", "::1", 80, false),
        ("wss://[2001:db8::7]:3000/", "2001:db8::7", 3000, true),
        ("http://127.0.0.1", "127.0.0.1", 80, false),
    ] {
        let (endpoint, _) = Endpoint::parse(url).unwrap();
        assert_eq!((endpoint.host.as_str(), endpoint.port), (host, port), "{url}");
        assert_eq!(endpoint.secure, secure, "{url}");
    }
}

/// A proxy sees what would be asked of hosts that do not exist.
fn conformance_01_a_default_port_is_not_named(_: Case) {
    for (url, authority, host) in [
        ("http://roamio.test", "roamio.test:80", "roamio.test"),
        ("http://roamio.test:80", "roamio.test:80", "roamio.test"),
        ("ws://roamio.test:3000", "roamio.test:3000", "roamio.test:3000"),
        ("http://roamio.test:443", "roamio.test:443", "roamio.test:443"),
        ("http://[2001:db8::7]", "[2001:db8::7]:80", "[2001:db8::7]"),
        ("http://[2001:db8::7]:8080", "[2001:db8::7]:8080", "[2001:db8::7]:8080"),
    ] {
        for via in [Via::Polling, Via::Websocket] {
            let mut fake = Fake::start();
            let (endpoint, _) = Endpoint::parse(url).unwrap();
            let mut config = ManagerConfig::new(endpoint);
            config.common.transports = via.config();
            config.common.proxy = Some(Proxy::parse(&fake.url()).unwrap());
            let host_program = Host::new(config);
            let root = host_program.socket("/");
            root.connect(None).unwrap();
            let connect = fake.request();
            assert_eq!((connect.method.as_str(), connect.target.as_str()), ("CONNECT", authority));
            connect.tunnel();
            let request = fake.request();
            assert_eq!(request.header("host"), Some(host), "{url}");
            // Without host and port: this is what a server sees.
            assert!(request.target.starts_with("/socket.io/?"), "{}", request.target);
        }
    }
}

/// Start a server that logs its requests.
fn logging(case: Case, mut options: Value) -> Server {
    options["log"] = json!(["request"]);
    case.start(options)
}

/// The requests that the server has seen so far.
fn requests(server: &Server) -> Vec<Value> {
    server.log().into_iter().filter(|line| line["log"] == "request").collect()
}

/// Join, go through every kind of request that the transport has, and give back all that were seen.
fn all_requests(case: Case, config: ManagerConfig, server: &Server) -> (Host, Socket, Vec<Value>) {
    let mut host = Host::new(config);
    let root = host.joined("/");
    host.until_transport(case.via.last());
    host.answer(&root, "echo", "[1]");
    let is = |method: &'static str, upgrade: bool| {
        move |line: &Value| {
            line["log"] == "request" && line["method"] == method && line["upgrade"] == upgrade
        }
    };
    if case.via != Via::Websocket {
        server.until_count("polls", 2, is("GET", false));
    }
    if case.via == Via::Polling || case.via == Via::Upgrade && !case.kind.is_revision_3() {
        // The CONNECT, which revision 3 has none of, or the event.
        server.until_count("a POST", 1, is("POST", false));
    }
    if case.via != Via::Polling {
        server.until_count("a WebSocket", 1, is("GET", true));
    }
    (host, root, requests(server))
}

fn conformance_02_a_server_is_found_at_its_path(case: Case) {
    for (options, path, slash, wire) in [
        (json!({}), "/socket.io", true, "/socket.io/"),
        (json!({ "path": "/custom" }), "/custom", true, "/custom/"),
        (json!({ "path": "/custom/" }), "/custom/", true, "/custom/"),
        (json!({ "path": "/a/b", "addTrailingSlash": false }), "/a/b/", false, "/a/b"),
    ] {
        let server = logging(case, options);
        let mut config = case.config(&server.url());
        config.endpoint.set_path(path, slash);
        let (_host, _root, requests) = all_requests(case, config, &server);
        for request in requests {
            assert_eq!(request["path"], wire);
        }
    }
}

fn conformance_03_the_path_of_a_url_is_joined_and_not_requested(case: Case) {
    let server = logging(case, json!({}));
    let registry = Registry::new();
    for (suffix, namespace) in [("", "/"), ("/", "/"), ("/chat", "/chat"), ("/admin?x=1", "/admin")]
    {
        let (tell, told) = std::sync::mpsc::channel();
        let lookup =
            Lookup { config: case.config(&server.url()), multiplex: false, ..Lookup::default() };
        let url = format!("{}{suffix}", server.url());
        let (_manager, socket) = registry
            .socket(&url, lookup, move |event| {
                if let SocketEvent::State { transition, .. } = event {
                    let _ = tell.send(transition.state);
                }
            })
            .unwrap();
        assert_eq!(socket.namespace(), namespace);
        socket.connect(None).unwrap();
        while told.recv_timeout(crate::server::PATIENCE).unwrap() != SocketState::Connected {}
        server.until("a join", |line| {
            (line["log"] == "join" && line["namespace"] == namespace).then_some(())
        });
    }
    for request in requests(&server) {
        assert_eq!(request["path"], "/socket.io/");
    }
}

fn conformance_05_every_request_says_what_it_is_for(case: Case) {
    for timestamps in [None, Some(true), Some(false)] {
        let mut fake = Fake::start();
        let mut config = case.config(&fake.url());
        config.common.transports.timestamp_requests = timestamps;
        config.common.transports.timestamp_param = "at".into();
        let host = Host::new(config);
        let root = host.socket("/");
        root.connect(None).unwrap();
        let mut stamps = Vec::new();
        let mut check = |request: &Request, transport: &str, sid: Option<&str>| {
            assert_eq!(request.query("EIO"), Some("4"));
            assert_eq!(request.query("transport"), Some(transport));
            assert_eq!(request.query("sid"), sid);
            let wanted = timestamps.unwrap_or(transport == "polling");
            assert_eq!(request.query("at").is_some(), wanted, "{request:?}");
            stamps.extend(request.query("at").map(str::to_owned));
        };
        let open = Open::default();
        let request = fake.handshake();
        if case.via == Via::Websocket {
            check(&request, "websocket", None);
            continue;
        }
        check(&request, "polling", None);
        request.ok(&open.packet());
        let post = fake.post();
        check(&post, "polling", Some(&open.sid));
        post.ok("ok");
        for _ in 0..2 {
            let poll = fake.poll();
            check(&poll, "polling", Some(&open.sid));
            poll.ok("6");
        }
        if case.via == Via::Upgrade {
            check(&fake.websocket(), "websocket", Some(&open.sid));
        }
        let all = stamps.len();
        stamps.sort();
        stamps.dedup();
        assert_eq!(stamps.len(), all, "no stamp is used twice");
    }
}

fn conformance_05_a_server_sees_the_parameters(case: Case) {
    let server = logging(case, json!({}));
    let (_host, _root, requests) = all_requests(case, case.config(&server.url()), &server);
    let sid = server.until("an engine", |line| (line["log"] == "open").then(|| line["id"].clone()));
    for (index, request) in requests.iter().enumerate() {
        let query = &request["query"];
        assert_eq!(query["EIO"], "4");
        let transport = if request["upgrade"] == true { "websocket" } else { "polling" };
        assert_eq!(query["transport"], transport);
        assert_eq!(query["t"].is_string(), transport == "polling");
        assert_eq!(query["sid"], if index == 0 { Value::Null } else { sid.clone() });
    }
}

fn conformance_06_the_query_arrives_decoded(case: Case) {
    let mut config = case.config(&case.shared().url());
    config.endpoint.query =
        "plain=x&space=a%20b&and=a%26b&is=a%3Db&cent=100%25&all=%C3%BC%E2%82%AC%F0%9F%98%80&empty="
            .into();
    let mut host = Host::new(config);
    let root = host.joined("/");
    let seen = host.answer(&root, "handshake", "[]").remove(0);
    for (name, value) in [
        ("plain", "x"),
        ("space", "a b"),
        ("and", "a&b"),
        ("is", "a=b"),
        ("cent", "100%"),
        ("all", "ü€😀"),
        ("empty", ""),
    ] {
        assert_eq!(seen["query"][name], value, "{seen}");
    }
}

fn conformance_06_reserved_parameters_are_refused(case: Case) {
    for query in ["EIO=3", "a=b&sid=x", "transport=polling", "%45IO=3"] {
        let mut config = case.config("http://127.0.0.1");
        config.endpoint.query = query.into();
        let error = roamio::client::Manager::new(config, |_| {}).unwrap_err();
        assert!(matches!(error.code(), Code::InvalidArgument | Code::InvalidUrl), "{error}");
        assert!(Endpoint::parse(&format!("http://h/?{query}")).is_err());
    }
}

fn headers(list: &[(&str, &str)]) -> HeaderList {
    HeaderList(list.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
}

fn conformance_07_headers_are_on_every_request(case: Case) {
    let server = logging(case, json!({}));
    let mut config = case.config(&server.url());
    config.common.headers = headers(&[("X-Roamio", "one two"), ("Authorization", "Bearer t")]);
    let (_host, _root, requests) = all_requests(case, config, &server);
    for request in requests {
        let seen = &request["headers"];
        assert_eq!(
            (&seen["x-roamio"], &seen["authorization"]),
            (&json!("one two"), &json!("Bearer t"))
        );
    }
}

fn conformance_08_what_one_transport_has_the_other_has_not(case: Case) {
    let server = logging(case, json!({}));
    let mut config = case.config(&server.url());
    let extra = |mark: &str| Extra {
        query: format!("mark={mark}"),
        headers: headers(&[(if mark == "p" { "X-Polling" } else { "X-Websocket" }, mark)]),
    };
    config.common.transports.polling = extra("p");
    config.common.transports.websocket = extra("w");
    let (_host, _root, requests) = all_requests(case, config, &server);
    for request in requests {
        let (own, other, mark) = if request["upgrade"] == true {
            ("x-websocket", "x-polling", "w")
        } else {
            ("x-polling", "x-websocket", "p")
        };
        assert_eq!(request["query"]["mark"], mark);
        assert_eq!(request["headers"][own], mark);
        assert!(request["headers"][other].is_null());
    }
}

fn conformance_09_the_cookie_of_the_session_comes_back(case: Case) {
    let options = if case.kind.is_revision_3() { json!({}) } else { json!({ "cookie": true }) };
    let server = logging(case, options);
    let mut config = case.config(&server.url());
    config.common.headers = headers(&[("Cookie", "mine=1")]);
    let (_host, _root, seen) = all_requests(case, config, &server);
    let sid = server.until("an engine", |line| {
        (line["log"] == "open").then(|| line["id"].as_str().unwrap().to_owned())
    });
    let cookies = |request: &Value| {
        let text = request["headers"]["cookie"].as_str().unwrap_or_default().to_owned();
        let mut cookies: Vec<String> = text.split("; ").map(str::to_owned).collect();
        cookies.sort();
        cookies
    };
    assert_eq!(cookies(&seen[0]), ["mine=1"]);
    for request in &seen[1..] {
        assert_eq!(cookies(request), [format!("io={sid}"), "mine=1".into()], "{request}");
    }
}

/// The cookies of a request, in any order.
fn cookies(request: &Request) -> Vec<String> {
    let text = request.header("cookie").unwrap_or_default();
    let mut cookies: Vec<String> =
        text.split("; ").filter(|cookie| !cookie.is_empty()).map(str::to_owned).collect();
    cookies.sort();
    cookies
}

fn conformance_09_cookies_of_any_response_come_back_on_all_later_requests(case: Case) {
    let mut fake = Fake::start();
    let host = Host::new(case.config(&fake.url()));
    let root = host.socket("/");
    root.connect(None).unwrap();
    let open = Open::default();
    let handshake = fake.handshake();
    assert_eq!(cookies(&handshake), [""; 0]);
    let set = [
        ("Set-Cookie", "balancer=\"one\"; Path=/; HttpOnly"),
        ("Set-Cookie", "short=1; Max-Age=3600"),
    ];
    handshake.answer(200, &set, open.packet().as_bytes());
    let post = fake.post();
    assert_eq!(cookies(&post), ["balancer=one", "short=1"]);
    post.answer(200, &[("Set-Cookie", "posted=yes")], b"ok");
    // The poll left before or after that.
    let poll = fake.poll();
    assert!(cookies(&poll).starts_with(&["balancer=one".into()]), "{poll:?}");
    // One is changed, one removed, one expired when it comes.
    let set = [
        ("Set-Cookie", "balancer=two"),
        ("Set-Cookie", "short=; Max-Age=0"),
        ("Set-Cookie", "late=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT"),
    ];
    poll.answer(200, &set, b"6");
    let poll = fake.poll();
    assert_eq!(cookies(&poll), ["balancer=two", "posted=yes"]);
    if case.via == Via::Upgrade {
        // It was sent meanwhile, or is soon.
        let websocket = fake.websocket();
        assert!(websocket.header("cookie").unwrap().contains("balancer="), "{websocket:?}");
    }
}

fn conformance_09_the_cookie_of_a_websocket_handshake_comes_back(case: Case) {
    let mut fake = Fake::start();
    let mut host = Host::new(case.config(&fake.url()));
    let root = host.socket("/");
    root.connect(None).unwrap();
    let set = [("Set-Cookie", "socket=here; HttpOnly")];
    let open = Open::default();
    if case.via == Via::Upgrade {
        fake.handshake().ok(&open.packet());
        let mut peer = fake.websocket().upgrade_with(&set);
        peer.expect("2probe");
        fake.post().ok("ok");
        fake.poll().ok("6");
        let poll = fake.poll();
        assert_eq!(cookies(&poll), ["socket=here"]);
        return;
    }
    let mut peer = fake.websocket().upgrade_with(&set);
    peer.send(&open.packet());
    peer.expect("40");
    peer.send("40{\"sid\":\"id\"}");
    host.until_state("/", SocketState::Connected);
    peer.reset();
    assert_eq!(cookies(&fake.websocket()), ["socket=here"]);
}

fn conformance_10_changed_headers_are_on_the_next_connection(case: Case) {
    let server = logging(case, json!({}));
    let relay = Relay::new(server.port());
    let mut config = case.config(&relay.url());
    config.common.headers = headers(&[("X-Round", "1")]);
    let (mut host, _root, first) = all_requests(case, config, &server);
    host.manager.set_headers(headers(&[("X-Round", "2")])).unwrap();
    relay.reset();
    host.until_state("/", SocketState::Rejoining);
    let before = requests(&server).len();
    host.until_state("/", SocketState::Connected);
    // Whatever came before the loss has the old one.
    for request in &first {
        assert_eq!(request["headers"]["x-round"], "1");
    }
    server
        .until_count("requests of the new connection", before + 1, |line| line["log"] == "request");
    let after = requests(&server);
    let handshake = after.iter().rposition(|request| request["query"]["sid"].is_null()).unwrap();
    for request in &after[handshake..] {
        assert_eq!(request["headers"]["x-round"], "2", "{request}");
    }
    assert!(
        host.within(Duration::ZERO, |told| match told {
            Told::Socket(_, SocketEvent::ConnectError { error, .. }) => Some(error.clone()),
            _ => None,
        })
        .is_none()
    );
}
