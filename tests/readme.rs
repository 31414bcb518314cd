//! What the README and the pages of `docs/` show is what the library has.

#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../examples/socket_io.rs"]
#[allow(dead_code)]
mod example;
#[path = "capi/echo.rs"]
mod server;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use roamio::client::{EmitOptions, RequestOptions};
use roamio::config::{
    ConferenceConfig, Endpoint, Limits, ManagerConfig, ReconnectPolicy, Retries, SocketOptions,
    Timeouts, TlsConfig, TransportConfig,
};

const README: &str = include_str!("../README.md");
const OPTIONS: &str = include_str!("../docs/options.md");
const HEADER: &str = include_str!("../include/roamio.h");

/// Where they are, and what they say.
const PAGES: [(&str, &str); 6] = [
    ("README.md", README),
    ("CHANGELOG.md", include_str!("../CHANGELOG.md")),
    ("docs/conference.md", include_str!("../docs/conference.md")),
    ("docs/socket-io.md", include_str!("../docs/socket-io.md")),
    ("docs/options.md", OPTIONS),
    ("docs/trace.md", include_str!("../docs/trace.md")),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn compiler() -> Command {
    let mut command = Command::new("cc");
    command.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-I"]);
    command.arg(root().join("include"));
    command
}

fn succeed(mut command: Command) -> String {
    let output = command.output().expect("the compiler is installed, see .ci/prepare");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_c_programs_of_the_pages_compile() {
    let mut programs = 0;
    for (page, text) in PAGES {
        for (number, block) in text.split("\n```c\n").skip(1).enumerate() {
            let name = format!("{}-{number}.c", page.replace('/', "-"));
            let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
            std::fs::write(&source, &block[..block.find("\n```\n").unwrap() + 1]).unwrap();
            let mut command = compiler();
            command.arg("-fsyntax-only").arg(source);
            succeed(command);
            programs += 1;
        }
    }
    assert!(programs >= 3);
}

#[test]
fn the_cpp_programs_of_the_pages_compile() {
    let mut programs = 0;
    for (number, block) in README.split("\n```cpp\n").skip(1).enumerate() {
        let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("README-{number}.cpp"));
        std::fs::write(&source, &block[..block.find("\n```\n").unwrap() + 1]).unwrap();
        let mut command = Command::new("c++");
        command.args([
            "-std=c++17",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-pedantic",
            "-fsyntax-only",
            "-I",
        ]);
        command.arg(root().join("include")).arg(source);
        succeed(command);
        programs += 1;
    }
    assert!(programs > 0);
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    let kept = |sign: &char| sign.is_alphanumeric() || " -_".contains(*sign);
    let anchor = |heading: &str| heading.trim_start_matches('#').trim().to_lowercase();
    headings.map(|h| anchor(h).chars().filter(kept).collect::<String>().replace(' ', "-")).collect()
}

#[test]
fn the_files_and_headings_that_the_pages_link_to_exist() {
    let mut links = 0;
    for (page, text) in PAGES {
        // Brackets in programs are something else.
        let prose = text.split("```").step_by(2);
        for rest in prose.flat_map(|prose| prose.split("](").skip(1)) {
            let target = &rest[..rest.find(')').unwrap()];
            if target.contains("://") {
                continue;
            }
            links += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = match file {
                "" => root().join(page),
                _ => root().join(page).parent().unwrap().join(file),
            };
            assert!(file.exists(), "{page}: {target}");
            if !anchor.is_empty() {
                let there = anchors(&std::fs::read_to_string(file).unwrap());
                assert!(there.contains(anchor), "{page}: {target}");
            }
        }
    }
    assert!(links >= 20);
}

/// The words of a text that begin like names of the C interface.
fn c_names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_');
    words.filter(|word| word.starts_with("roam_") || word.starts_with("ROAM_")).collect()
}

