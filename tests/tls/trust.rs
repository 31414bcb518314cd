//! Whom we trust, and whom we are (conformance 93).

use openssl::ssl::SslVersion;
use roamio::config::{ClientIdentity, CommonConfig, TlsConfig, TlsVersion, TransportConfig};
use roamio::error::{CertificateProblem, Code, Error};

use crate::certificates::{Authority, Identity};
use crate::client::{attempt, refused, transports};
use crate::front::{FrontConfig, Visit, closed, listen};

const RUSTLS: bool = cfg!(feature = "tls-rustls");

/// Options that trust an authority, which the system does not know.
fn trusting(authority: &Authority) -> CommonConfig {
    let mut tls = TlsConfig::default();
    tls.add_roots_pem(&authority.pem).unwrap();
    CommonConfig { tls, ..CommonConfig::default() }
}

/// Attempt to reach a server of this kind as `host`; with what its first connection brought there.
fn meet(
    config: &FrontConfig,
    host: &str,
    transport: &TransportConfig,
    common: &CommonConfig,
) -> (Result<(), Error>, Visit) {
    let front = config.start();
    (attempt(&front.url(host), transport, common), front.visit())
}

/// The error of an attempt that must not succeed, which has sent nothing inside TLS.
fn refusal(
    config: &FrontConfig,
    host: &str,
    transport: &TransportConfig,
    common: &CommonConfig,
) -> Error {
    let (result, visit) = meet(config, host, transport, common);
    assert_eq!(visit.request, "", "not a byte of HTTP");
    result.expect_err("it is to be refused")
}

#[test]
fn conformance_93_a_chain_of_a_known_authority_is_accepted() {
    let root = Authority::new("root");
    let config = FrontConfig::new(root.intermediate().sign("localhost"));
    for transport in transports() {
        let (result, visit) = meet(&config, "localhost", &transport, &trusting(&root));
        result.unwrap();
        assert_eq!(visit.server_name.as_deref(), Some("localhost"));
        assert!(visit.request.starts_with("GET /socket.io/?"), "{visit:?}");
    }
}

#[test]
fn conformance_93_an_address_is_verified_like_a_name() {
    let root = Authority::new("root");
    let config = FrontConfig::new(root.sign("127.0.0.1"));
    for transport in transports() {
        meet(&config, "127.0.0.1", &transport, &trusting(&root)).0.unwrap();
        let error = refusal(&config, "localhost", &transport, &trusting(&root));
        assert_eq!(error.code(), Code::TlsCertificate, "{error:?}");
    }
}

#[test]
fn conformance_93_a_bad_certificate_is_refused_with_its_reason_before_any_request() {
    let root = Authority::new("root");
    let unknown = Authority::new("unknown");
    // rustls does not tell whether anybody else has signed it.
    let self_signed =
        if RUSTLS { CertificateProblem::UnknownIssuer } else { CertificateProblem::SelfSigned };
    for (identity, problem) in [
        (root.sign("other.test"), CertificateProblem::WrongHost),
        (Identity::self_signed("localhost"), self_signed),
        (root.sign_expired("localhost"), CertificateProblem::Expired),
        (root.sign_early("localhost"), CertificateProblem::NotYetValid),
        (unknown.sign("localhost"), CertificateProblem::UnknownIssuer),
    ] {
        let config = FrontConfig::new(identity);
        for transport in transports() {
            let mut common = trusting(&root);
            let error = refusal(&config, "localhost", &transport, &common);
            assert_eq!(error.code(), Code::TlsCertificate, "{error:?}");
            assert_eq!(error.certificate(), Some(problem), "{error:?}");
            common.tls.dangerously_accept_anything = true;
            meet(&config, "localhost", &transport, &common).0.expect("anything goes");
        }
    }
}

#[test]
fn conformance_93_a_server_that_vouches_for_itself_can_be_trusted_itself() {
    for identity in [Identity::self_signed("localhost"), Identity::authority("localhost")] {
        let mut common = CommonConfig::default();
        common.tls.add_roots_pem(&identity.certificates).unwrap();
        let config = FrontConfig::new(identity);
        for transport in transports() {
            meet(&config, "localhost", &transport, &common).0.unwrap();
            let error = refusal(&config, "127.0.0.1", &transport, &common);
            assert_eq!(error.code(), Code::TlsCertificate, "{error:?}");
            assert!(error.message().to_lowercase().contains("mismatch"), "{error:?}");
        }
    }
    let identity = Identity::expired_authority("localhost");
    let mut common = CommonConfig::default();
    common.tls.add_roots_pem(&identity.certificates).unwrap();
    let config = FrontConfig::new(identity);
    let error = refusal(&config, "localhost", &transports()[0], &common);
    assert!(error.message().contains("certificate has expired"), "{error:?}");
}

