//! How a session begins and ends.

use std::time::Duration;

use roamio::client::{ConferenceEvent, ConferenceState};
use roamio::config::{ConferenceConfig, PortalProtocol};
use roamio::error::{Code, Retry};
use roamio_portal::Cut;

use crate::host::{Host, ROOM, Told, burst, portal};

#[test]
fn req_6_1_login_requests_and_logout_work() {
    for protocol in [PortalProtocol::V1_1, PortalProtocol::V1_2] {
        let portal = portal();
        let mut host =
            Host::joined(&portal, ConferenceConfig { protocol, ..ConferenceConfig::default() });
        let resumable =
            host.count(|told| matches!(told, Told::Event(ConferenceEvent::Resumable(true))));
        assert_eq!(resumable, 1);
        burst(&portal, "hello ", 3);
        let text = host.text("hi");
        assert!(host.outcome(text).is_ok());
        let nonsense = host.request("unpublish", r#"{"id":"no-such-stream"}"#);
        let refused = host.outcome(nonsense).unwrap_err();
        assert_eq!(refused.code(), Code::RequestRejected);
        assert!(refused.server_json().is_some());
        host.assert_nothing_lost_or_doubled(&portal);
        let logout = host.logout();
        assert!(host.outcome(logout).is_ok());
        assert_eq!(host.conference.state(), ConferenceState::Ended);
        assert_eq!(host.end(), None, "a logout has no cause");
        assert!(portal.participants(ROOM).iter().all(|known| known.id != host.participant));
    }
}

#[test]
fn req_2_7_w05_a_restarted_portal_ends_the_session_with_its_own_reason() {
    let portal = portal();
    let mut host = Host::joined(&portal, ConferenceConfig::default());
    portal.restart();
    let error = host.state(ConferenceState::Ended).unwrap();
    assert_eq!((error.code(), error.retry()), (Code::ServerRestarted, Retry::Login));
}

#[test]
fn req_2_8_a_dropped_participant_is_told_and_does_not_come_back() {
    let portal = portal();
    let mut host = Host::joined(&portal, ConferenceConfig::default());
    assert!(portal.drop_participant(&host.participant));
    assert_eq!(host.end(), Some(Code::Dropped));
    host.assert_nothing_lost_or_doubled(&portal);
}

#[test]
fn req_2_7_a_participant_that_was_dropped_while_away_is_unknown() {
    let portal = portal();
    let mut host = Host::joined(&portal, ConferenceConfig::default());
    portal.refuse(Some(roamio_portal::Refusal::Reset));
    portal.cut(&host.network(), Cut::Reset);
    host.state(ConferenceState::Resuming);
    assert!(portal.drop_participant(&host.participant));
    portal.refuse(None);
    assert_eq!(host.end(), Some(Code::SessionLost));
}

#[test]
fn req_2_7_an_expired_ticket_is_its_own_end() {
    let portal = portal();
    let mut host = Host::joined(&portal, ConferenceConfig::default());
    portal.expire_tickets();
    portal.cut(&host.network(), Cut::Reset);
    assert_eq!(host.end(), Some(Code::TicketExpired));
}

#[test]
fn req_2_9_w04_a_session_that_is_taken_over_again_and_again_ends_superseded() {
    let portal = portal();
    let mut host = Host::joined(&portal, ConferenceConfig::default());
    for _ in 0..3 {
        assert!(portal.kick(&host.participant));
        assert!(host.resumed());
    }
    assert!(portal.kick(&host.participant));
    assert_eq!(host.end(), Some(Code::Superseded));
}

#[test]
fn req_1_3_a_used_token_gets_no_answer_and_ends_unknown() {
    let portal = portal();
    let token = portal.mint_token(ROOM, "alice", "presenter");
    let mut first = Host::new(ConferenceConfig::default());
    let login = first.login(&token);
    assert!(first.outcome(login).is_ok());
    let mut second = Host::new(ConferenceConfig {
        login_timeout: Duration::from_millis(500),
        ..ConferenceConfig::default()
    });
    let login = second.login(&token);
    assert_eq!(second.outcome_code(login), Some(Code::LoginUnknown));
    assert_eq!(second.end(), Some(Code::LoginUnknown));
}

#[test]
fn req_1_7_a_forged_token_is_refused_with_the_portals_words() {
    use base64::Engine as _;
    let portal = portal();
    let json = format!(
        r#"{{"tokenId":"0123456789abcdef01234567","host":"127.0.0.1:{}","secure":false,"signature":"AAAA"}}"#,
        portal.port()
    );
    let token = base64::engine::general_purpose::STANDARD.encode(json);
    let mut host = Host::new(ConferenceConfig::default());
    let login = host.login(&token);
    let error = host.outcome(login).unwrap_err();
    assert_eq!(error.code(), Code::LoginRejected);
    assert_eq!(error.server_json(), Some("\"Invalid token signature\""));
}

#[test]
fn req_4_4_w26_calls_in_the_wrong_state_fail_at_once() {
    let portal = portal();
    let host = Host::new(ConferenceConfig::default());
    let conference = &host.conference;
    let code = |result: roamio::error::Result<_>| result.err().map(|error| error.code());
    let options = roamio::client::RequestOptions::default;
    assert_eq!(code(conference.logout(|_| {})), Some(Code::NotLoggedIn));
    assert_eq!(code(conference.request("text", "{}", options(), |_| {})), Some(Code::NotLoggedIn));
    for token in ["", "no base64", "e30="] {
        assert_eq!(code(conference.login(token, |_| {})), Some(Code::TokenInvalid));
    }
    let host = Host::joined(&portal, ConferenceConfig::default());
    let conference = &host.conference;
    let again = portal.mint_token(ROOM, "bob", "presenter");
    assert_eq!(code(conference.login(&again, |_| {})), Some(Code::InvalidState));
    for (name, data, expected) in [
        ("text", "null", Code::InvalidJson),
        ("text", "[]", Code::InvalidJson),
        ("text", "{", Code::InvalidJson),
        ("disconnect", "{}", Code::ReservedEvent),
    ] {
        assert_eq!(code(conference.request(name, data, options(), |_| {})), Some(expected));
    }
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(60_000), "]".repeat(60_000));
    let nested = conference.request("text", &deep, options(), |_| {});
    assert_eq!(code(nested), Some(Code::InvalidJson));
}

#[test]
fn req_4_2_freeing_the_last_handle_settles_every_request() {
    let portal = portal();
    let mut host = Host::joined(&portal, ConferenceConfig::default());
    portal.swallow_acks(None, "text", 3);
    let texts: Vec<u64> = (0..3).map(|number| host.text(&format!("{number}"))).collect();
    host.conference.close_wait(Duration::from_secs(5)).unwrap();
    for text in texts {
        assert_eq!(host.outcome_code(text), Some(Code::Closed));
    }
}
