"""Conferences at the embedded portal."""

import asyncio
import logging
import time
from typing import Any

import pytest
import roamio
from portal import Portal
from roamio import (
    CallError,
    Conference,
    ConferenceError,
    ConferenceState,
    ConferenceStateChanged,
    ErrorCode,
    EventStream,
    Notification,
    Resumed,
    Retry,
    RoamioError,
    SocketError,
    _bridge,
)
from waiting import event, state, within


async def received(events: EventStream[Any], count: int) -> list[Notification]:
    return [await event(events, Notification) for _ in range(count)]


async def test_a_session_from_login_to_logout(portal: Portal) -> None:
    async with Conference() as conference:
        before = conference.state
        assert before == ConferenceState.IDLE
        events = conference.events()
        answer = await within(conference.login(await portal.token()))
        assert answer["user"] == "alice" and answer["room"]["participants"]
        steps = [await event(events, ConferenceStateChanged) for _ in range(2)]
        assert [step.state for step in steps] == [ConferenceState.JOINING, ConferenceState.READY]
        assert [step.number for step in steps] == [1, 2]
        await portal.control("texts?room=demo&count=3")
        told = await received(events, 3)
        assert [text.number for text in told] == [1, 2, 3]
        assert [text.name for text in told] == ["text"] * 3
        assert not any(text.replayed for text in told)
        assert len(await portal.participants()) == 1
    assert conference.state == ConferenceState.ENDED
    assert await portal.participants() == []
    # It ends after its last event.
    await within(_drain(events))


async def _drain(events: EventStream[Any]) -> None:
    async for _ in events:
        pass


@pytest.mark.parametrize(
    "fault", ["cut?all=true&how=rst", "freeze?all=true&direction=both&mode=discard"]
)
async def test_nothing_is_lost_with_the_connection(portal: Portal, fault: str) -> None:
    async with Conference() as conference:
        told: list[Any] = []

        @conference.on(Notification)
        def notified(notification: Notification) -> None:
            told.append((notification.name, notification.data))

        events = conference.events()
        participant = (await within(conference.login(await portal.token())))["id"]
        await portal.control(fault)
        await portal.control("texts?room=demo&count=50")
        conference.network_changed()
        resumed = await event(events, Resumed)
        assert resumed.complete
        await portal.control("texts?room=demo&count=5&prefix=last")
        while len(told) < 55:
            await event(events, Notification)
        assert told == await portal.issued(participant)


async def test_every_request_has_one_outcome(portal: Portal) -> None:
    async with Conference() as conference:
        with pytest.raises(ConferenceError) as early:
            await conference.request("text", {})
        assert early.value.code == ErrorCode.NOT_LOGGED_IN and early.value.retry == Retry.LOGIN
        events = conference.events()
        await within(conference.login(await portal.token()))
        text = {"to": "all", "message": "hello"}
        await within(conference.request("text", text))
        with pytest.raises(ConferenceError) as refused:
            await within(conference.request("unpublish", {"id": "no-such-stream"}))
        assert refused.value.code == ErrorCode.REQUEST_REJECTED
        await portal.control("swallow-ack?request=text")
        lost = asyncio.create_task(conference.request("text", text))
        await received(events, 2)
        await portal.control("cut?all=true&how=fin")
        with pytest.raises(SocketError) as unknown:
            await within(lost)
        assert unknown.value.code == ErrorCode.ACK_LOST
        await event(events, Resumed)
        await portal.control("delay-ack?request=text&ms=60000")
        with pytest.raises(SocketError) as late:
            await within(conference.request("text", text, timeout=0.2))
        assert late.value.code == ErrorCode.ACK_TIMEOUT


async def test_an_idempotent_request_is_sent_once_more(portal: Portal) -> None:
    async with Conference() as conference:
        events = conference.events()
        participant = (await within(conference.login(await portal.token())))["id"]
        await portal.control("swallow-ack?request=text")
        text = {"to": "all", "message": "twice"}
        asked = asyncio.create_task(conference.request("text", text, idempotent=True))
        await event(events, Notification)
        await portal.control("cut?all=true&how=fin")
        await within(asked)
        await event(events, Notification)
        assert [data["message"] for _, data in await portal.issued(participant)] == ["twice"] * 2


async def test_a_request_that_is_given_up_is_cancelled(portal: Portal) -> None:
    async with Conference() as conference:
        await within(conference.login(await portal.token()))
        await portal.control("delay-ack?request=text&ms=60000")
        with pytest.raises(asyncio.TimeoutError):
            request = conference.request("text", {"to": "all", "message": "a"})
            await asyncio.wait_for(request, 0.2)
        await within(conference.request("text", {"to": "all", "message": "b"}))


async def test_a_handler_that_raises_disturbs_nothing(
    portal: Portal, complaints: asyncio.Queue[Any]
) -> None:
    async with Conference() as conference:
        messages: asyncio.Queue[str] = asyncio.Queue()

        @conference.on("text")
        def fail(data: Any) -> None:
            raise LookupError(data["message"])

        @conference.on("text")
        async def hear(data: Any) -> None:
            messages.put_nowait(data["message"])

        await within(conference.login(await portal.token()))
        await portal.control("texts?room=demo&count=2&prefix=m")
        assert [await within(messages.get()) for _ in range(2)] == ["m1", "m2"]
        assert isinstance((await within(complaints.get()))["exception"], LookupError)
        assert conference.state == ConferenceState.READY