#[test]
fn the_names_of_c_that_the_pages_use_are_in_the_header() {
    let known = c_names(HEADER);
    for (page, text) in PAGES {
        for name in c_names(text) {
            // Some stand for all names that begin with them.
            let is_known = match name.strip_suffix('_') {
                Some(_) => known.iter().any(|known| known.starts_with(name)),
                None => known.contains(name),
            };
            assert!(is_known, "{page}: {name}");
        }
    }
    let headings =
        ["Manager", "Transports", "Reconnection", "Time limits", "Limits", "TLS", "Conference"];
    for heading in headings {
        for [name, c, ..] in table(OPTIONS, heading) {
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
        for [name, c, ..] in table(OPTIONS, heading) {
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
fn table<'a>(page: &'a str, heading: &str) -> Vec<[&'a str; 4]> {
    let start = page.find(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    let lines = page[start..].lines().skip_while(|line| !line.starts_with('|'));
    let rows = lines.take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        std::array::from_fn(|_| cells.next().unwrap_or_default())
    })
    .collect()
}

/// Compare name and default of each row with what the code has.
fn compare(heading: &str, expected: &[(&str, String)]) {
    let shown: Vec<(String, String)> = table(OPTIONS, heading)
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

/// The compact table shows the same as the whole one, whose defaults are those of the code.
#[test]
fn the_options_of_the_readme_are_those_of_the_table() {
    let rows = table(README, "Options");
    assert!(rows.len() >= 15);
    for [name, c, default, _] in rows {
        let path = name.trim_matches('`');
        let (group, field) = path.rsplit_once('.').unwrap_or(("", path));
        let heading = match group {
            "common.transports" => "Transports",
            "common.tls" => "TLS",
            "common.timeouts" => "Time limits",
            "common.limits" => "Limits",
            "reconnect" => "Reconnection",
            "SocketOptions" => "Socket",
            "EmitOptions" => "Emit",
            _ => "Manager",
        };
        let field = if heading == "Manager" { path } else { field };
        let whole = table(OPTIONS, heading);
        let row = whole.iter().find(|row| row[0].trim_matches('`') == field);
        let row = row.unwrap_or_else(|| panic!("{path} is in no table"));
        assert_eq!((c, default), (row[1], row[2]), "{path}");
    }
}

/// The second column of the row of a table.
fn row(what: &str) -> &'static str {
    let start = README.find(&format!("\n| {what} | ")).unwrap() + what.len() + 6;
    README[start..].split(" |").next().unwrap()
}

#[test]
fn the_limits_of_the_readme_are_the_defaults() {
    let limits = Limits::default();
    assert_eq!(row("inbound message"), mebibytes(limits.inbound_message));
    let attachments = (limits.inbound_attachments, limits.outbound_attachments);
    assert_eq!(
        row("attachments of an event, in / out"),
        format!("{} / {}", attachments.0, attachments.1)
    );
    assert_eq!(row("JSON nesting"), limits.json_depth.to_string());
    let queue = |events, bytes| format!("{} events, {}", number(events), mebibytes(bytes));
    let wire = queue(limits.wire_queue_events, limits.wire_queue_bytes);
    assert!(row("queue to the wire").starts_with(&wire));
    let host = queue(limits.host_queue_events, limits.host_queue_bytes);
    assert!(row("queue to the host").starts_with(&host));

    let conference = ConferenceConfig::default();
    let answers = [conference.login_timeout, conference.refresh_timeout, conference.logout_timeout];
    assert_eq!(row("answer to login / refresh / logout"), answers.map(time).join(" / "));
    assert!(row("answer to relogin").starts_with(&time(conference.relogin_timeout)));
    let attempt = Timeouts::default().attempt;
    assert!(row("one attempt to connect").starts_with(&time(attempt)));
    assert_eq!(row("dials in any ten seconds"), conference.resume.dials_per_10s.to_string());
}

#[test]
fn the_example_in_rust_gets_its_answer() {
    let url = format!("http://{}/chat", server::start());
    let answer = example::ask(&url, "say", r#"["hello",42]"#).expect("an answer");
    assert_eq!(answer, [r#""hello""#, "42"]);
    assert!(example::ask("no URL", "say", "[]").is_err());
}

/// The folder of the shared library that was built with this test, under the name that programs
/// look for.
#[cfg(target_os = "linux")]
fn library() -> std::path::PathBuf {
    let built = std::env::current_exe().unwrap().with_file_name("libroamio.so");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme");
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["libroamio.so", "libroamio.so.0"] {
        // It may be there from the last time.
        let _ = std::os::unix::fs::symlink(&built, folder.join(name));
    }
    folder
}

#[cfg(target_os = "linux")]
#[test]
fn the_example_in_c_gets_its_answer() {
    let library = library();
    let program = library.join("socket_io");
    let mut command = compiler();
    command.arg(root().join("examples/c/socket_io.c")).arg("-o").arg(&program);
    command.arg("-L").arg(&library).arg("-lroamio");
    command.arg(format!("-Wl,-rpath,{}", library.display()));
    succeed(command);
    let mut command = Command::new(program);
    command.arg(format!("http://{}/chat", server::start())).args(["say", r#"["hello",42]"#]);
    assert_eq!(succeed(command), "joined /chat\nanswer: \"hello\" 42\n");
}
