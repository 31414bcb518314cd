//! Clients that log in without a protocol version.

use super::*;

fn world_before_5() -> World {
    World::new(ModelConfig { stream_media: StreamMedia::Parts, ..ModelConfig::default() })
}

fn enter(world: &mut World, conn: ConnId) -> Value {
    world.connect(conn);
    let token = world.mint("presenter");
    let mut request = login("", &token);
    request.as_object_mut().unwrap().remove("protocol");
    world.request(conn, "login", vec![request])
}

/// What a connection was sent since the last look, without answers.
fn events(world: &mut World, conn: ConnId) -> Vec<(String, Value)> {
    let event = |output| match output {
        Output::Emit { conn: to, event, data } if to == conn => Some((event, data.unwrap())),
        _ => None,
    };
    world.outputs().into_iter().filter_map(event).collect()
}

fn event(name: &str, data: Value) -> (String, Value) {
    (name.into(), data)
}

#[test]
fn a_login_into_a_room_with_tracks_fails_and_leaves_a_ghost() {
    for ghosts in [true, false] {
        let mut world = World::new(ModelConfig { ghosts, ..ModelConfig::default() });
        let refused = error("Cannot create property 'layout' on boolean 'false'");
        assert_eq!(enter(&mut world, A), refused);
        world.pass(1_000_000);
        assert_eq!(world.portal.participants("room").len(), usize::from(ghosts));
    }
}

#[test]
fn answers_about_the_session_say_success() {
    let mut world = world_before_5();
    let reply = enter(&mut world, A);
    assert_eq!((&reply[0], &reply[1]["id"]), (&json!("success"), &json!("room")));
    assert_eq!(reply[1]["clientId"], "socket-1");
    assert_eq!(world.request(A, "refreshReconnectionTicket", vec![])[0], "success");
    let again = world.relogin(B, &reply[1]["reconnectionTicket"]);
    assert_eq!(again[0], "success");
    assert!(again[1].is_string());
    assert_eq!(world.request(B, "logout", vec![]), json!(["success"]));
}

#[test]
fn others_are_told_in_old_names() {
    let mut world = world_before_5();
    enter(&mut world, A);
    world.connect(B);
    let token = world.mint("viewer");
    world.send(B, "login", vec![login("1.2", &token)]);
    world.pass(1);
    let user = json!({"user": {"id": "socket-2", "name": "user", "role": "viewer"}});
    assert_eq!(events(&mut world, A), [event("user_join", user)]);
    world.send(B, "text", vec![json!({"to": "all", "message": ["any"]})]);
    let message = json!({"from": "socket-2", "to": "all", "data": ["any"]});
    assert_eq!(events(&mut world, A), [event("custom_message", message)]);
    world.send(B, "logout", vec![]);
    let left = json!({"user": {"id": "socket-2"}});
    assert_eq!(events(&mut world, A), [event("user_leave", left)]);
    world.portal.notify("socket-1", "new-in-6", Some(&json!({"any": 1})), world.now);
    assert_eq!(events(&mut world, A), [event("new-in-6", json!({"any": 1}))]);
}

#[test]
fn changes_of_a_stream_have_old_names() {
    let mut world = world_before_5();
    enter(&mut world, A);
    let source = json!({"state": "url", "video": false});
    let id = world.request(A, "publish", vec![source, "rtsp://camera/1".into()])[1].clone();
    world.pass(300);
    let added = json!({"id": id, "audio": true, "video": false, "from": "socket-1"});
    assert_eq!(events(&mut world, A), [event("add_stream", added)]);
    world.send(A, "mute", vec![json!({"streamId": id, "track": "audio"})]);
    let muted = json!({"id": id, "event": "StateChange", "state": "inactive"});
    assert_eq!(events(&mut world, A), [event("update_stream", muted)]);
    world.send(A, "unpublish", vec![id.clone()]);
    world.pass(10);
    assert_eq!(events(&mut world, A), [event("remove_stream", json!({"id": id}))]);
}

