use base64::Engine as _;

use super::*;

const NO_HOSTS: [&str; 11] = [
    "",
    "a b",
    "a\r\nX: y",
    "h/path",
    "h?x=1",
    "h#x",
    "exam{ple",
    "bücher.example",
    "h%41",
    "[::1",
    "[1.2.3.4]",
];

#[test]
fn a_host_is_an_address_or_an_ascii_name() {
    for (authority, host, port) in [
        ("example.org", "example.org", 443),
        ("my_host-1.:8080", "my_host-1.", 8080),
        ("10.0.0.1:1", "10.0.0.1", 1),
        ("[::1]", "::1", 443),
        ("[2001:db8::7]:65535", "2001:db8::7", 65_535),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", 443),
    ] {
        assert_eq!(Endpoint::parse_authority(authority, true), Ok((host.to_owned(), port)));
    }
    for host in NO_HOSTS {
        let error = Endpoint::parse_authority(host, true).expect_err(host);
        assert_eq!(error.code(), Code::InvalidUrl, "{host}");
    }
    for authority in ["h:", "h:0", "h:+80", "h:-1", "h:65536", "h:8 0", "h:80:80", "::1", "[::1]80"]
    {
        let error = Endpoint::parse_authority(authority, true).expect_err(authority);
        assert_eq!(error.code(), Code::InvalidUrl, "{authority}");
    }
}

