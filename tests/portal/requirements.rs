//! What a correct client of the portal does (`owt-portal` 17), over TCP.

use std::num::NonZeroUsize;
use std::time::Duration;

use roamio::client::{ConferenceEvent, ConferenceState};
use roamio::config::{ConferenceConfig, PortalProtocol};
use roamio::error::Code;
use roamio_portal::model::{ModelConfig, Retention, SeqBase};
use roamio_portal::{Cut, Refusal, Server, ServerConfig, Target};

use crate::host::{Host, ROOM, Told, await_in, burst, eager, portal};

fn portal_with(model: ModelConfig) -> Server {
    Server::start_blocking(ServerConfig { model, ..ServerConfig::default() }).unwrap()
}

/// A portal whose rooms take a while to let somebody in.
fn slow_portal() -> Server {
    portal_with(ModelConfig { join_delay: 300, ..ModelConfig::default() })
}

fn token(portal: &Server) -> String {
    portal.mint_token(ROOM, "alice", "presenter")
}

/// Lose the connection, miss some texts, and come back.
fn lose_and_miss(host: &mut Host, portal: &Server, prefix: &str, count: u64) -> bool {
    portal.refuse(Some(Refusal::Reset));
    portal.cut(&host.network(), Cut::Reset);
    host.state(ConferenceState::Resuming);
    // Under 1.1 what is sent before the portal knows of the loss is lost.
    await_in(portal, "the loss", |model| !model.is_connected(&host.participant));
    burst(portal, prefix, count);
    portal.refuse(None);
    host.resumed()
}

#[test]
fn req_1_2_req_1_6_another_sdk_type_gets_no_ticket_and_a_loss_is_the_end() {
    let portal = portal();
    let config = ConferenceConfig { sdk_type: "Swift".into(), ..ConferenceConfig::default() };
    let mut host = Host::joined(&portal, config);
    assert_eq!(
        host.count(|told| matches!(told, Told::Event(ConferenceEvent::Resumable(false)))),
        1
    );
    portal.cut(&host.network(), Cut::Reset);
    assert_eq!(host.end(), Some(Code::SessionLost));
}

#[test]
fn req_1_4_failed_attempts_do_not_spend_the_token() {
    let portal = portal();
    portal.refuse(Some(Refusal::Reset));
    let mut host = Host::new(eager());
    let login = host.login(&token(&portal));
    host.until("a failed attempt", |told| {
        matches!(told, Told::Event(ConferenceEvent::Retry(_))).then_some(())
    });
    portal.refuse(None);
    assert!(host.outcome(login).is_ok());
}

#[test]
fn req_1_5_a_logout_cancels_a_login() {
    let portal = slow_portal();
    let mut host = Host::new(ConferenceConfig::default());
    portal.delay_acks(None, "login", 1, Duration::from_millis(300));
    let login = host.login(&token(&portal));
    await_in(&portal, "the join", |model| !model.participants(ROOM).is_empty());
    let logout = host.logout();
    assert!(host.outcome(logout).is_ok());
    assert_eq!(host.outcome_code(login), Some(Code::Cancelled));
    assert!(portal.participants(ROOM).is_empty(), "no ghost");
}

#[test]
fn req_1_8_a_hint_does_not_end_a_login() {
    let portal = slow_portal();
    let mut host = Host::new(ConferenceConfig::default());
    let login = host.login(&token(&portal));
    host.state(ConferenceState::Joining);
    host.conference.network_changed().unwrap();
    assert!(host.outcome(login).is_ok());
    assert_eq!(portal.participants(ROOM).len(), 1);
}

#[test]
fn req_2_4_a_hint_during_a_relogin_brings_the_session_back() {
    let portal = portal();
    let mut host = Host::joined(&portal, eager());
    portal.delay_acks(None, "relogin", 1, Duration::from_secs(60));
    portal.cut(&host.network(), Cut::Reset);
    host.state(ConferenceState::Resuming);
    burst(&portal, "missed ", 3);
    await_in(&portal, "a relogin", |model| model.ledger(&host.participant).unwrap().relogins == 1);
    portal.cut(&host.network(), Cut::Reset);
    host.conference.network_changed().unwrap();
    assert!(host.resumed());
    host.assert_nothing_lost_or_doubled(&portal);
}

