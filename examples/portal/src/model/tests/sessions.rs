//! Who is let in, who stays and who comes back.

use super::*;

#[test]
fn a_token_is_good_for_one_login_and_the_second_gets_no_answer() {
    let mut world = world();
    let token = world.mint("presenter");
    world.connect(A);
    world.connect(B);
    assert_eq!(world.request(A, "login", vec![login("1.2", &token)])[0], "ok");
    assert_eq!(world.request(B, "login", vec![login("1.2", &token)]), Value::Null);
    // The connection is as new, but its listeners were attached; they are once more by the login
    // that succeeds, and then every request is executed twice and answered once.
    assert_eq!(world.request(B, "text", text("early")), error("Illegal request"));
    let token = world.mint("presenter");
    assert_eq!(world.request(B, "login", vec![login("1.2", &token)])[0], "ok");
    assert_eq!(world.request(B, "text", text("twice")), json!(["ok"]));
    assert_eq!(world.portal.ledger("socket-2").unwrap().requests.len(), 2);
}

#[test]
fn logins_are_refused_in_the_order_of_the_real_portal() {
    let mut world = world();
    let mut conn = 10;
    let mut refused = |change: &dyn Fn(&mut Value)| {
        conn += 1;
        let conn = ConnId(conn);
        world.connect(conn);
        let token = world.mint("presenter");
        let mut request = login("1.2", &token);
        change(&mut request);
        let id = world.send(conn, "login", vec![request]);
        let outputs = world.outputs();
        let [Output::Ack { id: answered, args, .. }, Output::Disconnect { .. }] = &outputs[..]
        else {
            panic!("{outputs:?}");
        };
        assert_eq!(*answered, id);
        args[1].as_str().unwrap().to_owned()
    };
    let unknown = refused(&|request| {
        request["protocol"] = "9.9".into();
        request["userAgent"] = Value::Null;
    });
    assert_eq!(unknown, "Unknown client protocol");
    let null = refused(&|request| request["protocol"] = Value::Null);
    assert_eq!(null, "Unknown client protocol");
    assert_eq!(refused(&|request| request["protocol"] = "legacy".into()), null);
    let deprecated = refused(&|request| {
        request["userAgent"]["sdk"] = json!({"version": "3.5"});
    });
    assert_eq!(deprecated, "Deprecated client version");
    let no_agent = refused(&|request| {
        request["userAgent"]["sdk"]["version"] = "".into();
        request["token"] = "x".into();
    });
    assert_eq!(no_agent, "User agent info is incorrect");
    assert!(!refused(&|request| request["token"] = "not-base64!!".into()).is_empty());
}

#[test]
fn an_old_token_is_expired_and_a_strange_role_invalid() {
    let mut world = world();
    let token = world.mint("presenter");
    world.pass(180_001);
    world.connect(A);
    assert_eq!(world.request(A, "login", vec![login("1.2", &token)]), error("Expired"));
    assert_eq!(world.login_with(B, "1.2", "king"), error("Invalid role"));
}

#[test]
fn a_full_room_refuses() {
    let mut world = World::new(ModelConfig { room_capacity: Some(1), ..ModelConfig::default() });
    world.login(A, "1.2");
    assert_eq!(world.login_with(B, "1.2", "presenter"), error("Room is full"));
    assert_eq!(world.portal.participants("room").len(), 1);
}

#[test]
fn unused_connections_end_and_used_ones_do_not() {
    let mut world = world();
    world.connect(A);
    world.login(B, "1.2");
    world.pass(180_000);
    assert_eq!(world.outputs(), [Output::Disconnect { conn: A }]);
}

#[test]
fn requests_need_a_session() {
    let mut world = World::new(ModelConfig { join_delay: 100, ..ModelConfig::default() });
    world.connect(A);
    assert_eq!(world.request(A, "text", text("nobody listens")), Value::Null);
    assert_eq!(world.request(A, "unheard-of", vec![]), Value::Null);
    assert_eq!(world.request(A, "logout", vec![]), error("Illegal request"));
    assert_eq!(world.request(A, "refreshReconnectionTicket", vec![]), error("Illegal request"));
    let token = world.mint("presenter");
    world.send(A, "login", vec![login("1.2", &token)]);
    assert_eq!(world.request(A, "text", text("joining")), error("Illegal request"));
    world.pass(100);
    assert_eq!(world.request(A, "text", text("joined")), json!(["ok"]));
    assert_eq!(world.request(A, "logout", vec![]), json!(["ok"]));
    assert_eq!(world.request(A, "text", text("left")), error("Participant has NOT joined"));
}

