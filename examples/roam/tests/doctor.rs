//! `roam doctor` finds what is wrong, names it, and says what to do.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod support;

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use rcgen::{CertificateParams, Issuer, KeyPair, date_time_ymd};
use roamio_portal::{Server, ServerConfig, TlsIdentity};
use serde_json::Value;

use support::polling_server;
use support::program::roam;

/// What the doctor says about a URL, and its exit status.
fn examine(url: &str, words: &[&str]) -> (Value, i32) {
    let output = roam(&[&["doctor", "--json", url], words].concat()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let report = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    (report, output.status.code().unwrap())
}

/// The step of this name.
fn step<'a>(report: &'a Value, name: &str) -> &'a Value {
    let steps = report["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["step"] == name);
    step.unwrap_or_else(|| panic!("no {name}: {report:#}"))
}

fn assert_results(report: &Value, expected: &[(&str, &str)]) {
    let steps = report["steps"].as_array().unwrap();
    let found: Vec<_> = steps
        .iter()
        .map(|step| (step["step"].as_str().unwrap(), step["result"].as_str().unwrap()))
        .collect();
    assert_eq!(found, expected, "{report:#}");
}

/// The step that has failed is this one, the last, with this code and cause.
fn assert_failed(examined: &(Value, i32), name: &str, code: &str, cause: &str) {
    let (report, status) = examined;
    assert_eq!((*status, &report["ok"]), (1, &Value::Bool(false)), "{report:#}");
    let failed = step(report, name);
    assert_eq!((&failed["result"], &failed["error"]["code"]), (&"failed".into(), &code.into()));
    assert!(failed["cause"].as_str().unwrap().contains(cause), "{failed:#}");
    assert!(!failed["advice"].as_str().unwrap().is_empty());
}

/// A portal whose certificate is for these names, signed by nobody that anybody knows; and its
/// issuer's certificate.
fn portal(params: impl FnOnce(&mut CertificateParams), name: &str, own: bool) -> (Server, String) {
    let key = KeyPair::generate().unwrap();
    let mut certificate = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params(&mut certificate);
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.distinguished_name.push(rcgen::DnType::CommonName, "issuer");
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let signed = match own {
        true => certificate.self_signed(&key).unwrap(),
        false => certificate.signed_by(&key, &issuer).unwrap(),
    };
    let tls = TlsIdentity { certificate: signed.pem(), key: key.serialize_pem() };
    let config = ServerConfig { tls: Some(tls), ..ServerConfig::default() };
    (Server::start_blocking(config).unwrap(), root)
}

