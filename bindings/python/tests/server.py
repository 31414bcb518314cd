"""A Socket.IO server of python-socketio, which logs who joins and leaves."""

import asyncio
import json
import queue
import subprocess
import sys
import threading
from typing import Any


class Server:
    """The standard test server of this project, on a port of its own."""

    def __init__(self, script: str) -> None:
        self._command = [sys.executable, script, "aiohttp"]
        self._log: queue.Queue[Any] = queue.Queue()

    def __enter__(self) -> "Server":
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        port = json.loads(self._process.stdout.readline())["port"]
        self.url = f"http://127.0.0.1:{port}"
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._reader.join()
        self._process.communicate()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._log.put(json.loads(line))

    async def logged(self, kind: str, sid: str) -> Any:
        """Wait until the server tells this of a socket."""

        def find() -> Any:
            while True:
                entry = self._log.get(timeout=10)
                if entry["log"] == kind and entry["id"] == sid:
                    return entry

        return await asyncio.to_thread(find)
