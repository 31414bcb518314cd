//! Recordings of a real portal (`tests/transcripts`), with the core in the place of the recorded
//! client. Checked: what the core says to the portal, what it delivers, and how everything ends.
//!
//! Not played, because their client does what the core never does:
//!
//! - `close-without-logout` leaves the namespace and joins it again on one connection;
//! - `heartbeat-lost-eio4` does not answer pings;
//! - `idle-3min` never logs in;
//! - `login-no-reconnection-ua-refresh` renews a ticket that it never had;
//! - `login-no-useragent`, `login-not-base64`, `login-unknown-protocol` send logins that the
//!   core cannot be made to send;
//! - `login-twice`, `relogin-requests-before-ack` send calls before they are allowed;
//! - `logout-extra-argument`, `relogin-garbage`, `relogin-object-argument`,
//!   `relogin-tampered-notafter` and `relogin-tampered-ticketid` send spoilt arguments;
//! - `relogin-concurrent` has two relogins in flight.
//!
//! Not played either: `polling-login` has HTTP requests in the place of packets, and which packets
//! share one is up to the client. `tests/sim/transports` holds what the core does while it polls.

#[path = "transcript_core/player.rs"]
mod player;
#[path = "transcript_core/record.rs"]
mod record;

use std::collections::BTreeSet;

use player::{Player, play};
use roamio::error::Code;
use roamio::proto::io::{ConferenceEvent, ConferenceState};

/// The session ended as wished: every request has its answer.
fn left_well(player: &Player) {
    assert_eq!((player.state, player.end_code()), (ConferenceState::Ended, None));
    for (name, code) in player.results() {
        assert_eq!(code, None, "{name}");
    }
}

fn complaints(player: &Player) -> usize {
    let events = player.events.iter();
    events.filter(|event| matches!(event, ConferenceEvent::ProtocolError(_))).count()
}

/// A login that was refused with this code.
fn refused(name: &str, code: Code) {
    let player = play(name, &[1]);
    assert_eq!(player.results(), [("login", Some(code))]);
    assert_eq!(player.end_code(), Some(code));
    assert!(!player.over.is_empty(), "the connection is closed");
}

/// A session that the portal did not take back.
fn not_taken_back(name: &str, code: Code) {
    let player = play(name, &[1, 2]);
    assert_eq!((player.state, player.end_code()), (ConferenceState::Ended, Some(code)));
    assert_eq!(player.over.len(), 2);
}

#[test]
fn login_1_0() {
    let player = play("login-1.0", &[1]);
    assert_eq!(player.heard(), ["participant", "hello", "participant"]);
    left_well(&player);
}

#[test]
fn login_legacy() {
    let player = play("login-legacy", &[1, 3]);
    assert_eq!(player.heard(), ["user_join", "custom_message", "custom_message"]);
    assert_eq!((player.resumed(), player.gaps()), (vec![false], vec![(3, 0, false)]));
    left_well(&player);
}

#[test]
fn login_legacy_second_client() {
    let player = play("login-legacy", &[2]);
    assert_eq!(player.heard(), ["hi", "participant"]);
    left_well(&player);
}

#[test]
fn login_legacy_5x_room() {
    refused("login-legacy-5x-room", Code::LoginRejected);
}

#[test]
fn eio3_login() {
    let player = play("eio3-login", &[1]);
    assert_eq!(player.heard(), ["m1", "drop"]);
    assert_eq!(player.end_code(), Some(Code::Dropped));
}

#[test]
fn eio3_relogin_1_2() {
    let player = play("eio3-relogin-1.2", &[1, 2]);
    assert_eq!(player.heard(), ["m1", "m2"]);
    assert_eq!((player.resumed(), player.gaps()), (vec![true], vec![]));
    left_well(&player);
}

#[test]
fn relogin_1_0_missed() {
    let player = play("relogin-1.0-missed", &[1, 2]);
    assert_eq!(player.heard(), ["m1", "m2", "m3"]);
    assert_eq!((player.resumed(), player.gaps()), (vec![false], vec![(2, 0, false)]));
    left_well(&player);
}

#[test]
fn login_1_1() {
    let player = play("login-1.1", &[1]);
    assert_eq!(player.heard(), ["participant", "hello", "participant"]);
    left_well(&player);
}

#[test]
fn login_1_1_second_client() {
    let player = play("login-1.1", &[2]);
    assert_eq!(player.heard(), ["hello", "private"]);
    left_well(&player);
}

