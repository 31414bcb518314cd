//! Items 49 and 50: namespaces that a server does not let in.

use std::time::Duration;

use roamio::client::SocketState;
use roamio::error::Code;
use serde_json::{Value, json};

use super::assert_one_connection;
use crate::case::Case;
use crate::host::Told;
use crate::server::Kind;

/// Connect, and what the refusal says: message and the JSON of the server.
fn refusal(host: &mut crate::host::Host, namespace: &'static str) -> (String, Value) {
    let socket = host.socket(namespace);
    socket.connect(None).unwrap();
    let (error, active) = host.until_connect_error(namespace);
    assert_eq!((error.code(), active), (Code::ConnectError, false), "{error}");
    let json = error.server_json().map(|json| serde_json::from_str(json).unwrap());
    (error.message().to_owned(), json.unwrap_or_default())
}

pub(super) fn conformance_49_a_refusal_has_the_words_and_data_of_the_server(case: Case) {
    let mut host = case.host(case.shared());
    let root = host.joined("/");
    let data = json!({ "code": "E42", "list": [1, 2] });
    let (message, told) = refusal(&mut host, "/deny");
    match case.kind {
        // Revision 3 sends the data in place of the message, if there is any.
        Kind::V2 | Kind::V4e => assert_eq!(told, data),
        Kind::Oxide => {
            assert_eq!((message.as_str(), &told), ("denied", &json!({ "message": "denied" })))
        }
        _ => {
            assert_eq!(message, "denied");
            assert_eq!(told, json!({ "message": "denied", "data": data }));
        }
    }
    let (message, _) = refusal(&mut host, "/deny-plain");
    assert_eq!(message, "denied plainly");
    host.answer(&root, "echo", "[]");
    assert_one_connection(&mut host);
}

pub(super) fn conformance_49_a_refused_socket_rests_until_it_connects_again(case: Case) {
    let mut host = case.host(case.shared());
    let root = host.joined("/");
    let wrong = host.socket("/private");
    wrong.connect(Some(r#"{"token":"wrong"}"#)).unwrap();
    let (_, active) = host.until_connect_error("/private");
    assert!(!active);
    let again = host.within(Duration::from_millis(300), |told| match told {
        Told::Socket("/private", event) => Some(format!("{event:?}")),
        _ => None,
    });
    assert!(again.is_none_or(|event| event.contains("Idle")), "it does not try again");
    assert_eq!(wrong.state(), SocketState::Idle);
    let right = if case.kind.is_revision_3() {
        // The token is a query there, which belongs to the socket.
        wrong.close();
        let options =
            roamio::config::SocketOptions { query: "token=secret".into(), ..Default::default() };
        let tell = host.tell.clone();
        let socket = host.manager.socket_with("/private", options, move |event| {
            let _ = tell.send(Told::Socket("/private", event));
        });
        let socket = socket.unwrap();
        socket.connect(None).unwrap();
        socket
    } else {
        wrong.connect(Some(r#"{"token":"secret"}"#)).unwrap();
        wrong
    };
    host.until_state("/private", SocketState::Connected);
    host.answer(&right, "echo", "[]");
    host.answer(&root, "echo", "[]");
    assert_one_connection(&mut host);
}

pub(super) fn conformance_50_an_unknown_namespace_is_refused(case: Case) {
    let mut host = case.host(case.shared());
    let root = host.joined("/");
    let (message, _) = refusal(&mut host, "/nope");
    let expected = if case.kind.is_python() { "Unable to connect" } else { "Invalid namespace" };
    assert_eq!(message, expected);
    host.answer(&root, "echo", "[]");
    assert_one_connection(&mut host);
}
