//! The room follows what the portal says.

use roamio::owt::{ActiveInput, Notification, Room, names};
use serde_json::{Value, json};

use crate::recorded::{elements, packets};
use crate::{answer, notification};

fn apply(room: &mut Room, name: &str, data: Value) {
    let notification = Notification::parse(&notification(name, &data));
    room.apply(notification.expect("a notification that is known"));
}

fn ids(room: &Room) -> (Vec<&str>, Vec<&str>) {
    let participants = room.participants.iter().map(|participant| participant.id.as_str());
    (participants.collect(), room.streams.iter().map(|stream| stream.id.as_str()).collect())
}

/// The rooms that the second client of a recording has seen, after its login and each notification
/// about the room.
fn watch(name: &str) -> Vec<Room> {
    let mut rooms: Vec<Room> = Vec::new();
    for line in packets(name).into_iter().filter(|line| line.conn == 2 && line.from_portal) {
        if let Some(parts) = elements(&line.packet, "43").filter(|_| rooms.is_empty()) {
            rooms.push(Room::of_login(&answer(&parts[1])));
        } else if let Some(parts) = elements(&line.packet, "42") {
            let name = parts[0].as_str().unwrap();
            if Notification::is_about_room(name.as_bytes()) {
                let mut room = rooms.last().unwrap().clone();
                apply(&mut room, name, parts[1].clone());
                rooms.push(room);
            }
        }
    }
    rooms
}

#[test]
fn a_recorded_stream_comes_changes_and_goes_in_both_shapes() {
    for name in ["media-1.1", "media-1.2"] {
        let rooms = watch(name);
        let [login, added, paused, removed] = &rooms[..] else { panic!("{name}: {}", rooms.len()) };
        assert_eq!((ids(login).0.len(), ids(login).1.len()), (2, 1));
        let stream = added.streams.last().unwrap();
        assert_eq!(stream.owner(), Some(ids(login).0[0]));
        assert_eq!(stream.attributes().unwrap()["k"], "v");
        let status =
            |room: &Room, kind| room.stream(&stream.id).unwrap().status(kind).unwrap().to_owned();
        assert_eq!(
            (status(added, "audio"), status(added, "video")),
            ("active".into(), "active".into())
        );
        assert_eq!(
            (status(paused, "audio"), status(paused, "video")),
            ("inactive".into(), "active".into())
        );
        assert_eq!(removed, login);
    }
}

fn room() -> Room {
    Room::of_login(&answer(&json!({"id": "me", "room": {
        "id": "r",
        "views": ["common"],
        "participants": [{"id": "me", "user": "u", "role": "presenter"}],
        "streams": [{"id": "r-common", "type": "mixed", "media": {"tracks": []},
                     "info": {"label": "common", "activeInput": "unknown", "layout": []}}],
    }})))
}

fn update(room: &mut Room, field: &str, value: Value) {
    let data = json!({"field": field, "value": value});
    apply(room, names::STREAM, json!({"id": "r-common", "status": "update", "data": data}));
}

#[test]
fn a_mix_changes_field_by_field() {
    let mut room = room();
    let info = |room: &Room| room.stream("r-common").unwrap().info.clone().unwrap();
    update(&mut room, "video.layout", json!([{"stream": "s", "region": {"id": "1"}}]));
    let layout = info(&room).layout.unwrap();
    assert_eq!(
        (layout[0].stream.as_deref(), &layout[0].region.as_ref().unwrap()["id"]),
        (Some("s"), &json!("1"))
    );
    update(&mut room, "activeInput", json!("s"));
    assert_eq!(info(&room).active_input, Some(ActiveInput::Stream("s".into())));
    update(&mut room, "activeInput", json!({"id": "s", "volume": 0.5}));
    let Some(ActiveInput::Selected(input)) = info(&room).active_input else { panic!() };
    assert_eq!(input.id.as_deref(), Some("s"));
    let whole = json!({"id": "r-common", "type": "mixed", "info": {"label": "other"}, "new": 1});
    update(&mut room, ".", whole.clone());
    assert_eq!(serde_json::to_value(room.stream("r-common")).unwrap(), whole);
}