async def test_an_observer_below_that_raises_is_logged_by_name_only(
    portal: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(_bridge.ConferenceObserver, _bridge.TraceSink):
        def on_event(self, event: _bridge.ConferenceEvent) -> None:
            raise LookupError("what must not be seen")

        def line(self, text: str) -> None:
            raise LookupError("what must not be seen")

    logger = logging.getLogger("roamio.test")
    logger.setLevel(logging.ERROR)
    roamio.log_to(logger)
    try:
        connection = roamio.ConnectionOptions(trace=Failing())
        options = _bridge.ConferenceOptions(connection=connection)
        conference = _bridge.Conference(options, Failing())
        await within(conference.login(await portal.token()))
        text = '{"to":"all","message":"still here"}'
        await within(conference.request("text", text))
        await within(conference.logout())
        await within(conference.shutdown())
    finally:
        roamio.log_to(None)
    lines = [record.getMessage() for record in caplog.records if record.name == logger.name]
    assert all("threw LookupError" in line for line in lines)
    for whom in ("a conference's observer", "a trace sink"):
        assert any(line.endswith(f"{whom} of the host threw LookupError") for line in lines)
    assert not any("must not be seen" in line for line in lines)


async def test_a_portal_that_restarts_ends_the_session_with_the_reason(portal: Portal) -> None:
    async with Conference() as conference:
        events = conference.events()
        await within(conference.login(await portal.token()))
        await portal.control("restart")
        ended = await state(events, ConferenceState.ENDED)
        assert ended.cause is not None and ended.cause.code == ErrorCode.SERVER_RESTARTED
        await within(_drain(events))
        with pytest.raises(RoamioError):
            await conference.request("text", {})


async def test_a_lost_session_is_followed_by_another_with_a_fresh_token(portal: Portal) -> None:
    asked: list[Any] = []

    async def tokens(error: RoamioError | None) -> str:
        asked.append(error and error.code)
        return await portal.token(user="bob" if error else "carol")

    async with Conference(tokens=tokens) as conference:
        events = conference.events()
        await within(conference.login(await portal.token()))
        await portal.control("restart")
        rejoined = await event(events, roamio.Rejoined)
        assert rejoined.answer["user"] == "bob"
        assert [user.user for user in conference.room().participants] == ["bob"]
        assert (await within(conference.rejoin()))["user"] == "carol"
    assert asked == [ErrorCode.SERVER_RESTARTED, None]


async def test_a_token_that_is_none_is_refused_at_once() -> None:
    async with Conference() as conference:
        with pytest.raises(ConferenceError) as invalid:
            await conference.login("no token")
        assert invalid.value.code == ErrorCode.TOKEN_INVALID
        assert invalid.value.retry == Retry.LOGIN


async def test_a_session_outlives_its_conference(portal: Portal) -> None:
    handled: list[str] = []

    async def on_text(data: Any) -> None:
        await asyncio.sleep(0)
        handled.append(data["message"])

    before = Conference()
    before.on("text")(on_text)
    events = before.events()
    await within(before.login(await portal.token()))
    await portal.control("texts?room=demo&count=3&prefix=a")
    for _ in range(3):
        await event(events, Notification)
    exported = await within(before.export())
    assert handled == ["a1", "a2", "a3"]
    await within(before.close())
    await portal.control("texts?room=demo&count=2&prefix=b")
    async with Conference() as after:
        after.on("text")(on_text)
        events = after.events()
        await within(after.restore(exported))
        for number in (4, 5):
            await event(events, Notification, number=number, replayed=True)
        await within(after.export())
        assert handled == ["a1", "a2", "a3", "b1", "b2"]
        with pytest.raises(ConferenceError) as foreign:
            await Conference().restore("no export")
        assert foreign.value.code == ErrorCode.EXPORT_FOREIGN


async def test_an_option_out_of_range_is_named() -> None:
    options = roamio.ConferenceOptions(resume=roamio.ReconnectOptions(jitter=7.0))
    with pytest.raises(CallError, match="jitter") as invalid:
        Conference(options)
    assert invalid.value.code == ErrorCode.INVALID_ARGUMENT


async def test_close_does_not_log_out_and_settles_requests(portal: Portal) -> None:
    conference = Conference()
    await within(conference.login(await portal.token()))
    await portal.control("delay-ack?request=text&ms=60000")
    request = asyncio.create_task(conference.request("text", {"to": "all", "message": "a"}))
    await asyncio.sleep(0)
    start = time.monotonic()
    await within(conference.close())
    with pytest.raises(CallError) as closed:
        await within(request)
    assert closed.value.code == ErrorCode.CLOSED
    assert time.monotonic() - start < 5
    assert len(await portal.participants()) == 1