#[test]
fn req_2_5_refused_connections_are_tried_again() {
    let portal = portal();
    let mut host = Host::joined(&portal, eager());
    assert!(lose_and_miss(&mut host, &portal, "missed ", 3));
    host.assert_nothing_lost_or_doubled(&portal);
}

#[test]
fn req_3_1_req_3_7_unknown_names_are_counted_and_missing_data_is_null() {
    let portal = portal();
    let mut host = Host::joined(&portal, eager());
    portal.notify(&host.participant, "weather", None);
    portal.notify(&host.participant, "bell", Some(&serde_json::json!([1])));
    assert!(lose_and_miss(&mut host, &portal, "missed ", 3));
    portal.notify(&host.participant, "weather", None);
    host.assert_nothing_lost_or_doubled(&portal);
}

#[test]
fn req_3_2_req_3_3_what_is_new_comes_once_whatever_the_first_number_is() {
    for seq_base in [SeqBase::Zero, SeqBase::One] {
        let portal = portal_with(ModelConfig { seq_base, ..ModelConfig::default() });
        let mut host = Host::joined(&portal, eager());
        for round in 0..3 {
            burst(&portal, &format!("live {round} "), 5);
            assert!(lose_and_miss(&mut host, &portal, &format!("missed {round} "), 5));
        }
        host.assert_nothing_lost_or_doubled(&portal);
    }
}

#[test]
fn req_3_4_w13_a_hole_is_one_gap() {
    let retention = Retention::For(1);
    let portal = portal_with(ModelConfig { retention, ..ModelConfig::default() });
    let mut host = Host::joined(&portal, eager());
    assert!(!lose_and_miss(&mut host, &portal, "missed ", 20), "not complete");
    let certain = host.until("a gap", |told| match told {
        Told::Event(ConferenceEvent::Gap { from: 1, certain, .. }) => Some(*certain),
        _ => None,
    });
    assert!(certain);
}

#[test]
fn req_3_6_w15_twenty_thousand_missed_notifications_come_once() {
    let portal = portal();
    let mut host = Host::joined(&portal, eager());
    portal.refuse(Some(Refusal::Reset));
    portal.cut(&host.network(), Cut::Reset);
    host.state(ConferenceState::Resuming);
    portal.with_model(|model, now| {
        for number in 0..20_000 {
            model.notify(&host.participant, "tick", Some(&number.into()), now);
        }
    });
    portal.refuse(None);
    assert!(host.resumed());
    host.assert_nothing_lost_or_doubled(&portal);
}

#[test]
fn req_3_8_w02_a_lost_relogin_answer_loses_and_repeats_nothing() {
    let portal = portal();
    let config = ConferenceConfig { relogin_timeout: Duration::from_millis(300), ..eager() };
    let mut host = Host::joined(&portal, config);
    burst(&portal, "live ", 3);
    portal.swallow_acks(None, "relogin", 3);
    assert!(lose_and_miss(&mut host, &portal, "missed ", 3));
    host.assert_nothing_lost_or_doubled(&portal);
}

#[test]
fn req_3_10_w18_1_1_what_was_missed_follows_the_resume() {
    let portal = portal();
    let config = ConferenceConfig { protocol: PortalProtocol::V1_1, ..eager() };
    let mut host = Host::joined(&portal, config);
    assert!(!lose_and_miss(&mut host, &portal, "missed ", 1));
    // Everything told before the resume was passed over.
    host.until("the text", |told| {
        matches!(told, Told::Event(ConferenceEvent::Notification { .. })).then_some(())
    });
}

#[test]
fn req_3_9_a_drop_in_the_replay_is_the_end() {
    let portal = portal();
    let mut host = Host::joined(&portal, eager());
    portal.refuse(Some(Refusal::Reset));
    portal.cut(&host.network(), Cut::Reset);
    host.state(ConferenceState::Resuming);
    portal.notify(&host.participant, "drop", None);
    portal.refuse(None);
    assert_eq!(host.end(), Some(Code::Dropped));
    host.assert_nothing_lost_or_doubled(&portal);
}

