//! The portal over TLS.

use roamio::client::{ConferenceEvent, ConferenceState};
use roamio::config::ConferenceConfig;
use roamio::error::Code;
use roamio_portal::{Cut, Server, ServerConfig, TlsIdentity};

use crate::host::{Host, ROOM, Told, burst};

/// A portal with a certificate for this address, and the certificate.
fn secure_portal() -> (Server, String) {
    let identity = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let certificate = identity.cert.pem();
    let key = identity.signing_key.serialize_pem();
    let tls = Some(TlsIdentity { certificate: certificate.clone(), key });
    let config = ServerConfig { tls, ..ServerConfig::default() };
    (Server::start_blocking(config).unwrap(), certificate)
}

#[test]
fn req_1_1_a_session_over_tls_survives_a_cut() {
    let (portal, certificate) = secure_portal();
    let mut config = ConferenceConfig::default();
    config.common.tls.add_roots_pem(&certificate).unwrap();
    let mut host = Host::joined(&portal, config);
    burst(&portal, "secret ", 5);
    portal.cut(&host.network(), Cut::Reset);
    assert!(host.resumed());
    host.assert_nothing_lost_or_doubled(&portal);
}

#[test]
fn an_unknown_certificate_is_refused_before_the_token_is_sent() {
    let (portal, _) = secure_portal();
    let mut host = Host::new(ConferenceConfig::default());
    host.login(&portal.mint_token(ROOM, "alice", "presenter"));
    let error = host.until("a failed attempt", |told| match told {
        Told::Event(ConferenceEvent::Retry(retry)) => Some(retry.error.clone()),
        _ => None,
    });
    assert_eq!(error.code(), Code::TlsCertificate);
    assert_eq!(host.conference.state(), ConferenceState::Joining);
    assert!(portal.participants(ROOM).is_empty());
}
