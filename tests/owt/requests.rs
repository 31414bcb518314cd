//! Requests go out in the shapes that a real portal was recorded to take, and answers come back.

use std::collections::VecDeque;
use std::fmt::Debug;

use roamio::error::Code;
use roamio::owt::legacy::{self, CustomMessage, MixOptions, PublishOptions, SubscribeOptions};
use roamio::owt::request::{
    Answer, Controlled, FromStream, Kind, Kinds, Media, Publish, PublishAudio, PublishTrack,
    PublishVideo, Request, Soac, Source, Started, StreamControl, StreamOperation, Subscribe,
    SubscribeTrack, SubscribeVideo, SubscriptionControl, SubscriptionOperation, Text, Transport,
    Unpublish, Unsubscribe, VideoUpdate,
};
use roamio::owt::{Bitrate, Candidate, Members, Parameters, Resolution, Signaling};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::recorded::{elements, packets};
use crate::{answer, payload};

/// What the clients of a recording ask for after their logins: name and argument.
fn recorded(name: &str) -> VecDeque<(String, Value)> {
    let sent = packets(name).into_iter().filter(|line| !line.from_portal);
    let calls = sent.filter_map(|line| elements(&line.packet, "42"));
    let calls = calls.filter(|parts| parts[0] != "login" && parts.len() > 1);
    calls.map(|mut parts| (parts[0].as_str().unwrap().to_owned(), parts.remove(1))).collect()
}

/// The next recorded request is this one.
fn expect<R>(recorded: &mut VecDeque<(String, Value)>, request: &R)
where
    R: Request + DeserializeOwned + PartialEq + Debug,
{
    let (name, data) = recorded.pop_front().unwrap();
    assert_eq!((R::NAME, json(request)), (name.as_str(), data));
}

/// What is sent. The same can be read from it again.
fn json<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> Value {
    let json = serde_json::to_value(value).unwrap();
    assert_eq!(T::deserialize(&json).unwrap(), *value);
    json
}

fn size(width: u32, height: u32) -> Parameters {
    Parameters { resolution: Some(Resolution::new(width, height)), ..Parameters::default() }
}

/// Everything but how media are described is the same in 1.1 and 1.2.
fn expect_recorded(name: &str, publish: &Publish, subscribe: &Subscribe) {
    let mut recorded = recorded(name);
    let id =
        |recorded: &VecDeque<(String, Value)>| recorded[0].1["id"].as_str().unwrap().to_owned();
    expect(&mut recorded, publish);
    let published = id(&recorded);
    let offer = Signaling::offer("v=0");
    expect(&mut recorded, &Soac { id: published.clone(), signaling: offer });
    let candidate = Signaling::candidate(Candidate {
        sdp_mid: Some("0".into()),
        sdp_m_line_index: Some(0),
        candidate: Some("a=candidate:1 1 udp 1 127.0.0.1 9 typ host".into()),
        more: Members::new(),
    });
    expect(&mut recorded, &Soac { id: published.clone(), signaling: candidate });
    let operation = StreamOperation::Pause(Kinds::Audio);
    expect(&mut recorded, &StreamControl { id: published.clone(), operation });
    expect(&mut recorded, subscribe);
    let subscribed = id(&recorded);
    let operation = SubscriptionOperation::Pause(Kinds::Video);
    expect(&mut recorded, &SubscriptionControl { id: subscribed.clone(), operation });
    assert_eq!(
        recorded.pop_front(),
        Some(("publish".into(), json!({}))),
        "a request that is refused"
    );
    expect(&mut recorded, &Unsubscribe { id: subscribed });
    expect(&mut recorded, &Unpublish { id: published });
    assert!(recorded.is_empty());
}

fn attributes() -> Option<Members> {
    Some([("k".to_owned(), Value::from("v"))].into_iter().collect())
}

#[test]
fn requests_of_1_2_are_those_that_were_recorded() {
    let track = |kind, mid: &str, source| PublishTrack {
        kind,
        mid: mid.into(),
        source,
        more: Members::new(),
    };
    let transport = Some(Transport { kind: Some("webrtc".into()), id: None });
    let tracks = [track(Kind::Audio, "0", Source::Mic), track(Kind::Video, "1", Source::Camera)];
    let publish = Publish {
        transport: transport.clone(),
        attributes: attributes(),
        ..Publish::new(Media::tracks(tracks))
    };
    let recorded = recorded("media-1.2");
    let from = recorded.iter().find(|(name, _)| name == "subscribe").unwrap().1["media"]["tracks"]
        [0]["from"]
        .clone();
    let track = SubscribeTrack {
        kind: Kind::Video,
        mid: "0".into(),
        from: from.as_str().unwrap().into(),
        format: None,
        parameters: None,
        more: Members::new(),
    };
    let subscribe = Subscribe { transport, ..Subscribe::new(Media::tracks([track])) };
    expect_recorded("media-1.2", &publish, &subscribe);
}