#[test]
fn a_missing_payload_is_an_illegal_request() {
    let mut world = world();
    world.login(A, "1.2");
    for name in requests::NAMES {
        assert_eq!(world.request(A, name, vec![]), error("Illegal request"), "{name}");
        assert_eq!(world.request(A, name, vec![Value::Null]), error("Illegal request"), "{name}");
    }
    assert_eq!(world.portal.ledger("socket-1").unwrap().requests, []);
}

#[test]
fn an_argument_too_many_takes_the_answer_away() {
    let mut world = world();
    world.login(A, "1.2");
    let mut args = text("executed");
    args.push(Value::Null);
    assert_eq!(world.request(A, "text", args), Value::Null);
    assert_eq!(world.portal.ledger("socket-1").unwrap().requests.len(), 1);
    assert_eq!(world.request(A, "logout", vec![Value::Null]), Value::Null);
    assert_eq!(world.portal.participants("room"), []);
}

#[test]
fn a_lost_participant_waits_and_then_leaves() {
    let mut world = world();
    world.login(A, "1.2");
    let ticket = world.login(B, "1.2");
    world.outputs();
    world.lose(B);
    world.pass(59_999);
    assert_eq!(world.portal.participants("room").len(), 2);
    world.pass(1);
    let data = Some(json!({"action": "leave", "data": "socket-2"}));
    let leave = Output::Emit { conn: A, event: "participant".into(), data };
    assert_eq!(world.outputs(), [leave]);
    assert_eq!(world.relogin(ConnId(3), &ticket), error("Client does NOT exist"));
}

#[test]
fn without_reconnection_a_loss_is_a_leave() {
    let mut world = world();
    world.connect(A);
    let token = world.mint("presenter");
    let mut request = login("1.2", &token);
    request["userAgent"]["sdk"]["type"] = "Python".into();
    let reply = world.request(A, "login", vec![request]);
    assert!(reply[1].get("reconnectionTicket").is_none());
    let refused = error("Reconnection is not enabled.");
    assert_eq!(world.request(A, "refreshReconnectionTicket", vec![]), refused);
    world.lose(A);
    assert_eq!(world.portal.participants("room"), []);
}

#[test]
fn a_relogin_carries_everything_in_1_2_and_repeats_the_missed_in_1_1() {
    for protocol in ["1.0", "1.1", "1.2"] {
        let mut world = world();
        let ticket = world.login(A, protocol);
        world.notify("socket-1", "live");
        world.lose(A);
        world.notify("socket-1", "missed");
        world.outputs();
        world.connect(B);
        world.send(B, "relogin", vec![ticket]);
        world.pass(1);
        let outputs = world.outputs();
        let Output::Ack { args, .. } = &outputs[0] else { panic!("{outputs:?}") };
        if protocol != "1.2" {
            assert!(args[1].is_string());
            let data = Some(json!({"message": "missed"}));
            assert_eq!(outputs[1..], [Output::Emit { conn: B, event: "text".into(), data }]);
        } else {
            let messages = args[1]["messages"].as_array().unwrap();
            assert_eq!(messages.len(), 2);
            assert_eq!(messages[1]["seq"], 2);
            assert_eq!(outputs.len(), 1);
        }
    }
}

#[test]
fn a_takeover_disconnects_the_old_connection_and_keeps_the_session() {
    let mut world = world();
    let ticket = world.login(A, "1.2");
    world.connect(B);
    world.send(B, "relogin", vec![ticket]);
    world.pass(1);
    let outputs = world.outputs();
    assert_eq!(outputs[0], Output::Disconnect { conn: A });
    assert!(matches!(&outputs[1], Output::Ack { conn: B, .. }));
    // What the driver reports about the old connection no longer matters.
    world.lose(A);
    world.pass(60_000);
    assert_eq!(world.portal.participants("room").len(), 1);
    assert_eq!(world.portal.connection_of("socket-1"), Some(B));
}

#[test]
fn a_request_behind_a_relogin_is_never_answered() {
    let mut world = world();
    let ticket = world.login(A, "1.2");
    world.lose(A);
    world.connect(B);
    world.send(B, "relogin", vec![ticket]);
    world.send(B, "text", text("too early"));
    world.pass(10);
    assert_eq!(world.outputs().len(), 1);
    assert_eq!(world.request(B, "text", text("in time")), json!(["ok"]));
}

