//! The options that `docs/options.md` shows are those of the code, with their defaults.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::time::Duration;

use roamio::client::{EmitOptions, RequestOptions};
use roamio::config::{
    ConferenceConfig, Endpoint, Limits, ManagerConfig, ReconnectPolicy, Retries, SocketOptions,
    Timeouts, TlsConfig, TransportConfig,
};

const OPTIONS: &str = include_str!("../docs/options.md");
const HEADER: &str = include_str!("../include/roamio.h");

#[test]
fn the_names_of_options_in_c_are_in_the_header() {
    let words = HEADER.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_');
    let known: BTreeSet<&str> = words.collect();
    let headings =
        ["Manager", "Transports", "Reconnection", "Time limits", "Limits", "TLS", "Conference"];
    for heading in headings {
        for [name, c, ..] in table(heading) {
            for part in c.split(", ").filter(|part| !part.is_empty()) {
                let part = part.trim_matches('`');
                let prefix = match heading {
                    "Time limits" => "ROAM_TIMEOUT_",
                    "Limits" => "ROAM_LIMIT_",
                    _ if part.starts_with("ROAM_") || part.starts_with("on_") => "",
                    "Conference" => "roam_conference_config_",
                    _ => "roam_config_",
                };
                let full = format!("{prefix}{part}");
                let is_known = known.contains(full.as_str()) || has_member(&full);
                assert!(is_known, "{heading}: {name}: {full}");
            }
        }
    }
    for heading in ["Socket", "Emit", "Request"] {
        for [name, c, ..] in table(heading) {
            let mut members = c.split(", ").map(|member| member.trim_matches('`'));
            assert!(members.all(has_member), "{heading}: {name}: {c}");
        }
    }
}

/// Whether a struct of the header has a member of this name.
fn has_member(name: &str) -> bool {
    [format!(" {name};"), format!(" *{name};"), format!("(*{name})")]
        .iter()
        .any(|member| HEADER.contains(member))
}

/// The rows of the first table under a heading, without its head. Code marks stay.
fn table(heading: &str) -> Vec<[&str; 4]> {
    let start = OPTIONS.find(&format!("\n## {heading}\n"));
    let start = start.unwrap_or_else(|| panic!("no {heading}"));
    let lines = OPTIONS[start..].lines().skip_while(|line| !line.starts_with('|'));
    let rows = lines.take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        std::array::from_fn(|_| cells.next().unwrap_or_default())
    })
    .collect()
}

/// Compare name and default of each row with what the code has.
fn compare(heading: &str, expected: &[(&str, String)]) {
    let shown: Vec<(String, String)> = table(heading)
        .iter()
        .map(|[name, _, default, _]| (name.replace('`', ""), default.replace('`', "")))
        .collect();
    let expected: Vec<(String, String)> =
        expected.iter().map(|(name, default)| ((*name).to_owned(), default.clone())).collect();
    assert_eq!(shown, expected, "{heading}");
}

fn time(limit: Duration) -> String {
    match limit.as_millis() {
        ms if ms < 1_000 => format!("{ms} ms"),
        _ => format!("{} s", limit.as_secs_f64()),
    }
}

fn on_or_off(on: bool) -> String {
    if on { "on" } else { "off" }.into()
}

fn none_if(is_none: bool) -> String {
    assert!(is_none, "there is a default");
    "none".into()
}

fn number(number: usize) -> String {
    let text = number.to_string();
    match text.len() {
        0..=3 => text,
        digits => format!("{},{}", &text[..digits - 3], &text[digits - 3..]),
    }
}

fn mebibytes(bytes: usize) -> String {
    format!("{} MiB", bytes >> 20)
}

fn name(value: impl Debug) -> String {
    format!("{value:?}")
}

// Every field is named, so that a new option does not compile before it is in the table.

