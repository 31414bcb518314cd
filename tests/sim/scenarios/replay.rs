//! Exactly-once notifications: requirements 3.x.

use roamio::config::{ConferenceConfig, PortalProtocol, SequenceBase};
use roamio::error::Code;
use roamio::proto::io::{ConferenceState, WireId};
use roamio_portal::model::{ModelConfig, Retention, SeqBase};
use serde_json::{Value, json};

use crate::link::{Flow, Millis, Side};
use crate::world::{Dials, Setup, World};

fn with(model: ModelConfig, config: ConferenceConfig) -> World {
    World::ready(Setup { model, config, ..Setup::default() })
}

fn ready() -> World {
    World::ready(Setup::default())
}

fn ready_1_1() -> World {
    let config = ConferenceConfig { protocol: PortalProtocol::V1_1, ..ConferenceConfig::default() };
    with(ModelConfig::default(), config)
}

/// Lose the connection, let the portal issue something meanwhile, come back.
fn miss(world: &mut World, count: u64) {
    world.reset(world.session_link(), Side::Both);
    world.burst(&format!("missed-{}-", world.now), count, 0);
    world.run_until(20_000, |world| !world.is_ready());
    world.run_until(20_000, World::is_ready);
    world.run_for(100);
}

fn live(world: &mut World, count: u64) {
    world.burst(&format!("live-{}-", world.now), count, 0);
    world.run_for(100);
}

/// Come back to an answer of the test's making. Gives how many notifications that brought.
fn answer_with(world: &mut World, messages: &Value) -> u64 {
    let before = world.app.notified;
    relogin_answer(world, messages);
    world.run_for(300);
    world.app.notified - before
}

