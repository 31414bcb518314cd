"""The embedded portal as a program, and its control endpoints."""

import asyncio
import json
import subprocess
import urllib.error
import urllib.request
from typing import Any


class Portal:
    """A portal on a port of its own."""

    def __init__(self, program: str, *args: str) -> None:
        self._command = [program, "--port", "0", *args]

    def __enter__(self) -> "Portal":
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        self.url = line.removeprefix("listening on ").strip()
        assert self.url, "the portal did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def call(self, method: str, path: str, body: object = None) -> str:
        """One HTTP request; it waits."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            text: str = answer.read().decode()
            return text

    async def control(self, path: str, body: object = None) -> None:
        """Ask for a fault, or for something to be said."""
        await asyncio.to_thread(self.call, "POST", f"/control/{path}", body)

    async def token(self, room: str = "demo", user: str = "alice") -> str:
        """What an application's own server would obtain."""
        body = {"user": user, "role": "presenter"}
        return await asyncio.to_thread(self.call, "POST", f"/v1/rooms/{room}/tokens", body)

    async def participants(self, room: str = "demo") -> Any:
        """Who is in a room."""
        text = await asyncio.to_thread(self.call, "GET", f"/control/participants?room={room}")
        return json.loads(text)

    async def issued(self, participant: str) -> list[tuple[str, Any]]:
        """The notifications that the portal has issued to a participant: name and data."""
        path = f"/control/ledger?participant={participant}&format=text"
        lines = (await asyncio.to_thread(self.call, "GET", path)).splitlines()
        found = [line.split(" ", 3) for line in lines if line.startswith("notification ")]
        return [(name, json.loads(data)) for _, _, name, data in found]
