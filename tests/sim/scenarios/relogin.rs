//! Coming back: requirements 2.x and the rows about relogins.

use roamio::config::{ConferenceConfig, PortalProtocol};
use roamio::error::{Code, Retry};
use roamio::proto::io::{ConferenceState, Hint};
use roamio_portal::model::ModelConfig;

use crate::link::{Flow, Side};
use crate::world::{Dials, Setup, World};

fn ready() -> World {
    World::ready(Setup::default())
}

fn end_after(world: &mut World, limit: u64) -> (Option<Code>, Option<Retry>) {
    world.run_until(limit, World::is_ended);
    (world.app.end_code(), world.app.end.clone().flatten().map(|end| end.retry()))
}

#[test]
fn req_2_1_a_bare_41_leads_to_a_relogin() {
    let mut world = ready();
    world.portal(|portal, me, now| portal.kick(me, now));
    world.run_until(2_000, |world| world.app.state == ConferenceState::Resuming);
    world.run_until(2_000, World::is_ready);
    assert_eq!(world.app.resumed, [true]);
}

#[test]
fn req_2_1_a_missing_heartbeat_leads_to_a_relogin() {
    let mut world = ready();
    world.freeze(world.session_link(), Side::Both, Flow::BlackHole);
    world.run_until(46_000, |world| world.app.state == ConferenceState::Resuming);
    world.run_until(2_000, World::is_ready);
}

#[test]
fn req_2_2_requests_wait_for_the_relogin_answer() {
    let model = ModelConfig { relogin_delay: 1_000, ..ModelConfig::default() };
    let mut world = World::ready(Setup { model, ..Setup::default() });
    world.reset(world.session_link(), Side::Both);
    world.run_until_sent("relogin", 1);
    let requests: Vec<_> = (0..5).map(|_| world.text()).collect();
    world.run_for(500);
    assert_eq!(world.watch.count("text"), 0);
    world.run_for(2_000);
    assert!(requests.iter().all(|request| world.app.code(*request).is_none()));
}