#[test]
fn login_1_2() {
    let player = play("login-1.2", &[1]);
    assert_eq!(player.heard(), ["participant", "hello", "participant"]);
    left_well(&player);
}

#[test]
fn login_1_2_second_client() {
    let player = play("login-1.2", &[2]);
    assert_eq!(player.heard(), ["hello", "private"]);
    left_well(&player);
}

#[test]
fn login_bad_signature() {
    refused("login-bad-signature", Code::LoginRejected);
}

#[test]
fn login_expired_token() {
    refused("login-expired-token", Code::LoginRejected);
}

#[test]
fn login_deprecated_sdk() {
    refused("login-deprecated-sdk", Code::ProtocolVersion);
}

#[test]
fn login_cut_while_joining() {
    let player = play("login-cut-while-joining", &[1]);
    assert_eq!(player.results(), [("login", Some(Code::LoginUnknown))]);
    assert_eq!(player.end_code(), Some(Code::LoginUnknown));
}

#[test]
fn login_unknown_token_no_ack() {
    let player = play("login-unknown-token-no-ack", &[1]);
    assert_eq!(player.results(), [("login", Some(Code::LoginUnknown))]);
}

#[test]
fn login_logout_while_joining() {
    let player = play("login-logout-while-joining", &[1]);
    assert_eq!(player.results(), [("login", Some(Code::Cancelled)), ("logout", None)]);
    assert_eq!((player.state, player.end_code()), (ConferenceState::Ended, None));
}

#[test]
fn login_no_reconnection_ua() {
    let player = play("login-no-reconnection-ua", &[1]);
    assert!(player.events.contains(&ConferenceEvent::Resumable(false)));
    assert_eq!(player.end_code(), Some(Code::SessionLost), "a loss is the end");
}

#[test]
fn logout() {
    let player = play("logout", &[2, 3]);
    left_well(&player);
}

#[test]
fn drop() {
    let player = play("drop", &[1, 2]);
    assert_eq!(player.heard(), ["drop"]);
    assert_eq!(player.end_code(), Some(Code::Dropped));
    assert_eq!(player.over.len(), 1, "no second connection");
}

#[test]
fn drop_while_away() {
    not_taken_back("drop-while-away", Code::SessionLost);
}

#[test]
fn relogin_after_restart() {
    not_taken_back("relogin-after-restart", Code::ServerRestarted);
}

#[test]
fn relogin_after_timeout() {
    not_taken_back("relogin-after-timeout", Code::SessionLost);
}

#[test]
fn relogin_expired_ticket() {
    not_taken_back("relogin-expired-ticket", Code::TicketExpired);
}

#[test]
fn relogin_clock_before_notbefore() {
    not_taken_back("relogin-clock-before-notbefore", Code::TicketExpired);
}

#[test]
fn media_1_1() {
    media("media-1.1", "session-progress");
}

#[test]
fn media_1_2() {
    media("media-1.2", "progress");
}

/// Every answer reaches its request, every notification the host, on both sides.
fn media(name: &str, ready: &str) {
    let publisher = play(name, &[1]);
    left_well(&publisher);
    let calls: Vec<&str> = publisher.outcomes.iter().map(|(call, _)| call.as_str()).collect();
    let expected = ["login", "publish", "soac", "soac", "stream-control", "unpublish", "logout"];
    assert_eq!(calls, expected);
    let heard = publisher.heard();
    assert_eq!(heard.iter().filter(|name| *name == "stream").count(), 3, "add, update, remove");
    assert!(heard.iter().any(|name| name == ready));

    let subscriber = play(name, &[2]);
    assert_eq!((subscriber.state, subscriber.end_code()), (ConferenceState::Ended, None));
    let expected = [
        ("login", None),
        ("subscribe", None),
        ("subscription-control", None),
        ("publish", Some(Code::RequestRejected)),
        ("unsubscribe", None),
        ("logout", None),
    ];
    assert_eq!(subscriber.results(), expected);
    assert_eq!(subscriber.heard(), ["stream"; 3]);
}

#[test]
fn refresh() {
    let player = play("refresh", &[2, 3]);
    assert_eq!(player.resumed(), [true]);
    // The recorded client then takes over from itself.
    assert_eq!(player.state, ConferenceState::Resuming);
}