#[test]
fn the_options_of_a_manager_are_in_the_table_with_their_defaults() {
    let below = |page: &str| format!("[below](#{page})");
    let ManagerConfig {
        endpoint: Endpoint { path, query, secure: _, host: _, port: _ },
        common,
        reconnect: _,
        ack_timeout,
        parser,
        ask_target,
        rejoin_after_server_disconnect,
        recover_after_disconnect,
    } = ManagerConfig::new(Endpoint::default());
    assert!(query.is_empty());
    let roamio::config::CommonConfig {
        headers,
        transports: _,
        tls: _,
        proxy,
        local_address,
        on_socket,
        timeouts: _,
        limits: _,
        dispatch,
        trace,
    } = common;
    let expected = [
        ("endpoint", format!("path {path}")),
        ("common.headers", none_if(headers.0.is_empty())),
        ("common.transports", below("transports")),
        ("common.tls", below("tls")),
        ("common.proxy", none_if(proxy.is_none())),
        ("common.local_address", none_if(local_address.is_none())),
        ("common.on_socket", none_if(on_socket.is_none())),
        ("common.timeouts", below("time-limits")),
        ("common.limits", below("limits")),
        ("common.dispatch", name(dispatch)),
        ("common.trace", none_if(trace.is_none())),
        ("reconnect", below("reconnection")),
        ("ack_timeout", time(ack_timeout.unwrap())),
        ("parser", name(parser)),
        ("ask_target", on_or_off(ask_target)),
        ("rejoin_after_server_disconnect", on_or_off(rejoin_after_server_disconnect)),
        ("recover_after_disconnect", on_or_off(recover_after_disconnect)),
    ];
    compare("Manager", &expected);
}

#[test]
fn the_options_of_transports_are_in_the_table_with_their_defaults() {
    let TransportConfig {
        order,
        opening,
        race_after,
        upgrade,
        upgrade_again_after,
        remember_upgrade,
        revision,
        force_base64,
        timestamp_requests,
        timestamp_param,
        cookies,
        protocols,
        polling,
        websocket,
    } = TransportConfig::default();
    assert_eq!(timestamp_requests, None);
    let expected = [
        ("order", order.iter().map(name).collect::<Vec<_>>().join(", ")),
        ("opening", name(opening)),
        ("race_after", time(race_after)),
        ("upgrade", on_or_off(upgrade)),
        ("upgrade_again_after", time(upgrade_again_after)),
        ("remember_upgrade", on_or_off(remember_upgrade)),
        ("revision", name(revision)),
        ("force_base64", on_or_off(force_base64)),
        ("timestamp_requests", "on polling".into()),
        ("timestamp_param", timestamp_param),
        ("cookies", on_or_off(cookies)),
        ("protocols", none_if(protocols.is_empty())),
        ("polling", none_if(polling == Default::default())),
        ("websocket", none_if(websocket == Default::default())),
    ];
    compare("Transports", &expected);
}

#[test]
fn the_options_of_reconnection_are_in_the_table_with_their_defaults() {
    let ReconnectPolicy {
        enabled,
        min,
        max,
        factor,
        jitter,
        attempts,
        floor,
        stable_after,
        dials_per_10s,
    } = ReconnectPolicy::default();
    assert_eq!(attempts, None);
    let expected = [
        ("enabled", on_or_off(enabled)),
        ("min", time(min)),
        ("max", time(max)),
        ("factor", factor.to_string()),
        ("jitter", jitter.to_string()),
        ("attempts", "no end".into()),
        ("floor", time(floor)),
        ("stable_after", time(stable_after)),
        ("dials_per_10s", dials_per_10s.to_string()),
    ];
    compare("Reconnection", &expected);
}

#[test]
fn the_limits_of_times_and_sizes_are_in_the_tables_with_their_defaults() {
    let Timeouts { attempt, dns, tcp, tls, open, namespace, upgrade, post, provider } =
        Timeouts::default();
    let names =
        ["attempt", "dns", "tcp", "tls", "open", "namespace", "upgrade", "post", "provider"];
    let limits = [attempt, dns, tcp, tls, open, namespace, upgrade, post, provider].map(time);
    compare("Time limits", &names.into_iter().zip(limits).collect::<Vec<_>>());
    let Limits {
        inbound_message,
        inbound_attachments,
        outbound_attachments,
        json_depth,
        wire_queue_events,
        wire_queue_bytes,
        host_queue_events,
        host_queue_bytes,
    } = Limits::default();
    let expected = [
        ("inbound_message", mebibytes(inbound_message)),
        ("inbound_attachments", number(inbound_attachments)),
        ("outbound_attachments", number(outbound_attachments)),
        ("json_depth", number(json_depth)),
        ("wire_queue_events", number(wire_queue_events)),
        ("wire_queue_bytes", mebibytes(wire_queue_bytes)),
        ("host_queue_events", number(host_queue_events)),
        ("host_queue_bytes", mebibytes(host_queue_bytes)),
    ];
    compare("Limits", &expected);
}

