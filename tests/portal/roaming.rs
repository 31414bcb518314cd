//! The network fails; the session comes back.

use roamio::client::{ConferenceEvent, ConferenceState};
use roamio::config::{ConferenceConfig, PortalProtocol};
use roamio::error::Code;
use roamio_portal::{Cut, Direction, FreezeMode};

use crate::host::{Host, Told, burst, eager, executions, portal};

#[test]
fn f01_p09_a_reset_while_idle_is_survived() {
    let portal = portal();
    let mut host = Host::joined(&portal, ConferenceConfig::default());
    burst(&portal, "before ", 3);
    portal.cut(&host.network(), Cut::Reset);
    let cause = host.state(ConferenceState::Resuming).unwrap();
    assert_eq!(cause.code(), Code::NetworkLost);
    burst(&portal, "missed ", 5);
    assert!(host.resumed(), "complete");
    burst(&portal, "after ", 3);
    let text = host.text("still here");
    assert!(host.outcome(text).is_ok());
    host.assert_nothing_lost_or_doubled(&portal);
}

#[test]
fn f02_p09_an_orderly_close_by_the_network_is_survived() {
    let portal = portal();
    let mut host = Host::joined(&portal, ConferenceConfig::default());
    portal.cut(&host.network(), Cut::Close);
    host.state(ConferenceState::Resuming);
    assert!(host.resumed());
    burst(&portal, "after ", 3);
    host.assert_nothing_lost_or_doubled(&portal);
}

#[test]
fn f06_p10_a_half_open_connection_is_noticed_while_a_request_is_in_flight() {
    let portal = portal();
    let mut host = Host::joined(&portal, ConferenceConfig::default());
    portal.freeze(&host.network(), Direction::ToClient, FreezeMode::Discard);
    burst(&portal, "into the void ", 20);
    let text = host.text("heard, not answered");
    assert_eq!(host.state(ConferenceState::Resuming).unwrap().code(), Code::NetworkLost);
    assert!(host.resumed());
    assert_eq!(host.outcome_code(text), Some(Code::AckLost));
    assert_eq!(executions(&portal, &host.participant, "heard, not answered"), 1);
    host.assert_nothing_lost_or_doubled(&portal);
}

#[test]
fn req_4_1_a_request_whose_ack_is_lost_ends_unknown_and_is_not_sent_again() {
    let portal = portal();
    let mut host = Host::joined(&portal, ConferenceConfig::default());
    portal.swallow_acks(None, "text", 1);
    let text = host.text("once");
    // The broadcast comes back to its sender: the portal has executed it.
    host.until("the text itself", |told| {
        matches!(told, Told::Event(ConferenceEvent::Notification { .. })).then_some(())
    });
    portal.cut(&host.network(), Cut::Reset);
    assert!(host.resumed());
    assert_eq!(host.outcome_code(text), Some(Code::AckLost));
    let next = host.text("twice");
    assert!(host.outcome(next).is_ok());
    assert_eq!(executions(&portal, &host.participant, "once"), 1);
    host.assert_nothing_lost_or_doubled(&portal);
}

#[test]
fn req_2_1_a_hint_on_a_dead_path_brings_the_session_back_at_once() {
    let portal = portal();
    let mut host = Host::joined(&portal, ConferenceConfig::default());
    portal.freeze(&host.network(), Direction::Both, FreezeMode::Discard);
    burst(&portal, "missed ", 10);
    host.conference.network_changed().unwrap();
    host.state(ConferenceState::Resuming);
    assert!(host.resumed());
    host.assert_nothing_lost_or_doubled(&portal);
}

#[test]
fn a_wrong_hint_changes_nothing() {
    let portal = portal();
    let mut host = Host::joined(&portal, ConferenceConfig::default());
    for hint in [
        host.conference.network_changed(),
        host.conference.network_available(),
        host.conference.network_lost(),
        host.conference.suspended(),
        host.conference.resumed(),
    ] {
        hint.unwrap();
    }
    burst(&portal, "live ", 5);
    let text = host.text("undisturbed");
    assert!(host.outcome(text).is_ok());
    host.assert_nothing_lost_or_doubled(&portal);
    let steps = host.count(|told| matches!(told, Told::Event(ConferenceEvent::State(_))));
    assert_eq!(steps, 2, "joining and ready, nothing else");
}

#[test]
fn req_2_2_requests_made_while_the_network_is_gone_are_sent_once_when_it_is_back() {
    let portal = portal();
    let mut host = Host::joined(&portal, eager());
    portal.refuse(Some(roamio_portal::Refusal::Reset));
    portal.cut(&host.network(), Cut::Reset);
    host.state(ConferenceState::Resuming);
    let texts: Vec<u64> = (0..20).map(|number| host.text(&format!("held {number}"))).collect();
    portal.refuse(None);
    assert!(host.resumed());
    for (number, text) in texts.into_iter().enumerate() {
        assert!(host.outcome(text).is_ok());
        assert_eq!(executions(&portal, &host.participant, &format!("held {number}")), 1);
    }
    host.assert_nothing_lost_or_doubled(&portal);
}

#[test]
fn req_3_4_protocol_1_1_resumes_and_says_that_something_may_be_lost() {
    let portal = portal();
    let config = ConferenceConfig { protocol: PortalProtocol::V1_1, ..eager() };
    let mut host = Host::joined(&portal, config);
    portal.cut(&host.network(), Cut::Reset);
    host.state(ConferenceState::Resuming);
    assert!(!host.resumed(), "1.1 cannot know");
    let certain = host.until("a gap", |told| match told {
        Told::Event(ConferenceEvent::Gap { certain, .. }) => Some(*certain),
        _ => None,
    });
    assert!(!certain);
    let text = host.text("back");
    assert!(host.outcome(text).is_ok());
}

#[test]
fn req_2_1_f04_p09_a_participant_that_was_kicked_comes_back() {
    let portal = portal();
    let mut host = Host::joined(&portal, ConferenceConfig::default());
    burst(&portal, "before ", 2);
    assert!(portal.kick(&host.participant));
    assert_eq!(host.state(ConferenceState::Resuming).unwrap().code(), Code::ServerDisconnect);
    assert!(host.resumed());
    host.assert_nothing_lost_or_doubled(&portal);
}