#[test]
fn media_are_negotiated_stream_by_stream() {
    let mut world = world_before_5();
    enter(&mut world, A);
    let options = json!({"state": "erizo", "video": {"device": "screen"}});
    let published = world.request(A, "publish", vec![options, Value::Null]);
    assert_eq!(published[0], "initializing");
    let id = published[1].clone();
    assert!(id.as_str().unwrap().bytes().all(|byte| byte.is_ascii_digit()));
    let offer = json!({"streamId": id, "msg": {"type": "offer", "sdp": "v=0"}});
    let signaled = world.request(A, "signaling_message", vec![offer, Value::Null]);
    assert_eq!(signaled, json!(["ok"]));
    world.pass(100);
    let seen = events(&mut world, A);
    assert_eq!((seen[0].0.as_str(), &seen[0].1["streamId"]), ("signaling_message_erizo", &id));
    assert_eq!(seen[0].1["mess"]["type"], "answer");
    world.pass(200);
    let ready = json!({"streamId": id, "mess": {"type": "ready"}});
    let added = json!({
        "id": id, "audio": true, "video": {"device": "screen-cast"}, "from": "socket-1",
    });
    let expected = [event("signaling_message_erizo", ready), event("add_stream", added)];
    assert_eq!(events(&mut world, A), expected);

    let subscribed = world.request(A, "subscribe", vec![json!({"streamId": id}), Value::Null]);
    assert_eq!(subscribed, json!(["initializing", id]));
    let again = world.request(A, "subscribe", vec![json!({"streamId": id}), Value::Null]);
    assert_eq!(again, error("Subscription is ongoing"));
    // A name that stands for a publication and a subscription means the subscription.
    let offer = json!({"streamId": id, "msg": {"type": "offer", "sdp": "v=0"}});
    world.request(A, "signaling_message", vec![offer, Value::Null]);
    world.pass(100);
    assert_eq!(events(&mut world, A)[0].1["peerId"], id);
    assert_eq!(world.request(A, "unsubscribe", vec![id.clone()]), json!(["success"]));
    assert_eq!(world.request(A, "unpublish", vec![id]), json!(["success"]));
    assert_eq!(world.portal.streams("room"), ["room-common"]);
}

#[test]
fn every_request_has_its_own_answer() {
    let mut world = world_before_5();
    enter(&mut world, A);
    let source = json!({"state": "url", "video": false});
    let published = world.request(A, "publish", vec![source, "rtsp://camera/1".into()]);
    assert_eq!(published[0], "success");
    let id = published[1].clone();
    world.pass(300);
    let url = json!({"url": "rtmp://server/live"});
    let recorder = world.request(A, "startRecorder", vec![json!({})])[1]["recorderId"].clone();
    let mix = json!({"streamId": id, "mixStreams": ["room-common"]});
    let region = json!({"id": id, "region": "3"});
    let out = json!({"streamId": id, "action": "audio-out-off"});
    let cases = [
        ("mix", mix.clone(), json!(["success"])),
        ("unmix", mix, json!(["success"])),
        ("mute", json!({"streamId": id, "track": "audio"}), json!(["success"])),
        ("unmute", json!({"streamId": id, "track": "all"}), error("invalid track all")),
        ("setRegion", region, json!(["success"])),
        ("getRegion", json!({"id": id}), json!(["success", {"region": "3"}])),
        ("addExternalOutput", url.clone(), json!(["success", url])),
        ("addExternalOutput", url.clone(), error("Streaming-out is ongoing")),
        ("addExternalOutput", json!({"url": "file:///x"}), error("Invalid RTSP/RTMP server url")),
        ("updateExternalOutput", url.clone(), json!(["success", url])),
        ("removeExternalOutput", url.clone(), json!(["success", url])),
        ("removeExternalOutput", url, error("Streaming-out does NOT exist")),
        (
            "startRecorder",
            json!({"recorderId": recorder}),
            json!(["success", {"recorderId": recorder, "path": ""}]),
        ),
        (
            "stopRecorder",
            json!({"recorderId": recorder}),
            json!(["success", {"recorderId": recorder, "host": "unknown"}]),
        ),
        ("stopRecorder", json!({"recorderId": recorder}), error("Recording does NOT exist")),
        ("customMessage", json!({"type": "control", "payload": out}), json!(["success"])),
        ("customMessage", json!({"type": "data"}), error("Invalid receiver")),
        ("setVideoBitrate", json!({}), error("No longer supported signaling")),
        ("unsubscribe", id, error("Subscription does NOT exist")),
    ];
    for (name, data, answer) in cases {
        assert_eq!(world.request(A, name, vec![data.clone()]), answer, "{name} {data}");
    }
    assert_eq!(world.request(A, "setPermission", vec![json!({})])[0], "error");
    // Names of today have no listener here.
    assert_eq!(world.request(A, "text", text("nobody listens")), Value::Null);
}

#[test]
fn a_callback_at_the_wrong_place_is_never_called() {
    let mut world = world_before_5();
    enter(&mut world, A);
    let publish = json!({"state": "erizo"});
    assert_eq!(world.request(A, "publish", vec![publish]), Value::Null);
    assert_eq!(world.portal.streams("room").len(), 2);
    assert_eq!(world.request(A, "publish", vec![]), error("Illegal request"));
}
