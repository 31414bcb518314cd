//! What participants do, and what is done to them.

use super::*;

#[test]
fn ack_faults_hit_their_request_and_run_out() {
    let mut world = world();
    world.login(A, "1.2");
    world.portal.swallow_acks(Some("socket-1"), "text", 1);
    world.portal.swallow_acks(Some("socket-2"), "text", 1);
    assert_eq!(world.request(A, "refreshReconnectionTicket", vec![])[0], "ok");
    assert_eq!(world.request(A, "text", text("swallowed")), Value::Null);
    assert_eq!(world.request(A, "text", text("answered")), json!(["ok"]));
    assert_eq!(world.portal.ledger("socket-1").unwrap().requests.len(), 2);
    world.portal.delay_acks(None, "text", 1, 500);
    let late = world.send(A, "text", text("late"));
    world.pass(499);
    world.outputs();
    world.pass(1);
    assert_eq!(world.outputs(), [Output::Ack { conn: A, id: late, args: vec!["ok".into()] }]);
}

#[test]
fn roles_limit_what_is_published_and_subscribed() {
    let mut world = world();
    world.login_with(A, "1.2", "viewer");
    let audio = json!({"media": {"tracks": [{"type": "audio", "mid": "0", "source": "mic"}]}});
    assert_eq!(world.request(A, "publish", vec![audio]), error("unauthorized"));
    let mixed = json!({"media": {"tracks": [
        {"type": "audio", "mid": "0", "from": "room-common"},
        {"type": "video", "mid": "1", "from": "room-common-v"},
    ]}});
    assert_eq!(world.request(A, "subscribe", vec![mixed.clone()])[0], "ok");
    world.login_with(B, "1.2", "audio_only_presenter");
    assert_eq!(world.request(B, "subscribe", vec![mixed]), error("unauthorized"));
}

#[test]
fn only_the_owner_controls_a_stream() {
    let mut world = world();
    world.login(A, "1.2");
    world.login(B, "1.2");
    let publish = json!({"media": null, "data": true});
    let id = world.request(A, "publish", vec![publish])[1]["id"].clone();
    let control = |operation: &str, data: Value| {
        vec![json!({"id": id, "operation": operation, "data": data})]
    };
    let region = json!({"view": "common", "region": "7"});
    assert_eq!(world.request(B, "stream-control", control("pause", json!("av")))[0], "error");
    assert_eq!(world.request(A, "stream-control", control("set-region", region))[0], "ok");
    let answer = world.request(A, "stream-control", control("get-region", json!("common")));
    assert_eq!(answer, json!(["ok", {"region": "7"}]));
    let unpublish = || vec![json!({"id": id})];
    assert_eq!(world.request(B, "unpublish", unpublish()), error("unauthorized"));
    assert_eq!(world.request(A, "unpublish", unpublish()), json!(["ok"]));
    assert_eq!(world.request(A, "unpublish", unpublish()), error("Stream does NOT exist"));
}

#[test]
fn the_streams_of_a_participant_leave_with_it() {
    let mut world = world();
    world.login(A, "1.2");
    world.login(B, "1.2");
    let publish = json!({"media": {"tracks": [{"type": "audio", "mid": "0", "source": "mic"}]}});
    let id = world.request(B, "publish", vec![publish])[1]["id"].clone();
    let offer = json!({"id": id, "signaling": {"type": "offer", "sdp": "v=0"}});
    assert_eq!(world.request(B, "soac", vec![offer]), json!(["ok"]));
    world.pass(300);
    world.outputs();
    world.request(B, "logout", vec![]);
    world.pass(10);
    let removed = Some(json!({"id": id, "status": "remove"}));
    assert!(world.outputs().contains(&Output::Emit {
        conn: A,
        event: "stream".into(),
        data: removed
    }));
    assert_eq!(world.portal.streams("room"), ["room-common"]);
}

#[test]
fn controller_errors_have_the_texts_of_the_real_portal() {
    let mut world = world();
    world.login(A, "1.2");
    let cases = [
        ("text", json!({"to": "nobody"}), "Target participant does NOT exist: nobody"),
        ("unsubscribe", json!({"id": "none"}), "Subscription does NOT exist"),
        (
            "soac",
            json!({"id": "none", "signaling": {"type": "offer"}}),
            "Transport none does NOT exist",
        ),
    ];
    for (name, data, text) in cases {
        assert_eq!(world.request(A, name, vec![data]), error(text));
    }
}

#[test]
fn a_burst_goes_out_with_its_gaps() {
    let mut world = world();
    world.login(A, "1.2");
    let to = Audience::Room("room".into());
    let burst = TextBurst { to, prefix: "n".into(), first: 5, count: 3, gap: 100 };
    world.portal.send_texts(burst, world.now);
    assert_eq!(world.outputs().len(), 1);
    world.pass(100);
    assert_eq!(world.outputs().len(), 1);
    world.pass(100);
    let data = Some(json!({"from": "peer", "to": "all", "message": "n7"}));
    assert_eq!(world.outputs(), [Output::Emit { conn: A, event: "text".into(), data }]);
}

#[test]
fn replies_can_be_made_larger() {
    let mut world = World::new(ModelConfig { reply_padding: 1000, ..ModelConfig::default() });
    let ticket = world.login(A, "1.2");
    assert_eq!(world.relogin(B, &ticket)[1]["padding"].as_str().unwrap().len(), 1000);
}