#[test]
fn nobody_has_heard_of_it_or_it_comes_twice() {
    let mut room = room();
    let before = room.clone();
    apply(&mut room, names::PARTICIPANT, json!({"action": "leave", "data": "nobody"}));
    apply(&mut room, names::STREAM, json!({"id": "nothing", "status": "remove"}));
    let change = json!({"field": "audio.status", "value": "active"});
    apply(&mut room, names::STREAM, json!({"id": "nothing", "status": "update", "data": change}));
    update(&mut room, "something new", json!({}));
    update(&mut room, "audio.status", json!("active"));
    assert_eq!(room, before);
    for role in ["viewer", "presenter"] {
        let data = json!({"id": "other", "user": "o", "role": role});
        apply(&mut room, names::PARTICIPANT, json!({"action": "join", "data": data}));
        let data = json!({"id": "s", "type": "forward", "data": role == "viewer"});
        apply(&mut room, names::STREAM, json!({"id": "s", "status": "add", "data": data}));
    }
    assert_eq!(ids(&room), (vec!["me", "other"], vec!["r-common", "s"]));
    assert_eq!(room.participant("other").unwrap().role.as_deref(), Some("presenter"));
    assert_eq!(room.stream("s").unwrap().data, Some(false));
}

/// The shapes of `login-legacy`, and those that the adapter of the portal makes of the others.
#[test]
fn a_legacy_room_is_the_same_room() {
    let mut room = Room::of_login(&answer(&json!({
        "clientId": "me", "id": "r",
        "streams": [{"id": "r-common", "audio": true, "socket": "", "view": "common", "from": "",
                     "video": {"layout": [], "device": "mcu", "resolutions": [{"width": 640, "height": 480}]}}],
        "users": [{"id": "me", "name": "user", "role": "presenter"}],
        "reconnectionTicket": "secret",
    })));
    assert_eq!(room.id, "r");
    assert!(room.more.is_empty(), "neither the newcomer's id nor its ticket is the room's");
    let other = json!({"id": "other", "name": "o", "role": "viewer"});
    apply(&mut room, names::USER_JOIN, json!({"user": other}));
    let stream = json!({"id": "1", "audio": true, "video": {"device": "camera"}, "from": "other",
                        "attributes": {"k": "v"}});
    apply(&mut room, names::ADD_STREAM, stream);
    assert_eq!(ids(&room), (vec!["me", "other"], vec!["r-common", "1"]));
    assert_eq!(room.participant("other").unwrap().user.as_deref(), Some("o"));
    let change = |event: &str| json!({"id": "1", "event": event, "state": "inactive"});
    apply(&mut room, names::UPDATE_STREAM, change("StateChange"));
    apply(&mut room, names::UPDATE_STREAM, json!({"id": "1"}));
    let layout = json!([{"streamID": "1", "id": "1", "left": 0, "top": 0, "relativeSize": 1}]);
    let change = json!({"id": "r-common", "event": "VideoLayoutChanged", "data": layout});
    apply(&mut room, names::UPDATE_STREAM, change);
    let stream = room.stream("1").unwrap();
    assert_eq!((stream.owner(), stream.state.as_deref()), (Some("other"), Some("inactive")));
    assert_eq!(stream.attributes().unwrap()["k"], "v");
    let mix = room.stream("r-common").unwrap();
    assert_eq!((mix.owner(), mix.label()), (None, Some("common")));
    assert_eq!(mix.video.clone().unwrap().layout.unwrap()[0]["streamID"], "1");
    apply(&mut room, names::REMOVE_STREAM, json!({"id": "1"}));
    apply(&mut room, names::USER_LEAVE, json!({"user": {"id": "other"}}));
    assert_eq!(ids(&room), (vec!["me"], vec!["r-common"]));
}

#[test]
fn a_room_survives_being_written_down() {
    let mut room = room();
    room.stale = true;
    room.more.insert("new".into(), json!([1]));
    let text = serde_json::to_string(&room).unwrap();
    assert_eq!(serde_json::from_str::<Room>(&text).unwrap(), room);
}
