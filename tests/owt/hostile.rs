//! Whatever a portal says, nothing breaks and nothing is lost (fault matrix, H31 and H32).

use proptest::prelude::*;
use roamio::owt::{Login, Notification, Participant, Room, Stream, Text, names};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{answer, notification};

/// Names that mean something somewhere, and one that does not.
const KEYS: [&str; 24] = [
    "id",
    "type",
    "media",
    "tracks",
    "audio",
    "video",
    "info",
    "data",
    "status",
    "format",
    "codec",
    "optional",
    "original",
    "parameters",
    "layout",
    "activeInput",
    "user",
    "users",
    "streams",
    "participants",
    "field",
    "value",
    "room",
    "x",
];

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i16>().prop_map(|number| Value::from(f64::from(number) / 4.0)),
        "[a-z.]{0,6}".prop_map(Value::from),
        prop_oneof![
            Just("join"),
            Just("leave"),
            Just("add"),
            Just("update"),
            Just("remove"),
            Just("."),
            Just("audio.status"),
            Just("video.layout"),
            Just("activeInput"),
            Just("StateChange"),
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        let member = (prop::sample::select(&KEYS[..]).prop_map(str::to_owned), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            prop::collection::vec(member, 0..6)
                .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

/// An object with an id.
fn with_id() -> impl Strategy<Value = Value> {
    json_value().prop_map(|value| {
        let mut object = if value.is_object() { value } else { json!({ "x": value }) };
        object["id"] = "an id".into();
        object
    })
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        names::PARTICIPANT,
        names::STREAM,
        names::TEXT,
        names::PROGRESS,
        names::SESSION_PROGRESS,
        names::DROP,
        names::USER_JOIN,
        names::USER_LEAVE,
        names::ADD_STREAM,
        names::UPDATE_STREAM,
        names::REMOVE_STREAM,
        names::SIGNALING_MESSAGE,
        names::CUSTOM_MESSAGE,
        names::CONNECTION_FAILED,
        names::REMOVE_RECORDER,
        "something new",
    ])
}

fn round_trip<T: DeserializeOwned + Serialize>(value: &Value) -> Value {
    serde_json::to_value(serde_json::from_value::<T>(value.clone()).unwrap()).unwrap()
}

proptest! {
    #[test]
    fn whatever_an_object_holds_is_kept(value in with_id()) {
        prop_assert_eq!(&round_trip::<Stream>(&value), &value);
        prop_assert_eq!(&round_trip::<Participant>(&value), &value);
        prop_assert_eq!(&round_trip::<Text>(&value), &value);
    }

    #[test]
    fn any_notifications_can_follow_any_login(
        login in json_value(),
        room in with_id(),
        said in prop::collection::vec((name(), json_value()), 0..12),
    ) {
        Login::of(&answer(&login));
        let mut room = Room::of_login(&answer(&json!({ "room": room })));
        prop_assert_eq!(&room.id, "an id");
        for (name, data) in said {
            let payload = notification(name, &data);
            if let Some(notification) = Notification::parse(&payload) {
                room.apply(notification);
            }
            prop_assert_eq!(payload.decode::<Value>(0).unwrap(), data, "the text is there as it came");
        }
        for stream in &room.streams {
            stream.owner();
            stream.status("audio");
        }
    }
}

#[test]
fn members_of_the_wrong_type_are_absent_and_their_neighbours_there() {
    let room = Room::of_login(&answer(&json!({"room": {
        "id": 7,
        "views": "common",
        "participants": [{"user": "without an id"}, "nobody", {"id": "p", "user": 7, "role": "viewer"}],
        "streams": [null, {"id": "s", "type": ["mixed"], "media": 1, "info": {"owner": "p", "label": false}}],
    }})));
    assert_eq!((room.id.as_str(), room.views.len(), room.participants.len()), ("", 0, 1));
    assert_eq!((&room.more["id"], &room.more["views"]), (&json!(7), &json!("common")));
    let participant = room.participant("p").unwrap();
    assert_eq!((&participant.user, participant.role.as_deref()), (&None, Some("viewer")));
    let stream = room.stream("s").unwrap();
    assert_eq!((&stream.kind, stream.owner(), stream.label()), (&None, Some("p"), None));
    assert_eq!((&stream.more["type"], &stream.more["media"]), (&json!(["mixed"]), &json!(1)));
}

#[test]
fn a_login_answer_may_be_as_large_and_as_odd_as_it_likes() {
    let (long, odd) = ("x".repeat(1 << 20), "\u{202e}\0");
    let crowd: Vec<Value> =
        (0..100_000).map(|number: u32| json!({"id": number.to_string(), "user": odd})).collect();
    let body = json!({"id": long, "room": {"id": long, "participants": crowd}});
    let Login { id, room, .. } = Login::of(&answer(&body));
    assert_eq!((id.as_ref(), &room.id), (Some(&long), &long));
    assert_eq!(room.participants.len(), 100_000);
    assert_eq!(room.participants[99_999].user.as_deref(), Some(odd));
}

#[test]
fn what_makes_no_sense_is_no_notification() {
    for (name, data) in [
        (names::PARTICIPANT, json!({"action": "join", "data": "p"})),
        (names::PARTICIPANT, json!({"action": "dance", "data": "p"})),
        (names::STREAM, json!({"status": "add", "data": {"id": "s"}})),
        (names::STREAM, json!({"id": "s", "status": "update", "data": []})),
        (names::PROGRESS, json!({"status": "ready"})),
        (names::TEXT, json!("hello")),
        (names::USER_JOIN, json!({"id": "p"})),
        ("something new", json!({"id": "p"})),
    ] {
        assert_eq!(Notification::parse(&notification(name, &data)), None, "{name} {data}");
    }
    let text =
        Notification::parse(&notification(names::TEXT, &json!({"from": 7, "message": null})));
    let Some(Notification::Text(text)) = text else { panic!("a text may lack anything") };
    assert_eq!((text.from, text.message, &text.more["from"]), (None, Some(Value::Null), &json!(7)));
}