fn relogin_answer(world: &mut World, messages: &Value) -> WireId {
    let nth = world.watch.count("relogin") + 1;
    world.server.portal.swallow_acks(None, "relogin", 1);
    world.reset(world.session_link(), Side::Both);
    let link = world.run_until_sent("relogin", nth);
    let ack = world.watch.calls.len() - 1;
    world.inject(link, format!(r#"43{ack}["ok",{}]"#, json!({"ticket": "", "messages": messages})));
    link
}

/// An entry as the portal's ledger has it, with another number.
fn entry(world: &World, index: usize, seq: Value) -> Value {
    let me = world.app.participant.as_deref().unwrap();
    let issued = &world.server.portal.ledger(me).unwrap().notifications[index];
    json!({"event": issued.event, "data": issued.data, "seq": seq})
}

#[test]
fn req_3_1_unknown_names_are_counted_and_delivered() {
    let mut world = ready();
    world.portal(|portal, me, now| {
        portal.notify(me, "from-the-future", Some(&json!({"a": 1})), now)
    });
    world.portal(|portal, me, now| portal.notify(me, "bare", None, now));
    world.run_for(100);
    miss(&mut world, 2);
    assert_eq!((world.app.notified, world.app.replayed), (4, 2));
    assert!(world.app.gaps.is_empty());
}

#[test]
fn req_3_2_only_what_is_new_is_delivered_in_order() {
    let mut world = ready();
    live(&mut world, 5);
    miss(&mut world, 7);
    live(&mut world, 3);
    miss(&mut world, 1);
    assert_eq!((world.app.notified, world.app.replayed), (16, 8));
    world.app.check_end(&world.server.portal);
}

#[test]
fn req_3_3_both_numbering_bases_are_found_out() {
    for seq_base in [SeqBase::Zero, SeqBase::One] {
        for seen in [0, 1, 5, 100] {
            let model = ModelConfig { seq_base, ..ModelConfig::default() };
            let mut world = with(model, ConferenceConfig::default());
            live(&mut world, seen);
            for _ in 0..3 {
                miss(&mut world, 4);
                live(&mut world, 2);
            }
            assert!(world.app.gaps.is_empty() && world.app.complaints.is_empty());
            world.app.check_end(&world.server.portal);
        }
    }
}

#[test]
fn req_3_3_the_overlap_proves_base_zero_when_the_beginning_is_pruned() {
    let model = ModelConfig {
        seq_base: SeqBase::Zero,
        retention: Retention::For(5_000),
        ..ModelConfig::default()
    };
    let mut world = with(model, ConferenceConfig::default());
    live(&mut world, 10);
    world.run_for(6_000);
    live(&mut world, 5);
    miss(&mut world, 5);
    assert!(world.app.gaps.is_empty(), "{:?}", world.app.gaps);
    world.app.check_end(&world.server.portal);
}

#[test]
fn req_3_3_the_base_can_be_configured() {
    let model = ModelConfig {
        seq_base: SeqBase::Zero,
        retention: Retention::For(1_000),
        relogin_ends_pruning: false,
        ..ModelConfig::default()
    };
    let config =
        ConferenceConfig { sequence_base: SequenceBase::Zero, ..ConferenceConfig::default() };
    let mut world = with(model, config);
    live(&mut world, 3);
    world.run_for(3_000);
    miss(&mut world, 3);
    assert!(world.app.gaps.is_empty(), "{:?}", world.app.gaps);
    world.app.check_end(&world.server.portal);
}

#[test]
fn req_3_4_w13_a_hole_raises_one_gap_before_the_replay() {
    let model = ModelConfig { retention: Retention::For(3_000), ..ModelConfig::default() };
    let mut world = with(model, ConferenceConfig::default());
    live(&mut world, 2);
    world.dials = Dials::Hang;
    world.reset(world.session_link(), Side::Both);
    world.burst("lost-", 3, 0);
    world.run_for(5_000);
    world.burst("kept-", 2, 0);
    world.dials = Dials::Succeed;
    world.run_until(60_000, World::is_ready);
    world.run_for(100);
    assert_eq!(world.app.gaps, [(3, 5, true)]);
    assert_eq!(world.app.resumed, [false]);
    assert_eq!(world.app.notified, 4);
}

#[test]
fn req_3_4_1_1_a_resume_announces_that_something_may_be_lost() {
    let mut world = ready_1_1();
    live(&mut world, 2);
    world.freeze(world.session_link(), Side::Both, Flow::BlackHole);
    world.burst("into-the-dead-socket-", 3, 0);
    world.run_until(50_000, |world| !world.is_ready());
    world.run_until(5_000, World::is_ready);
    live(&mut world, 2);
    assert_eq!(world.app.gaps, [(3, 0, false)]);
    assert_eq!(world.app.resumed, [false]);
    assert_eq!(world.app.notified, 4);
}

#[test]
fn req_3_5_a_counter_that_went_back_is_a_gap_of_unknown_size() {
    let mut world = ready();
    live(&mut world, 9);
    let back = json!([{"event": "text", "data": {"new": 1}, "seq": 2}]);
    answer_with(&mut world, &back);
    assert_eq!(world.app.gaps.last(), Some(&(10, 0, false)));
    assert!(!world.app.complaints.is_empty());
    assert!(world.is_ready());
}

#[test]
fn req_3_6_w15_a_hundred_thousand_entries_come_once() {
    let mut world = ready();
    world.burst("known-", 20_000, 0);
    world.run_for(1_000);
    miss(&mut world, 80_000);
    assert_eq!((world.app.notified, world.app.replayed), (100_000, 80_000));
}

#[test]
fn req_3_7_missing_data_is_null() {
    let mut world = ready();
    world.reset(world.session_link(), Side::Both);
    world.portal(|portal, me, now| portal.notify(me, "bare", None, now));
    world.run_until(5_000, |world| world.app.replayed == 1);
}

#[test]
fn req_3_8_a_lost_relogin_answer_loses_and_repeats_nothing() {
    let mut world = ready();
    live(&mut world, 4);
    world.reset(world.session_link(), Side::Both);
    world.burst("missed-", 4, 0);
    let link = world.run_until_answered("relogin", 1);
    world.burst("into-the-void-", 4, 0);
    world.freeze(link, Side::Client, Flow::BlackHole);
    world.run_until(30_000, World::is_ready);
    world.run_for(100);
    assert_eq!(world.app.notified, 12);
    world.app.check_end(&world.server.portal);
}

#[test]
fn req_3_9_a_drop_in_the_replay_is_the_end() {
    let mut world = ready();
    live(&mut world, 1);
    let replay = json!([
        entry(&world, 0, 1.into()),
        {"event": "drop", "seq": 2},
        {"event": "text", "data": 1, "seq": 3},
    ]);
    world.portal(|portal, me, now| portal.notify(me, "drop", None, now));
    world.freeze(world.session_link(), Side::Client, Flow::BlackHole);
    relogin_answer(&mut world, &replay);
    world.run_until(5_000, World::is_ended);
    assert_eq!(world.app.end_code(), Some(Code::Dropped));
    assert_eq!(world.app.notified, 2);
    let dials = world.watch.total_dials;
    world.run_for(60_000);
    assert_eq!(world.watch.total_dials, dials);
}

#[test]
fn req_3_10_w18_1_1_events_behind_the_answer_follow_the_resume() {
    let mut world = ready_1_1();
    live(&mut world, 1);
    world.dials = Dials::Hang;
    world.reset(world.session_link(), Side::Both);
    world.run_for(1_000);
    world.burst("queued-", 5, 0);
    world.dials = Dials::Succeed;
    world.run_until(60_000, World::is_ready);
    assert_eq!(world.app.resumed, [false]);
    world.run_for(100);
    assert_eq!(world.app.notified, 6);
}

#[test]
fn req_3_11_a_long_reply_is_kept_alive_by_unasked_pongs() {
    // Two minutes of dripping would close the connection at the server without them.
    let mut world = World::ready(Setup { ping: (3_000, 2_000), ..Setup::default() });
    world.reset(world.session_link(), Side::Both);
    world.burst("missed-", 400, 0);
    world.drip = Some((1_000, 2_000));
    let link = world.run_until_answered("relogin", 1);
    world.drip = None;
    world.run_until(110_000, World::is_ready);
    assert_eq!(world.session_link(), link, "one relogin was enough");
    world.run_for(100);
    world.app.check_end(&world.server.portal);
}

#[test]
fn req_3_11_after_three_replies_lost_in_the_middle_the_replay_is_too_large() {
    let mut world = ready();
    world.reset(world.session_link(), Side::Both);
    world.burst("missed-", 400, 0);
    world.drip = Some((1_000, 100));
    for round in 1..=3 {
        let link = world.run_until_answered("relogin", round);
        world.run_for(1_000);
        world.reset(link, Side::Both);
    }
    world.run_until(1_000, World::is_ended);
    let error = world.app.end.clone().flatten().unwrap();
    assert_eq!(
        (error.code(), error.message()),
        (Code::SessionLost, "replay too large for this link")
    );
}

#[test]
fn w11_a_replay_repeats_what_is_known_and_it_is_delivered_once() {
    let mut world = ready();
    for _ in 0..20 {
        live(&mut world, 10);
        miss(&mut world, 0);
    }
    assert_eq!((world.app.notified, world.app.replayed), (200, 0));
}

#[test]
fn w12_any_offset_of_the_numbers_is_found_by_the_overlap() {
    for offset in [-3_i64, 2, 17, 100_000] {
        let mut world = ready();
        live(&mut world, 20);
        world.freeze(world.session_link(), Side::Client, Flow::BlackHole);
        world.burst("new-", 2, 0);
        let entries: Vec<Value> =
            (8..22).map(|index| entry(&world, index, (index as i64 + 1 + offset).into())).collect();
        let brought = answer_with(&mut world, &entries.into());
        assert_eq!(brought, 2, "offset {offset}");
        assert!(world.app.gaps.is_empty(), "{:?}", world.app.gaps);
    }
}

#[test]
fn w14_an_empty_replay_is_not_proof() {
    let mut world = ready();
    let brought = answer_with(&mut world, &json!([]));
    assert_eq!((brought, world.app.state), (0, ConferenceState::Ready));
}

#[test]
fn w16_numbers_that_make_no_sense_fall_back_to_the_content() {
    let numbers: [[Value; 4]; 7] = [
        [Value::Null, Value::Null, Value::Null, Value::Null],
        [1.into(), 1.into(), 1.into(), 1.into()],
        [4.into(), 3.into(), 2.into(), 1.into()],
        [(-1).into(), (-2).into(), (-3).into(), (-4).into()],
        ["1".into(), "2".into(), "3".into(), "4".into()],
        [json!(1e300), json!(1e301), json!(1e302), json!(1e303)],
        [2_147_483_646_u64.into(), 2_147_483_647_u64.into(), 0.into(), 1.into()],
    ];
    for numbers in numbers {
        let mut world = ready();
        live(&mut world, 2);
        world.freeze(world.session_link(), Side::Client, Flow::BlackHole);
        world.burst("new-", 2, 0);
        let entries: Vec<Value> = numbers
            .iter()
            .enumerate()
            .map(|(index, seq)| entry(&world, index, seq.clone()))
            .collect();
        let brought = answer_with(&mut world, &entries.into());
        assert_eq!(brought, 2, "{numbers:?}");
        assert_eq!(world.app.resumed, [false], "{numbers:?}");
        assert!(world.is_ready());
    }
}

#[test]
fn w19_notifications_before_the_relogin_answer_follow_it_once() {
    let mut world = World::ready(Setup {
        model: ModelConfig { relogin_delay: 500, ..ModelConfig::default() },
        ..Setup::default()
    });
    live(&mut world, 2);
    world.server.portal.delay_acks(None, "relogin", 1, 400);
    world.reset(world.session_link(), Side::Both);
    let link = world.run_until_sent("relogin", 1);
    // The session is on the new connection, and its answer is held back.
    world.run_until(2_000, |world| {
        let me = world.app.participant.as_deref().unwrap();
        world.server.link_of(me) == Some(link) && world.server.portal.is_connected(me)
    });
    let wait: Millis = 50;
    world.burst("before-the-answer-", 3, wait);
    world.run_for(200);
    assert_eq!(world.app.notified, 2);
    world.run_until(2_000, World::is_ready);
    world.run_for(300);
    assert_eq!(world.app.notified, 5);
    world.app.check_end(&world.server.portal);
}

#[test]
fn w19_what_came_before_the_relogin_answer_and_is_in_it_comes_once() {
    let mut world = ready();
    live(&mut world, 3);
    world.freeze(world.session_link(), Side::Client, Flow::BlackHole);
    world.burst("new-", 3, 0);
    world.server.portal.swallow_acks(None, "relogin", 1);
    world.reset(world.session_link(), Side::Both);
    let link = world.run_until_sent("relogin", 1);
    for index in [4, 5] {
        let entry = entry(&world, index, Value::Null);
        world.inject(link, format!("42{}", json!([entry["event"], entry["data"]])));
    }
    let entries: Vec<Value> =
        (0..6).map(|index| entry(&world, index, (index + 1).into())).collect();
    world.inject(link, format!(r#"431["ok",{}]"#, json!({"ticket": "", "messages": entries})));
    world.run_for(300);
    assert_eq!((world.app.notified, world.app.replayed), (6, 3));
    assert!(world.app.gaps.is_empty());
}
