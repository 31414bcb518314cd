//! A program with one manager that makes one attempt.

use std::sync::mpsc::channel;
use std::time::Duration;

use roamio::client::{EmitOptions, Manager, ManagerEvent, SocketEvent, SocketState};
use roamio::config::{CommonConfig, Endpoint, ManagerConfig, Transport, TransportConfig};
use roamio::error::Error;

/// Nothing in these tests takes longer, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(30);

/// What every test runs over.
pub fn transports() -> Vec<TransportConfig> {
    let only = TransportConfig::only;
    vec![only(Transport::Polling), only(Transport::Websocket), TransportConfig::polling_first()]
}

enum Told {
    Joined,
    Failed(Error),
    Upgraded,
    Answer(Result<String, Error>),
}

/// Connect to `url`, be upgraded where that is to be, and have `hello` echoed; the error of the attempt otherwise.
pub fn attempt(
    url: &str,
    transports: &TransportConfig,
    common: &CommonConfig,
) -> Result<(), Error> {
    let (endpoint, _) = Endpoint::parse(url).unwrap();
    let mut config = ManagerConfig::new(endpoint);
    config.common = common.clone();
    config.common.transports = transports.clone();
    config.reconnect.enabled = false;
    let (tell, told) = channel();
    let events = tell.clone();
    let manager = Manager::new(config, move |event| match event {
        ManagerEvent::Retry(retry) => drop(events.send(Told::Failed(retry.error))),
        ManagerEvent::Transport { upgraded: true, .. } => drop(events.send(Told::Upgraded)),
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
    let mut answered = false;
    let mut upgraded = transports.order.len() == 1;
    while !(answered && upgraded) {
        match told.recv_timeout(PATIENCE).expect("an outcome") {
            Told::Upgraded => upgraded = true,
            Told::Joined => {
                let tell = tell.clone();
                let completion = move |answer: Result<roamio::payload::Payload, Error>| {
                    let text = answer.map(|answer| answer.decode(0).unwrap());
                    let _ = tell.send(Told::Answer(text));
                };
                socket.emit_with_ack("echo", r#"["hello"]"#, EmitOptions::default(), completion)?;
            }
            Told::Failed(error) => return Err(error),
            Told::Answer(answer) => {
                assert_eq!(answer?, "hello");
                answered = true;
            }
        }
    }
    Ok(())
}

/// The error of an attempt that must not succeed.
pub fn refused(url: &str, transports: &TransportConfig, common: &CommonConfig) -> Error {
    attempt(url, transports, common).expect_err("it is to be refused")
}
