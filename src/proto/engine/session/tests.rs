//! The life of an engine.

use super::*;

const OPEN: &str =
    r#"0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;

fn text(text: &'static str) -> Frame {
    Frame::Text(Bytes::from_static(text.as_bytes()))
}

fn engine(revision: Revision) -> Engine {
    Engine::new(revision, &Timeouts::default(), &Limits::default(), Timestamp(0))
}

fn opened() -> Engine {
    opened_with(Revision::V4)
}

fn opened_with(revision: Revision) -> Engine {
    let mut engine = engine(revision);
    engine.handle_input(text(OPEN), Timestamp(10));
    assert!(matches!(engine.poll_event(), Some(EngineEvent::Opened)));
    engine
}

fn closed_with(engine: &mut Engine) -> Code {
    match engine.poll_event() {
        Some(EngineEvent::Closed(error)) => error.code(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn conformance_25_a_ping_is_answered_and_extends_the_deadline() {
    let mut engine = opened();
    assert_eq!(engine.poll_timeout(), Some(Timestamp(45_010)));
    engine.handle_input(text("2"), Timestamp(25_000));
    assert_eq!(engine.poll_transmit(), Some(text("3")));
    assert_eq!(engine.poll_timeout(), Some(Timestamp(70_000)));
}

#[test]
fn conformance_26_other_traffic_does_not_extend_the_deadline() {
    let mut engine = opened();
    engine.handle_input(text("42[\"a\"]"), Timestamp(40_000));
    assert!(matches!(engine.poll_event(), Some(EngineEvent::Message { start: 1, .. })));
    engine.handle_timeout(Timestamp(45_010));
    assert_eq!(closed_with(&mut engine), Code::PingTimeout);
}

#[test]
fn a_ping_flood_leaves_one_pending_pong() {
    let mut engine = opened();
    for _ in 0..1_000 {
        engine.handle_input(text("2"), Timestamp(20));
    }
    assert_eq!(engine.queued().0, 1);
}

#[test]
fn a_second_open_packet_changes_nothing() {
    let mut engine = opened();
    engine.handle_input(
        text(r#"0{"sid":"b","upgrades":[],"pingInterval":100,"pingTimeout":100}"#),
        Timestamp(20),
    );
    assert_eq!(engine.handshake().map(|handshake| handshake.sid.as_str()), Some("a"));
    assert_eq!(engine.poll_timeout(), Some(Timestamp(45_010)));
}

#[test]
fn a_long_message_counts_as_life_and_is_accompanied_by_unasked_pongs() {
    let mut engine = opened();
    engine.handle_partial(Timestamp(20_000));
    assert_eq!(engine.poll_timeout(), Some(Timestamp(25_010)));
    engine.handle_timeout(Timestamp(25_010));
    assert_eq!(engine.poll_transmit(), Some(text("3")));
    engine.handle_input(text("42[\"long\"]"), Timestamp(26_000));
    assert_eq!(engine.poll_timeout(), Some(Timestamp(65_000)));
}

#[test]
fn while_the_host_is_slow_the_engine_is_kept_alive() {
    let mut engine = opened();
    engine.pause_reading(true, Timestamp(10));
    for beat in 1..=4 {
        engine.handle_timeout(Timestamp(10 + beat * 25_000));
        assert_eq!(engine.poll_transmit(), Some(text("3")));
    }
    engine.pause_reading(false, Timestamp(100_010));
    assert_eq!(engine.poll_timeout(), Some(Timestamp(145_010)));
}

#[test]
fn bad_input_closes_once_with_a_precise_error() {
    for (frame, code) in [
        (text(""), Code::EnginePacket),
        (text("9"), Code::EnginePacket),
        (text("1"), Code::EngineClosed),
    ] {
        let mut engine = opened();
        engine.handle_input(frame, Timestamp(20));
        assert_eq!(closed_with(&mut engine), code);
        engine.handle_closed(Error::from(Code::NetworkLost));
        assert!(engine.poll_event().is_none());
    }
    let mut engine = engine(Revision::V4);
    engine.handle_input(text("40"), Timestamp(1));
    assert_eq!(closed_with(&mut engine), Code::Handshake);
}

#[test]
fn a_missing_open_packet_ends_the_attempt() {
    let mut engine = engine(Revision::V4);
    engine.handle_timeout(Timestamp(10_000));
    assert_eq!(closed_with(&mut engine), Code::ConnectTimeout);
}

#[test]
fn conformance_25_a_pong_overtakes_what_waits() {
    let mut engine = opened();
    engine.send(text("42[\"a\"]"));
    engine.handle_input(text("2"), Timestamp(20));
    engine.handle_input(text("2"), Timestamp(20));
    let sent: Vec<_> = std::iter::from_fn(|| engine.poll_transmit()).collect();
    assert_eq!(sent, [text("3"), text("42[\"a\"]")]);
    assert_eq!(engine.queued(), (0, 0));
}

#[test]
fn conformance_27_revision_4_never_pings_and_revision_3_never_pongs() {
    let mut four = opened();
    four.handle_timeout(Timestamp(45_009));
    assert_eq!(four.poll_transmit(), None);
    let mut three = opened_with(Revision::V3);
    three.handle_input(text("2"), Timestamp(20));
    assert_eq!(three.poll_transmit(), None);
}

#[test]
fn conformance_28_revision_3_pings_after_the_open_packet_and_after_each_pong() {
    let mut engine = opened_with(Revision::V3);
    assert_eq!(engine.poll_timeout(), Some(Timestamp(25_010)));
    engine.handle_timeout(Timestamp(25_009));
    assert_eq!(engine.poll_transmit(), None);
    engine.handle_timeout(Timestamp(25_010));
    assert_eq!(engine.poll_transmit(), Some(text("2")));
    engine.handle_input(text("3"), Timestamp(25_100));
    assert_eq!(engine.poll_timeout(), Some(Timestamp(50_100)));
    engine.handle_timeout(Timestamp(50_100));
    assert_eq!(engine.poll_transmit(), Some(text("2")));
}

#[test]
fn conformance_28_revision_3_misses_a_pong_after_the_ping_timeout() {
    let mut engine = opened_with(Revision::V3);
    engine.handle_timeout(Timestamp(25_010));
    assert_eq!(engine.poll_timeout(), Some(Timestamp(45_010)));
    engine.handle_timeout(Timestamp(45_009));
    assert!(engine.is_open());
    engine.handle_timeout(Timestamp(45_010));
    assert_eq!(closed_with(&mut engine), Code::PingTimeout);
}

#[test]
fn conformance_28_in_revision_3_any_packet_extends_life() {
    for packet in [text("42[\"a\"]"), Frame::Binary(Bytes::new()), text("6"), text("3")] {
        let mut engine = opened_with(Revision::V3);
        engine.handle_timeout(Timestamp(25_010));
        engine.handle_input(packet, Timestamp(45_009));
        engine.handle_timeout(Timestamp(45_010));
        assert!(engine.is_open());
    }
}

#[test]
fn an_unanswered_ping_is_not_forgotten_over_the_next_one() {
    let open = r#"0{"sid":"a","pingInterval":300,"pingTimeout":1000}"#;
    let mut engine = engine(Revision::V3);
    engine.handle_input(text(open), Timestamp(0));
    for at in [300, 600, 900, 1_200] {
        assert_eq!(engine.poll_timeout(), Some(Timestamp(at)));
        engine.handle_timeout(Timestamp(at));
        assert_eq!(engine.poll_transmit(), Some(text("2")));
    }
    assert_eq!(engine.poll_timeout(), Some(Timestamp(1_300)));
}

#[test]
fn conformance_29_twenty_heartbeats_without_other_traffic_keep_either_revision_open() {
    let open = r#"0{"sid":"a","pingInterval":300,"pingTimeout":200}"#;
    for (revision, asks, answers) in [(Revision::V4, "2", "3"), (Revision::V3, "3", "2")] {
        let mut engine = engine(revision);
        engine.handle_input(text(open), Timestamp(0));
        for beat in 1..=20 {
            let now = Timestamp(beat * 300);
            if revision == Revision::V4 {
                engine.handle_input(text(asks), now);
            }
            engine.handle_timeout(now);
            assert_eq!(engine.poll_transmit(), Some(text(answers)));
            assert_eq!(engine.poll_transmit(), None);
            if revision == Revision::V3 {
                engine.handle_input(text(asks), now);
            }
        }
        assert!(engine.is_open());
    }
}

#[test]
fn conformance_30_a_suspend_past_the_deadline_ends_either_revision_once() {
    for revision in [Revision::V3, Revision::V4] {
        let mut engine = opened_with(revision);
        engine.handle_timeout(Timestamp(3_600_000));
        assert_eq!(closed_with(&mut engine), Code::PingTimeout);
        engine.handle_timeout(Timestamp(3_600_001));
        assert!(engine.poll_event().is_none() && engine.poll_transmit().is_none());
        assert_eq!(engine.poll_timeout(), None);
    }
}

#[test]
fn conformance_31_the_shortest_intervals_are_a_step_of_100_ms() {
    let open = r#"0{"sid":"a","pingInterval":100,"pingTimeout":100}"#;
    let mut engine = engine(Revision::V3);
    engine.handle_input(text(open), Timestamp(0));
    engine.pause_reading(true, Timestamp(0));
    let mut now = Timestamp(0);
    for _ in 0..10 {
        let next = engine.poll_timeout().expect("a heartbeat");
        assert_eq!(next.since(now), 100);
        now = next;
        engine.handle_timeout(now);
    }
}

#[test]
fn while_the_host_is_slow_revision_3_goes_on_pinging() {
    let mut engine = opened_with(Revision::V3);
    engine.pause_reading(true, Timestamp(10));
    for beat in 1..=4 {
        engine.handle_timeout(Timestamp(10 + beat * 25_000));
        assert_eq!(engine.poll_transmit(), Some(text("2")));
    }
    engine.pause_reading(false, Timestamp(100_010));
    assert_eq!(engine.poll_timeout(), Some(Timestamp(125_010)));
}

#[test]
fn a_body_takes_what_the_server_allows_and_leaves_the_rest() {
    let mut engine = engine(Revision::V4);
    assert!(engine.is_opening());
    let open = r#"0{"sid":"a","pingInterval":300,"pingTimeout":200,"maxPayload":1024}"#;
    engine.handle_input(text(open), Timestamp(0));
    assert!(!engine.is_opening());
    for _ in 0..3 {
        engine.send(Frame::Binary(Bytes::from_static(&[0; 300])));
    }
    assert_eq!(engine.queued(), (3, 900));
    let body = engine.take_body();
    assert_eq!((body.packets, body.bytes), (2, 401 + 1 + 401));
    assert_eq!(engine.queued(), (1, 300));
    assert_eq!(engine.take_body().packets, 1);
    assert_eq!(engine.take_body().packets, 0);
}