#[test]
fn requests_of_1_1_are_those_that_were_recorded() {
    let video = PublishVideo {
        source: Source::Camera,
        parameters: Some(Parameters { framerate: Some(30.into()), ..size(640, 480) }),
    };
    let audio = Some(PublishAudio { source: Source::Mic });
    let media = Media::Parts { audio, video: Some(video) };
    let publish = Publish { attributes: attributes(), ..Publish::new(media) };
    let recorded = recorded("media-1.1");
    let from =
        recorded.iter().find(|(name, _)| name == "subscribe").unwrap().1["media"]["video"]["from"]
            .clone();
    let video = SubscribeVideo {
        from: from.as_str().unwrap().into(),
        format: None,
        parameters: Some(size(320, 240)),
        simulcast_rid: None,
    };
    let subscribe = Subscribe::new(Media::Parts { audio: None, video: Some(video) });
    expect_recorded("media-1.1", &publish, &subscribe);
}

#[test]
fn requests_that_nobody_recorded_have_the_documented_shapes() {
    let stream = |operation| StreamControl { id: "s".into(), operation };
    let of_stream =
        |operation: &str, data: Value| json!({"id": "s", "operation": operation, "data": data});
    let set_region = StreamOperation::SetRegion { view: "common".into(), region: "1".into() };
    assert_eq!(
        json(&stream(StreamOperation::Mix("common".into()))),
        of_stream("mix", json!("common"))
    );
    assert_eq!(
        json(&stream(StreamOperation::Unmix("common".into()))),
        of_stream("unmix", json!("common"))
    );
    assert_eq!(
        json(&stream(StreamOperation::GetRegion("common".into()))),
        of_stream("get-region", json!("common"))
    );
    assert_eq!(
        json(&stream(set_region)),
        of_stream("set-region", json!({"view": "common", "region": "1"}))
    );
    assert_eq!(json(&stream(StreamOperation::Play(Kinds::Av))), of_stream("play", json!("av")));
    let parameters =
        Parameters { bitrate: Some(Bitrate::Factor("x0.8".into())), ..Parameters::default() };
    let operation = SubscriptionOperation::Update {
        audio: Some(FromStream { from: "a".into() }),
        video: Some(VideoUpdate { from: None, parameters: Some(parameters) }),
    };
    let update = json!({"audio": {"from": "a"}, "video": {"parameters": {"bitrate": "x0.8"}}});
    assert_eq!(
        json(&SubscriptionControl { id: "s".into(), operation }),
        of_stream("update", update)
    );
    let data = Publish { data: Some(true), ..Publish::new(Media::None) };
    assert_eq!(json(&data), json!({"media": null, "data": true}));
    assert_eq!(json(&Text::to_all("hello")), json!({"to": "all", "message": "hello"}));
    let removed = Signaling::removed_candidates(vec![Candidate::default()]);
    assert_eq!(json(&removed), json!({"type": "removed-candidates", "candidates": [{}]}));
}

#[test]
fn legacy_requests_have_positional_arguments() {
    let options = PublishOptions { state: Some("erizo".into()), ..PublishOptions::default() };
    assert_eq!(json(&legacy::Publish(options, None)), json!([{"state": "erizo"}, null]));
    assert_eq!(json(&legacy::Unpublish::new("1")), json!(["1"]));
    let options = SubscribeOptions { stream_id: Some("1".into()), ..SubscribeOptions::default() };
    assert_eq!(json(&legacy::Subscribe::new(options)), json!([{"streamId": "1"}, null]));
    let message = legacy::SignalingMessage::new("1", Signaling::offer("v=0"));
    let offer = json!({"streamId": "1", "msg": {"type": "offer", "sdp": "v=0"}});
    assert_eq!(json(&message), json!([offer, null]));
    let mix = MixOptions { stream_id: "1".into(), mix_streams: vec!["r-common".into()] };
    assert_eq!(json(&legacy::Mix(mix)), json!({"streamId": "1", "mixStreams": ["r-common"]}));
    let text = CustomMessage::Data { receiver: "all".into(), data: "hi".into() };
    assert_eq!(json(&text), json!({"type": "data", "receiver": "all", "data": "hi"}));
}

#[test]
fn answers_are_read_and_what_is_none_is_still_told() {
    let started =
        Started::read(&answer(&json!({"id": "a", "transportId": "b", "new": 1}))).unwrap();
    assert_eq!((started.id.as_str(), started.transport_id.as_str()), ("a", "b"));
    let region = Controlled::read(&answer(&json!({"region": "1"}))).unwrap();
    assert!(matches!(region, Controlled::Region(region) if region.region.as_deref() == Some("1")));
    assert_eq!(Controlled::read(&answer(&json!("ok"))).unwrap(), Controlled::Done("ok".into()));
    assert_eq!(String::read(&answer(&json!("123"))).unwrap(), "123");
    <()>::read(&payload("430[]".into())).unwrap();
    let error = Started::read(&answer(&json!({"id": 7}))).unwrap_err();
    assert_eq!((error.code(), error.server_json()), (Code::InvalidJson, Some(r#"{"id":7}"#)));
    assert_eq!(Started::read(&payload("430[]".into())).unwrap_err().server_json(), Some("null"));
}
