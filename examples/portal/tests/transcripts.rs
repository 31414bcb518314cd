//! Every recording of a real portal, replayed against this one over real connections.
//!
//! The recordings are in `tests/transcripts` at the root of the repository; where the portal may
//! differ from them is listed in `replay::compare::Exception`.

mod replay;
mod support;

use std::collections::BTreeSet;

macro_rules! transcripts {
    ($($test:ident => $name:literal,)*) => {
        const NAMES: &[&str] = &[$($name),*];

        $(
            #[tokio::test]
            async fn $test() {
                replay::replay($name).await;
            }
        )*
    };
}

transcripts! {
    close_without_logout => "close-without-logout",
    drop => "drop",
    drop_while_away => "drop-while-away",
    eio3_login => "eio3-login",
    eio3_relogin_1_2 => "eio3-relogin-1.2",
    heartbeat_lost_eio4 => "heartbeat-lost-eio4",
    idle_3min => "idle-3min",
    inflight_lost_ack => "inflight-lost-ack",
    login_1_0 => "login-1.0",
    login_1_1 => "login-1.1",
    login_1_2 => "login-1.2",
    login_bad_signature => "login-bad-signature",
    login_cut_while_joining => "login-cut-while-joining",
    login_deprecated_sdk => "login-deprecated-sdk",
    login_expired_token => "login-expired-token",
    login_legacy => "login-legacy",
    login_legacy_5x_room => "login-legacy-5x-room",
    login_logout_while_joining => "login-logout-while-joining",
    login_no_reconnection_ua => "login-no-reconnection-ua",
    login_no_reconnection_ua_refresh => "login-no-reconnection-ua-refresh",
    login_no_useragent => "login-no-useragent",
    login_not_base64 => "login-not-base64",
    login_twice => "login-twice",
    login_unknown_protocol => "login-unknown-protocol",
    login_unknown_token_no_ack => "login-unknown-token-no-ack",
    logout => "logout",
    logout_extra_argument => "logout-extra-argument",
    media_1_1 => "media-1.1",
    media_1_2 => "media-1.2",
    polling_login => "polling-login",
    refresh => "refresh",
    relogin_1_0_missed => "relogin-1.0-missed",
    relogin_1_1_frozen => "relogin-1.1-frozen",
    relogin_1_1_missed => "relogin-1.1-missed",
    relogin_1_2_default_ping_config => "relogin-1.2-default-ping-config",
    relogin_1_2_frozen => "relogin-1.2-frozen",
    relogin_1_2_gap => "relogin-1.2-gap",
    relogin_1_2_missed => "relogin-1.2-missed",
    relogin_1_2_no_prune_after_relogin => "relogin-1.2-no-prune-after-relogin",
    relogin_after_restart => "relogin-after-restart",
    relogin_after_timeout => "relogin-after-timeout",
    relogin_clock_before_notbefore => "relogin-clock-before-notbefore",
    relogin_concurrent => "relogin-concurrent",
    relogin_expired_ticket => "relogin-expired-ticket",
    relogin_garbage => "relogin-garbage",
    relogin_lost_ack_1_1 => "relogin-lost-ack-1.1",
    relogin_lost_ack_1_2 => "relogin-lost-ack-1.2",
    relogin_object_argument => "relogin-object-argument",
    relogin_requests_before_ack => "relogin-requests-before-ack",
    relogin_takeover_old_alive => "relogin-takeover-old-alive",
    relogin_tampered_notafter => "relogin-tampered-notafter",
    relogin_tampered_ticketid => "relogin-tampered-ticketid",
    text_limits => "text-limits",
}

#[test]
fn every_recording_is_replayed() {
    let replayed: BTreeSet<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(replayed, replay::transcript::names());
}
