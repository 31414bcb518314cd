#!/usr/bin/env python3
"""Play a scenario of tests/scenarios and print what a host sees of it. The same program exists in every
language of roamio, and all of them print the same.

    scenario.py SCENARIO.json PORTAL_URL
"""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.request
from collections.abc import Awaitable, Callable
from typing import Any

import roamio

LIMIT = 20.0  # seconds; nothing takes longer


def begins(line: str, words: str) -> bool:
    """Whether a line begins with whole words."""
    return f"{line} ".startswith(f"{words} ")


class Log:
    """Lines that are told by handlers and awaited by steps."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._told = asyncio.Condition()

    async def tell(self, line: str) -> None:
        async with self._told:
            self.lines.append(line)
            self._told.notify_all()

    async def wait(self, start: int, words: str) -> int:
        """Wait for a line of index `start` or later that begins with these words; its index."""

        def found() -> int | None:
            later = range(start, len(self.lines))
            return next((at for at in later if begins(self.lines[at], words)), None)

        async with self._told:
            try:
                await asyncio.wait_for(self._told.wait_for(lambda: found() is not None), LIMIT)
            except asyncio.TimeoutError:
                raise SystemExit(f"nobody told {words!r}") from None
            at = found()
            assert at is not None
            return at


class Names:
    """Participant ids, which differ from run to run: `$NAME` stands for them."""

    def __init__(self) -> None:
        self._known: list[tuple[str, str]] = []

    def learn(self, name: str, answer: Any) -> None:
        self._known.append((f"${name}", answer["id"]))

    def resolve(self, text: str) -> str:
        """Put ids in the place of names, always the newest."""
        for name, identity in reversed(self._known):
            text = text.replace(name, identity)
        return text

    def hide(self, text: str) -> str:
        """Put names in the place of ids."""
        for name, identity in self._known:
            text = text.replace(identity, name)
        return text


class Portal:
    """The application's server, which has tokens, and the one who makes the faults."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def post(self, path: str, body: object = None) -> str:
        data = b"" if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method="POST")

        def call() -> str:
            with urllib.request.urlopen(request, timeout=LIMIT) as answer:
                text: str = answer.read().decode()
                return text

        return await asyncio.to_thread(call)

    async def token(self, user: str) -> str:
        return await self.post("/v1/rooms/room/tokens", {"user": user, "role": "presenter"})


# -- Words --


def shown(value: object) -> str:
    """JSON as the portal writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def shown_args(args: tuple[Any, ...]) -> str:
    """ARGS [hex:DIGITS]..."""
    attachments: list[bytes] = []

    def place(value: Any) -> Any:
        if isinstance(value, bytes):
            attachments.append(value)
            return {"_placeholder": True, "num": len(attachments) - 1}
        if isinstance(value, dict):
            return {name: place(member) for name, member in value.items()}
        return [place(element) for element in value] if isinstance(value, list) else value

    text = shown([place(arg) for arg in args])
    return text + "".join(f" hex:{attachment.hex()}" for attachment in attachments)


def caused(line: str, cause: roamio.RoamioError | None) -> str:
    return line if cause is None else f"{line} {cause.code.name}"


def line_of(event: object) -> str | None:
    """None: the event is not traced."""
    match event:
        case roamio.ConferenceStateChanged() | roamio.SocketStateChanged():
            return caused(f"state {event.state.name.lower()}", event.cause)
        case roamio.Resumable():
            return f"resumable {'yes' if event.resumable else 'no'}"
        case roamio.Notification():
            how = "replayed" if event.replayed else "new"
            return f"notification {event.number} {how} {event.name} {shown(event.data)}"
        case roamio.Resumed():
            what = "complete" if event.complete else "incomplete"
            return f"resumed {what} {event.replayed}"
        case roamio.Gap():
            how = "certain" if event.certain else "uncertain"
            return f"gap {how} {event.first} {event.last}"
        case roamio.Migrated():
            return "migrated"
        case roamio.TokenWanted():
            return caused("token_wanted", event.error)
        case roamio.Rejoined():
            return "rejoined"
        case roamio.ProtocolError():
            return caused("protocol_error", event.error)
        case roamio.Event():
            return f"event {event.name} {shown_args(event.args)}"
        case _:
            return None


def done(_: Any) -> str:
    """An outcome whose answer is empty, or has ids and tickets in it."""
    return "done"


def answered(answer: Any) -> str:
    """The outcome of a request."""
    return f"done {shown(answer)}"


def acked(args: tuple[Any, ...]) -> str:
    """The outcome of an emit."""
    return f"done {shown_args(args)}"


# -- The scenario --


class Seat:
    """A conference, or a socket, of a scenario."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.log = Log()
        self.awaited = 0  # how many of the lines
        self.user = ""
        self.destroy_on: str | None = None
        self.conference: roamio.Conference | None = None
        self.socket: roamio.Socket | None = None
        self.manager: roamio.Manager | None = None

    async def close(self) -> None:
        for one in (self.conference, self.socket, self.manager):
            if one is not None:
                await one.close()
        self.conference = None


Step = dict[str, Any]


