//! The timeline tool, and that a traced conference gives it something to draw.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs, unreachable_pub)]

#[path = "../examples/timeline/draw.rs"]
mod draw;
#[allow(dead_code)]
#[path = "portal/host.rs"]
mod host;
#[path = "../examples/timeline/picture.rs"]
mod picture;
#[path = "../examples/timeline/run.rs"]
mod run;

use std::path::Path;
use std::time::Duration;
use std::{fs, process};

use host::{Host, ROOM, Told, eager, portal};
use roamio::client::ConferenceEvent;
use roamio::config::{ConferenceConfig, TraceSink};
use roamio::error::Code;
use roamio_portal::{Cut, Refusal};
use run::{Origin, Run};
use serde_json::Value;

const LONG: Duration = Duration::from_secs(30);

/// A conference that is cut off, misses five notifications, resumes, loses an answer together with
/// its session, joins anew, and leaves. Returns its trace.
fn traced() -> String {
    let name = format!("timeline-{}.jsonl", process::id());
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let portal = portal();
    let mut config = ConferenceConfig { ask_token: true, ..eager() };
    config.common.trace = Some(TraceSink::file(&file));
    let mut host = Host::joined(&portal, config);

    portal.refuse(Some(Refusal::Reset));
    portal.cut(&host.network(), Cut::Reset);
    for _ in 0..5 {
        portal.notify(&host.participant, "missed", None);
    }
    host.until("a failed attempt", |told| {
        matches!(told, Told::Event(ConferenceEvent::Retry(_))).then_some(())
    });
    host.conference.network_changed().unwrap();
    portal.refuse(None);
    assert!(host.resumed());

    portal.swallow_acks(None, "text", 1);
    let text = host.text("executed, not answered");
    host.until("the text itself", |told| match told {
        Told::Event(ConferenceEvent::Notification { payload, .. }) => {
            (payload.name() == "text").then_some(())
        }
        _ => None,
    });
    portal.restart();
    let wanted = host.until("the wish for a token", |told| match told {
        Told::Event(ConferenceEvent::TokenWanted { token, .. }) => Some(*token),
        _ => None,
    });
    let token = portal.mint_token(ROOM, "alice", "presenter");
    host.conference.provide_token(wanted, Ok(&token)).unwrap();
    host.until("a new session", |told| {
        matches!(told, Told::Event(ConferenceEvent::Rejoined { .. })).then_some(())
    });
    assert_eq!(host.outcome_code(text), Some(Code::AckLost));
    let logout = host.logout();
    assert!(host.outcome(logout).is_ok());
    host.conference.close_wait(LONG).unwrap();
    let trace = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    trace
}

/// A member of all records of a kind.
fn all<'a>(records: &'a [Value], what: &str, member: &str) -> Vec<&'a Value> {
    records.iter().filter(|record| record["what"] == what).map(|record| &record[member]).collect()
}

#[test]
fn a_conference_is_traced_and_drawn_through_cut_resume_and_rejoin() {
    let trace = traced();
    let records: Vec<Value> =
        trace.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let states = all(&records, "state", "state");
    assert_eq!(
        states,
        [
            "joining", "ready", "resuming", "ready", "resuming", "joining", "ready", "leaving",
            "ended"
        ]
    );
    assert_eq!(all(&records, "resumed", "replayed"), [5]);
    assert_eq!(all(&records, "notification", "number")[..6], [1, 2, 3, 4, 5, 6]);
    assert_eq!(all(&records, "notification", "replayed")[4..6], [true, false]);
    assert_eq!(all(&records, "outcome", "result"), ["OK", "ACK_LOST", "OK"]);
    assert_eq!(all(&records, "hint", "hint"), ["network_changed"]);
    let told = all(&records, "told", "name");
    assert!(told.contains(&&"token_wanted".into()) && told.contains(&&"rejoined".into()));
    let lost = all(&records, "closed", "error");
    assert!(lost.len() >= 2 && lost[0]["code"] == "NETWORK_LOST", "{lost:?}");
    let (first, end) = (&records[0], records.last().unwrap());
    assert_eq!((&end["what"], &end["resumed"]), (&"end".into(), &1.into()));

    let mut run = Run::read(&trace).unwrap();
    assert_eq!(run.wires.len() as u64, end["dials"].as_u64().unwrap());
    let wall_ms = first["wall_ms"].as_u64().unwrap();
    run.mark(&format!("{{\"wall_ms\":{},\"text\":\"cut & refused\"}}\n", wall_ms + 1)).unwrap();
    let svg = draw::draw(&run);
    for drawn in [
        ">wire 1, websocket: NETWORK_LOST<",
        "text: ACK_LOST after",
        ">5 replayed<",
        ">cut &amp; refused<",
        ">network changed<",
        "<title>resuming<",
        ">login<",
        ", resumed 1 times; ",
        "1 requests: 1 ACK_LOST<",
    ] {
        assert!(svg.contains(drawn), "{drawn} is in the picture:\n{svg}");
    }
}