#[test]
fn req_2_3_w17_a_nonsense_answer_keeps_the_ticket_and_the_session() {
    let bodies =
        ["null", "[]", "{}", r#"{"messages":[]}"#, r#""%%%""#, r#""bm8=""#, r#""e30=""#, "7"];
    for body in bodies {
        let mut world = ready();
        let before = world.session_link();
        world.server.portal.swallow_acks(None, "relogin", 1);
        world.reset(before, Side::Both);
        let link = world.run_until_sent("relogin", 1);
        // The relogin is the second call of the session.
        world.inject(link, format!(r#"431["ok",{body}]"#));
        world.run_for(500);
        assert!(world.is_ready(), "{body}");
        assert_eq!(world.app.complaints.len(), 1, "{body}");
        assert_eq!(world.app.complaints[0].code(), Code::TicketMalformed);
        world.reset(link, Side::Both);
        world.run_for(2_000);
        assert!(world.is_ready(), "the old ticket goes on: {body}");
    }
}

#[test]
fn req_2_3_a_string_answer_is_understood_in_a_1_2_session() {
    let mut world = ready();
    world.server.portal.swallow_acks(None, "relogin", 1);
    world.reset(world.session_link(), Side::Both);
    let link = world.run_until_sent("relogin", 1);
    world.inject(link, format!(r#"431["ok",{:?}]"#, ticket()));
    world.run_for(500);
    assert!(world.is_ready() && world.app.complaints.is_empty());
    assert_eq!(world.app.resumed, [false], "without numbers nothing is certain");
}

fn ticket() -> String {
    use base64::Engine as _;
    let json =
        r#"{"participantId":"p","ticketId":"t","notBefore":0,"notAfter":600000,"signature":"s"}"#;
    base64::engine::general_purpose::STANDARD.encode(json)
}

#[test]
fn req_2_4_a_network_change_during_relogin_moves_on_with_the_same_ticket() {
    let model = ModelConfig { relogin_delay: 2_000, ..ModelConfig::default() };
    let mut world = World::ready(Setup { model, ..Setup::default() });
    world.reset(world.session_link(), Side::Both);
    let first = world.run_until_sent("relogin", 1);
    world.run_for(600);
    world.roam(false);
    world.hint(Hint::NetworkChanged);
    assert!(!world.open_links().contains(&first), "the abandoned connection is closed");
    world.run_until(5_000, World::is_ready);
    assert_ne!(world.session_link(), first);
    world.run_for(120_000);
    assert!(world.is_ready() && world.app.resumed.len() == 1, "no take-over war with ourselves");
}

#[test]
fn req_2_5_connection_errors_are_retried_and_relogin_errors_are_not() {
    let mut world = ready();
    world.dials = Dials::Refused;
    world.reset(world.session_link(), Side::Both);
    world.run_for(40_000);
    assert!(world.app.retries.len() > 5 && !world.is_ended());
    world.portal(|portal, me, now| portal.drop_participant(me, now));
    world.dials = Dials::Succeed;
    world.run_for(10_000);
    assert!(world.is_ended());
    assert_eq!(world.watch.count("relogin"), 1);
}

#[test]
fn req_2_6_an_expired_ticket_is_followed_by_the_other_one() {
    let mut world = World::ready(Setup {
        model: ModelConfig { ticket_lifetime: 20_000, ..ModelConfig::default() },
        ..Setup::default()
    });
    world.run_until_answered("refreshReconnectionTicket", 1);
    world.run_for(1_000);
    world.dials = Dials::Hang;
    world.reset(world.session_link(), Side::Both);
    world.run_for(25_000);
    world.dials = Dials::Succeed;
    assert_eq!(end_after(&mut world, 60_000), (Some(Code::TicketExpired), Some(Retry::Login)));
    assert_eq!(world.watch.count("relogin"), 2, "each ticket once");
}

#[test]
fn req_2_6_after_a_clock_step_the_older_ticket_can_be_the_valid_one() {
    let mut world = ready();
    // The portal's clock is ahead while it gives out the second ticket, and is then set right.
    world.portal(|portal, _, _| portal.set_clock_offset(3_600_000));
    world.reset(world.session_link(), Side::Both);
    world.portal(|portal, _, _| portal.set_clock_offset(300_000));
    world.run_until(2_000, |world| world.watch.count("relogin") == 1);
    world.run_until(2_000, World::is_ready);
    world.portal(|portal, _, _| portal.set_clock_offset(0));
    world.reset(world.session_link(), Side::Both);
    world.run_until(10_000, |world| world.watch.count("relogin") == 3);
    world.run_for(1_000);
    assert!(world.is_ready(), "{:?}", world.app.end);
}

#[test]
fn req_2_7_w05_a_restarted_portal_is_named() {
    let mut world = ready();
    world.restart_portal();
    assert_eq!(end_after(&mut world, 5_000), (Some(Code::ServerRestarted), Some(Retry::Login)));
}

#[test]
fn req_2_7_w06_offline_longer_than_the_ticket() {
    let mut world = ready();
    world.black_out();
    world.dials = Dials::Hang;
    world.run_for(601_000);
    assert_eq!(world.watch.count("relogin"), 0);
    world.dials = Dials::Succeed;
    assert_eq!(end_after(&mut world, 80_000), (Some(Code::TicketExpired), Some(Retry::Login)));
    assert_eq!(world.watch.count("relogin"), 1, "the portal is asked once");
}

#[test]
fn req_2_7_w07_offline_longer_than_the_window() {
    let mut world = ready();
    world.black_out();
    world.dials = Dials::Hang;
    world.run_for(200_000);
    world.dials = Dials::Succeed;
    assert_eq!(end_after(&mut world, 80_000), (Some(Code::SessionLost), Some(Retry::Login)));
}

#[test]
fn req_2_7_an_unknown_refusal_is_the_end_too() {
    let mut world = ready();
    world.server.portal.swallow_acks(None, "relogin", 1);
    world.reset(world.session_link(), Side::Both);
    let link = world.run_until_sent("relogin", 1);
    world.inject(link, r#"431["error","Martians"]"#);
    assert_eq!(end_after(&mut world, 1_000), (Some(Code::ReloginRejected), Some(Retry::Login)));
}

#[test]
fn req_2_8_w20_after_a_drop_nothing_is_dialled() {
    let mut world = ready();
    let request = world.text();
    world.server.portal.swallow_acks(None, "text", 1);
    world.portal(|portal, me, now| portal.drop_participant(me, now));
    assert_eq!(end_after(&mut world, 1_000), (Some(Code::Dropped), Some(Retry::Never)));
    assert_eq!(world.app.code(request), Some(Code::Dropped));
    world.run_for(120_000);
    assert_eq!(world.watch.total_dials, 1);
}

#[test]
fn req_2_9_w04_two_holders_of_one_ticket_do_not_fight_for_ever() {
    let mut world = ready();
    let mut returns = Vec::new();
    for _ in 0..4 {
        world.portal(|portal, me, now| portal.kick(me, now));
        let kicked = world.now;
        world.run_until(5_000, |world| !world.is_ready());
        world.run_until(5_000, |world| world.is_ready() || world.is_ended());
        returns.push(world.now - kicked);
    }
    assert_eq!(world.app.end_code(), Some(Code::Superseded));
    assert!(returns[0] < 500 && returns[1] > 1_000 && returns[2] > 2_000, "{returns:?}");
}

#[test]
fn req_2_9_w21_a_41_of_our_own_making_is_not_foreign() {
    let mut world = ready();
    for round in 0..6 {
        // The relogin is done, its answer is lost, and it comes again.
        world.reset(world.session_link(), Side::Both);
        let lost = world.run_until_answered("relogin", 3 * round + 1);
        world.reset(lost, Side::Both);
        world.run_until(20_000, World::is_ready);
        world.portal(|portal, me, now| portal.kick(me, now));
        world.run_until(1_000, |world| !world.is_ready());
        let kicked = world.now;
        world.run_until(3_000, World::is_ready);
        assert!(world.now - kicked < 500, "it is not paced as a foreign one");
    }
    assert!(world.is_ready(), "{:?}", world.app.end);
}

#[test]
fn req_2_10_the_41_of_a_takeover_can_come_before_the_answer() {
    for protocol in [PortalProtocol::V1_1, PortalProtocol::V1_2] {
        let config = ConferenceConfig { protocol, ..ConferenceConfig::default() };
        let mut world = World::ready(Setup { config, ..Setup::default() });
        world.roam(true);
        world.hint(Hint::NetworkChanged);
        let link = world.run_until_sent("relogin", 1);
        if let Some(link) = world.links.get_mut(&link) {
            link.down.latency = 500;
        }
        world.burst("while-moving-", 30, 10);
        world.run_for(3_000);
        assert_eq!((world.app.steps.len(), world.app.migrated), (2, 1), "{protocol:?}");
        assert!(world.app.gaps.is_empty(), "{:?}", world.app.gaps);
        world.app.check_end(&world.server.portal);
    }
}

#[test]
fn req_2_10_late_answers_on_the_old_connection_still_count() {
    let mut world = ready();
    world.server.portal.delay_acks(None, "text", 1, 1_000);
    let request = world.text();
    world.run_for(100);
    world.roam(true);
    world.hint(Hint::NetworkChanged);
    world.run_until(1_000, |world| world.app.migrated == 1);
    assert!(world.app.outcome(request).is_none());
    world.run_for(2_000);
    assert_eq!(world.app.code(request), None);
    assert_eq!(world.open_links().len(), 1, "the old connection is closed when nothing is due");
}

#[test]
fn req_2_10_after_five_seconds_a_late_answer_is_lost() {
    let mut world = ready();
    world.server.portal.swallow_acks(None, "text", 1);
    let request = world.text_within(Some(60_000));
    world.run_for(100);
    world.roam(true);
    world.hint(Hint::NetworkChanged);
    world.run_until(1_000, |world| world.app.migrated == 1);
    world.run_for(4_900);
    assert!(world.app.outcome(request).is_none());
    world.run_for(200);
    assert_eq!(world.app.code(request), Some(Code::AckLost));
}

#[test]
fn req_2_10_1_1_delivers_the_old_connections_rest_first() {
    let config = ConferenceConfig { protocol: PortalProtocol::V1_1, ..ConferenceConfig::default() };
    let mut world = World::ready(Setup { config, ..Setup::default() });
    let old = world.session_link();
    world.roam(true);
    world.hint(Hint::NetworkChanged);
    world.run_until_sent("relogin", 1);
    if let Some(link) = world.links.get_mut(&old) {
        link.down.latency = 300;
    }
    world.burst("old-then-new-", 40, 5);
    world.run_for(2_000);
    assert_eq!(world.app.notified, 40, "the ledger's order holds over both connections");
    assert!(world.app.gaps.is_empty());
}

#[test]
fn req_2_10_1_1_what_waits_for_the_old_connection_survives_the_new_one() {
    let ends: [fn(&mut World); 3] = [
        |world| {
            world.portal(|portal, me, now| portal.kick(me, now));
        },
        |world| world.reset(world.session_link(), Side::Client),
        |world| {
            world.roam(true);
            world.hint(Hint::NetworkChanged);
        },
    ];
    for end in ends {
        let config =
            ConferenceConfig { protocol: PortalProtocol::V1_1, ..ConferenceConfig::default() };
        let mut world = World::ready(Setup { config, ..Setup::default() });
        let old = world.session_link();
        world.roam(true);
        world.hint(Hint::NetworkChanged);
        world.run_until_sent("relogin", 1);
        // The old connection has something left, and is slow with it.
        if let Some(link) = world.links.get_mut(&old) {
            link.down.latency = 400;
        }
        world.burst("left-", 1, 0);
        world.run_until(1_000, |world| world.app.migrated == 1);
        world.burst("waiting-", 3, 0);
        world.run_for(100);
        assert_eq!(world.app.notified, 0);
        end(&mut world);
        world.run_for(3_000);
        world.burst("later-", 3, 100);
        world.run_for(1_000);
        assert!(world.app.notified >= 6, "{} of 7", world.app.notified);
        assert!(world.is_ready());
    }
}

#[test]
fn req_2_8_w20_1_1_a_drop_that_waits_for_the_old_connection_is_the_end() {
    let config = ConferenceConfig {
        protocol: PortalProtocol::V1_1,
        ask_token: true,
        ..ConferenceConfig::default()
    };
    let mut world = World::ready(Setup { config, ..Setup::default() });
    let old = world.session_link();
    world.roam(true);
    world.hint(Hint::NetworkChanged);
    world.run_until_sent("relogin", 1);
    // The old connection has something left, and is slow with it.
    if let Some(link) = world.links.get_mut(&old) {
        link.down.latency = 400;
    }
    world.burst("left-", 1, 0);
    world.run_until(1_000, |world| world.app.migrated == 1);
    let dials = world.watch.total_dials;
    world.portal(|portal, me, now| portal.drop_participant(me, now));
    world.run_for(30_000);
    assert_eq!(world.app.end_code(), Some(Code::Dropped));
    assert_eq!(world.watch.total_dials, dials, "nothing is dialled after a drop");
}

#[test]
fn w02_relogin_accepted_and_answer_lost_three_times() {
    let mut world = ready();
    world.burst("before-", 3, 0);
    world.reset(world.session_link(), Side::Both);
    for round in 1..=3 {
        let link = world.run_until_answered("relogin", round);
        world.burst("between-", 2, 0);
        world.reset(link, Side::Both);
    }
    world.run_until(20_000, World::is_ready);
    world.run_for(100);
    assert_eq!(world.app.resumed.len(), 1);
    world.app.check_end(&world.server.portal);
}

#[test]
fn w02_an_answer_that_the_portal_swallows_is_given_up_in_time() {
    // Heartbeats arrive all the while: they are no part of the answer.
    let mut world = World::ready(Setup { ping: (2_000, 2_000), ..Setup::default() });
    world.server.portal.swallow_acks(None, "relogin", 1);
    world.reset(world.session_link(), Side::Both);
    world.run_until_sent("relogin", 1);
    world.run_until(16_000, |world| world.watch.count("relogin") == 2);
    world.run_until(1_000, World::is_ready);
}

#[test]
fn w03_hint_and_retry_at_one_instant_make_one_dial() {
    let mut world = ready();
    world.dials = Dials::Hang;
    world.reset(world.session_link(), Side::Both);
    world.run_for(99);
    let dials = world.watch.total_dials;
    world.hint(Hint::NetworkChanged);
    world.hint(Hint::NetworkAvailable);
    world.run_for(1);
    assert!(world.watch.total_dials <= dials + 1);
}

#[test]
fn w08_a_relogin_at_the_end_of_the_window_is_never_a_dead_session() {
    for offset in 0..40 {
        let mut world = World::ready(Setup {
            model: ModelConfig { reconnection_timeout: 1_000, ..ModelConfig::default() },
            seed: offset,
            ..Setup::default()
        });
        world.dials = Dials::Hang;
        world.reset(world.session_link(), Side::Both);
        world.run_for(880 + offset);
        world.dials = Dials::Succeed;
        world.hint(Hint::NetworkChanged);
        world.run_for(10_000);
        if world.is_ready() {
            let request = world.text();
            world.run_for(1_000);
            assert_eq!(world.app.code(request), None);
        } else {
            assert_eq!(world.app.end_code(), Some(Code::SessionLost));
        }
    }
}

#[test]
fn w29_a_thousand_relogins_leave_nothing_behind() {
    let mut world = ready();
    for round in 0..1_000 {
        world.reset(world.session_link(), Side::Both);
        for _ in 0..10 {
            world.hint(Hint::NetworkAvailable);
            world.run_for(50);
        }
        world.run_until(20_000, World::is_ready);
        if round % 100 == 0 {
            world.run_for(10_000);
            assert_eq!(world.stack.queued(), (0, 0));
            assert!(world.links.len() <= 2, "{} links", world.links.len());
        }
    }
    assert_eq!(world.app.resumed.len(), 1_000);
}
