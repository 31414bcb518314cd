//! Odd sequences of well-formed and malformed packets (`socket-io` 10), in both protocols.

use bytes::Bytes;
use roamio::config::{Endpoint, ManagerConfig, Revision};
use roamio::error::Code;
use roamio::proto::io::{DisconnectReason, Input, SocketState, WireId};

use super::server::Door;
use super::world::PlainWorld;

const ADMIN: &str = "/admin";

/// Two worlds, of protocol 5 and of protocol 4, with `/` joined by socket 0.
fn worlds() -> [PlainWorld; 2] {
    [Revision::V4, Revision::V3].map(|revision| {
        let (endpoint, _) = Endpoint::parse("http://127.0.0.1:1").unwrap();
        let mut config = ManagerConfig::new(endpoint);
        config.common.transports.revision = revision;
        let mut world = PlainWorld::with(config, 1);
        world.server.protocol_4 = revision == Revision::V3;
        world.attach(0, "/");
        world.connect(0, None);
        world.run_for(1_000);
        assert_eq!(world.socket(0).state, SocketState::Connected);
        world
    })
}

/// The same, with `/admin` asked for by socket 1 and not answered.
fn pending() -> [PlainWorld; 2] {
    worlds().map(|mut world| {
        world.server.doors.insert(ADMIN.into(), Door::Silent);
        world.attach(1, ADMIN);
        world.connect(1, None);
        world.run_for(100);
        world
    })
}

fn link(world: &PlainWorld) -> WireId {
    world.open_links()[0]
}

/// The server says something, and a second passes.
fn say(world: &mut PlainWorld, text: &str) {
    let link = link(world);
    world.server.say(link, text);
    world.run_for(1_000);
}

/// Nobody has noticed anything, and the connection works.
fn assert_undisturbed(mut world: PlainWorld, what: &str) {
    assert_eq!((world.socket(0).steps, world.dialled.len()), (2, 1), "{what}");
    assert_eq!(world.socket(0).sids.len(), 1, "{what}");
    assert!(world.socket(0).refusals.is_empty() && world.retries.is_empty(), "{what}");
    let request = world.ask(0, "/", "still there?", None);
    world.run_for(100);
    assert_eq!(world.code(request), None, "{what}");
}

