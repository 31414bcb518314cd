//! The short Rust twin of `examples/c/survive.c`: log in, lose the network, be back with nothing
//! lost. It brings its own portal: `cargo run --example survive`

use std::error::Error;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use roamio::client::{Conference, ConferenceEvent, ConferenceState, RequestOptions};
use roamio::config::ConferenceConfig;
use roamio::error::Code;
use roamio_portal::model::{Audience, TextBurst};
use roamio_portal::{Cut, Direction, FreezeMode, Server, ServerConfig, Target};

const ROOM: &str = "demo";

/// Wait for something among the events and pass over the rest.
fn until(
    events: &Receiver<ConferenceEvent>,
    mut wanted: impl FnMut(&ConferenceEvent) -> bool,
) -> Result<(), Box<dyn Error>> {
    loop {
        let event = events.recv_timeout(Duration::from_secs(20))?;
        match &event {
            ConferenceEvent::State(step) => println!("{:?} {:?}", step.state, step.cause),
            ConferenceEvent::Resumed { replayed, .. } => println!("resumed, {replayed} replayed"),
            _ => {}
        }
        if wanted(&event) {
            return Ok(());
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let portal = Server::start_blocking(ServerConfig::default())?;
    let (tell, events) = channel();
    let conference = Conference::new(ConferenceConfig::default(), move |event| {
        // The receiver is gone when the program ends.
        let _ = tell.send(event);
    })?;
    conference.login(&portal.mint_token(ROOM, "alice", "presenter"), |answer| {
        println!("login: {}", if answer.is_ok() { "ok" } else { "refused" });
    })?;
    until(
        &events,
        |event| matches!(event, ConferenceEvent::State(step) if step.state == ConferenceState::Ready),
    )?;

    println!("-- the connection is reset; somebody speaks meanwhile");
    portal.cut(&Target::All, Cut::Reset);
    speak(&portal, 10);
    until(&events, |event| matches!(event, ConferenceEvent::Resumed { complete: true, .. }))?;
    heard(&events, 10)?;

    println!("-- the connection goes silent; the system says that the network changed");
    portal.freeze(&Target::All, Direction::Both, FreezeMode::Discard);
    speak(&portal, 10);
    conference.network_changed()?;
    until(&events, |event| matches!(event, ConferenceEvent::Resumed { complete: true, .. }))?;
    heard(&events, 10)?;

    println!("-- a request goes out, and the connection breaks before its answer");
    portal.swallow_acks(None, "text", 1);
    let (tell, outcome) = channel();
    let text = r#"{"to":"all","message":"was this heard?"}"#;
    conference.request("text", text, RequestOptions::default(), move |result| {
        let _ = tell.send(result);
    })?;
    // The broadcast comes back to its sender, so the portal has executed it.
    heard(&events, 1)?;
    portal.cut(&Target::All, Cut::Reset);
    let result = outcome.recv_timeout(Duration::from_secs(20))?;
    assert_eq!(result.map_err(|error| error.code()), Err(Code::AckLost), "unknown, and it says so");
    until(&events, |event| matches!(event, ConferenceEvent::Resumed { .. }))?;

    conference.logout(|_| {})?;
    until(
        &events,
        |event| matches!(event, ConferenceEvent::State(step) if step.state == ConferenceState::Ended),
    )?;
    println!("nothing lost, nothing twice");
    Ok(())
}

/// Let another participant say something to the room.
fn speak(portal: &Server, count: u64) {
    let to = Audience::Room(ROOM.into());
    portal.send_texts(TextBurst { to, prefix: "text ".into(), first: 1, count, gap: 1 });
}

fn heard(events: &Receiver<ConferenceEvent>, count: u64) -> Result<(), Box<dyn Error>> {
    for _ in 0..count {
        until(
            events,
            |event| matches!(event, ConferenceEvent::Notification { payload, .. } if payload.name() == "text"),
        )?;
    }
    println!("heard {count}");
    Ok(())
}