#[test]
fn conformance_93_an_authority_is_no_server_unless_it_is_trusted_itself() {
    let root = Authority::new("root");
    let config = FrontConfig::new(root.sign_authority("localhost"));
    let (result, _) = meet(&config, "localhost", &transports()[0], &trusting(&root));
    if RUSTLS {
        let error = result.expect_err("rustls is strict");
        assert!(error.message().contains("an authority's"), "{error:?}");
    } else {
        result.expect("OpenSSL does not care");
    }
}

#[test]
fn conformance_93_a_pin_must_match_before_the_first_request() {
    let root = Authority::new("root");
    let identity = root.sign("localhost");
    let (pin, other) = (identity.pin.clone(), root.sign("localhost").pin);
    let config = FrontConfig::new(identity);
    for transport in transports() {
        for anything in [false, true] {
            let mut common = trusting(&root);
            common.tls.dangerously_accept_anything = anything;
            common.tls.add_spki_pin_base64(&other).unwrap();
            let error = refusal(&config, "localhost", &transport, &common);
            assert_eq!(error.code(), Code::TlsCertificate, "{error:?}");
            assert_eq!(error.certificate(), Some(CertificateProblem::NotPinned), "{error:?}");
            common.tls.add_spki_pin_base64(&pin).unwrap();
            meet(&config, "localhost", &transport, &common).0.expect("one of the pins matches");
        }
    }
}

#[test]
fn conformance_93_a_matching_pin_replaces_no_verification() {
    let identity = Identity::self_signed("localhost");
    let mut common = CommonConfig::default();
    common.tls.add_spki_pin_base64(&identity.pin).unwrap();
    let config = FrontConfig::new(identity);
    for transport in transports() {
        let error = refusal(&config, "localhost", &transport, &common);
        assert_eq!(error.code(), Code::TlsCertificate, "{error:?}");
        assert!(!error.message().contains("pinned"), "{error:?}");
    }
}

#[test]
fn conformance_93_another_server_name_is_sent_and_verified() {
    let root = Authority::new("root");
    let config = FrontConfig::new(root.sign("portal.test"));
    for transport in transports() {
        let mut common = trusting(&root);
        for name in ["portal.test", "portal.test."] {
            common.tls.server_name = Some(name.into());
            let (result, visit) = meet(&config, "127.0.0.1", &transport, &common);
            result.unwrap();
            assert_eq!(visit.server_name.as_deref(), Some("portal.test"));
        }
        common.tls.server_name = Some("127.0.0.1".into());
        let error = refusal(&config, "127.0.0.1", &transport, &common);
        assert_eq!(error.code(), Code::TlsCertificate, "{error:?}");
    }
}

#[test]
fn conformance_93_a_server_without_the_minimum_version_is_refused() {
    let root = Authority::new("root");
    let new = FrontConfig::new(root.sign("localhost"));
    let old = FrontConfig { max_version: Some(SslVersion::TLS1_2), ..new.clone() };
    for transport in transports() {
        let mut common = trusting(&root);
        meet(&old, "localhost", &transport, &common).0.expect("1.2 is enough");
        common.tls.min_version = TlsVersion::V1_3;
        let error = refusal(&old, "localhost", &transport, &common);
        assert_eq!(error.code(), Code::TlsHandshake, "{error:?}");
        assert!(error.message().contains("version"), "{error:?}");
        meet(&new, "localhost", &transport, &common).0.expect("1.3 is what it has");
    }
}

/// TLS 1.2 tells of a refused certificate in the handshake, TLS 1.3 behind it.
const VERSIONS: [SslVersion; 2] = [SslVersion::TLS1_2, SslVersion::TLS1_3];

#[test]
fn conformance_93_a_client_certificate_is_shown_to_a_server_that_asks() {
    let root = Authority::new("root");
    let (ec, rsa) = (root.sign("ec client"), root.sign_rsa("rsa client"));
    // What stands around the blocks is nobody's business.
    let pem = |identity: &Identity| {
        let key = format!("Bag Attributes\n{}", identity.key);
        ClientIdentity::pem(&identity.certificates, &key).unwrap()
    };
    let archive = |identity: &Identity| {
        ClientIdentity::pkcs12(&identity.pkcs12("pass word"), "pass word").unwrap()
    };
    for version in VERSIONS {
        let mut config = FrontConfig::new(root.sign("localhost"));
        config.clients = Some(root.pem.clone());
        config.max_version = Some(version);
        for (identity, name) in [
            (pem(&ec), "ec client"),
            (pem(&rsa), "rsa client"),
            (archive(&ec), "ec client"),
            (archive(&rsa), "rsa client"),
        ] {
            for transport in transports() {
                let mut common = trusting(&root);
                common.tls.identity = Some(identity.clone());
                let (result, visit) = meet(&config, "localhost", &transport, &common);
                result.unwrap();
                assert_eq!(visit.client.as_deref(), Some(name));
            }
        }
    }
}

