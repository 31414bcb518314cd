"""Typed requests and notifications, in every protocol of the portal."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from portal import Portal
from roamio import (
    CallError,
    Conference,
    ConferenceError,
    ConferenceOptions,
    ErrorCode,
    EventStream,
    Notification,
    PortalProtocol,
    owt,
)
from waiting import event, within

TOLD = owt.PortalNotification


@pytest.fixture
def old_portal() -> Iterator[Portal]:
    """As before release 5, where legacy sessions are possible."""
    with Portal(os.environ["ROAMIO_PORTAL"], "--stream-media", "parts") as portal:
        yield portal


async def told(events: EventStream[Any], kind: type) -> Any:
    """The next notification of a kind."""
    while True:
        typed = (await event(events, Notification)).typed
        if isinstance(typed, kind):
            return typed


def media(protocol: PortalProtocol) -> tuple[Any, Any]:
    """One video that is sent, and how a stream of that is received."""
    source, kind = owt.MediaSource.CAMERA, owt.MediaKind.VIDEO
    if protocol == PortalProtocol.V1_2:
        sent = owt.PublishTrack(kind=kind, mid="0", source=source)

        def tracks(stream: str) -> Any:
            return owt.SubscribeMedia.tracks([owt.SubscribeTrack(kind=kind, mid="0", _from=stream)])

        return owt.PublishMedia.tracks([sent]), tracks

    def parts(stream: str) -> Any:
        return owt.SubscribeMedia.parts(None, owt.SubscribeVideo(_from=stream))

    size = owt.VideoParameters(resolution=owt.Resolution(width=640, height=480), framerate=30)
    return owt.PublishMedia.parts(None, owt.PublishVideo(source=source, parameters=size)), parts


@pytest.mark.parametrize(
    "protocol", [PortalProtocol.V1_0, PortalProtocol.V1_1, PortalProtocol.V1_2]
)
async def test_media_are_negotiated_with_values(portal: Portal, protocol: PortalProtocol) -> None:
    async with Conference(ConferenceOptions(protocol=protocol)) as conference:
        login = owt.read_login(await within(conference.login(await portal.token())))
        assert login.user == "alice" and login.id is not None and login.permission is not None
        assert [one.id for one in login.room.participants] == [login.id]
        events = conference.events()
        sent, received = media(protocol)
        publish = owt.Publish(media=sent, attributes={"of": "alice", "n": [1, None]})
        published = await within(conference.publish(publish))
        offer = owt.Signaling(kind="offer", sdp="v=0")
        await within(conference.soac(published.transport_id, offer))
        answer = await told(events, TOLD.PROGRESS)
        assert answer.progress.status == "soac" and answer.signaling.kind == "answer"
        added = await told(events, TOLD.STREAM_ADDED)
        assert added.stream.id == published.id and added.stream.owner == login.id
        assert added.stream.info.attributes == {"of": "alice", "n": [1, None]}
        [stream] = [one for one in conference.room().streams if one.id == published.id]
        assert stream.media is not None and stream.media == added.stream.media

        subscribe = owt.Subscribe(media=received(published.id))
        subscribed = await within(conference.subscribe(subscribe))
        pause = owt.SubscriptionOperation.pause(owt.MediaKinds.VIDEO)
        await within(conference.soac(subscribed.transport_id, offer))
        await within(conference.subscription_control(subscribed.id, pause))
        await within(conference.unsubscribe(subscribed.id))
        silence = owt.StreamOperation.pause(owt.MediaKinds.VIDEO)
        assert await within(conference.stream_control(published.id, silence)) is None
        updated = await told(events, TOLD.STREAM_UPDATED)
        assert (updated.update.field, updated.update.value) == ("video.status", "inactive")
        await within(conference.unpublish(published.id))
        assert (await told(events, TOLD.STREAM_REMOVED)).id == published.id


async def test_texts_are_any_json(portal: Portal) -> None:
    async with Conference() as conference:
        events = conference.events()
        await within(conference.login(await portal.token()))
        message = {"deep": ["é", 1.5, None, True]}
        await within(conference.text(message))
        assert (await told(events, TOLD.TEXT)).text.message == message
        with pytest.raises(ConferenceError) as refused:
            await within(conference.unpublish("no-such-stream", timeout=10))
        assert refused.value.code == ErrorCode.REQUEST_REJECTED
        with pytest.raises(ValueError):
            await conference.text(float("nan"))
        with pytest.raises(CallError) as invalid:
            parameters = owt.VideoParameters(framerate=float("inf"))
            video = owt.PublishVideo(source=owt.MediaSource.CAMERA, parameters=parameters)
            await conference.publish(owt.Publish(media=owt.PublishMedia.parts(None, video)))
        assert invalid.value.code == ErrorCode.INVALID_JSON


async def test_what_is_not_known_is_told_as_it_is(portal: Portal) -> None:
    async with Conference() as conference:
        events = conference.events()
        answer = await within(conference.login(await portal.token()))
        await portal.control(f"notify?participant={answer['id']}&event=news", {"n": 1})
        news = await event(events, Notification)
        assert (news.name, news.data, news.typed) == ("news", {"n": 1}, None)


async def test_a_legacy_portal_is_asked_with_values(old_portal: Portal) -> None:
    async with Conference(ConferenceOptions(protocol=PortalProtocol.LEGACY)) as conference:
        events = conference.events()
        login = owt.read_login(await within(conference.login(await old_portal.token())))
        assert [one.user for one in login.room.participants] == ["alice"]
        ask = owt.LegacyRequest
        await within(conference.legacy(ask.say("all", {"n": 1})))
        text = (await told(events, TOLD.TEXT)).text
        assert (text._from, text.message) == (login.id, {"n": 1})
        options = owt.LegacyPublish(state="erizo", video={"device": "screen"})
        stream = await within(conference.legacy(ask.publish(options, None)))
        await within(conference.legacy(ask.unpublish(stream)))
        with pytest.raises(ConferenceError) as refused:
            await within(conference.legacy(ask.mute("none", owt.MediaKinds.AV)))
        assert refused.value.code == ErrorCode.REQUEST_REJECTED