class Player:
    """Plays one step after the other."""

    def __init__(self, portal: Portal) -> None:
        self._server = portal
        self._names = Names()
        self._seats: dict[str, Seat] = {}
        self._requests: dict[str, asyncio.Task[None]] = {}
        self._exports: dict[str, str] = {}
        self._outcomes = Log()

    async def play(self, step: Step) -> None:
        await getattr(self, f"_{step['do']}")(step)

    async def close(self) -> None:
        for seat in self._seats.values():
            await seat.close()

    def print(self) -> None:
        for seat in self._seats.values():
            for line in seat.log.lines:
                print(seat.name, self._names.hide(line))
        for name in self._requests:
            [outcome] = [line for line in self._outcomes.lines if begins(line, name)]
            print("outcome", self._names.hide(outcome))

    # -- Conferences --

    async def _conference(self, step: Step) -> None:
        seat = self._add(step, "c")

        async def token(_: roamio.RoamioError | None) -> str:
            return await self._server.token(seat.user)

        options = roamio.ConferenceOptions(rejoin_on_gap=step.get("rejoin_on_gap", False))
        tokens = token if step.get("ask_token") else None
        seat.conference = roamio.Conference(options, tokens=tokens)

        @seat.conference.on()
        async def observe(event: roamio.ConferenceEvent) -> None:
            if isinstance(event, roamio.Rejoined):
                self._names.learn(seat.name, event.answer)
            if (line := line_of(event)) is None:
                return
            if seat.destroy_on is not None and begins(line, seat.destroy_on):
                await seat.close()
            await seat.log.tell(line)

    async def _login(self, step: Step) -> None:
        seat, conference = self._find(step, "c"), self._joined(step)
        seat.user = step["user"]
        token = await self._server.token(seat.user)

        async def login() -> None:
            self._names.learn(seat.name, await conference.login(token))

        await self._ask(step, login(), done)

    async def _request(self, step: Step) -> None:
        data = json.loads(self._names.resolve(json.dumps(step["data"])))
        await self._ask(step, self._joined(step).request(step["name"], data), answered)

    async def _cancel(self, step: Step) -> None:
        self._requests[step["id"]].cancel()

    async def _hint(self, step: Step) -> None:
        getattr(self._joined(step), step["kind"])()

    async def _rejoin(self, step: Step) -> None:
        await self._ask(step, self._joined(step).rejoin(), done)

    async def _logout(self, step: Step) -> None:
        await self._ask(step, self._joined(step).logout(), done)

    async def _export(self, step: Step) -> None:
        self._exports[step["to"]] = await self._joined(step).export()

    async def _restore(self, step: Step) -> None:
        await self._ask(step, self._joined(step).restore(self._exports[step["from"]]), done)

    async def _detach(self, step: Step) -> None:
        await self._joined(step).close()

    async def _destroy_on(self, step: Step) -> None:
        self._find(step, "c").destroy_on = step["line"]

    # -- Sockets --

    async def _socket(self, step: Step) -> None:
        seat = self._add(step, "s")
        seat.manager = roamio.Manager(self._server.url)
        seat.socket = seat.manager.socket(step.get("namespace", "/echo"))

        @seat.socket.on()
        async def observe(event: roamio.SocketEvent) -> None:
            if (line := line_of(event)) is not None:
                await seat.log.tell(line)

        seat.socket.connect()

    async def _emit(self, step: Step) -> None:
        attachments = [bytes.fromhex(digits) for digits in step.get("attachments", [])]

        def hook(value: dict[str, Any]) -> Any:
            return attachments[value["num"]] if "_placeholder" in value else value

        args = json.loads(json.dumps(step["args"]), object_hook=hook)
        socket = self._connected(step)
        if "id" in step:
            await self._ask(step, socket.emit_with_ack(step["name"], *args), acked)
        else:
            socket.emit(step["name"], *args)

    async def _disconnect(self, step: Step) -> None:
        self._connected(step).disconnect()

    # -- Everything else --

    async def _portal(self, step: Step) -> None:
        await self._server.post(self._names.resolve(step["path"]))

    async def _pause(self, step: Step) -> None:
        await asyncio.sleep(step["ms"] / 1e3)

    async def _await(self, step: Step) -> None:
        if "id" in step:
            await self._outcomes.wait(0, step["id"])
        else:
            seat = self._find(step, "c")
            seat.awaited = await seat.log.wait(seat.awaited, step["line"]) + 1

    async def _ask(self, step: Step, call: Awaitable[Any], show: Callable[[Any], str]) -> None:
        """Begin something that has an outcome. An error of the call is one too."""
        name = step["id"]

        async def outcome() -> None:
            try:
                what = show(await call)
            except roamio.RoamioError as error:
                what = error.code.name
            except asyncio.CancelledError:
                what = "CANCELLED"
            await self._outcomes.tell(f"{name} {what}")

        self._requests[name] = asyncio.create_task(outcome())
        # The call is made when the task runs for the first time, which is now.
        await asyncio.sleep(0)

    def _add(self, step: Step, usual: str) -> Seat:
        seat = Seat(step.get("as", usual))
        self._seats[seat.name] = seat
        return seat

    def _find(self, step: Step, usual: str) -> Seat:
        return self._seats[step.get("as", usual)]

    def _joined(self, step: Step) -> roamio.Conference:
        conference = self._find(step, "c").conference
        assert conference is not None
        return conference

    def _connected(self, step: Step) -> roamio.Socket:
        socket = self._find(step, "s").socket
        assert socket is not None
        return socket


async def main(scenario: str, url: str) -> None:
    with open(scenario, encoding="utf-8") as file:
        steps = json.load(file)["steps"]
    player = Player(Portal(url))
    for step in steps:
        await player.play(step)
    await player.close()
    player.print()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit("usage: scenario.py SCENARIO.json PORTAL_URL")
    asyncio.run(main(sys.argv[1], sys.argv[2]))
