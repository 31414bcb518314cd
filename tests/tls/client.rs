//! A program with one manager that makes one attempt.

use std::sync::mpsc::channel;
use std::time::Duration;

use roamio::client::{EmitOptions, Manager, ManagerEvent, SocketEvent, SocketState};
use roamio::config::{CommonConfig, Endpoint, ManagerConfig, Transport, TransportConfig};
use roamio::error::Error;

/// Nothing in these tests takes longer, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(30);

/// The transports that every test runs over.
pub const TRANSPORTS: [Transport; 1] = [Transport::Websocket];

enum Told {
    Joined,
    Failed(Error),
    Answer(Result<String, Error>),
}

/// Connect to `url` over one transport and have `hello` echoed; the error of the attempt otherwise.
pub fn attempt(url: &str, transport: Transport, common: &CommonConfig) -> Result<(), Error> {
    let (endpoint, _) = Endpoint::parse(url).unwrap();
    let mut config = ManagerConfig::new(endpoint);
    config.common = common.clone();
    config.common.transports = TransportConfig::only(transport);
    config.reconnect.enabled = false;
    let (tell, told) = channel();
    let events = tell.clone();
    let manager = Manager::new(config, move |event| match event {
        ManagerEvent::Retry(retry) => drop(events.send(Told::Failed(retry.error))),
        ManagerEvent::State(step) => {
            if let Some(cause) = step.cause {
                let _ = events.send(Told::Failed(cause));
            }
        }
        _ => {}
    })?;
    let joined = tell.clone();
    let socket = manager.socket("/", move |event| {
        if let SocketEvent::State { transition, .. } = event
            && transition.state == SocketState::Connected
        {
            let _ = joined.send(Told::Joined);
        }
    })?;
    socket.connect(None)?;
    loop {
        match told.recv_timeout(PATIENCE).expect("an outcome") {
            Told::Joined => {
                let tell = tell.clone();
                let answered = move |answer: Result<roamio::payload::Payload, Error>| {
                    let text = answer.map(|answer| answer.decode(0).unwrap());
                    let _ = tell.send(Told::Answer(text));
                };
                socket.emit_with_ack("echo", r#"["hello"]"#, EmitOptions::default(), answered)?;
            }
            Told::Failed(error) => return Err(error),
            Told::Answer(answer) => {
                assert_eq!(answer?, "hello");
                return Ok(());
            }
        }
    }
}

/// The error of an attempt that must not succeed.
pub fn refused(url: &str, transport: Transport, common: &CommonConfig) -> Error {
    attempt(url, transport, common).expect_err("it is to be refused")
}
