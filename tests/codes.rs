//! Numbers are the same in Rust and in C.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use roamio::client::{ConferenceState, DisconnectReason, ManagerState, SocketState};
use roamio::config::Transport;
use roamio::error::{CertificateProblem, Code, Layer, Retry};
use roamio::owt::Notification;
use roamio::owt::request::{
    Publish, Request, Soac, StreamControl, Subscribe, SubscriptionControl, Text, Unpublish,
    Unsubscribe,
};

/// The constants of the header that begin with `prefix`, without it.
fn constants(prefix: &str) -> BTreeMap<String, u32> {
    let header = include_str!("../include/roamio.h");
    let defines =
        header.lines().filter_map(|line| line.strip_prefix("#define ")?.strip_prefix(prefix));
    let pairs = defines.filter_map(|line| line.split_once(' '));
    pairs.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
}

fn expect<const N: usize>(prefix: &str, pairs: [(&str, u32); N]) {
    let pairs: BTreeMap<String, u32> =
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    assert_eq!(constants(prefix), pairs, "{prefix}");
}

#[test]
fn codes_have_the_same_names_and_numbers() {
    let codes: BTreeMap<String, u32> =
        Code::ALL.iter().map(|code| (code.name().to_owned(), *code as u32)).collect();
    assert_eq!(constants("ROAM_E_"), codes);
}

#[test]
fn what_helps_and_layers_have_the_same_numbers() {
    expect(
        "ROAM_RETRY_",
        [
            ("NEVER", Retry::Never as u32),
            ("AUTOMATIC", Retry::Automatic as u32),
            ("LATER", Retry::Later as u32),
            ("LOGIN", Retry::Login as u32),
        ],
    );
    expect(
        "ROAM_LAYER_",
        [
            ("CALL", Layer::Call as u32),
            ("TRANSPORT", Layer::Transport as u32),
            ("ENGINE", Layer::Engine as u32),
            ("SOCKET", Layer::Socket as u32),
            ("CONFERENCE", Layer::Conference as u32),
        ],
    );
}

#[test]
fn what_is_wrong_with_a_certificate_has_the_same_numbers() {
    expect(
        "ROAM_CERTIFICATE_",
        [
            ("EXPIRED", CertificateProblem::Expired as u32),
            ("NOT_YET_VALID", CertificateProblem::NotYetValid as u32),
            ("SELF_SIGNED", CertificateProblem::SelfSigned as u32),
            ("UNKNOWN_ISSUER", CertificateProblem::UnknownIssuer as u32),
            ("WRONG_HOST", CertificateProblem::WrongHost as u32),
            ("REVOKED", CertificateProblem::Revoked as u32),
            ("NOT_PINNED", CertificateProblem::NotPinned as u32),
        ],
    );
}

#[test]
fn transports_have_the_same_numbers() {
    expect(
        "ROAM_TRANSPORT_",
        [("POLLING", Transport::Polling as u32), ("WEBSOCKET", Transport::Websocket as u32)],
    );
}

#[test]
fn states_and_reasons_have_the_same_numbers() {
    expect(
        "ROAM_MANAGER_STATE_",
        [
            ("IDLE", ManagerState::Idle as u32),
            ("CONNECTING", ManagerState::Connecting as u32),
            ("CONNECTED", ManagerState::Connected as u32),
            ("RECONNECTING", ManagerState::Reconnecting as u32),
            ("CLOSED", ManagerState::Closed as u32),
        ],
    );
    expect(
        "ROAM_SOCKET_STATE_",
        [
            ("IDLE", SocketState::Idle as u32),
            ("JOINING", SocketState::Joining as u32),
            ("CONNECTED", SocketState::Connected as u32),
            ("REJOINING", SocketState::Rejoining as u32),
            ("CLOSED", SocketState::Closed as u32),
        ],
    );
    expect(
        "ROAM_CONFERENCE_STATE_",
        [
            ("IDLE", ConferenceState::Idle as u32),
            ("JOINING", ConferenceState::Joining as u32),
            ("READY", ConferenceState::Ready as u32),
            ("RESUMING", ConferenceState::Resuming as u32),
            ("LEAVING", ConferenceState::Leaving as u32),
            ("ENDED", ConferenceState::Ended as u32),
        ],
    );
    expect(
        "ROAM_DISCONNECT_",
        [
            ("SERVER", DisconnectReason::ServerDisconnect as u32),
            ("CLIENT", DisconnectReason::ClientDisconnect as u32),
            ("PING_TIMEOUT", DisconnectReason::PingTimeout as u32),
            ("TRANSPORT_CLOSE", DisconnectReason::TransportClose as u32),
            ("TRANSPORT_ERROR", DisconnectReason::TransportError as u32),
            ("PARSE_ERROR", DisconnectReason::ParseError as u32),
        ],
    );
}

/// The texts of the header that begin with `prefix`, without it.
fn texts(prefix: &str) -> BTreeMap<&str, &str> {
    let header = include_str!("../include/roamio.h");
    let defines =
        header.lines().filter_map(|line| line.strip_prefix("#define ")?.strip_prefix(prefix));
    let pairs = defines.filter_map(|line| line.split_once(' '));
    pairs.map(|(name, value)| (name, value.trim_matches('"'))).collect()
}

#[test]
fn requests_and_notifications_have_the_same_names() {
    fn name<R: Request>() -> (&'static str, &'static str) {
        let parts = std::any::type_name::<R>().rsplit("::").next();
        (parts.unwrap(), R::NAME)
    }
    let requests = [
        name::<Publish>(),
        name::<Unpublish>(),
        name::<Subscribe>(),
        name::<Unsubscribe>(),
        name::<StreamControl>(),
        name::<SubscriptionControl>(),
        name::<Soac>(),
        name::<Text>(),
    ];
    let in_c = texts("ROAM_REQUEST_");
    assert_eq!(in_c.len(), requests.len());
    for (rust, name) in requests {
        let plain = |(c, _): &(&&str, &&str)| c.replace('_', "").eq_ignore_ascii_case(rust);
        assert_eq!(in_c.iter().find(plain).map(|(_, value)| *value), Some(name), "{rust}");
    }
    let in_c: BTreeSet<&str> = texts("ROAM_NOTIFICATION_").into_values().collect();
    assert_eq!(in_c, Notification::NAMES.into_iter().collect());
}
