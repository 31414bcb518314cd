//! What the portal offers over HTTP: tokens, control, the state and the page that shows it.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;

use roamio_portal::{Server, ServerConfig};
use serde_json::{Value, json};

use support::{
    client::{Client, login},
    http::{Answer, http, http_with},
};

const PAGE: &str = include_str!("../src/server/status.html");

async fn server() -> Server {
    Server::start(ServerConfig::default()).await.unwrap()
}

async fn get(server: &Server, path: &str) -> Answer {
    http(server.port(), "GET", path, "").await.unwrap()
}

async fn get_json(server: &Server, path: &str) -> Value {
    serde_json::from_str(&get(server, path).await.body).unwrap()
}

async fn post(server: &Server, path: &str, body: &str) -> Answer {
    http(server.port(), "POST", path, body).await.unwrap()
}

/// Log in with a token and return the answer.
async fn enter(server: &Server, token: &str) -> (Client, Value) {
    let (mut client, _) = Client::join(server).await;
    let answer = client.request(0, "login", Some(login("1.2", token))).await;
    (client, answer)
}

#[tokio::test]
async fn tokens_come_as_from_the_management_api_and_as_from_the_sample_server() {
    let server = server().await;
    let body = json!({
        "room": "other", "user": "u", "role": "viewer",
        "preference": {"isp": "isp", "region": "region"}, "domain": "example.org",
    });
    for (path, room) in
        [("/v1/rooms/first/tokens", "first"), ("/tokens", "other"), ("/createToken", "other")]
    {
        let token = post(&server, path, &body.to_string()).await;
        assert_eq!(token.status, 200, "{path}");
        let (_client, answer) = enter(&server, &token.body).await;
        assert_eq!(answer[1]["room"]["id"], room);
        assert_eq!(answer[1]["permission"]["publish"], json!({"audio": false, "video": false}));
    }
    let token = post(&server, "/tokens", r#"{"user":"u","role":"presenter"}"#).await;
    assert_eq!(enter(&server, &token.body).await.1[1]["room"]["id"], "sample");
}

#[tokio::test]
async fn a_bad_token_request_is_answered_in_json() {
    let server = server().await;
    for body in ["", "{", r#"{"user":"u"}"#] {
        let answer = post(&server, "/v1/rooms/r/tokens", body).await;
        assert_eq!((answer.status, answer.header("content-type")), (400, "application/json"));
        let error: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(error["error"]["code"], 400);
        assert!(error["error"]["message"].is_string());
    }
}

#[tokio::test]
async fn pages_of_other_origins_get_tokens_and_connections_but_no_control() {
    const ORIGIN: &str = "Origin: https://app.example\r\n";
    let server = server().await;
    let ask = async |method: &str, path: &str| {
        let headers = format!("{ORIGIN}Access-Control-Request-Method: POST\r\n");
        http_with(server.port(), method, path, &headers, "").await.unwrap()
    };
    for path in ["/tokens", "/v1/rooms/r/tokens", "/socket.io/?EIO=4&transport=polling"] {
        let preflight = ask("OPTIONS", path).await;
        assert_eq!(preflight.status, 204, "{path}");
        assert_eq!(preflight.header("access-control-allow-origin"), "https://app.example");
        assert_eq!(preflight.header("access-control-allow-headers"), "content-type");
    }
    let opened = ask("GET", "/socket.io/?EIO=4&transport=polling").await;
    assert_eq!(opened.header("access-control-allow-credentials"), "true");
    let control = ask("GET", "/control/state").await;
    assert_eq!((control.status, control.header("access-control-allow-origin")), (200, ""));
}

#[tokio::test]
async fn switches_are_read_and_set_all_or_none() {
    let server = server().await;
    let path = "/control/switch?ticket-lifetime-ms=5000&ghosts=false&protocols=1.0,1.2";
    assert_eq!(post(&server, path, "").await.status, 200);
    let bad = post(&server, "/control/switch?ghosts=true&seq-base=2", "").await;
    assert_eq!(bad.status, 400);
    let switches = get_json(&server, "/control/switches").await;
    assert_eq!(switches["ticket-lifetime-ms"], "5000");
    assert_eq!((&switches["ghosts"], &switches["seq-base"]), (&json!("false"), &json!("1")));
    assert_eq!(server.with_model(|model, _| model.config().protocols.len()), 2);
    assert!(server.set_switch("ghosts", "perhaps").is_err());
    assert_eq!(server.set_switch("ghosts", "true"), Ok(()));
}

#[tokio::test]
async fn errors_and_notifications_are_made_on_request() {
    let server = server().await;
    let fail = "/control/fail?request=login&text=Room%20is%20full";
    assert_eq!(post(&server, fail, "").await.status, 200);
    let (mut refused, answer) = enter(&server, &server.mint_token("r", "u", "viewer")).await;
    assert_eq!(answer, json!(["error", "Room is full"]));
    assert_eq!(refused.packet().await, "41");
    assert_eq!(post(&server, "/control/fail?request=text", "").await.status, 400);

    let (mut client, id, _) = Client::login(&server, "room").await;
    let notify = format!("/control/notify?participant={id}&event=new");
    assert_eq!(post(&server, &notify, r#"{"any":[1]}"#).await.status, 200);
    assert_eq!(client.packet().await, r#"42["new",{"any":[1]}]"#);
    assert_eq!(post(&server, &notify, "").await.status, 200);
    assert_eq!(client.packet().await, r#"42["new",null]"#);
    assert_eq!(post(&server, &notify, "{").await.status, 400);
    let nobody = "/control/notify?participant=nobody&event=new";
    assert_eq!(post(&server, nobody, "").await.status, 404);
    assert_eq!(post(&server, "/control/forget-tokens", "").await.status, 200);
}

#[tokio::test]
async fn the_state_has_everything_the_page_shows() {
    let server = server().await;
    let (_client, id, _) = Client::login(&server, "room").await;
    let text = json!({"to": "all", "message": "<b>not a tag</b>"});
    server.notify(&id, "text", Some(&text));
    let state = get_json(&server, "/control/state").await;
    assert_eq!(state["connections"], json!([1]));
    assert_eq!(state["refusing"], Value::Null);
    let one = &state["participants"][0];
    assert_eq!((&one["id"], &one["connections"]), (&json!(id), &json!([1])));
    assert_eq!((&one["presence"], &one["notifications"]), (&json!("connected"), &json!(1)));
    assert_eq!(state["rooms"][0]["participants"][0]["id"], json!(id));
    assert_eq!(state["switches"]["seq-base"], "1");
    assert_eq!(state["journal"][1]["text"], "notification 1 text");
    assert!(state["now"].as_u64() > Some(1_700_000_000_000));
    post(&server, "/control/refuse?on=true&how=captive", "").await;
    assert_eq!(get_json(&server, "/control/state").await["refusing"], "captive");
    server.drop_participant(&id);
    let listed = get_json(&server, "/control/participants").await;
    assert_eq!((&listed[0]["presence"], &listed[0]["left"]), (&json!("left"), &json!("drop")));
}

/// Paths below `/control` that the page uses.
fn paths_of_the_page() -> BTreeSet<&'static str> {
    let quoted = PAGE.split('\'').filter(|text| text.starts_with("/control/"));
    quoted.map(|path| path.split('?').next().unwrap()).collect()
}

#[tokio::test]
async fn every_button_of_the_page_has_its_endpoint() {
    let server = server().await;
    for path in ["/", "/status"] {
        let page = get(&server, path).await;
        assert_eq!((page.status, page.body.as_str()), (200, PAGE));
    }
    let paths = paths_of_the_page();
    assert!(paths.len() > 14, "{paths:?}");
    for path in paths {
        let method = match path {
            "/control/state" | "/control/ledger" => "GET",
            _ => "POST",
        };
        // Without its arguments a request can be bad, but not unknown.
        let status = http(server.port(), method, path, "").await.unwrap().status;
        assert!(matches!(status, 200 | 400), "{method} {path}: {status}");
    }
}

/// Nothing the portal sends can become markup, and nothing comes from elsewhere.
#[test]
fn the_page_is_self_contained_and_shows_texts_as_texts() {
    for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
        assert!(!PAGE.contains(word), "{word}");
    }
    assert!(!PAGE.contains("http://") && !PAGE.contains("https://"));
}

#[tokio::test]
async fn without_control_there_is_no_page() {
    let config = ServerConfig { control: false, ..ServerConfig::default() };
    let server = Server::start(config).await.unwrap();
    for path in ["/", "/status", "/control/state"] {
        assert_eq!(get(&server, path).await.status, 404);
    }
    let token = post(&server, "/tokens", r#"{"user":"u","role":"viewer"}"#).await;
    assert_eq!(token.status, 200);
}
