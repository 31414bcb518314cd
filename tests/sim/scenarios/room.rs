//! The room of the application is that of the portal, in every protocol and after every loss.

use roamio::config::{ConferenceConfig, PortalProtocol};
use roamio::owt::Signaling;
use roamio::owt::request::{Kinds, Soac, StreamControl, StreamOperation, Unpublish};
use roamio_portal::model::{ModelConfig, Retention, StreamMedia};

use crate::link::Side;
use crate::world::{Dials, Provider, Setup, World};

const ALL: [PortalProtocol; 4] =
    [PortalProtocol::Legacy, PortalProtocol::V1_0, PortalProtocol::V1_1, PortalProtocol::V1_2];

fn ready(protocol: PortalProtocol, model: ModelConfig) -> World {
    let config = ConferenceConfig { protocol, ..ConferenceConfig::default() };
    let stream_media = match protocol {
        PortalProtocol::Legacy => StreamMedia::Parts,
        _ => model.stream_media,
    };
    World::ready(Setup { config, model: ModelConfig { stream_media, ..model }, ..Setup::default() })
}

/// Wait until everything is told, and compare.
fn settle(world: &mut World) {
    world.run_for(1_000);
    assert!(world.app.agrees(&world.server.portal), "{:?}", world.app.room);
}

fn lose_connection(world: &mut World) {
    world.reset(world.session_link(), Side::Both);
}

#[test]
fn who_comes_and_goes_is_known_in_every_protocol() {
    for protocol in ALL {
        let mut world = ready(protocol, ModelConfig::default());
        settle(&mut world);
        world.join();
        world.join();
        settle(&mut world);
        let names = |world: &World| {
            world
                .app
                .room
                .participants
                .iter()
                .filter_map(|who| who.user.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&world), ["alice", "somebody", "somebody"], "{protocol:?}");
        world.leave();
        settle(&mut world);
        assert_eq!(names(&world), ["alice", "somebody"], "{protocol:?}");
        let text = world.text();
        settle(&mut world);
        assert_eq!(world.app.code(text), None, "{protocol:?}");
    }
}

#[test]
fn a_stream_of_ones_own_is_there_from_ready_to_its_end() {
    for protocol in [PortalProtocol::V1_0, PortalProtocol::V1_1, PortalProtocol::V1_2] {
        let mut world = ready(protocol, ModelConfig::default());
        world.publish();
        settle(&mut world);
        let started = world.app.published[0].clone();
        assert!(world.app.room.stream(&started.id).is_none(), "nobody was told yet");
        let offer = Signaling::offer("v=0");
        world.media(&Soac { id: started.transport_id, signaling: offer });
        settle(&mut world);
        let id = started.id;
        let status = |world: &World| {
            let stream = world.app.room.stream(&id).expect("a stream");
            assert_eq!(stream.owner(), world.app.participant.as_deref());
            stream.status("video").map(str::to_owned)
        };
        assert_eq!(status(&world).as_deref(), Some("active"), "{protocol:?}");
        let operation = StreamOperation::Pause(Kinds::Video);
        world.media(&StreamControl { id: id.clone(), operation });
        settle(&mut world);
        assert_eq!(status(&world).as_deref(), Some("inactive"), "{protocol:?}");
        world.media(&Unpublish { id });
        settle(&mut world);
        assert_eq!(world.app.room.streams.len(), 1);
    }
}

#[test]
fn what_was_missed_is_in_the_room_after_a_resume() {
    let mut world = ready(PortalProtocol::V1_2, ModelConfig::default());
    lose_connection(&mut world);
    world.join();
    world.run_until(20_000, |world| !world.is_ready());
    world.run_until(20_000, World::is_ready);
    settle(&mut world);
    assert!(!world.app.room.stale);
    assert_eq!(world.app.room.participants.len(), 2);
}

#[test]
fn a_room_is_stale_where_something_was_lost_or_may_have_been() {
    for protocol in ALL {
        let model = ModelConfig { retention: Retention::For(1_000), ..ModelConfig::default() };
        let mut world = ready(protocol, model);
        world.burst("before-", 1, 0);
        world.run_for(100);
        lose_connection(&mut world);
        world.dials = Dials::Refused;
        world.join();
        world.run_for(5_000);
        // This makes the portal forget the other.
        world.burst("after-", 1, 0);
        world.dials = Dials::Succeed;
        world.run_until(60_000, World::is_ready);
        world.run_for(1_000);
        assert!(world.app.room.stale, "{protocol:?}");
        assert_eq!(world.app.gaps.len(), 1, "{protocol:?}");
    }
}

#[test]
fn a_fresh_login_makes_a_stale_room_known_again() {
    let config = ConferenceConfig {
        protocol: PortalProtocol::V1_1,
        ask_token: true,
        ..ConferenceConfig::default()
    };
    let mut world = World::ready(Setup { config, ..Setup::default() });
    world.provider = Provider::Gives;
    lose_connection(&mut world);
    world.run_until(20_000, |world| world.app.room.stale);
    world.join();
    world.rejoin();
    world.run_until(60_000, |world| world.app.rejoined == 1);
    settle(&mut world);
    assert!(!world.app.room.stale);
    assert_eq!(world.app.room.participants.len(), 2);
}
