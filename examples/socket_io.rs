//! Plain Socket.IO: join a namespace, print what arrives, ask the server something, leave.
//!
//! `cargo run --example socket_io -- http://localhost:3000/chat sum '[1, 2]'`

use std::env;
use std::error::Error;
use std::time::Duration;

use roamio::client::{EmitOptions, Lookup, Registry, SocketEvent, SocketState};

/// Emit an event with an ack, and give the arguments of the answer.
pub(crate) fn ask(url: &str, name: &str, args: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let registry = Registry::new();
    let (_, socket) = registry.socket(url, Lookup::default(), |event| match event {
        SocketEvent::State { transition, .. } if transition.state == SocketState::Connected => {
            println!("joined");
        }
        SocketEvent::ConnectError { error, active } => {
            println!("not joined: {error}; it goes on: {active}");
        }
        SocketEvent::Event { payload, .. } => {
            println!("{}: {}", payload.name(), payload.args().collect::<Vec<_>>().join(" "));
        }
        _ => {}
    })?;
    socket.connect(None)?;
    // It waits for the namespace, and its time counts already.
    let options = EmitOptions { timeout: Some(Duration::from_secs(10)), ..EmitOptions::default() };
    let (tell, outcome) = std::sync::mpsc::channel();
    socket.emit_with_ack(name, args, options, move |result| {
        // The receiver waits for exactly this.
        let _ = tell.send(result);
    })?;
    let reply = outcome.recv()??;
    socket.disconnect()?;
    Ok(reply.args().map(str::to_owned).collect())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [url, name, args] = arguments.as_slice() else {
        return Err("usage: socket_io URL EVENT JSON-ARRAY".into());
    };
    println!("answer: {}", ask(url, name, args)?.join(" "));
    Ok(())
}
