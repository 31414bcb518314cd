"""The ends: forgotten objects, closed loops, forks, and the end of the interpreter (M24)."""

import asyncio
import gc
import os
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from typing import Any

import pytest
import roamio
from roamio import Event
from server import Server
from waiting import event, within


async def joined(server: Server) -> tuple[roamio.Manager, roamio.Socket, str]:
    manager = roamio.Manager(server.url)
    socket = manager.socket()
    socket.connect()
    await within(socket.connected())
    [handshake] = await within(socket.emit_with_ack("handshake"))
    return manager, socket, handshake["id"]


async def test_forgotten_objects_are_closed(server: Server) -> None:
    manager, socket, sid = await joined(server)

    @socket.on("tick")
    def tick(number: int) -> None:
        socket.emit("echo", number)  # a cycle, through its own handler

    gone = weakref.ref(socket)
    del manager, socket, tick
    gc.collect()
    assert gone() is None
    await server.logged("leave", sid)


async def test_objects_may_be_collected_by_any_thread(server: Server) -> None:
    manager, socket, sid = await joined(server)
    kept = [manager, socket]
    del manager, socket
    thread = threading.Thread(target=kept.clear)
    thread.start()
    await asyncio.to_thread(thread.join)
    gc.collect()
    await server.logged("leave", sid)


async def test_a_stream_keeps_its_socket(server: Server) -> None:
    manager, socket, _ = await joined(server)
    events = socket.events()
    socket.emit("echo", 1)
    del socket
    gc.collect()
    assert (await event(events, Event)).args == (1,)
    await manager.close()


async def test_an_object_may_be_closed_and_forgotten_in_its_own_handler(server: Server) -> None:
    manager, socket, sid = await joined(server)
    held: list[Any] = [manager, socket]
    done = asyncio.Event()

    @socket.on("echo")
    async def echo() -> None:
        await held[1].close()
        held.clear()
        done.set()

    socket.emit("echo")
    del manager, socket, echo
    await within(done.wait())
    gc.collect()
    await server.logged("leave", sid)


async def test_a_loop_that_is_closed_takes_its_sessions_along(server: Server) -> None:
    kept: list[Any] = []

    def run() -> None:
        loop = asyncio.new_event_loop()
        kept.append(loop.run_until_complete(joined(server)))
        kept[0][1].emit("burst", 100)
        loop.close()

    await asyncio.to_thread(run)
    manager, socket, sid = kept.pop()
    # Nobody listens any more, yet what is there can be used, and ends.
    socket.emit("echo")
    del manager, socket
    gc.collect()
    await server.logged("leave", sid)


PROGRAM = """
    import asyncio, os, sys
    import roamio

    async def main():
        manager = roamio.Manager(sys.argv[1])
        socket = manager.socket()
        socket.connect()
        await socket.connected()
        return manager, socket
"""


def run_program(rest: str, server: Server) -> tuple[float, str]:
    """Run a program to its end: the seconds that its interpreter took for it, and what it said."""
    text = textwrap.dedent(PROGRAM) + textwrap.dedent(rest)
    process = subprocess.Popen(
        [sys.executable, "-c", text, server.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    start = time.monotonic()
    said, complaints = process.communicate(timeout=30)
    took = time.monotonic() - start
    assert (process.returncode, complaints) == (0, ""), complaints
    return took, line + said


@pytest.mark.parametrize(
    "end",
    [
        # The loop is gone, the session is not.
        "kept = asyncio.run(main())\nprint('end', flush=True)",
        # Neither is closed, and events are on their way.
        """
        loop = asyncio.new_event_loop()
        kept = loop.run_until_complete(main())
        kept[1].emit("burst", 20_000)
        print("end", flush=True)
        """,
        # An outcome is awaited, and the interpreter ends inside of the loop.
        """
        async def end():
            kept = await main()
            waiting = asyncio.ensure_future(kept[1].emit_with_ack("silence"))
            await asyncio.sleep(0)
            print("end", flush=True)
            sys.exit(0)

        asyncio.run(end())
        """,
        # Forgotten at the last moment.
        "kept = asyncio.run(main())\nprint('end', flush=True)\ndel kept",
    ],
)
def test_the_interpreter_ends_with_a_live_session(server: Server, end: str) -> None:
    took, said = run_program(end, server)
    assert said == "end\n"
    assert took < 1 + BUSY


#: What a busy machine adds to the end of an interpreter.
BUSY = 4.0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_ends_and_disturbs_nothing(server: Server) -> None:
    # No loop is open at the fork: a child that ends closes its copy, and asyncio's epoll is shared.
    program = """
        manager, socket = asyncio.run(main())
        child = os.fork()
        if child == 0:
            try:
                socket.emit("echo")
            except roamio.CallError as error:
                print(error.code.name, flush=True)
            sys.exit(0)
        _, status = os.waitpid(child, 0)

        async def end():
            print(status, *await socket.emit_with_ack("ack", "parent"), flush=True)
            await socket.close()

        asyncio.run(end())
    """
    _, said = run_program(program, server)
    assert said == "INVALID_STATE\n0 parent\n"