#[test]
fn the_options_of_tls_are_in_the_table_with_their_defaults() {
    let TlsConfig {
        extra_roots,
        identity,
        spki_pins,
        server_name,
        min_version,
        dangerously_accept_anything,
    } = TlsConfig::default();
    assert!(server_name.is_none());
    let expected = [
        ("extra_roots", none_if(extra_roots.is_empty())),
        ("identity", none_if(identity.is_none())),
        ("spki_pins", none_if(spki_pins.is_empty())),
        ("server_name", "the host".into()),
        ("min_version", name(min_version).replace('V', "TLS ").replace('_', ".")),
        ("dangerously_accept_anything", on_or_off(dangerously_accept_anything)),
    ];
    compare("TLS", &expected);
}

#[test]
fn the_options_of_sockets_and_emits_are_in_the_tables_with_their_defaults() {
    let SocketOptions { query, ask_auth, retries, ack_timeout } = SocketOptions::default();
    assert_eq!(ack_timeout, None);
    let Retries { times, window, idempotency_key } = Retries::default();
    let expected = [
        ("query", none_if(query.is_empty())),
        ("ask_auth", on_or_off(ask_auth)),
        ("retries", none_if(retries.is_none())),
        ("retries.times", times.to_string()),
        ("retries.window", window.to_string()),
        ("retries.idempotency_key", on_or_off(idempotency_key)),
        ("ack_timeout", "the manager's".into()),
    ];
    compare("Socket", &expected);
    let EmitOptions { attachments, offline, timeout } = EmitOptions::default();
    assert_eq!(timeout, None);
    let expected = [
        ("attachments", none_if(attachments.is_empty())),
        ("offline", name(offline)),
        ("timeout", "the socket's".into()),
    ];
    compare("Emit", &expected);
    let RequestOptions { timeout, offline, idempotent } = RequestOptions::default();
    assert_eq!(timeout, None);
    let expected = [
        ("timeout", "the conference's".into()),
        ("offline", name(offline)),
        ("idempotent", on_or_off(idempotent)),
    ];
    compare("Request", &expected);
}

#[test]
fn the_options_of_a_conference_are_in_the_table_with_their_defaults() {
    let ConferenceConfig {
        common: _,
        protocol,
        sdk_type,
        sdk_version,
        user_agent_json,
        allow_plaintext,
        login_timeout,
        relogin_timeout,
        refresh_timeout,
        logout_timeout,
        request_timeout,
        text_limit,
        ask_token,
        rejoin_on_gap,
        sequence_base,
        resume,
        patient,
        fast_resume,
    } = ConferenceConfig::default();
    assert_eq!(sdk_version, env!("CARGO_PKG_VERSION"));
    let waits = |policy: ReconnectPolicy| format!("{} to {}", time(policy.min), time(policy.max));
    let expected = [
        ("protocol", name(protocol)),
        ("sdk_type", sdk_type),
        ("sdk_version", "roamio's".into()),
        ("user_agent_json", none_if(user_agent_json.is_empty())),
        ("allow_plaintext", on_or_off(allow_plaintext)),
        ("login_timeout", time(login_timeout)),
        ("relogin_timeout", time(relogin_timeout)),
        ("refresh_timeout", time(refresh_timeout)),
        ("logout_timeout", time(logout_timeout)),
        ("request_timeout", time(request_timeout)),
        ("text_limit", none_if(text_limit.is_none())),
        ("ask_token", on_or_off(ask_token)),
        ("rejoin_on_gap", on_or_off(rejoin_on_gap)),
        ("sequence_base", name(sequence_base)),
        ("resume", waits(resume)),
        ("patient", waits(patient)),
        ("fast_resume", time(fast_resume)),
    ];
    compare("Conference", &expected);
}