#[test]
fn what_comes_before_its_connect_is_kept_until_then() {
    for mut world in pending() {
        say(&mut world, r#"42/admin,["say","early"]"#);
        assert!(world.socket(1).events.is_empty());
        say(&mut world, r#"40/admin,{"sid":"a"}"#);
        assert_eq!(world.socket(1).events, ["\"early\""]);
        assert_eq!(world.socket(1).state, SocketState::Connected);
    }
}

#[test]
fn a_second_connect_is_ignored() {
    for mut world in worlds() {
        say(&mut world, r#"40{"sid":"another"}"#);
        say(&mut world, "40");
        assert_undisturbed(world, "CONNECT twice");
    }
}

#[test]
fn conformance_52_a_connect_without_a_sid_is_a_mismatch_of_versions_and_the_socket_stays_active() {
    for connect in ["40", "40{}", r#"40{"sid":""}"#, r#"40{"sid":7}"#] {
        let mut world = PlainWorld::new(1);
        world.server.doors.insert("/".into(), Door::Silent);
        world.attach(0, "/");
        world.connect(0, None);
        world.run_for(100);
        let link = link(&world);
        world.server.say(link, connect);
        world.run_for(100);
        let (error, active) = &world.socket(0).refusals[0];
        assert_eq!((error.code(), *active), (Code::EngineRevision, true), "{connect}");
        assert_eq!(world.socket(0).state, SocketState::Joining);
        assert!(world.socket(0).sids.is_empty() && world.socket(0).reasons.is_empty());
        world.server.doors.clear();
        world.run_for(10_000);
        assert_eq!(world.socket(0).state, SocketState::Connected, "{connect}");
    }
}

#[test]
fn a_disconnect_before_its_connect_is_a_refusal_and_no_disconnect() {
    for mut world in pending() {
        say(&mut world, "41/admin,");
        assert_eq!(world.socket(1).refusals.len(), 1);
        assert!(!world.socket(1).refusals[0].1, "inactive");
        assert!(world.socket(1).reasons.is_empty());
        assert_eq!(world.socket(1).state, SocketState::Idle);
        assert_undisturbed(world, "DISCONNECT before CONNECT");
    }
}

#[test]
fn packets_of_an_unknown_namespace_are_ignored() {
    for mut world in worlds() {
        for packet in [
            r#"40/x,{"sid":"x"}"#,
            "40/x,",
            "41/x,",
            r#"42/x,7["say",1]"#,
            "43/x,0[1]",
            r#"44/x,{"message":"no"}"#,
        ] {
            say(&mut world, packet);
        }
        assert_undisturbed(world, "unknown namespace");
    }
}

/// Rule 6: the server joins what was left, or never asked for.
#[test]
fn conformance_53_a_connect_that_nobody_waits_for_is_answered_by_leaving() {
    let mut world = PlainWorld::joined(&["/", ADMIN]);
    let link = link(&world);
    world.server.kick(ADMIN);
    world.run_for(1_000);
    world.server.say(link, r#"40/admin,{"sid":"unasked"}"#);
    // The server, which has put the client out, takes a DISCONNECT and would not take an event.
    world.run_for(1_000);
    assert_eq!(world.socket(1).state, SocketState::Idle);
    assert_eq!(world.socket(1).sids.len(), 1);
    world.connect(1, None);
    world.run_for(1_000);
    assert_eq!(world.socket(1).state, SocketState::Connected);
    assert_undisturbed(world, "a stale CONNECT");
}

#[test]
fn engine_packets_without_a_meaning_are_ignored() {
    let open = r#"0{"sid":"second","upgrades":[],"pingInterval":100,"pingTimeout":100}"#;
    for packet in ["3", "3probe", "5", "6", open] {
        for mut world in worlds() {
            say(&mut world, packet);
            world.run_for(20_000);
            assert_undisturbed(world, packet);
        }
    }
}

/// The connection ends with this reason, and everything works on the next one.
fn assert_reconnects(mut world: PlainWorld, reason: DisconnectReason, code: Code, what: &str) {
    world.run_for(10_000);
    assert_eq!(world.socket(0).reasons, [reason], "{what}");
    assert_eq!(world.socket(0).causes[0].code(), code, "{what}");
    assert_eq!(world.socket(0).state, SocketState::Connected, "{what}");
    assert_eq!(world.dialled.len(), 2, "{what}");
}

#[test]
fn an_unknown_or_empty_engine_packet_is_a_transport_error() {
    for packet in ["9", "", "x"] {
        for mut world in worlds() {
            say(&mut world, packet);
            assert_reconnects(world, DisconnectReason::TransportError, Code::EnginePacket, packet);
        }
    }
}

#[test]
fn conformance_64_a_bad_packet_is_a_parse_error_and_the_connection_is_made_anew() {
    for packet in
        ["47", "4", "42", "4x", "42{}", "41{}", "42[null]", "42/x", "42-1[\"a\"]", "431{}"]
    {
        for mut world in worlds() {
            say(&mut world, packet);
            assert_reconnects(world, DisconnectReason::ParseError, Code::SocketPacket, packet);
        }
    }
    for packet in ["45[\"a\"]", "451[\"a\"]", "45-[\"a\"]", "4565-[\"a\"]"] {
        for mut world in worlds() {
            say(&mut world, packet);
            assert_reconnects(world, DisconnectReason::ParseError, Code::Attachments, packet);
        }
    }
}

#[test]
fn conformance_64_text_in_place_of_an_attachment_is_a_parse_error() {
    for mut world in worlds() {
        let link = link(&world);
        world.server.say(link, r#"451-["a",{"_placeholder":true,"num":0}]"#);
        say(&mut world, "42[\"b\"]");
        let (reason, code) = (DisconnectReason::ParseError, Code::Attachments);
        assert_reconnects(world, reason, code, "text in place of an attachment");
    }
}

#[test]
fn conformance_64_a_stray_binary_message_is_a_parse_error() {
    for mut world in worlds() {
        // The type is a part of the frame in revision 3.
        let frame = Bytes::from_static(&[4, 1, 2]);
        let wire = link(&world);
        world.input(Input::Binary { wire, frame });
        let (reason, code) = (DisconnectReason::ParseError, Code::Attachments);
        assert_reconnects(world, reason, code, "a stray binary message");
    }
}

#[test]
fn conformance_64_what_waits_for_attachments_is_forgotten_with_the_connection() {
    for mut world in worlds() {
        say(&mut world, r#"451-["a",{"_placeholder":true,"num":0}]"#);
        world.reset_all();
        world.run_for(10_000);
        say(&mut world, r#"42["b",1]"#);
        assert_eq!(world.socket(0).events, ["1"]);
    }
}

/// Protocol 5 promises that no server sends them; in protocol 4 they are names like any other.
#[test]
fn conformance_64_a_reserved_name_is_a_parse_error_in_protocol_5_only() {
    let [mut new, mut old] = worlds();
    say(&mut new, r#"42["connect",1]"#);
    assert_reconnects(new, DisconnectReason::ParseError, Code::SocketPacket, "connect");
    say(&mut old, r#"42["connect",1]"#);
    assert_eq!(old.socket(0).events, ["1"]);
    assert_undisturbed(old, "connect");
}

#[test]
fn an_event_flagged_as_binary_without_attachments_is_an_event() {
    for mut world in worlds() {
        say(&mut world, r#"450-["a",1]"#);
        assert_eq!(world.socket(0).events, ["1"]);
        assert_undisturbed(world, "50-");
    }
}

#[test]
fn conformance_61_acks_that_nobody_waits_for_are_ignored() {
    for mut world in worlds() {
        let request = world.ask(0, "/", "once", None);
        world.run_for(100);
        assert_eq!(world.code(request), None);
        for ack in ["430[1]", "437[]", "43[1]", "4318446744073709551615[]"] {
            say(&mut world, ack);
        }
        assert_undisturbed(world, "stray acks");
    }
}

#[test]
fn conformance_60_an_ack_without_a_payload_has_no_arguments() {
    for mut world in worlds() {
        world.server.mute = true;
        let request = world.ask(0, "/", "x", None);
        world.run_for(100);
        say(&mut world, "430");
        let payload = world.outcomes[&request].as_ref().unwrap().as_ref().unwrap();
        assert!(payload.is_empty());
    }
}

#[test]
fn conformance_61_an_event_that_is_answered_twice_gets_one_ack() {
    for mut world in worlds() {
        world.server.emit("/", Some(5), r#"["say",1]"#);
        world.run_for(100);
        let token = world.socket(0).owed[0];
        world.answer(0, token);
        world.answer(0, token);
        world.run_for(100);
        assert_eq!(world.heard("/"), ["5[7]"]);
    }
}
