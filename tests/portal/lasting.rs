//! Sessions that outlive their ticket, their portal or their process.

use roamio::client::{AskToken, ConferenceEvent, ConferenceState};
use roamio::config::ConferenceConfig;
use roamio::error::{Code, Error};
use roamio_portal::Server;

use crate::host::{Host, ROOM, Told, burst, portal};

fn asking() -> ConferenceConfig {
    ConferenceConfig { ask_token: true, ..ConferenceConfig::default() }
}

fn question(host: &mut Host) -> (AskToken, Option<Code>) {
    host.until("the question", |told| match told {
        Told::Event(ConferenceEvent::TokenWanted { token, error }) => {
            Some((*token, error.as_ref().map(Error::code)))
        }
        _ => None,
    })
}

/// Wait for the fresh login and become its participant.
fn rejoined(host: &mut Host) {
    let answer: serde_json::Value = host.until("the fresh login", |told| match told {
        Told::Event(ConferenceEvent::Rejoined { answer }) => answer.decode(0).ok(),
        _ => None,
    });
    let id = answer["id"].as_str().unwrap().to_owned();
    assert_ne!(std::mem::replace(&mut host.participant, id), host.participant);
}

fn fresh(portal: &Server) -> String {
    portal.mint_token(ROOM, "alice", "presenter")
}

/// Wait for the next notification, which has this text. True: it came with a replay.
fn notified(host: &mut Host, text: &str) -> bool {
    let (data, replayed) = host.until("the next notification", |told| match told {
        Told::Event(ConferenceEvent::Notification { payload, replayed, .. }) => {
            let data = payload.arg(0).unwrap_or_default();
            (payload.name() == "text").then(|| (data.to_owned(), *replayed))
        }
        _ => None,
    });
    assert!(data.contains(text), "{data} in place of {text}");
    replayed
}

#[test]
fn req_2_7_a_restarted_portal_is_joined_anew_with_a_fresh_token() {
    let portal = portal();
    let mut host = Host::joined(&portal, asking());
    portal.restart();
    let (token, error) = question(&mut host);
    assert_eq!(error, Some(Code::ServerRestarted));
    assert_eq!(host.conference.state(), ConferenceState::Joining);
    let nonsense = host.conference.provide_token(token, Ok("nonsense"));
    assert_eq!(nonsense.unwrap_err().code(), Code::TokenInvalid, "the question stays open");
    host.conference.provide_token(token, Ok(&fresh(&portal))).unwrap();
    rejoined(&mut host);
    let room = host.conference.room();
    assert!(!room.stale && room.participant(&host.participant).is_some());
    let text = host.text("here again");
    assert!(host.outcome(text).is_ok());
}

#[test]
fn a_rejoin_replaces_the_participant() {
    let portal = portal();
    let mut host = Host::joined(&portal, asking());
    let old = host.participant.clone();
    let rejoin = host.rejoin();
    let (token, error) = question(&mut host);
    assert_eq!((error, host.conference.state()), (None, ConferenceState::Ready));
    host.conference.provide_token(token, Ok(&fresh(&portal))).unwrap();
    rejoined(&mut host);
    assert!(host.outcome(rejoin).is_ok());
    assert!(portal.participants(ROOM).iter().all(|known| known.id != old));
}

#[test]
fn rejoin_needs_a_provider() {
    let portal = portal();
    let host = Host::joined(&portal, ConferenceConfig::default());
    let refused = host.conference.rejoin(|_| {}).unwrap_err();
    assert_eq!(refused.code(), Code::InvalidState);
}

#[test]
fn an_exported_session_goes_on_in_another_conference() {
    let portal = portal();
    let mut host = Host::joined(&portal, ConferenceConfig::default());
    burst(&portal, "before ", 5);
    for nth in 1..=5 {
        notified(&mut host, &format!("before {nth}"));
    }
    // The event closure has returned from what is told before the outcome.
    let text = host.request("text", r#"{"to":"nobody","message":"hello"}"#);
    assert!(host.outcome(text).is_err());
    let export = host.conference.export().unwrap();
    let room = host.conference.room();
    let participant = host.participant.clone();
    host.conference.detach();
    assert_eq!(host.conference.export().unwrap_err().code(), Code::Closed);
    burst(&portal, "missed ", 3);

    let mut host = Host::new(ConferenceConfig::default());
    let restore = host.restore(export.expose());
    assert!(host.outcome(restore).is_ok());
    assert_eq!(host.conference.room(), room);
    for nth in 1..=3 {
        assert!(notified(&mut host, &format!("missed {nth}")), "it comes with the replay");
    }
    host.participant = participant;
    let text = host.text("still the same");
    assert!(host.outcome(text).is_ok());
    assert_eq!(portal.participants(ROOM).len(), 1);
}

#[test]
fn restoring_while_the_old_process_lives_takes_the_session_over() {
    let portal = portal();
    let mut old = Host::joined(&portal, ConferenceConfig::default());
    let export = old.conference.export().unwrap();
    let mut new = Host::new(ConferenceConfig::default());
    let restore = new.restore(export.expose());
    assert!(new.outcome(restore).is_ok());
    let cause = old.state(ConferenceState::Resuming).unwrap();
    assert_eq!(cause.code(), Code::ServerDisconnect);
    assert_eq!(portal.participants(ROOM).len(), 1);
    old.conference.detach();
}

#[test]
fn what_is_no_export_of_this_version_is_refused_at_once() {
    let portal = portal();
    let host = Host::joined(&portal, ConferenceConfig::default());
    let export = host.conference.export().unwrap();
    let fresh = Host::new(ConferenceConfig::default());
    assert_eq!(fresh.conference.export().unwrap_err().code(), Code::NotLoggedIn);
    let code = |text: &str| fresh.conference.restore(text, |_| {}).unwrap_err().code();
    assert_eq!(code("nonsense"), Code::ExportForeign);
    assert_eq!(code(&export.expose().replace("session/1", "session/9")), Code::ExportNewer);
    assert_eq!(code(&export.expose()[..export.expose().len() - 1]), Code::ExportDamaged);
    let used = host.conference.restore(export.expose(), |_| {}).unwrap_err();
    assert_eq!(used.code(), Code::InvalidState);
    assert_eq!(format!("{export:?}"), "***");
}
