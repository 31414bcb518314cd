//! What is written down, and requests that fail because a test wants them to.

use super::*;

#[test]
fn a_login_fails_with_any_text_and_its_token_is_spent() {
    let mut world = world();
    world.portal.fail_requests(None, "login", 1, "Joining room failed");
    let token = world.mint("presenter");
    world.connect(A);
    let refused = world.request(A, "login", vec![login("1.2", &token)]);
    assert_eq!(refused, error("Joining room failed"));
    assert_eq!(world.portal.participants("room"), []);
    world.connect(B);
    assert_eq!(world.request(B, "login", vec![login("1.2", &token)]), Value::Null);
    world.login(ConnId(3), "1.2");
}

#[test]
fn requests_fail_without_effect_and_then_work_again() {
    let mut world = world();
    let ticket = world.login(A, "1.2");
    let id = "socket-1";
    world.portal.fail_requests(Some(id), "publish", 1, "Too many inputs");
    world.portal.fail_requests(Some("other"), "publish", 1, "not for this one");
    let publish = || vec![json!({"media": null, "data": true})];
    // A request that is wrong in itself does not use the failure up.
    assert_eq!(world.request(A, "publish", vec![json!({})])[0], "error");
    assert_eq!(world.request(A, "publish", publish()), error("Too many inputs"));
    assert_eq!(world.portal.streams("room").len(), 1);
    assert_eq!(world.request(A, "publish", publish())[0], "ok");
    for name in ["refreshReconnectionTicket", "logout"] {
        world.portal.fail_requests(None, name, 1, "Unknown");
        assert_eq!(world.request(A, name, vec![]), error("Unknown"));
    }
    world.portal.fail_requests(None, "relogin", 1, "Reconnection is not allowed");
    assert_eq!(world.relogin(B, &ticket), error("Reconnection is not allowed"));
    assert_eq!(world.relogin(ConnId(3), &ticket)[0], "ok");
}

#[test]
fn the_ledger_tells_who_came_what_was_refused_and_who_left() {
    let mut world = world();
    world.login_with(A, "1.1", "viewer");
    world.request(A, "text", vec![]);
    world.pass(500);
    world.request(A, "text", text("hello"));
    let ledger = world.portal.ledger("socket-1").unwrap().clone();
    let who = [&ledger.room, &ledger.user, &ledger.role, &ledger.protocol];
    assert_eq!(who, ["room", "user", "viewer", "1.1"]);
    assert_eq!((ledger.refusals.len(), ledger.refusals[0].name.as_str()), (1, "text"));
    assert_eq!(ledger.refusals[0].error, "Illegal request");
    assert_eq!(ledger.requests[0].at, ledger.notifications[0].at);
    assert_eq!(ledger.requests[0].at - ledger.joined_at, 502);
    assert_eq!(ledger.left, None);
    world.request(A, "logout", vec![]);
    assert_eq!(world.portal.ledger("socket-1").unwrap().left, Some(Departure::Logout));
}

#[test]
fn everybody_who_ever_came_is_listed() {
    let config = ModelConfig { reconnection_timeout: 100, ..ModelConfig::default() };
    let mut world = World::new(config);
    for conn in 1..=4 {
        world.login(ConnId(conn), "1.2");
    }
    world.lose(ConnId(1));
    world.pass(100);
    world.portal.drop_participant("socket-2", world.now);
    world.lose(ConnId(3));
    let seen = |world: &World| {
        let all = world.portal.attendance().into_iter();
        all.map(|one| (one.presence, one.left)).collect::<Vec<_>>()
    };
    let expected = [
        (Presence::Left, Some(Departure::Timeout)),
        (Presence::Left, Some(Departure::Drop)),
        (Presence::Waiting, None),
        (Presence::Connected, None),
    ];
    assert_eq!(seen(&world), expected);
    let rooms = world.portal.rooms();
    assert_eq!((rooms.len(), rooms[0].participants.len()), (1, 2));
    world.portal.restart();
    assert_eq!(seen(&world)[3], (Presence::Left, Some(Departure::Restart)));
    assert_eq!(world.portal.rooms(), []);
}

#[test]
fn the_journal_has_everything_but_secrets() {
    let mut world = world();
    let ticket = world.login(A, "1.2");
    world.portal.fail_requests(None, "text", 1, "unknown reason");
    world.request(A, "text", text("private"));
    world.lose(A);
    world.relogin(B, &ticket);
    world.relogin(ConnId(3), &"garbage".into());
    world.request(B, "logout", vec![]);
    let lines: Vec<&str> = world.portal.journal().map(|line| line.text.as_str()).collect();
    assert_eq!(
        lines[..3],
        [
            "login of \"user\" to \"room\", 1.2",
            "text refused: unknown reason",
            "connection lost, waiting",
        ]
    );
    assert_eq!(lines[3], "relogin");
    assert!(lines[4].starts_with("relogin refused: "));
    assert_eq!(lines[5..], ["left: logout"]);
    assert!(!lines.concat().contains(ticket.as_str().unwrap()));
}