#[test]
fn inflight_lost_ack() {
    let player = play("inflight-lost-ack", &[1, 2]);
    let results = [("login", None), ("publish", Some(Code::AckLost)), ("logout", None)];
    assert_eq!(player.results(), results);
}

#[test]
fn relogin_1_1_missed() {
    let player = play("relogin-1.1-missed", &[1, 2]);
    assert_eq!(player.heard(), ["m1", "m2", "m3"]);
    assert_eq!((player.resumed(), player.gaps()), (vec![false], vec![(2, 0, false)]));
    left_well(&player);
}

#[test]
fn relogin_1_1_frozen() {
    let player = play("relogin-1.1-frozen", &[1, 2]);
    assert_eq!(player.heard(), ["m1", "after"]);
    assert_eq!(player.gaps(), [(2, 0, false)]);
    left_well(&player);
}

#[test]
fn relogin_1_2_missed() {
    let player = play("relogin-1.2-missed", &[1, 2, 3]);
    assert_eq!(player.heard(), ["m1", "m2", "m3", "m4", "m5", "m6"]);
    assert_eq!((player.resumed(), player.gaps()), (vec![true, true], vec![]));
    left_well(&player);
}

#[test]
fn relogin_1_2_frozen() {
    let player = play("relogin-1.2-frozen", &[1, 2]);
    assert_eq!(player.heard(), ["m1", "sent-into-silence", "after"]);
    assert!(player.gaps().is_empty());
    left_well(&player);
}

#[test]
fn relogin_1_2_gap() {
    let player = play("relogin-1.2-gap", &[1, 2]);
    assert_eq!(player.heard(), ["m1", "m3"]);
    assert_eq!((player.resumed(), player.gaps()), (vec![false], vec![(2, 2, true)]));
    left_well(&player);
}

#[test]
fn relogin_1_2_default_ping_config() {
    let player = play("relogin-1.2-default-ping-config", &[1, 2]);
    assert_eq!(player.heard(), ["m1", "m2", "m3", "m4", "m5"]);
    assert!(player.gaps().is_empty());
    left_well(&player);
}

#[test]
fn relogin_1_2_no_prune_after_relogin() {
    let player = play("relogin-1.2-no-prune-after-relogin", &[1, 2, 3]);
    assert_eq!(player.heard(), ["m1", "m2", "m3", "m4"]);
    assert!(player.gaps().is_empty());
    left_well(&player);
}

#[test]
fn relogin_lost_ack_1_1() {
    let player = play("relogin-lost-ack-1.1", &[1, 2, 3]);
    assert!(player.heard().is_empty(), "m1 went into the dead connection");
    assert_eq!((player.resumed(), player.gaps()), (vec![false], vec![(1, 0, false)]));
    left_well(&player);
}

#[test]
fn relogin_lost_ack_1_2() {
    let player = play("relogin-lost-ack-1.2", &[1, 2, 3]);
    assert_eq!(player.heard(), ["m1"]);
    assert!(player.gaps().is_empty());
    left_well(&player);
}

#[test]
fn relogin_takeover_old_alive() {
    // The `41` on the old connection was recorded before the answer on the new one.
    let player = play("relogin-takeover-old-alive", &[1, 2]);
    assert!(player.events.contains(&ConferenceEvent::Migrated));
    assert!(player.resumed().is_empty(), "the session never left the host's sight");
    assert_eq!(player.end_code(), None);
    assert_eq!(player.results().last(), Some(&("logout", None)));
}

#[test]
fn text_limits() {
    let player = play("text-limits", &[1]);
    let results = [("login", None), ("text", None), ("text", Some(Code::AckLost))];
    assert_eq!(player.results(), results);
    assert_eq!(player.state, ConferenceState::Resuming);
    assert_eq!(complaints(&player), 0);
}

/// A recording that is added is played, or named above with the reason why not.
#[test]
fn every_recording_is_played_or_named() {
    let source = std::fs::read_to_string(file!()).expect("this file");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts");
    let names: BTreeSet<String> = std::fs::read_dir(folder)
        .expect("the recordings")
        .filter_map(|entry| entry.expect("a file").file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".jsonl").map(str::to_owned))
        .collect();
    assert!(names.len() > 40);
    for name in names {
        let mentioned = [format!("\"{name}\""), format!("`{name}`")];
        assert!(mentioned.iter().any(|text| source.contains(text)), "{name}");
    }
}
