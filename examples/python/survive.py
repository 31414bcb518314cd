#!/usr/bin/env python3
"""Log in to a conference, lose the network in several ways, and be back every time with nothing
lost and nothing twice. At the end everything is compared with the portal's own ledger.

    survive.py PORT [TRACE.jsonl MARKS.jsonl]
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from typing import Any

from roamio import (
    Conference,
    ConferenceOptions,
    ConferenceState,
    ConferenceStateChanged,
    ConnectionOptions,
    ErrorCode,
    Gap,
    Notification,
    Resumed,
    Retrying,
    RoamioError,
)

LIMIT = 20.0  # seconds
HELLO = {"to": "all", "message": "hello from Python"}


class Report:
    """What happens, on the screen, and what was done to the network, for the timeline."""

    def __init__(self, marks: str | None) -> None:
        self._start = time.monotonic()
        self._marks = open(marks, "w") if marks else None

    def say(self, who: str, text: str) -> None:
        print(f"{(time.monotonic() - self._start) * 1e3:9.1f} ms  {who:<8} {text}", flush=True)

    def mark(self, text: str) -> None:
        if self._marks:
            mark = {"wall_ms": round(time.time() * 1e3), "text": text}
            print(json.dumps(mark), file=self._marks, flush=True)


class Portal:
    """What an application's own server would do, and the faults."""

    def __init__(self, port: int, report: Report) -> None:
        self._url = f"http://127.0.0.1:{port}"
        self._report = report

    async def call(self, method: str, path: str, body: object = None) -> str:
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(self._url + path, data, headers, method=method)

        def call() -> str:
            with urllib.request.urlopen(request, timeout=10) as answer:
                text: str = answer.read().decode()
                return text

        return await asyncio.to_thread(call)

    async def token(self) -> str:
        user = {"user": "alice", "role": "presenter"}
        return await self.call("POST", "/v1/rooms/demo/tokens", user)

    async def fault(self, what: str, path: str) -> None:
        """Ask for a fault, and mark it in the timeline."""
        self._report.say("network", f"-- {what} --")
        self._report.mark(what)
        await self.call("POST", f"/control/{path}")

    async def ledger(self) -> list[str]:
        participants = json.loads(await self.call("GET", "/control/participants?room=demo"))
        path = f"/control/ledger?participant={participants[0]['id']}&format=text"
        return (await self.call("GET", path)).splitlines()


