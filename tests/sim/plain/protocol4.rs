//! A server of version 2.x, or one that allows its clients: the server joins `/` by itself.

use roamio::config::{Endpoint, ManagerConfig, Revision, SocketOptions};
use roamio::error::Code;
use roamio::proto::io::{DisconnectReason, Hint, ManagerState, SocketState};

use super::server::Door;
use super::world::PlainWorld;

const ADMIN: &str = "/admin";

/// A world that speaks protocol 4; the server asserts what such a client must not send.
fn world() -> PlainWorld {
    world_of(Revision::V3)
}

fn world_of(revision: Revision) -> PlainWorld {
    let (endpoint, _) = Endpoint::parse("http://127.0.0.1:1").unwrap();
    let mut config = ManagerConfig::new(endpoint);
    config.common.transports.revision = revision;
    let mut world = PlainWorld::with(config, 1);
    world.server.protocol_4 = true;
    world
}

/// These namespaces joined; their sockets are numbered from 0.
fn joined(namespaces: &[&str]) -> PlainWorld {
    let mut world = world();
    for (number, name) in namespaces.iter().enumerate() {
        world.attach(number as u32, name);
        world.connect(number as u32, None);
    }
    world.run_for(1_000);
    for number in 0..namespaces.len() {
        assert_eq!(world.socket(number as u32).state, SocketState::Connected);
    }
    world
}

#[test]
fn conformance_41_socket_ids_are_made_from_the_engines() {
    let world = joined(&["/", ADMIN]);
    assert_eq!(world.socket(0).sids, ["e"]);
    assert_eq!(world.socket(1).sids, ["/admin#e"]);
}

