//! Logging in: requirements 1.x.

use std::time::Duration;

use roamio::config::{ConferenceConfig, PortalProtocol, Token};
use roamio::error::{Code, Retry};
use roamio::proto::io::{ConferenceState, Hint};
use roamio_portal::model::{ModelConfig, Protocol, TokenRequest};

use crate::link::Side;
use crate::world::{Dials, Setup, World};

fn with_model(model: ModelConfig) -> Setup {
    Setup { model, ..Setup::default() }
}

fn slow_join() -> Setup {
    with_model(ModelConfig { join_delay: 2_000, ..ModelConfig::default() })
}

fn token(json: &str) -> Result<Token, Code> {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(json);
    Token::parse(&text, false).map_err(|error| error.code())
}

#[test]
fn req_1_1_the_address_is_the_tokens_and_secure_decides_the_scheme() {
    let member = |host: &str, secure: bool| {
        format!(r#"{{"tokenId":"t","host":"{host}","secure":{secure},"signature":"s"}}"#)
    };
    let secure = token(&member("example.org:444", true)).unwrap().endpoint;
    assert!(secure.secure && secure.host == "example.org" && secure.port == 444);
    let schemed = token(&member("http://example.org:444/", true)).unwrap().endpoint;
    assert_eq!(schemed, secure, "a scheme in front of the host decides nothing");
    assert_eq!(token(&member("example.org", false)).err(), Some(Code::TokenInvalid));
    assert!(!token(&member("127.0.0.1:1", false)).unwrap().endpoint.secure);
    assert_eq!(
        Token::parse("%%%", false).map_err(|error| error.code()).err(),
        Some(Code::TokenInvalid)
    );
}

#[test]
fn req_1_2_the_user_agent_has_a_type_that_may_reconnect() {
    let config = ConferenceConfig {
        user_agent_json: r#"{"sdk":{"type":"mine"},"os":{"name":"x"}}"#.into(),
        ..ConferenceConfig::default()
    };
    let world = World::ready(Setup { config, ..Setup::default() });
    assert_eq!(world.app.resumable, Some(true), "the application cannot break the type");
}

#[test]
fn req_1_3_a_login_without_answer_ends_unknown_and_says_goodbye() {
    let mut world = World::new(Setup::default());
    world.server.portal.swallow_acks(None, "login", 1);
    let login = world.login();
    world.run_until(16_000, World::is_ended);
    assert_eq!(world.app.code(login), Some(Code::LoginUnknown));
    assert_eq!(world.watch.count("logout"), 1);
    world.run_for(1_000);
    assert!(world.server.portal.participants("room").is_empty(), "no ghost is left");
    assert!(world.open_links().is_empty());
}

#[test]
fn req_1_3_an_unknown_token_gets_no_answer_and_ends_unknown() {
    let mut world = World::new(Setup::default());
    let token = world.server.portal.mint_token(TokenRequest::new("room", "a", "presenter"), 0);
    world.server.portal.forget_tokens();
    let login = world.login_with(&token);
    world.run_until(16_000, World::is_ended);
    assert_eq!(world.app.code(login), Some(Code::LoginUnknown));
}

#[test]
fn req_1_4_failed_dials_keep_the_token_and_a_written_login_spends_it() {
    let mut world = World::new(slow_join());
    world.dials = Dials::Refused;
    let login = world.login();
    world.run_for(10_000);
    assert!(world.watch.total_dials > 1 && world.watch.count("login") == 0);
    world.dials = Dials::Succeed;
    let link = world.run_until_sent("login", 1);
    world.reset(link, Side::Both);
    world.run_for(60_000);
    assert_eq!(world.watch.count("login"), 1, "a token is written once");
    assert_eq!(world.app.code(login), Some(Code::LoginUnknown));
}

#[test]
fn req_1_4_a_token_that_outlives_its_use_is_not_sent() {
    let mut world = World::new(Setup::default());
    world.dials = Dials::Hang;
    let login = world.login();
    world.run_for(181_000);
    assert_eq!(world.app.code(login), Some(Code::NotSent));
    assert_eq!(world.app.end.clone().flatten().map(|end| end.retry()), Some(Retry::Login));
}

#[test]
fn req_1_5_a_logout_during_login_waits_for_both_answers() {
    let mut world = World::new(slow_join());
    let login = world.login();
    world.run_until_sent("login", 1);
    let logout = world.logout();
    world.run_until(3_000, World::is_ended);
    assert_eq!(world.app.code(login), Some(Code::Cancelled));
    assert_eq!(world.app.code(logout), None);
    world.run_for(5_000);
    assert!(world.server.portal.participants("room").is_empty(), "no ghost is left");
}

#[test]
fn req_1_5_a_close_during_login_tells_the_portal_first() {
    let mut world = World::new(slow_join());
    let login = world.login();
    world.run_until_sent("login", 1);
    world.close();
    assert_eq!(world.app.code(login), Some(Code::Closed));
    world.run_until(1_000, |world| world.app.finished);
    world.run_for(5_000);
    assert!(world.server.portal.participants("room").is_empty(), "no ghost is left");
}

#[test]
fn req_1_5_notifications_of_a_cancelled_login_are_not_for_the_host() {
    let mut world = World::new(Setup { latency: 300, ..Setup::default() });
    world.login();
    world.run_until_answered("login", 1);
    world.burst("early-", 3, 0);
    world.close();
    world.run_until(1_000, |world| world.app.finished);
    assert_eq!(world.app.notified, 0);
}

#[test]
fn req_1_6_w10_without_a_ticket_the_next_loss_is_the_end() {
    let config = ConferenceConfig { sdk_type: "Python".into(), ..ConferenceConfig::default() };
    let mut world = World::ready(Setup { config, ..Setup::default() });
    assert_eq!(world.app.resumable, Some(false));
    world.run_for(700_000);
    assert_eq!(world.watch.count("refreshReconnectionTicket"), 0);
    let dials = world.watch.total_dials;
    world.reset(world.session_link(), Side::Both);
    world.run_for(60_000);
    assert_eq!(world.app.end_code(), Some(Code::SessionLost));
    assert_eq!(world.watch.total_dials, dials);
}

#[test]
fn req_1_7_a_refused_login_closes_the_connection() {
    let refusals: [(&str, Code, ModelConfig, &str); 3] = [
        ("Invalid role", Code::LoginRejected, ModelConfig::default(), "jester"),
        (
            "Room is full",
            Code::LoginRejected,
            ModelConfig { room_capacity: Some(0), ..ModelConfig::default() },
            "presenter",
        ),
        (
            "Unknown client protocol",
            Code::ProtocolVersion,
            ModelConfig { protocols: vec![Protocol::V1_1], ..ModelConfig::default() },
            "presenter",
        ),
    ];
    for (text, code, model, role) in refusals {
        let mut world = World::new(with_model(model));
        let now = world.now;
        let token = world.server.portal.mint_token(TokenRequest::new("room", "a", role), now);
        let login = world.login_with(&token);
        world.run_until(5_000, World::is_ended);
        assert_eq!(world.app.code(login), Some(code));
        let error = world.app.end.clone().flatten().unwrap();
        assert_eq!((error.message(), error.server_json()), (text, Some(&*format!("{text:?}"))));
        world.run_for(120_000);
        assert!(world.links.is_empty() && world.watch.total_dials == 1);
    }
}

#[test]
fn req_1_8_a_hint_during_login_leaves_its_connection_alone() {
    let mut world = World::new(slow_join());
    world.login();
    let link = world.run_until_sent("login", 1);
    for _ in 0..30 {
        world.roam(true);
        world.hint(Hint::NetworkChanged);
        world.run_for(50);
        assert!(world.links.contains_key(&link));
    }
    world.run_until(2_000, World::is_ready);
    assert_eq!(world.session_link(), link);
}

#[test]
fn w01_login_accepted_and_answer_lost() {
    let mut world = World::new(Setup::default());
    world.login();
    let link = world.run_until_answered("login", 1);
    world.reset(link, Side::Both);
    world.run_until(1_000, World::is_ended);
    assert_eq!(world.app.end_code(), Some(Code::LoginUnknown));
    let message = world.app.end.clone().flatten().unwrap().message().to_owned();
    assert!(message.contains("ghost"), "{message}");
    world.run_for(120_000);
    assert_eq!(world.watch.total_dials, 1);
}

#[test]
fn w19_notifications_before_the_login_answer_follow_it() {
    let mut world = World::new(Setup { latency: 500, ..Setup::default() });
    world.login();
    let link = world.run_until_answered("login", 1);
    // The answer is overtaken by what the portal sends behind it.
    world.inject(link, r#"42["text",{"early":1}]"#);
    let answer = world.app.steps.len();
    world.run_for(10);
    assert_eq!((world.app.notified, world.app.steps.len()), (0, answer));
}

#[test]
fn w26_a_second_login_is_refused_without_traffic() {
    let mut world = World::ready(Setup::default());
    let second = world.login();
    assert_eq!(world.app.code(second), Some(Code::InvalidState));
    world.run_for(1_000);
    assert_eq!(world.watch.count("login"), 1);
    assert_eq!(world.app.state, ConferenceState::Ready);
}

#[test]
fn w30_a_loss_at_any_moment_of_the_login_is_never_silent() {
    for at in 0..30 {
        for side in [Side::Both, Side::Client, Side::Server] {
            let model = ModelConfig { join_delay: 1_500, ..ModelConfig::default() };
            let mut world = World::new(Setup { latency: 100, seed: at, ..with_model(model) });
            let login = world.login();
            world.run_for(at * 100);
            if let Some(link) = world.open_links().first() {
                world.reset(*link, side);
            }
            world.run_for(60_000);
            assert!(world.app.outcome(login).is_some(), "the login has an outcome");
            assert!(world.watch.count("login") <= 1 && world.watch.admissions <= 2);
        }
    }
}

#[test]
fn protocol_1_1_logs_in_as_1_1() {
    let config = ConferenceConfig { protocol: PortalProtocol::V1_1, ..ConferenceConfig::default() };
    let mut world = World::ready(Setup { config, ..Setup::default() });
    let text = world.text();
    world.run_for(Duration::from_secs(1).as_millis() as u64);
    assert_eq!(world.app.code(text), None);
}
