//! Typed requests, and the room as a host finds it.

use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use roamio::client::{Conference, ConferenceEvent, RequestOptions};
use roamio::config::{ConferenceConfig, PortalProtocol};
use roamio::error::Code;
use roamio::owt::legacy::{self, CustomMessage};
use roamio::owt::request::{
    Kind, Media, Publish, PublishTrack, Request, Soac, Source, Text, Unpublish,
};
use roamio::owt::{Members, Notification, Room, Signaling};
use roamio_portal::model::{ModelConfig, StreamMedia};
use roamio_portal::{Server, ServerConfig};

use crate::host::{Host, ROOM, portal};

const PATIENCE: Duration = Duration::from_secs(30);

/// Ask, and wait for what becomes of it.
fn call<R: Request>(conference: &Conference, request: &R) -> Result<R::Answer, Code> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let call = conference.call(request, RequestOptions::default()).unwrap();
    runtime.block_on(call).map_err(|error| error.code())
}

#[test]
fn the_room_has_what_a_callback_is_told() {
    let portal = portal();
    let (tell, told) = channel();
    let own = Arc::new(OnceLock::<Conference>::new());
    let inside = Arc::clone(&own);
    let conference = Conference::new(ConferenceConfig::default(), move |event| {
        let ConferenceEvent::Notification { payload, .. } = event else { return };
        let room = inside.get().unwrap().room();
        let known = match Notification::parse(&payload) {
            Some(Notification::Joined(who)) => room.participant(&who.id).is_some(),
            Some(Notification::Left(id)) => room.participant(&id).is_none(),
            Some(Notification::StreamAdded(stream)) => room.stream(&stream.id).is_some(),
            _ => return,
        };
        tell.send((payload.name().to_owned(), known)).unwrap();
    })
    .unwrap();
    own.set(conference.clone()).unwrap();
    assert_eq!(*conference.room(), Room::default());

    let (answered, answer) = channel();
    let inside = conference.clone();
    let token = portal.mint_token(ROOM, "alice", "presenter");
    let completion = move |outcome: roamio::error::Result<_>| {
        outcome.unwrap();
        answered.send(inside.room()).unwrap();
    };
    conference.login(&token, completion).unwrap();
    let before = answer.recv_timeout(PATIENCE).unwrap();
    assert_eq!((before.id.as_str(), before.participants.len()), (ROOM, 1));

    let other = Host::joined(&portal, ConferenceConfig::default());
    let next = || told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(next(), ("participant".into(), true));
    let track = PublishTrack {
        kind: Kind::Audio,
        mid: "0".into(),
        source: Source::Mic,
        more: Members::new(),
    };
    let started = call(&conference, &Publish::new(Media::tracks([track]))).unwrap();
    let offer = Soac { id: started.transport_id, signaling: Signaling::offer("v=0") };
    call(&conference, &offer).unwrap();
    assert_eq!(next(), ("stream".into(), true));
    let room = conference.room();
    let me = &before.participants[0].id;
    assert_eq!(room.stream(&started.id).unwrap().owner(), Some(me.as_str()));
    assert!(portal.drop_participant(&other.participant));
    assert_eq!(next(), ("participant".into(), true));
    assert_eq!((room.participants.len(), before.participants.len()), (2, 1), "they are snapshots");
    assert!(!conference.room().stale);
    conference.detach();
    assert_eq!(conference.room().participants.len(), 1, "it stays as it was");
}

#[test]
fn a_typed_request_ends_like_any_other() {
    let portal = portal();
    let host = Host::joined(&portal, ConferenceConfig::default());
    assert_eq!(call(&host.conference, &Text::to_all("hello")), Ok(()));
    let nothing = Unpublish { id: "no-such-stream".into() };
    assert_eq!(call(&host.conference, &nothing), Err(Code::RequestRejected));
}

#[test]
fn req_4_6_texts_are_as_long_as_they_like_unless_there_is_a_limit() {
    let portal = portal();
    let long = "x".repeat(2_049);
    let host = Host::joined(&portal, ConferenceConfig::default());
    assert_eq!(call(&host.conference, &Text::to_all(long.as_str())), Ok(()));
    let config = ConferenceConfig { text_limit: Some(2_048), ..ConferenceConfig::default() };
    let host = Host::joined(&portal, config);
    let refused = host.conference.call(&Text::to_all(long), RequestOptions::default());
    assert_eq!(refused.err().map(|error| error.code()), Some(Code::TooLarge));
}

/// As before release 5, where legacy sessions are possible.
fn old_portal() -> Server {
    let model = ModelConfig { stream_media: StreamMedia::Parts, ..ModelConfig::default() };
    Server::start_blocking(ServerConfig { model, ..ServerConfig::default() }).unwrap()
}

#[test]
fn req_4_4_a_legacy_request_has_as_many_arguments_as_it_likes() {
    let portal = old_portal();
    let protocol = PortalProtocol::Legacy;
    let config = ConferenceConfig { protocol, ..ConferenceConfig::default() };
    let host = Host::new(config);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let token = portal.mint_token(ROOM, "alice", "presenter");
    runtime.block_on(host.conference.login_async(&token).unwrap()).unwrap();
    let conference = &host.conference;
    assert_eq!(conference.room().participants[0].user.as_deref(), Some("alice"));
    let hello = CustomMessage::Data { receiver: "all".into(), data: "hello".into() };
    assert_eq!(call(conference, &hello), Ok(()));
    let nothing = legacy::Unpublish::new("1");
    assert_eq!(call(conference, &nothing), Err(Code::RequestRejected));
    let options = legacy::PublishOptions { state: Some("erizo".into()), ..Default::default() };
    let stream = call(conference, &legacy::Publish(options, None)).unwrap();
    assert!(
        stream.bytes().all(|digit| digit.is_ascii_digit()),
        "initializing is success: {stream}"
    );
    assert_eq!(call(conference, &legacy::Unpublish::new(stream)), Ok(()));
    for data in ["[]", "[null]", "[null,{}]", "null", r#""1""#, "1"] {
        let refused = conference.request("unpublish", data, RequestOptions::default(), |_| ());
        assert_eq!(refused.err().map(|error| error.code()), Some(Code::InvalidJson), "{data}");
    }
}

#[test]
fn req_4_4_a_request_has_an_object() {
    let portal = portal();
    let host = Host::joined(&portal, ConferenceConfig::default());
    for data in [r#"["1"]"#, "[{}]", "null"] {
        let refused = host.conference.request("unpublish", data, RequestOptions::default(), |_| ());
        assert_eq!(refused.err().map(|error| error.code()), Some(Code::InvalidJson), "{data}");
    }
}
