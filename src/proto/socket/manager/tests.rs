//! What cannot be seen from outside, and input that a simulated server does not send.

use bytes::{Bytes, BytesMut};

use super::*;
use crate::config::{Endpoint, SocketOptions};
use crate::payload::Outgoing;
use crate::proto::io::{Cookies, Offline, SocketId, WireId};
use crate::secret::Secret;

const LINK: WireId = WireId(1);
const SOCKET: SocketId = SocketId(1);

fn now(mono: u64) -> Now {
    Now { mono: Timestamp(mono), wall: 0 }
}

fn say(manager: &mut Manager, text: &str) {
    let frame = Bytes::copy_from_slice(text.as_bytes());
    manager.handle_input(Input::Text { wire: LINK, frame }, now(10));
}

fn sent(manager: &mut Manager) -> Vec<String> {
    std::iter::from_fn(|| manager.poll_transmit())
        .filter_map(|transmit| match transmit {
            Transmit::Text { frame, .. } => Some(String::from_utf8_lossy(&frame).into_owned()),
            _ => None,
        })
        .collect()
}

/// A manager whose connection is open, and whose namespace `/` has been asked for.
fn joining(auth: &str) -> Manager {
    let (endpoint, _) = Endpoint::parse("http://127.0.0.1:1").expect("a URL");
    let mut manager = Manager::new(Arc::new(ManagerConfig::new(endpoint)), 1);
    manager.handle_command(
        Command::Attach {
            socket: SOCKET,
            namespace: "/".into(),
            options: SocketOptions::default(),
        },
        now(0),
    );
    connect(&mut manager, auth);
    manager.handle_input(
        Input::Connected { wire: LINK, local: None, cookies: Cookies::default() },
        now(10),
    );
    say(&mut manager, r#"0{"sid":"e","pingInterval":25000,"pingTimeout":20000}"#);
    assert_eq!(sent(&mut manager), [format!("40{auth}")]);
    manager
}

fn connect(manager: &mut Manager, auth: &str) {
    let auth = Some(Secret::new(auth));
    manager.handle_command(Command::Connect { socket: SOCKET, auth }, now(10));
}

#[test]
fn a_request_without_an_outcome_to_come_is_forgotten_altogether() {
    let mut manager = joining("{}");
    say(&mut manager, r#"40{"sid":"s"}"#);
    for number in 0..10 {
        let request = RequestId(number);
        let event = Outgoing::event(&mut BytesMut::new(), "/", "ask", "[]", Vec::new());
        let event = event.expect("valid");
        let (request, timeout_ms, offline) = (Some(request), Some(1), Offline::Wait);
        let emit = Command::Emit { socket: SOCKET, event, request, timeout_ms, offline };
        manager.handle_command(emit, now(10));
    }
    manager.handle_command(Command::Cancel { request: RequestId(0) }, now(10));
    manager.handle_timeout(now(11));
    assert!(manager.requests.of(None).is_empty() && !manager.requests.await_answers());
    assert_eq!(manager.requests.poll_timeout(), None);
    assert_eq!(manager.namespaces[0].take_written(), []);
}

#[test]
fn a_disconnect_that_answers_replaced_auth_is_not_the_last_word() {
    let mut manager = joining(r#"{"try":1}"#);
    // A second namespace keeps the connection while the first is wanted by nobody.
    let other = SocketId(2);
    manager.handle_command(
        Command::Attach {
            socket: other,
            namespace: "/b".into(),
            options: SocketOptions::default(),
        },
        now(10),
    );
    manager.handle_command(Command::Connect { socket: other, auth: None }, now(10));
    manager.handle_command(Command::Disconnect { socket: SOCKET }, now(10));
    connect(&mut manager, r#"{"try":2}"#);
    assert_eq!(sent(&mut manager), ["40/b,"]);
    say(&mut manager, "41");
    assert_eq!(sent(&mut manager), [r#"40{"try":2}"#]);
}

#[test]
fn the_end_of_a_connection_is_told_before_the_outcomes_that_it_brings() {
    let closed = || Error::new(Code::EngineClosed, "closed");
    let lose = |manager: &mut Manager| {
        manager.handle_input(Input::Closed { wire: LINK, error: closed() }, now(20));
    };
    let leave = |manager: &mut Manager| {
        manager.handle_command(Command::Disconnect { socket: SOCKET }, now(20));
    };
    let kick = |manager: &mut Manager| say(manager, "41");
    let ends: [&dyn Fn(&mut Manager); 3] = [&lose, &leave, &kick];
    for end in ends {
        let mut manager = joining("{}");
        say(&mut manager, r#"40{"sid":"s"}"#);
        let event = Outgoing::event(&mut BytesMut::new(), "/", "ask", "[]", Vec::new());
        let (event, request) = (event.expect("valid"), Some(RequestId(1)));
        let (timeout_ms, offline) = (None, Offline::Wait);
        let emit = Command::Emit { socket: SOCKET, event, request, timeout_ms, offline };
        manager.handle_command(emit, now(10));
        while manager.poll_event().is_some() {}
        end(&mut manager);
        let told: Vec<Event> = std::iter::from_fn(|| manager.poll_event()).collect();
        let state = told.iter().position(|event| matches!(event, Event::Socket(..)));
        let outcome = told.iter().position(|event| matches!(event, Event::Outcome { .. }));
        assert!(state.is_some() && state < outcome, "{told:?}");
    }
}