#[test]
fn conformance_93_a_server_that_wants_another_client_certificate_says_so() {
    let root = Authority::new("root");
    let stranger = Authority::new("stranger").sign("stranger");
    let stranger = ClientIdentity::pem(&stranger.certificates, &stranger.key).unwrap();
    for version in VERSIONS {
        let mut config = FrontConfig::new(root.sign("localhost"));
        config.clients = Some(root.pem.clone());
        config.max_version = Some(version);
        for (identity, reason) in [
            (None, if version == SslVersion::TLS1_3 { "wants a client" } else { "alert" }),
            (Some(stranger.clone()), "unknown ca"),
        ] {
            for transport in transports() {
                let mut common = trusting(&root);
                common.tls.identity = identity.clone();
                let error = refusal(&config, "localhost", &transport, &common);
                assert_eq!(error.code(), Code::TlsHandshake, "{error:?}");
                assert!(error.message().contains(reason), "{error:?} for {reason}");
            }
        }
    }
}

/// Certificates with the keys of others, and what is told of them when the manager is made: rustls
/// compares the two, OpenSSL only when it connects.
fn mismatched(root: &Authority) -> Vec<(ClientIdentity, &'static str)> {
    let certificates = root.sign("client").certificates;
    let with = |other: Identity| ClientIdentity::pem(&certificates, &other.key).unwrap();
    let told = "the key is that of another certificate";
    if RUSTLS {
        vec![(with(root.sign("other")), told), (with(root.sign_rsa("other")), told)]
    } else {
        vec![]
    }
}

#[test]
fn certificates_and_keys_that_cannot_be_used_are_told_before_anything_is_done() {
    let root = Authority::new("root");
    let one = root.sign("one");
    let der = |label: &str| format!("-----BEGIN {label}-----\nAQID\n-----END {label}-----\n");
    let pem = |certificates: &str, key: &str| ClientIdentity::pem(certificates, key).unwrap();
    let archive = one.pkcs12("hunter2");
    let url = format!("https://{}", closed());
    for (identity, what) in [
        (ClientIdentity::pkcs12(&archive, "hunter3").unwrap(), "another password"),
        (ClientIdentity::pkcs12(&archive[1..], "hunter2").unwrap(), "no PKCS#12"),
        (ClientIdentity::pkcs12(&[], "").unwrap(), "no PKCS#12"),
        (pem(&one.certificates, &der("PRIVATE KEY")), "client certificate"),
        (pem(&der("CERTIFICATE"), &one.key), "client certificate"),
    ]
    .into_iter()
    .chain(mismatched(&root))
    {
        let mut common = CommonConfig::default();
        common.tls.identity = Some(identity);
        let error = refused(&url, &transports()[0], &common);
        assert_eq!(error.code(), Code::InvalidArgument, "{error:?}");
        assert!(error.message().contains(what), "{error:?} for {what}");
        assert!(!error.message().contains("hunter"), "{error:?}");
    }
    let tls = TlsConfig { extra_roots: vec![vec![1, 2, 3]], ..TlsConfig::default() };
    let common = CommonConfig { tls, ..CommonConfig::default() };
    let error = refused(&url, &transports()[0], &common);
    assert_eq!(error.code(), Code::InvalidArgument, "{error:?}");
    assert!(error.message().contains("trusted certificate"), "{error:?}");
}

#[cfg(not(feature = "tls-rustls"))] // See `mismatched`.
#[test]
fn a_key_of_another_certificate_is_told_before_any_request() {
    let root = Authority::new("root");
    let mut config = FrontConfig::new(root.sign("localhost"));
    config.clients = Some(root.pem.clone());
    let certificates = root.sign("client").certificates;
    for (other, reason) in [
        (root.sign("other"), "key values mismatch"),
        // OpenSSL takes it for one more key without a certificate.
        (root.sign_rsa("other"), "wants a client certificate"),
    ] {
        let mut common = trusting(&root);
        common.tls.identity = Some(ClientIdentity::pem(&certificates, &other.key).unwrap());
        for transport in transports() {
            let error = refusal(&config, "localhost", &transport, &common);
            assert_eq!(error.code(), Code::TlsHandshake, "{error:?}");
            assert!(error.message().contains(reason), "{error:?} for {reason}");
        }
    }
}

#[test]
fn a_redirect_from_https_to_http_is_not_followed() {
    let (tell, visited) = std::sync::mpsc::channel();
    let target = listen(move |_| {
        let tell = tell.clone();
        async move { tell.send(()).unwrap() }
    });
    let head = format!(
        "HTTP/1.1 302 Found\r\nLocation: http://{target}/?token=secret\r\nContent-Length: 0\r\n\r\n"
    );
    let backend = listen(move |mut stream| {
        let head = head.clone();
        async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    });
    let root = Authority::new("root");
    let front = FrontConfig { backend, ..FrontConfig::new(root.sign("localhost")) }.start();
    for transport in transports() {
        let error = refused(&front.url("localhost"), &transport, &trusting(&root));
        assert_eq!((error.code(), error.http_status()), (Code::HttpStatus, Some(302)));
        assert!(error.message().contains("a redirect to 127.0.0.1"), "{error:?}");
        assert!(!error.message().contains("secret"), "{error:?}");
        assert!(visited.try_recv().is_err(), "nothing is sent to the target");
    }
}
