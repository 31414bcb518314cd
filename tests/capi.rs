//! Programs in C against the library: as they are, under AddressSanitizer and under valgrind.
//!
//! Proves fault-matrix rows M01, M02, M04 to M07, M09, M10, M14, M17 to M19 and M26.

#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

#[path = "tls/certificates.rs"]
#[allow(dead_code, missing_docs, unreachable_pub)]
mod certificates;
#[path = "capi/echo.rs"]
mod echo;
#[path = "capi/programs.rs"]
#[allow(dead_code, missing_docs, unreachable_pub)]
mod programs;
#[path = "conformance/server.rs"]
#[allow(clippy::disallowed_methods, dead_code, missing_docs, unreachable_pub)]
mod server;
#[path = "capi/stuck.rs"]
mod stuck;

use std::fs;

use programs::{Watch, folder, run_c as run};
use roamio_portal::model::{Audience, TextBurst};
use roamio_portal::{Server, ServerConfig, TlsIdentity};
use serde_json::json;

fn misuse(watch: Watch) {
    run("misuse", watch, &[]);
}

fn lifetimes(watch: Watch, rounds: u32) {
    let measure = if watch == Watch::None { "1" } else { "0" };
    run("lifetimes", watch, &[rounds.to_string(), measure.into()]);
}

fn sockets(watch: Watch, rounds: u32) {
    let port = echo::start().port();
    run("sockets", watch, &[port.to_string(), rounds.to_string()]);
}

fn modes(watch: Watch, rounds: u32) {
    let port = echo::start().port();
    run("modes", watch, &[port.to_string(), rounds.to_string()]);
}

fn listeners(watch: Watch, rounds: u32) {
    let port = echo::start().port();
    run("listeners", watch, &[port.to_string(), rounds.to_string()]);
}

fn answers(watch: Watch, rounds: u32) {
    let recovery = json!({ "connectionStateRecovery": { "maxDisconnectionDuration": 60_000 } });
    let server = server::Server::start(server::Kind::V4, recovery);
    run("answers", watch, &[server.url(), stuck::start(), rounds.to_string()]);
}

/// Tokens for as many users.
fn tokens(server: &Server, count: usize) -> Vec<String> {
    let token = |user| server.mint_token("room", &format!("user{user}"), "presenter");
    (0..count).map(token).collect()
}

fn conference(watch: Watch) {
    programs::prepare(watch);
    let portal = || {
        let server = Server::start_blocking(ServerConfig::default()).unwrap();
        let to = Audience::Room("room".into());
        let texts = TextBurst { to, prefix: "text ".into(), first: 0, count: 100_000, gap: 5 };
        server.send_texts(texts);
        server
    };
    let server = portal();
    run("conference", watch, &tokens(&server, 1));
    let server = portal();
    server.swallow_acks(None, "text", 1_000);
    run("conference", watch, &tokens(&server, 18));
}

fn renewal(watch: Watch) {
    programs::prepare(watch);
    let server = Server::start_blocking(ServerConfig::default()).unwrap();
    run("renewal", watch, &tokens(&server, 8));
}

fn network(watch: Watch) {
    let authority = certificates::Authority::new("root");
    let client = authority.sign("client");
    let certificates::Identity { certificates: certificate, key, .. } = authority.sign("127.0.0.1");
    let tls = Some(TlsIdentity { certificate, key });
    let server = Server::start_blocking(ServerConfig { tls, ..ServerConfig::default() }).unwrap();
    let archive = folder().join(format!("client-{watch:?}-{}.p12", std::process::id()));
    fs::write(&archive, client.pkcs12("hunter2")).unwrap();
    let path = archive.display().to_string();
    let mut args = vec![client.certificates, client.key, path, "hunter2".into()];
    if watch != Watch::Valgrind {
        // Under valgrind the handshake takes longer than a connection may take.
        args.push(server.port().to_string());
    }
    run("network", watch, &args);
    let _ = fs::remove_file(&archive);
}

#[test]
fn misuse_is_answered() {
    misuse(Watch::None);
}

#[test]
fn misuse_is_answered_under_address_sanitizer() {
    misuse(Watch::Sanitizer);
}

#[test]
fn misuse_is_answered_under_valgrind() {
    misuse(Watch::Valgrind);
}

#[test]
fn objects_come_and_go_and_leave_nothing() {
    lifetimes(Watch::None, 20_000);
}

#[test]
fn objects_come_and_go_and_leave_nothing_under_address_sanitizer() {
    lifetimes(Watch::Sanitizer, 2_000);
}

#[test]
fn objects_come_and_go_and_leave_nothing_under_valgrind() {
    lifetimes(Watch::Valgrind, 100);
}

#[test]
fn options_of_tls_and_proxies_are_checked() {
    network(Watch::None);
}

#[test]
fn options_of_tls_and_proxies_are_checked_under_address_sanitizer() {
    network(Watch::Sanitizer);
}

#[test]
fn options_of_tls_and_proxies_are_checked_under_valgrind() {
    network(Watch::Valgrind);
}

#[test]
fn a_system_without_threads_delays_and_loses_nothing() {
    run("threads", Watch::None, &["end".into()]);
    run("threads", Watch::None, &["dial".into()]);
}

#[test]
fn sockets_end_as_promised() {
    sockets(Watch::None, 30);
}

#[test]
fn sockets_end_as_promised_under_address_sanitizer() {
    sockets(Watch::Sanitizer, 10);
}

#[test]
fn sockets_end_as_promised_under_valgrind() {
    sockets(Watch::Valgrind, 1);
}

#[test]
fn callbacks_run_where_the_host_wants_them() {
    modes(Watch::None, 30);
}

#[test]
fn callbacks_run_where_the_host_wants_them_under_address_sanitizer() {
    modes(Watch::Sanitizer, 10);
}

#[test]
fn callbacks_run_where_the_host_wants_them_under_valgrind() {
    modes(Watch::Valgrind, 1);
}

#[test]
fn listeners_are_called_and_destroyed_as_promised() {
    listeners(Watch::None, 30);
}

#[test]
fn listeners_are_called_and_destroyed_as_promised_under_address_sanitizer() {
    listeners(Watch::Sanitizer, 10);
}

#[test]
fn listeners_are_called_and_destroyed_as_promised_under_valgrind() {
    listeners(Watch::Valgrind, 1);
}

#[test]
fn questions_are_asked_and_options_hold() {
    answers(Watch::None, 10);
}

#[test]
fn questions_are_asked_and_options_hold_under_address_sanitizer() {
    answers(Watch::Sanitizer, 5);
}

#[test]
fn questions_are_asked_and_options_hold_under_valgrind() {
    answers(Watch::Valgrind, 1);
}

#[test]
fn conferences_end_as_promised() {
    conference(Watch::None);
}

#[test]
fn conferences_end_as_promised_under_address_sanitizer() {
    conference(Watch::Sanitizer);
}

#[test]
fn conferences_end_as_promised_under_valgrind() {
    conference(Watch::Valgrind);
}

#[test]
fn sessions_are_replaced_and_restored() {
    renewal(Watch::None);
}

#[test]
fn sessions_are_replaced_and_restored_under_address_sanitizer() {
    renewal(Watch::Sanitizer);
}

#[test]
fn sessions_are_replaced_and_restored_under_valgrind() {
    renewal(Watch::Valgrind);
}