#[test]
fn a_client_of_socket_io_is_drawn_with_its_sockets_and_its_polling() {
    let trace = r#"
{"t":0,"what":"trace","format":1,"object":"manager","wall_ms":1000}
{"t":0,"what":"state","object":"manager","number":1,"state":"connecting"}
{"t":1,"what":"dial","wire":1,"transport":"polling","host":"h","port":80,"secure":false}
{"t":9,"what":"http_answered","wire":1,"exchange":"poll","status":200,"bytes":90}
{"t":9,"what":"engine_opened","wire":1,"ping_interval_ms":25000,"ping_timeout_ms":20000}
{"t":20,"what":"state","object":"socket","socket":3,"number":1,"state":"connected"}
{"t":30,"what":"command","name":"emit","socket":3,"request":7,"event":"a<b","bytes":9}
{"t":40,"what":"told","name":"event","socket":3,"event":"say","bytes":19}
{"t":50,"what":"connected","wire":2,"local":"192.0.2.7"}
{"t":60,"what":"local_address","wire":2,"local":"198.51.100.7"}
{"t":70,"what":"local_address","wire":2,"local":"198.51.100.7"}
{"t":80,"what":"local_address","wire":2}
{"t":90,"what":"dropped","records":12}
{"t":95,"what":"http_answered","wire":1,"exchange":"poll","error":{"code":"NETWORK_LOST","message":"why"}}
{"t":99,"what":"something_new","of":"tomorrow"}
"#;
    let run = Run::read(trace).unwrap();
    let marks: Vec<(Origin, &str)> =
        run.marks.iter().map(|mark| (mark.origin, mark.text.as_str())).collect();
    assert_eq!(
        marks,
        [
            (Origin::Network, "now from 198.51.100.7"),
            (Origin::Network, "no way to the server"),
            (Origin::Trace, "12 records missing"),
        ]
    );
    assert_eq!(run.messages.len(), 1);
    assert_eq!((run.wires[0].open, run.wires[0].to), (Some(9.0), Some(95.0)));
    let svg = draw::draw(&run);
    for drawn in [">socket 3<", ">manager<", "7 a&lt;b: no outcome after 69 ms", ">NETWORK_LOST<"] {
        assert!(svg.contains(drawn), "{drawn} is in the picture:\n{svg}");
    }
}

#[test]
fn a_trace_of_any_length_gives_a_picture_that_can_be_looked_at() {
    let mut trace = String::from("{\"t\":0,\"what\":\"trace\",\"wall_ms\":0}\n");
    for t in 0..10_000 {
        trace += &format!(
            r#"{{"t":{t},"what":"notification","event":"text","number":{t},"replayed":false,"bytes":9}}
{{"t":{t},"what":"dial","wire":{t},"transport":"websocket","host":"h","port":1,"secure":true}}
{{"t":{t},"what":"failed","wire":{t},"error":{{"code":"CONNECT","message":"why"}}}}
{{"t":{t},"what":"state","object":"conference","number":{t},"state":"resuming"}}
{{"t":{t},"what":"outcome","request":{t},"name":"text","result":"ACK_LOST","took_ms":0}}
{{"t":{t},"what":"gap","from":1,"to":2,"certain":true}}
{{"t":{t},"what":"hint","hint":"network_changed"}}
"#
        );
    }
    let run = Run::read(&trace).unwrap();
    assert_eq!((run.messages.len(), run.wires.len(), run.requests.len()), (10_000, 10_000, 10_000));
    let size = draw::draw(&run).len();
    assert!(size < 1_000_000, "{size} bytes");
}

#[test]
fn a_line_that_is_no_record_is_named() {
    let text = "{\"t\":0,\"what\":\"trace\",\"wall_ms\":0}\n\n{\"t\":1}\n";
    assert!(Run::read(text).is_err_and(|error| error.starts_with("line 3: ")));
    assert!(Run::default().mark("nonsense").is_err_and(|error| error.starts_with("line 1: ")));
}
