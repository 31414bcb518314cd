"""Sockets against a real server."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import roamio
from roamio import (
    CallError,
    ConnectFailed,
    Dropped,
    ErrorCode,
    Event,
    Json,
    ManagerOptions,
    Offline,
    ReconnectOptions,
    RoamioError,
    SocketError,
    SocketState,
    SocketStateChanged,
)
from server import Server
from waiting import event, within


async def test_events_and_acks_go_both_ways(server: Server) -> None:
    async with roamio.connect(server.url) as socket:
        assert socket.state == SocketState.CONNECTED and socket.namespace == "/"
        with socket.events() as events:
            answer = await within(socket.emit_with_ack("ack", 1, {"a": [None, "é"]}))
            assert answer == (1, {"a": [None, "é"]})
            socket.emit("echo", "x", [True])
            assert (await event(events, Event, name="echo")).args == ("x", [True])


async def test_bytes_travel_as_attachments(server: Server) -> None:
    sent: tuple[Json, ...] = ({"deep": [b"\x00\xff", "text", bytearray(b"")]}, memoryview(b"abc"))
    async with roamio.connect(server.url) as socket:
        answer = await within(socket.emit_with_ack("ack", *sent))
        assert answer == ({"deep": [b"\x00\xff", "text", b""]}, b"abc")


async def test_namespaces_share_a_connection(server: Server) -> None:
    async with roamio.Manager(server.url) as manager:
        async with manager.socket() as root, manager.socket("/chat") as chat:
            root.connect()
            chat.connect({"user": "a"})
            await within(asyncio.gather(root.connected(), chat.connected()))
            _, auth = await within(chat.emit_with_ack("who"))
            assert auth == {"user": "a"}
            [one] = await within(root.emit_with_ack("handshake"))
            [two] = await within(chat.emit_with_ack("handshake"))
            assert one["engine"] == two["engine"]
            with pytest.raises(CallError) as refused:
                manager.socket("/chat")
            assert refused.value.code == ErrorCode.INVALID_STATE


async def test_a_refused_namespace_raises_what_the_server_said(server: Server) -> None:
    with pytest.raises(SocketError) as refused:
        async with roamio.connect(f"{server.url}/deny"):
            raise AssertionError("the namespace is refused")
    assert refused.value.code == ErrorCode.CONNECT_ERROR
    assert refused.value.server["data"] == {"code": "E42", "list": [1, 2]}
    assert "CONNECT_ERROR" in str(refused.value)


async def test_a_lost_connection_is_made_again(server: Server) -> None:
    options = ManagerOptions(reconnect=ReconnectOptions(min=timedelta(milliseconds=10)))
    async with roamio.connect(server.url, options=options) as socket:
        with socket.events() as events:
            socket.emit("kill-connection")
            lost = await event(events, SocketStateChanged, state=SocketState.REJOINING)
            assert lost.reason is not None
            socket.emit("echo", "meanwhile")
            await event(events, SocketStateChanged, state=SocketState.CONNECTED)
            assert (await event(events, Event)).args == ("meanwhile",)


async def test_handlers_answer_events(server: Server) -> None:
    async with roamio.connect(server.url) as socket:
        answers: asyncio.Queue[Any] = asyncio.Queue()

        @socket.on("question")
        async def question(*args: Any) -> tuple[Any, ...]:
            await asyncio.sleep(0)
            return (*args, b"bytes")

        @socket.on("answered")
        def answered(*args: Any) -> None:
            answers.put_nowait(args)

        socket.emit("ask", 1)
        assert await within(answers.get()) == (1, b"bytes")


async def test_events_of_a_stream_are_answered_by_hand(server: Server) -> None:
    async with roamio.connect(server.url) as socket:
        with socket.events() as events:
            socket.emit("ask")
            question = await event(events, Event, name="question")
            assert question.wants_ack
            question.ack("first")
            question.ack("ignored")
            assert (await event(events, Event, name="answered")).args == ("first",)


async def test_handlers_run_in_order_and_their_failures_are_reported(
    server: Server, complaints: asyncio.Queue[Any]
) -> None:
    async with roamio.connect(server.url) as socket:
        seen: list[int] = []
        done = asyncio.Event()

        @socket.on("tick")
        async def tick(number: int) -> None:
            await asyncio.sleep(0.001 if number % 2 else 0)
            seen.append(number)
            if number == 3:
                raise ValueError("three")
            if number == 9:
                done.set()

        socket.emit("burst", 10)
        await within(done.wait())
        assert seen == list(range(10))
        context = await within(complaints.get())
        assert isinstance(context["exception"], ValueError)
        socket.off(tick)
        socket.emit("burst", 1)
        assert await within(socket.emit_with_ack("ack")) == ()
        assert seen == list(range(10))


async def test_a_slow_consumer_holds_up_neither_outcomes_nor_loses_anything(
    server: Server,
) -> None:
    count = 5_000
    async with roamio.connect(server.url) as socket:
        with socket.events() as events:
            socket.emit("burst", count)
            assert await within(socket.emit_with_ack("ack", "through")) == ("through",)
            for number in range(count):
                assert (await event(events, Event)).args == (number,)


async def test_what_is_wrong_with_a_call_is_raised_at_once(server: Server) -> None:
    async with roamio.connect(server.url) as socket:
        with pytest.raises(CallError) as reserved:
            socket.emit("disconnect")
        assert reserved.value.code == ErrorCode.RESERVED_EVENT
        with pytest.raises(TypeError):
            socket.emit("a", object())  # type: ignore[arg-type]
    with pytest.raises(CallError) as closed:
        socket.emit("a")
    assert closed.value.code == ErrorCode.CLOSED


async def test_an_ack_that_does_not_come_has_an_end(server: Server) -> None:
    async with roamio.connect(server.url) as socket:
        with pytest.raises(SocketError) as late:
            await socket.emit_with_ack("silence", timeout=0.05)
        assert late.value.code == ErrorCode.ACK_TIMEOUT
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(socket.emit_with_ack("silence"), 0.05)
        # A cancelled one was taken back; others are not disturbed.
        assert await within(socket.emit_with_ack("ack")) == ()
        waiting = asyncio.create_task(socket.emit_with_ack("silence"))
        await asyncio.sleep(0)
    with pytest.raises(RoamioError) as closed:
        await within(waiting)
    assert closed.value.code == ErrorCode.CLOSED


async def test_without_a_connection_an_event_does_as_it_is_told(server: Server) -> None:
    async with roamio.Manager(server.url) as manager, manager.socket() as socket:
        with socket.events() as events:
            socket.emit("a", 1, offline=Offline.fail())
            dropped = await event(events, Dropped)
            assert dropped.args == (1,) and dropped.error.code == ErrorCode.NOT_SENT
            with pytest.raises(SocketError) as unsent:
                await within(socket.emit_with_ack("a", offline=Offline.fail()))
            assert unsent.value.code == ErrorCode.NOT_SENT
            socket.emit("echo", "first", offline=Offline.latest("k"))
            socket.emit("echo", "second", offline=Offline.latest("k"))
            socket.connect()
            assert (await event(events, Event)).args == ("second",)


async def test_providers_are_asked_before_every_attempt(server: Server) -> None:
    asked: list[Any] = []

    async def auth(error: RoamioError | None) -> dict[str, Any]:
        asked.append(error and error.code)
        return {"token": "secret" if error else "wrong"}

    def target(attempt: int, error: RoamioError | None) -> str:
        asked.append(attempt)
        return server.url

    async with roamio.Manager(target=target) as manager:
        async with manager.socket("/private", auth=auth) as socket:
            socket.connect()
            with pytest.raises(SocketError):
                await within(socket.connected())
            socket.connect()
            await within(socket.connected())
            _, payload = await within(socket.emit_with_ack("who"))
            assert payload == {"token": "secret"}
    # A refused namespace was the last one, so the connection was given up.
    assert asked == [0, None, 0, ErrorCode.CONNECT_ERROR]


async def test_a_provider_that_fails_refuses(
    server: Server, complaints: asyncio.Queue[Any]
) -> None:
    def auth(error: RoamioError | None) -> dict[str, Any]:
        raise KeyError("secret")

    async with roamio.Manager(server.url) as manager:
        async with manager.socket("/private", auth=auth) as socket:
            with socket.events() as events:
                socket.connect()
                failed = await event(events, ConnectFailed)
    assert failed.error.code == ErrorCode.CANCELLED and not failed.active
    assert "KeyError" in failed.error.message and "secret" not in failed.error.message
    assert isinstance((await within(complaints.get()))["exception"], KeyError)


async def test_sockets_of_a_registry_share_a_connection(server: Server) -> None:
    registry = roamio.Registry()
    root, chat = registry.socket(server.url), registry.socket(f"{server.url}/chat")
    assert (root.namespace, chat.namespace) == ("/", "/chat")
    async with root, chat:
        for socket in (root, chat):
            socket.connect()
            await within(socket.connected())
        steps = chat.events()
        root.emit("kill-connection")
        await event(steps, SocketStateChanged, state=SocketState.REJOINING)
    with pytest.raises(CallError) as invalid:
        registry.socket("ftp://nowhere")
    assert invalid.value.code == ErrorCode.INVALID_URL