#[test]
fn req_3_11_a_reply_that_takes_longer_than_the_portals_patience_arrives() {
    let model = ModelConfig { reply_padding: 600_000, ..ModelConfig::default() };
    let config = ServerConfig { model, ..ServerConfig::default() };
    let ping = Duration::from_secs(1);
    let portal = Server::start_blocking(config.with_ping(ping, ping)).unwrap();
    let mut host = Host::joined(&portal, eager());
    portal.delay_acks(None, "relogin", 1, Duration::from_millis(100));
    portal.cut(&host.network(), Cut::Reset);
    burst(&portal, "missed ", 3);
    await_in(&portal, "the relogin", |model| {
        model.ledger(&host.participant).unwrap().relogins == 1
    });
    // Four seconds; a portal that hears nothing closes after two.
    portal.throttle(&Target::All, NonZeroUsize::new(150_000));
    assert!(host.resumed());
    let text = host.text("on the same connection");
    assert!(host.outcome(text).is_ok());
    assert_eq!(host.conference.stats().relogins, 1);
    host.assert_nothing_lost_or_doubled(&portal);
}

#[test]
fn req_4_3_requests_with_one_ack_id_on_two_connections_have_their_own_answers() {
    let portal = portal();
    let mut host = Host::joined(&portal, eager());
    portal.delay_acks(None, "text", 1, Duration::from_millis(300));
    let old = host.text("first");
    await_in(&portal, "the text", |model| {
        !model.ledger(&host.participant).unwrap().requests.is_empty()
    });
    portal.cut(&host.network(), Cut::Reset);
    assert!(host.resumed());
    assert_eq!(host.outcome_code(old), Some(Code::AckLost));
    // It is still to come when the first answer is due, and another one.
    portal.delay_acks(None, "publish", 1, Duration::from_millis(600));
    let new = host.request("publish", r#"{"media":null,"data":true}"#);
    let answer: serde_json::Value = host.outcome(new).unwrap().decode(0).unwrap();
    assert!(answer["id"].is_string());
    host.assert_nothing_lost_or_doubled(&portal);
}

#[test]
fn req_4_5_a_text_above_the_portals_limit_is_refused_here() {
    let portal = portal();
    let mut host = Host::joined(&portal, ConferenceConfig::default());
    let text = host.text(&"x".repeat(1_000_000));
    assert_eq!(host.outcome_code(text), Some(Code::TooLarge));
    let short = host.text("short");
    assert!(host.outcome(short).is_ok());
}

#[test]
fn req_5_1_w09_the_portals_clock_may_be_a_day_off() {
    for day in [-86_400_000, 86_400_000] {
        let portal = portal();
        portal.set_clock_offset(day);
        let mut host = Host::joined(&portal, eager());
        assert!(lose_and_miss(&mut host, &portal, "missed ", 3));
        host.assert_nothing_lost_or_doubled(&portal);
    }
}

#[test]
fn req_6_2_who_closes_without_leaving_stays_for_the_window() {
    let portal = portal();
    let host = Host::joined(&portal, ConferenceConfig::default());
    host.conference.close_wait(Duration::from_secs(5)).unwrap();
    assert_eq!(portal.participants(ROOM).len(), 1);
}

#[test]
fn req_7_1_no_text_holds_the_token() {
    let portal = portal();
    let mut host = Host::new(ConferenceConfig::default());
    let token = token(&portal);
    portal.with_model(|model, _| model.forget_tokens());
    portal.with_model(|model, _| model.config_mut().silent_unknown_token = false);
    let login = host.login(&token);
    let error = host.outcome(login).unwrap_err();
    assert!(!format!("{error:?} {error}").contains(&token));
    assert!(!format!("{:?}", host.conference).contains(&token));
}

#[test]
fn req_7_2_a_secure_token_is_not_used_in_plain_text() {
    let portal = portal();
    portal.with_model(|model, _| model.config_mut().secure = true);
    let mut host = Host::new(ConferenceConfig::default());
    host.login(&token(&portal));
    host.until("a failed attempt", |told| {
        matches!(told, Told::Event(ConferenceEvent::Retry(_))).then_some(())
    });
    assert_eq!(host.conference.state(), ConferenceState::Joining);
    assert!(portal.participants(ROOM).is_empty());
}