/// A file with the certificate of an authority.
fn file(name: &str, text: &str) -> String {
    let path = std::env::temp_dir().join(format!("roam-doctor-{}-{name}", std::process::id()));
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_server_that_is_well_is_found_well() {
    let (portal, root) = portal(|_| {}, "localhost", false);
    let root = file("fine.pem", &root);
    let url = format!("https://localhost:{}/echo?secret=1", portal.port());
    let (report, status) = examine(&url, &["--ca", &root]);
    assert_results(
        &report,
        &[
            ("dns", "ok"),
            ("proxy", "skipped"),
            ("tcp", "ok"),
            ("tls", "ok"),
            ("engine.io", "ok"),
            ("websocket", "ok"),
            ("polling", "ok"),
            ("upgrade", "ok"),
            ("namespace", "ok"),
            ("latency", "ok"),
        ],
    );
    assert_eq!(status, 0);
    assert!(step(&report, "engine.io")["found"].as_str().unwrap().contains("revision 4"));
    for step in report["steps"].as_array().unwrap() {
        assert!(step["result"] == "skipped" || step["ms"].is_u64(), "{step}");
    }
    assert!(!report.to_string().contains("secret"), "queries may be credentials");
    fs::remove_file(root).unwrap();
}

#[test]
fn what_is_wrong_with_a_certificate_is_named() {
    let at = |portal: &Server| format!("https://localhost:{}/", portal.port());
    let (own, _) = portal(|_| {}, "localhost", true);
    let problem = |url: &str, words: &[&str], cause| {
        let examined = examine(url, words);
        assert_failed(&examined, "tls", "TLS_CERTIFICATE", cause);
        step(&examined.0, "tls")["error"]["certificate"].clone()
    };
    assert_eq!(problem(&at(&own), &[], "self-signed"), "self_signed");
    let (unknown, _) = portal(|_| {}, "localhost", false);
    assert_eq!(problem(&at(&unknown), &[], "issuer is unknown"), "unknown_issuer");
    let (other, root) = portal(|_| {}, "other.test", false);
    let root = file("root.pem", &root);
    assert_eq!(problem(&at(&other), &["--ca", &root], "another host"), "wrong_host");
    let over = |params: &mut CertificateParams| params.not_after = date_time_ymd(2020, 1, 1);
    let (over, issuer) = portal(over, "localhost", false);
    fs::write(&root, issuer).unwrap();
    assert_eq!(problem(&at(&over), &["--ca", &root], "expired"), "expired");
    let early = |params: &mut CertificateParams| {
        (params.not_before, params.not_after) =
            (date_time_ymd(3000, 1, 1), date_time_ymd(3001, 1, 1));
    };
    let (early, issuer) = portal(early, "localhost", false);
    fs::write(&root, issuer).unwrap();
    assert_eq!(problem(&at(&early), &["--ca", &root], "not yet valid"), "not_yet_valid");
    fs::remove_file(root).unwrap();
}

#[test]
fn a_way_that_ends_early_is_told_where() {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let examined = examine(&format!("http://{closed}/"), &[]);
    assert_failed(&examined, "tcp", "CONNECT", "nobody listens");
    assert_results(&examined.0, &[("dns", "skipped"), ("proxy", "skipped"), ("tcp", "failed")]);
    let proxy = format!("http://{closed}");
    let examined = examine("http://portal.test/", &["--proxy", &proxy]);
    assert_failed(&examined, "proxy", "PROXY", "proxy cannot be reached");
    let examined = examine("http://nowhere.invalid/", &[]);
    assert_failed(&examined, "dns", "DNS", "name does not exist");
}

#[test]
fn a_server_that_is_another_is_told() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            listener.set_nonblocking(true).unwrap();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, axum::Router::new()).await.unwrap();
        });
    });
    let examined = examine(&format!("http://{address}/"), &[]);
    assert_failed(&examined, "engine.io", "HTTP_STATUS", "no Socket.IO server");
    let examined = examine(&format!("https://{address}/"), &[]);
    assert_failed(&examined, "tls", "TLS_HANDSHAKE", "does not speak TLS");
}

#[test]
fn a_server_without_websocket_is_usable_with_a_warning() {
    let (report, status) = examine(&format!("http://{}/asking", polling_server::start()), &[]);
    let expected = [("websocket", "warning"), ("polling", "ok"), ("upgrade", "skipped")];
    for (name, result) in expected.into_iter().chain([("namespace", "ok"), ("latency", "ok")]) {
        assert_eq!(step(&report, name)["result"], result, "{report:#}");
    }
    assert_eq!((status, &report["ok"]), (0, &Value::Bool(true)));
}

#[test]
fn a_namespace_that_is_refused_is_told_with_the_servers_words() {
    let portal = Server::start_blocking(ServerConfig::default()).unwrap();
    let url = format!("{}/nowhere", portal.url());
    let examined = examine(&url, &[]);
    assert_failed(&examined, "namespace", "CONNECT_ERROR", "does not let this client");
    assert!(step(&examined.0, "namespace")["error"]["server"].is_object());
    assert_eq!(step(&examined.0, "upgrade")["result"], "ok", "over the main namespace");
    let table = roam(&["doctor", &url]).output().unwrap();
    let text = String::from_utf8(table.stdout).unwrap();
    assert_eq!(table.status.code(), Some(1));
    for part in ["ok    tcp", "FAIL  namespace", "cause:", "do:", "the server says"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains('\u{1b}'), "no colours where there is no terminal");
}