#[test]
fn a_relogin_completes_even_if_its_connection_is_lost_at_once() {
    let mut world = world();
    let ticket = world.login(A, "1.1");
    world.lose(A);
    world.notify("socket-1", "gone with the answer");
    world.connect(B);
    world.send(B, "relogin", vec![ticket.clone()]);
    world.lose(B);
    world.pass(50_000);
    world.outputs();
    assert_eq!(world.relogin(ConnId(3), &ticket)[0], "ok");
    assert_eq!(world.portal.ledger("socket-1").unwrap().relogins, 2);
    assert_eq!(world.outputs(), []);
}

#[test]
fn tickets_end_by_time_by_a_wrong_clock_and_on_demand() {
    let config = ModelConfig { reconnection_timeout: 10_000_000, ..ModelConfig::default() };
    let mut world = World::new(config);
    let ticket = world.login(A, "1.2");
    let expired = error("Ticket is expired");
    world.portal.set_clock_offset(-1000);
    assert_eq!(world.relogin(ConnId(3), &ticket), expired);
    world.portal.set_clock_offset(0);
    world.portal.expire_tickets(world.now);
    assert_eq!(world.relogin(ConnId(4), &ticket), expired);
    let fresh = world.request(A, "refreshReconnectionTicket", vec![])[1].clone();
    assert_eq!(world.relogin(ConnId(5), &fresh)[0], "ok");
    world.pass(600_001);
    assert_eq!(world.relogin(ConnId(6), &fresh), expired);
}

#[test]
fn a_restart_forgets_clients_and_keeps_tokens_and_ledgers() {
    let mut world = world();
    let ticket = world.login(A, "1.2");
    let token = world.mint("presenter");
    world.portal.restart();
    world.lose(A);
    let refused = error("Invalid reconnection ticket signature");
    assert_eq!(world.relogin(B, &ticket), refused);
    assert!(world.portal.ledger("socket-1").is_some());
    world.connect(ConnId(3));
    assert_eq!(world.request(ConnId(3), "login", vec![login("1.2", &token)])[0], "ok");
}

#[test]
fn a_participant_lost_while_joining_becomes_a_ghost() {
    for ghosts in [true, false] {
        let mut world = World::new(ModelConfig { ghosts, ..ModelConfig::default() });
        world.connect(A);
        let token = world.mint("presenter");
        world.send(A, "login", vec![login("1.2", &token)]);
        world.lose(A);
        world.pass(1_000_000);
        assert_eq!(world.portal.participants("room").len(), usize::from(ghosts));
        assert_eq!(world.portal.drop_participant("socket-1", world.now), ghosts);
        assert_eq!(world.portal.participants("room"), []);
    }
}

#[test]
fn a_logout_while_joining_makes_the_login_fail() {
    let mut world = World::new(ModelConfig { join_delay: 100, ..ModelConfig::default() });
    world.connect(A);
    let token = world.mint("presenter");
    let wanted = world.send(A, "login", vec![login("1.2", &token)]);
    assert_eq!(world.request(A, "logout", vec![]), json!(["ok"]));
    world.pass(100);
    let args = vec!["error".into(), "Participant early left".into()];
    let expected = [Output::Ack { conn: A, id: wanted, args }, Output::Disconnect { conn: A }];
    assert_eq!(world.outputs(), expected);
    assert_eq!(world.portal.participants("room"), []);
}

#[test]
fn a_drop_is_an_event_and_a_disconnect() {
    let mut world = world();
    let ticket = world.login(A, "1.2");
    assert!(world.portal.drop_participant("socket-1", world.now));
    let drop = Output::Emit { conn: A, event: "drop".into(), data: None };
    assert_eq!(world.outputs(), [drop, Output::Disconnect { conn: A }]);
    assert_eq!(world.relogin(B, &ticket), error("Client does NOT exist"));
    assert!(!world.portal.drop_participant("socket-1", world.now));
}

#[test]
fn a_kick_lets_the_session_wait() {
    let mut world = world();
    let ticket = world.login(A, "1.2");
    assert!(world.portal.kick("socket-1", world.now));
    assert_eq!(world.outputs(), [Output::Disconnect { conn: A }]);
    assert!(!world.portal.kick("socket-1", world.now));
    assert_eq!(world.relogin(B, &ticket)[0], "ok");
}

#[test]
fn equal_seeds_give_equal_runs() {
    let run = || {
        let mut world = world();
        let ticket = world.login(A, "1.2");
        let publish = json!({"media": null, "data": true});
        (ticket, world.request(A, "publish", vec![publish]))
    };
    assert_eq!(run(), run());
}