#[test]
fn conformance_48_the_query_of_a_namespace_goes_with_its_connect() {
    let mut world = world();
    let query = "token=a%20b%26c&x=1".to_owned();
    world.attach_with(0, ADMIN, SocketOptions { query: query.clone(), ..Default::default() });
    // What protocol 5 has instead goes nowhere.
    world.connect(0, Some(r#"{"a":1}"#));
    world.run_for(1_000);
    assert_eq!(world.socket(0).state, SocketState::Connected);
    assert_eq!(world.server.auths, [query]);
}

#[test]
fn a_root_that_is_joined_in_the_same_breath_as_the_engine_opens_is_not_missed() {
    let mut world = world();
    world.server.middleware = 0;
    world.attach(0, "/");
    world.connect(0, None);
    world.run_for(100);
    assert_eq!(world.socket(0).state, SocketState::Connected);
}

#[test]
fn conformance_28_the_connection_lives_by_the_clients_pings() {
    let mut world = joined(&["/"]);
    world.run_for(600_000);
    assert_eq!((world.socket(0).steps, world.dialled.len()), (2, 1));
}

#[test]
fn conformance_53_a_sibling_that_comes_and_goes_disturbs_nobody() {
    let mut world = joined(&["/", ADMIN, "/other"]);
    for round in 0..200 {
        for number in [0, 1] {
            world.disconnect(number);
            if round % 3 > 0 {
                // Auth payloads are no concern of protocol 4, so another one changes nothing.
                world.connect(number, Some(&format!("{{\"round\":{round}}}")));
            }
        }
        world.run_for(round % 13);
    }
    world.connect(0, None);
    world.connect(1, None);
    world.run_for(2_000);
    assert_eq!(world.socket(0).state, SocketState::Connected);
    assert_eq!(world.socket(1).state, SocketState::Connected);
    assert_eq!((world.dialled.len(), world.socket(2).steps), (1, 2));
}

#[test]
fn conformance_53_leaving_while_the_reply_is_due_leaves_on_arrival() {
    for (number, name) in [(0, "/"), (1, ADMIN)] {
        let mut world = world();
        world.server.middleware = 500;
        world.attach(0, "/");
        world.attach(1, ADMIN);
        world.connect(0, None);
        world.connect(1, None);
        world.run_for(100);
        world.disconnect(number);
        world.run_for(3_000);
        assert!(world.socket(number).sids.is_empty(), "{name}");
        assert_eq!(world.socket(number).state, SocketState::Idle);
        assert_eq!(world.socket(1 - number).state, SocketState::Connected);
        world.connect(number, None);
        world.run_for(3_000);
        assert_eq!(world.socket(number).state, SocketState::Connected);
        assert_eq!((world.socket(1 - number).steps, world.dialled.len()), (2, 1));
    }
}

#[test]
fn conformance_54_the_last_one_says_good_bye_and_closes_the_connection() {
    let mut world = joined(&["/"]);
    let link = world.open_links()[0];
    world.disconnect(0);
    world.run_for(5);
    // The server has read a DISCONNECT: nobody is in `/` any more, while the engine is still there.
    world.run_for(5);
    assert!(!world.server.members("/").contains(&link));
    world.run_for(1_000);
    assert_eq!((world.state, world.links.len()), (ManagerState::Idle, 0));
    world.connect(0, None);
    world.run_for(1_000);
    assert_eq!(world.socket(0).state, SocketState::Connected);
}

#[test]
fn conformance_55_a_detached_root_is_attached_again_without_a_word() {
    for frees in [false, true] {
        let mut world = joined(&["/", ADMIN]);
        if frees {
            world.detach(0);
            assert!(world.socket(0).detached);
        } else {
            world.disconnect(0);
            assert_eq!(world.socket(0).reasons, [DisconnectReason::ClientDisconnect]);
        }
        world.run_for(1_000);
        assert_eq!(world.server.members("/").len(), 1, "the server knows nothing of it");
        world.server.emit("/", None, r#"["say","to nobody"]"#);
        world.emit(1, ADMIN, "still here");
        world.run_for(1_000);
        assert_eq!(world.heard(ADMIN), [r#"["say","still here"]"#]);

        let number = if frees { 2 } else { 0 };
        if frees {
            world.attach(number, "/");
        }
        world.emit(number, "/", "early");
        world.connect(number, None);
        assert_eq!(world.socket(number).state, SocketState::Connected, "at once");
        world.server.emit("/", Some(1), r#"["say","again"]"#);
        world.run_for(1_000);
        assert_eq!(world.socket(number).events, ["\"again\""]);
        assert_eq!(world.heard("/"), [r#"["say","early"]"#]);
        assert_eq!((world.socket(1).steps, world.dialled.len()), (2, 1));
    }
}

#[test]
fn a_root_that_nobody_wants_stands_in_nobodys_way() {
    let mut world = joined(&[ADMIN]);
    assert_eq!(world.socket(0).sids, ["/admin#e"]);
    world.server.emit("/", None, r#"["say","to nobody"]"#);
    world.run_for(100);
    world.attach(1, "/");
    world.connect(1, None);
    assert_eq!(world.socket(1).state, SocketState::Connected, "the server has joined it");
    assert!(world.socket(1).events.is_empty());
}

#[test]
fn conformance_56_a_root_that_was_put_out_comes_back_on_a_new_connection() {
    let mut world = joined(&["/", ADMIN]);
    world.server.kick("/");
    world.run_for(30_000);
    assert_eq!(world.socket(0).reasons, [DisconnectReason::ServerDisconnect]);
    assert_eq!((world.socket(1).steps, world.dialled.len()), (2, 1), "nothing by itself");
    world.connect(0, None);
    world.run_for(10_000);
    assert_eq!(world.socket(0).state, SocketState::Connected);
    assert_eq!(world.socket(1).state, SocketState::Connected);
    assert_eq!(world.dialled.len(), 2);
}

#[test]
fn conformance_56_another_namespace_that_was_put_out_comes_back_on_the_same() {
    let mut world = joined(&["/", ADMIN]);
    world.server.kick(ADMIN);
    world.run_for(1_000);
    assert_eq!(world.socket(1).reasons, [DisconnectReason::ServerDisconnect]);
    world.connect(1, None);
    world.run_for(1_000);
    assert_eq!(world.socket(1).state, SocketState::Connected);
    assert_eq!((world.socket(0).steps, world.dialled.len()), (2, 1));
}

#[test]
fn conformance_49_an_error_packet_is_a_refusal_in_whatever_words() {
    for (json, message) in [
        (r#""Invalid namespace""#, "Invalid namespace"),
        (r#"{"message":"no","code":7}"#, "no"),
        (r#"{"code":"E42"}"#, "the server refused the namespace"),
        ("[1]", "the server refused the namespace"),
        ("true", "the server refused the namespace"),
        ("", "the server refused the namespace"),
    ] {
        let mut world = joined(&["/"]);
        world.server.doors.insert(ADMIN.into(), Door::Silent);
        world.attach(1, ADMIN);
        world.connect(1, None);
        world.run_for(100);
        let link = world.open_links()[0];
        world.server.say(link, format!("44{ADMIN},{json}"));
        world.run_for(60_000);
        let (error, active) = &world.socket(1).refusals[0];
        assert_eq!((error.code(), error.message(), *active), (Code::ConnectError, message, false));
        assert_eq!(error.server_json(), Some(if json.is_empty() { "{}" } else { json }));
        assert_eq!(world.socket(1).refusals.len(), 1, "no second try");
        assert_eq!((world.socket(0).steps, world.dialled.len()), (2, 1));
    }
}

#[test]
fn a_refused_root_is_everybodys_refusal_until_something_is_joined() {
    let mut world = world();
    world.server.doors.insert("/".into(), Door::Refusing);
    for (number, name) in ["/", ADMIN, "/other"].into_iter().enumerate() {
        world.attach(number as u32, name);
        world.connect(number as u32, None);
    }
    world.run_for(60_000);
    for number in 0..3 {
        let refusals = &world.socket(number).refusals;
        assert_eq!(refusals.len(), 1, "{refusals:?}");
        assert_eq!((refusals[0].0.message(), refusals[0].1), ("no", false));
        assert_eq!(world.socket(number).state, SocketState::Idle);
    }
    assert_eq!((world.state, world.dialled.len()), (ManagerState::Idle, 1));

    // Servers of version 3 and later join others without `/`.
    let mut world = joined(&["/", ADMIN]);
    let link = world.open_links()[0];
    world.server.say(link, "44\"late\"");
    world.run_for(100);
    assert_eq!(world.socket(1).steps, 2);
}

#[test]
fn an_error_packet_for_a_joined_namespace_is_an_event() {
    let mut world = joined(&["/", ADMIN]);
    let link = world.open_links()[0];
    world.server.say(link, format!("44{ADMIN},{{\"why\":7}}"));
    world.server.say(link, "44");
    world.run_for(100);
    assert_eq!(world.socket(1).events, [r#"{"why":7}"#]);
    assert_eq!(world.socket(0).events, [""]);
    assert!(world.socket(1).refusals.is_empty());
}

#[test]
fn conformance_51_a_root_that_is_never_joined_is_reported() {
    let mut world = world();
    world.server.doors.insert("/".into(), Door::Silent);
    world.attach(0, "/");
    world.connect(0, None);
    world.run_for(10_100);
    let (error, active) = &world.socket(0).refusals[0];
    assert_eq!((error.code(), *active), (Code::ConnectTimeout, true));
    world.server.doors.clear();
    world.run_for(10_000);
    assert_eq!(world.socket(0).state, SocketState::Connected);
}

/// To the server a spare connection is a second client.
#[test]
fn no_second_connection_is_made_beside_a_living_one() {
    let mut world = joined(&["/"]);
    world.run_for(5_000);
    world.hint(Hint::NetworkChanged);
    world.run_for(5_000);
    assert_eq!((world.dialled.len(), world.socket(0).steps), (1, 2));
    world.black_out();
    world.hint(Hint::NetworkChanged);
    world.run_for(10_000);
    assert_eq!(world.socket(0).state, SocketState::Connected);
    assert_eq!(world.socket(0).sids.len(), 2);
}

#[test]
fn conformance_75_everything_is_joined_again_after_a_loss() {
    let mut world = joined(&["/", ADMIN]);
    world.reset_all();
    world.run_for(10_000);
    for number in [0, 1] {
        assert_eq!(world.socket(number).state, SocketState::Connected);
        assert_eq!(world.socket(number).sids.len(), 2);
    }
    let requests = [world.ask(0, "/", "x", None), world.ask(1, ADMIN, "y", None)];
    world.run_for(100);
    for request in requests {
        assert_eq!(world.code(request), None);
    }
}

#[test]
fn conformance_24_a_server_2_that_is_taken_for_a_newer_one_is_told_apart() {
    for name in ["/", ADMIN] {
        let mut world = PlainWorld::new(1);
        world.server.doors.insert("/".into(), Door::Silent);
        world.server.doors.insert(ADMIN.into(), Door::Silent);
        world.attach(0, name);
        world.connect(0, None);
        world.run_for(100);
        let link = world.open_links()[0];
        // It joins `/` by itself, wanted or not.
        world.server.say(link, "40");
        world.run_for(100);
        let (error, active) = &world.socket(0).refusals[0];
        assert_eq!((error.code(), *active), (Code::EngineRevision, true));
        assert_eq!(error.message(), "the server speaks Socket.IO 2.x (Engine.IO revision 3)");
        assert_eq!(world.socket(0).state, SocketState::Joining, "it tries again");
        world.server.doors.clear();
        world.run_for(10_000);
        assert_eq!(world.socket(0).state, SocketState::Connected);
    }
}

#[test]
fn a_server_2_is_found_out_and_nobody_is_told_of_an_error() {
    let mut world = world_of(Revision::Auto);
    world.server.is_mistaken = true;
    for (number, name) in ["/", ADMIN].into_iter().enumerate() {
        world.attach(number as u32, name);
        world.connect(number as u32, None);
    }
    world.run_for(5_000);
    for number in [0, 1] {
        assert_eq!(world.socket(number).state, SocketState::Connected);
        assert!(world.socket(number).refusals.is_empty());
        assert_eq!(world.socket(number).steps, 2);
    }
    assert_eq!(world.dialled.len(), 2);
    // It is remembered.
    world.reset_all();
    world.run_for(10_000);
    assert_eq!(world.socket(0).state, SocketState::Connected);
    assert_eq!(world.dialled.len(), 3);
}

#[test]
fn another_socket_adopts_the_root_that_was_awaited_for_the_former_one() {
    let mut world = world();
    world.server.middleware = 500;
    world.attach(0, "/");
    world.attach(1, ADMIN);
    world.connect(0, None);
    world.connect(1, None);
    world.run_for(100);
    world.detach(0);
    world.attach_with(2, "/", SocketOptions { ask_auth: true, ..Default::default() });
    world.connect(2, None);
    world.run_for(3_000);
    assert_eq!(world.socket(2).state, SocketState::Connected);
}

#[test]
fn another_socket_does_not_adopt_a_reply_to_the_former_one_s_query() {
    let query = |query: &str| SocketOptions { query: query.into(), ..Default::default() };
    let mut world = joined(&["/"]);
    world.server.middleware = 500;
    world.attach_with(1, ADMIN, query("t=1"));
    world.connect(1, None);
    world.run_for(100);
    world.detach(1);
    world.attach_with(2, ADMIN, query("t=2"));
    world.connect(2, None);
    world.run_for(3_000);
    assert_eq!((world.socket(2).state, world.socket(2).sids.len()), (SocketState::Connected, 1));
    assert_eq!(world.server.auths, ["t=1", "t=2"]);
    assert_eq!(world.dialled.len(), 1);
}
