//! Section I: Recovery, parsers, close, threading.

use crate::case::items;

items! {
    86 "Connection state recovery" asks [V4] {
    }
    87 "Offsets" asks [V4] {
    }
    88 "msgpack parser" asks [V4] {
    }
    89 "close() on polling" asks [V2 V4 Uvicorn Aiohttp] {
    }
    90 "Close packet in a poll body" asks [Fake V4] {
    }
    91 "Callbacks: serial, none after close, any call inside" asks [V4] {
    }
    92 "Calls from many threads" asks [V4] {
    }
    93 "TLS" asks [V4] {
        elsewhere "tests/tls/trust.rs" conformance_93_a_chain_of_a_known_authority_is_accepted on [V4] over all;
        elsewhere "tests/tls/trust.rs" conformance_93_an_address_is_verified_like_a_name on [V4] over all;
        elsewhere "tests/tls/trust.rs" conformance_93_a_bad_certificate_is_refused_with_its_reason_before_any_request on [V4] over all;
        elsewhere "tests/tls/trust.rs" conformance_93_a_pin_must_match_before_the_first_request on [V4] over all;
        elsewhere "tests/tls/trust.rs" conformance_93_a_matching_pin_replaces_no_verification on [V4] over all;
        elsewhere "tests/tls/trust.rs" conformance_93_another_server_name_is_sent_and_verified on [V4] over all;
        elsewhere "tests/tls/trust.rs" conformance_93_a_server_without_the_minimum_version_is_refused on [V4] over all;
        elsewhere "tests/tls/trust.rs" conformance_93_a_client_certificate_is_shown_to_a_server_that_asks on [V4] over all;
        elsewhere "tests/tls/trust.rs" conformance_93_a_server_that_wants_another_client_certificate_says_so on [V4] over all;
    }
    94 "Proxies" asks [V4] {
        elsewhere "tests/tls/through.rs" conformance_94_connect_without_credentials on [V4] over all;
        elsewhere "tests/tls/through.rs" conformance_94_connect_with_basic_credentials on [V4] over all;
        elsewhere "tests/tls/through.rs" conformance_94_socks5_without_credentials on [V4] over all;
        elsewhere "tests/tls/through.rs" conformance_94_socks5_with_credentials on [V4] over all;
        elsewhere "tests/tls/through.rs" conformance_94_a_proxy_that_wants_other_credentials_says_so on [V4] over all;
        elsewhere "tests/tls/through.rs" conformance_94_a_server_that_the_proxy_does_not_reach_is_its_error on [V4] over all;
        elsewhere "tests/tls/through.rs" conformance_94_a_proxy_that_is_down_is_told_from_a_server_that_is_down on [V4] over all;
        elsewhere "tests/tls/through.rs" conformance_94_what_is_no_answer_of_a_proxy_ends_the_attempt on [V4] over all;
        elsewhere "tests/tls/through.rs" conformance_94_a_silent_proxy_has_the_limit_of_the_tcp_connect on [V4] over all;
    }
    95 "Fuzz" asks [Local] {
    }
}