#[test]
fn a_token_with_such_a_host_is_invalid_at_once() {
    let token = |host: &str| {
        let host = serde_json::to_string(host).expect("text");
        let json = format!(r#"{{"tokenId":"t","host":{host},"secure":true,"signature":"s"}}"#);
        Token::parse(&base64::engine::general_purpose::STANDARD.encode(json), false)
    };
    assert_eq!(token("https://example.org:8080/").expect("valid").endpoint.port, 8080);
    for host in NO_HOSTS {
        assert_eq!(token(host).expect_err(host).code(), Code::TokenInvalid, "{host}");
    }
}

#[test]
fn a_query_is_percent_encoded_and_leaves_the_protocols_parameters_alone() {
    for query in ["", "a=b&c", "token=%C3%BC", "eio=3&sids=1&x=sid", "%zz=1&100%"] {
        assert_eq!(Endpoint::check_query(query), Ok(()), "{query}");
    }
    for query in [
        "q=ü",
        "a=1#b",
        "a=1 ",
        "a=1\r\n",
        "EIO=3",
        "a=1&transport=polling",
        "sid",
        "&sid=x",
        "%45IO=3",
        "s%69%64=x",
    ] {
        let code = Endpoint::check_query(query).expect_err(query).code();
        assert_eq!(code, Code::InvalidUrl, "{query}");
    }
    for url in ["http://h/?q=ü", "ws://h?EIO=3", "https://h/chat?a=1&sid=x"] {
        assert_eq!(Endpoint::parse(url).expect_err(url).code(), Code::InvalidUrl, "{url}");
    }
    let (endpoint, namespace) = Endpoint::parse("https://h/chat?a=%20#x").expect("valid");
    assert_eq!((endpoint.query.as_str(), namespace.as_str()), ("a=%20", "/chat"));
}

const CERTIFICATE: &str =
    "subject=x\n-----BEGIN CERTIFICATE-----\r\nAQID\r\nBA==\r\n-----END CERTIFICATE-----\n";
const KEY: &str =
    "Bag Attributes\n-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";

#[test]
fn pem_is_decoded_and_damage_is_named() {
    let mut tls = TlsConfig::default();
    tls.add_roots_pem(&format!("{CERTIFICATE}text{CERTIFICATE}")).expect("two certificates");
    assert_eq!(tls.extra_roots, [[1, 2, 3, 4], [1, 2, 3, 4]]);
    for (pem, what) in [
        ("", "no CERTIFICATE found"),
        (KEY, "no CERTIFICATE found"),
        ("-----BEGIN CERTIFICATE-----\nAQID", "no end"),
        ("-----BEGIN CERTIFICATE-----\nA*\n-----END CERTIFICATE-----", "not base64"),
    ] {
        let error = tls.add_roots_pem(pem).expect_err(what);
        assert_eq!(error.code(), Code::InvalidArgument);
        assert!(error.message().contains(what), "{error:?}");
    }
}

#[test]
fn a_client_certificate_from_pem_is_decoded() {
    let identity = ClientIdentity::pem(CERTIFICATE, &format!("{CERTIFICATE}{KEY}"));
    let IdentitySource::Parts { chain, key } = identity.expect("both are there").source else {
        panic!("it came from PEM");
    };
    assert_eq!((chain, &key[..]), (vec![vec![1, 2, 3, 4]], &b"secret"[..]));
}

#[test]
fn a_client_certificate_that_cannot_be_used_says_why() {
    let pkcs1 = KEY.replace("PRIVATE KEY", "RSA PRIVATE KEY");
    let encrypted = KEY.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    for (certificates, key, what) in [
        ("", KEY, "no CERTIFICATE found"),
        (CERTIFICATE, "", "no PRIVATE KEY found"),
        (CERTIFICATE, pkcs1.as_str(), "RSA PRIVATE KEY, wanted is PKCS#8"),
        (CERTIFICATE, encrypted.as_str(), "ENCRYPTED PRIVATE KEY, wanted"),
        (CERTIFICATE, &KEY.repeat(2), "more than one key"),
    ] {
        let error = ClientIdentity::pem(certificates, key).expect_err(what);
        assert_eq!(error.code(), Code::InvalidArgument);
        assert!(error.message().contains(what), "{error:?}");
        assert!(!error.message().contains("c2Vj"), "{error:?}");
    }
    let error = ClientIdentity::pkcs12(&[1], "a\0b").expect_err("NUL");
    assert_eq!(error.code(), Code::InvalidArgument);
}

#[test]
fn debug_of_tls_and_proxy_shows_nothing_secret() {
    let mut tls = TlsConfig {
        identity: Some(ClientIdentity::pem(CERTIFICATE, KEY).expect("both are there")),
        ..TlsConfig::default()
    };
    let pem = format!("{tls:?}");
    tls.identity = Some(ClientIdentity::pkcs12(b"archive", "hunter2").expect("no NUL"));
    let proxy = Proxy::parse("http://alice:hunter2@proxy.test").expect("valid");
    let shown = format!("{pem}{tls:?}{proxy:?}{proxy}");
    for secret in ["c2Vj", "secret", "hunter2", "alice", "archive", "115, 101"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn a_pin_is_the_base64_of_a_sha256() {
    let mut tls = TlsConfig::default();
    let pin = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    tls.add_spki_pin_base64(pin).expect("plain");
    tls.add_spki_pin_base64(&format!("sha256/{pin}")).expect("with its algorithm");
    assert_eq!(tls.spki_pins[0][..4], [0xe3, 0xb0, 0xc4, 0x42]);
    assert_eq!(tls.spki_pins[0], tls.spki_pins[1]);
    for bad in ["", "sha256/", "sha1/AAAA", "AAAA", &pin[1..], &format!("{pin}AAAA")] {
        let error = tls.add_spki_pin_base64(bad).expect_err(bad);
        assert_eq!(error.code(), Code::InvalidArgument, "{bad}");
    }
    assert_eq!(tls.spki_pins.len(), 2);
}

#[test]
fn a_proxy_url_has_scheme_host_port_and_credentials() {
    let parsed = |url: &str| {
        let proxy = Proxy::parse(url).expect(url);
        let credentials =
            proxy.credentials.as_ref().map(|(user, word)| (user.clone(), word.expose().to_owned()));
        (proxy.kind, proxy.to_string(), credentials)
    };
    let (http, socks) = (ProxyKind::Http, ProxyKind::Socks5);
    assert_eq!(parsed("http://proxy.test:3128/"), (http, "proxy.test:3128".into(), None));
    assert_eq!(parsed("http://proxy.test"), (http, "proxy.test:80".into(), None));
    assert_eq!(parsed("socks5://[::1]"), (socks, "[::1]:1080".into(), None));
    assert_eq!(parsed("socks5h://[::1]:80"), (socks, "[::1]:80".into(), None));
    let user = |user: &str, word: &str| Some((user.to_owned(), word.to_owned()));
    assert_eq!(parsed("http://a:b@h:1"), (http, "h:1".into(), user("a", "b")));
    assert_eq!(parsed("http://a%40b:c%3A%2F@h"), (http, "h:80".into(), user("a@b", "c:/")));
    assert_eq!(parsed("socks5://a:b:c@h"), (socks, "h:1080".into(), user("a", "b:c")));
    assert_eq!(parsed("socks5://a@h"), (socks, "h:1080".into(), user("a", "")));
    for url in [
        "",
        "proxy.test:80",
        "https://u:hunter2@h",
        "http://u:hunter2@",
        "http://u:hunter2@h:0",
        "http://u:hunter2@h/path",
        "http://u:%ff@h",
        "socks5://u:hunter2@h\r\n",
    ] {
        let error = Proxy::parse(url).expect_err(url);
        assert_eq!(error.code(), Code::InvalidUrl, "{url}");
        assert!(!error.message().contains("hunter2"), "{error:?}");
    }
}

#[test]
fn a_proxy_gets_only_credentials_that_it_can_be_told() {
    let check = |url: &str| Proxy::parse(url).expect(url).check().map_err(|error| error.code());
    let long = "x".repeat(256);
    for url in ["http://a:@h", "http://a:b%3Ac@h", "socks5://a%3A:b@h", "socks5://h"] {
        assert_eq!(check(url), Ok(()), "{url}");
    }
    for url in ["http://a%3Ab:c@h", "socks5://a@h", &format!("socks5://a:{long}@h")] {
        assert_eq!(check(url), Err(Code::InvalidArgument), "{url}");
    }
    let proxy = |host: &str, port| Proxy {
        kind: ProxyKind::Http,
        host: host.into(),
        port,
        credentials: None,
    };
    for proxy in [proxy("", 1), proxy("a b", 1), proxy("h", 0)] {
        assert_eq!(proxy.check().map_err(|error| error.code()), Err(Code::InvalidArgument));
    }
}

#[test]
fn conformance_02_a_path_has_one_slash_at_its_end_or_none() {
    let (mut endpoint, _) = Endpoint::parse("http://h/").expect("valid");
    assert_eq!(endpoint.path, "/socket.io/");
    for path in ["/chat", "/chat/", "/chat//"] {
        endpoint.set_path(path, true);
        assert_eq!(endpoint.path, "/chat/");
        endpoint.set_path(path, false);
        assert_eq!(endpoint.path, "/chat");
    }
    endpoint.set_path("/", false);
    assert_eq!(endpoint.path, "/");
}