class Survivor:
    """Plays the scenes and keeps the accounts."""

    def __init__(self, conference: Conference, portal: Portal, report: Report) -> None:
        self.conference, self.portal, self.report = conference, portal, report
        self.notifications: list[tuple[str, Any]] = []
        self.outcomes: Counter[str] = Counter()
        self.resumed = self.gaps = self.said = self.requested = 0
        self.end: ErrorCode | None = None
        self._changed = asyncio.Condition()
        self._requests: set[asyncio.Task[None]] = set()
        for handler in (self.state, self.retry, self.back, self.gap, self.notification):
            conference.on(EVENTS[handler.__name__])(handler)

    # -- What the conference tells, in order --

    async def state(self, step: ConferenceStateChanged) -> None:
        name = step.state.name.lower()
        self.report.say("state", f"{name}: {step.cause.message}" if step.cause else name)
        if step.state == ConferenceState.ENDED:
            self.end = step.cause.code if step.cause else None
        await self.tell()

    async def retry(self, retry: Retrying) -> None:
        wait = f"{retry.delay.total_seconds() * 1e3:.0f} ms" if retry.delay is not None else "never"
        self.report.say("retry", f"attempt {retry.attempt} in {wait}")

    async def back(self, resumed: Resumed) -> None:
        doubt = "" if resumed.complete else "; some may be lost"
        self.report.say("resumed", f"{resumed.replayed} missed notifications follow{doubt}")
        self.resumed += 1
        await self.tell()

    async def gap(self, gap: Gap) -> None:
        self.report.say("gap", f"{gap.first} to {gap.last}{'' if gap.certain else ', perhaps'}")
        self.gaps += 1

    async def notification(self, notification: Notification) -> None:
        self.notifications.append((notification.name, notification.data))
        await self.tell()

    async def tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, what: str, condition: Callable[[], bool]) -> None:
        try:
            async with self._changed:
                await asyncio.wait_for(self._changed.wait_for(condition), LIMIT)
        except asyncio.TimeoutError:
            raise SystemExit(f"{what} did not happen within {LIMIT:.0f} s") from None

    # -- Requests: each has exactly one outcome --

    def request(self, name: str, data: dict[str, Any]) -> None:
        self.requested += 1
        task = asyncio.create_task(self._request(name, data))
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)

    async def _request(self, name: str, data: dict[str, Any]) -> None:
        outcome = "replied"
        try:
            await self.conference.request(name, data)
        except RoamioError as error:
            known = {ErrorCode.ACK_LOST: "unknown", ErrorCode.REQUEST_REJECTED: "refused"}
            outcome = known.get(error.code, "failed")
            self.report.say("request", f"{outcome}: {error.message}")
        self.outcomes[outcome] += 1
        await self.tell()

    def text(self, message: dict[str, Any] = HELLO) -> None:
        self.said += 1
        self.request("text", message)

    async def texts(self, count: int) -> None:
        for _ in range(count):
            self.text()
        await self.until(
            "an answer to every text", lambda: self.outcomes.total() == self.requested
        )

    # -- The scenes --

    async def others_speak(self) -> None:
        """Another participant speaks: 100 texts to the room, 5 ms apart."""
        self.said += 100
        await self.portal.fault("100 texts", "texts?room=demo&count=100&gap_ms=5")

    async def all_heard(self) -> None:
        await self.until("everything that was said", lambda: len(self.notifications) == self.said)

    async def resumed_times(self, times: int) -> None:
        await self.until(f"resume {times}", lambda: self.resumed == times)

    async def lose_the_network_again_and_again(self) -> None:
        fault = self.portal.fault
        await self.texts(10)
        await self.all_heard()

        await fault("RST while idle", "cut?all=true&how=rst")
        await self.others_speak()
        await self.resumed_times(1)
        await self.all_heard()
        await self.texts(10)
        await self.all_heard()

        await fault("half-open", "freeze?all=true&direction=out&mode=discard")
        await self.others_speak()
        self.text({"to": "all", "message": "into the silence"})
        await self.resumed_times(2)
        await self.until("an outcome", lambda: self.outcomes["unknown"] == 1)
        await self.texts(10)
        await self.all_heard()

        await fault("an ack is swallowed", "swallow-ack?request=text")
        self.text({"to": "all", "message": "swallowed"})
        await self.all_heard()  # so the portal has executed it
        await fault("closed by the network", "cut?all=true&how=fin")
        await self.resumed_times(3)
        await self.until("an outcome", lambda: self.outcomes["unknown"] == 2)

        await fault("silence, then a hint", "freeze?all=true&direction=both&mode=discard")
        await self.others_speak()
        self.report.say("hint", "the system says that the network changed")
        self.conference.network_changed()
        await self.resumed_times(4)

        await self.others_speak()
        await self.all_heard()
        self.request("unpublish", {"id": "no-such-stream"})
        await self.until("a refusal", lambda: self.outcomes["refused"] == 1)
        await self.texts(7)
        await self.all_heard()

    # -- The accounts: everything against the portal's ledger --

    def settle(self, ledger: list[str]) -> bool:
        issued, executed = [], []
        for line in ledger:
            kind, _, rest = line.partition(" ")
            words = rest.split(" ", 2)
            if kind == "notification":
                issued.append((words[1], json.loads(words[2])))
            elif kind == "request":
                executed.append(words[2])
        pairs = zip(issued, self.notifications)
        lost = sum(one != other for one, other in pairs)
        lost += max(0, len(issued) - len(self.notifications))
        doubled = max(0, len(self.notifications) - len(issued))
        swallowed = sum('"swallowed"' in request for request in executed)
        replied, unknown, refused, failed = (
            self.outcomes[name] for name in ("replied", "unknown", "refused", "failed")
        )
        print(
            f"\nresumed {self.resumed} of 4, "
            f"notifications {len(self.notifications)} of {len(issued)}, "
            f"lost {lost}, doubled {doubled}, requests {self.requested}: "
            f"replied {replied}, unknown {unknown}, refused {refused}"
        )
        print(
            f"the portal executed {len(executed)} requests, "
            f"the swallowed one {swallowed} time(s)"
        )
        return (
            self.resumed == 4
            and len(issued) == len(self.notifications) > 0
            and (lost, self.gaps, failed, swallowed) == (0, 0, 0, 1)
            and replied + unknown + refused == self.requested
            and len(executed) == replied + unknown
            and self.end == ErrorCode.SERVER_RESTARTED
        )


EVENTS: dict[str, type] = {
    "state": ConferenceStateChanged,
    "retry": Retrying,
    "back": Resumed,
    "gap": Gap,
    "notification": Notification,
}


async def main(port: int, trace: str | None = None, marks: str | None = None) -> bool:
    report = Report(marks)
    portal = Portal(port, report)
    options = ConferenceOptions(connection=ConnectionOptions(trace_file=trace))
    async with Conference(options) as conference:
        survivor = Survivor(conference, portal, report)
        await conference.login(await portal.token())
        await survivor.lose_the_network_again_and_again()
        ledger = await portal.ledger()
        await portal.fault("portal restarted", "restart")
        await survivor.until("the end", lambda: survivor.end is not None)
    return survivor.settle(ledger)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit("usage: survive.py PORT [TRACE.jsonl MARKS.jsonl]")
    sys.exit(0 if asyncio.run(main(int(sys.argv[1]), *sys.argv[2:])) else 1)
