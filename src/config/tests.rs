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
