"""The standard test server on python-socketio, by uvicorn or aiohttp: argv[1].

argv[2] holds the options as JSON, in the words of ../server.js, which tells what the server does.
"""

import asyncio
import json
import os
import socket
import sys
import threading
import urllib.parse

import socketio

FLAVOUR = sys.argv[1]
OPTIONS = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
NAMESPACES = ["/", "/chat", "/admin", "/deny", "/deny-plain", "/private", "/slow", "/gated"]
NAMESPACES += [f"/many/{number}" for number in range(200)]


def log(kind, **what):
    if kind != "request" or "request" in OPTIONS.get("log", []):
        os.write(1, (json.dumps({"log": kind, **what}) + "\n").encode())


def chosen():
    names = {
        "pingInterval": ("ping_interval", lambda ms: ms / 1000),
        "pingTimeout": ("ping_timeout", lambda ms: ms / 1000),
        "maxHttpBufferSize": ("max_http_buffer_size", int),
        "transports": ("transports", list),
        "allowUpgrades": ("allow_upgrades", bool),
        "cookie": ("cookie", lambda on: "io" if on else None),
    }
    found = {}
    for option, (name, convert) in names.items():
        if option in OPTIONS:
            found[name] = convert(OPTIONS[option])
    return found


sio = socketio.AsyncServer(
    async_mode="asgi" if FLAVOUR == "uvicorn" else "aiohttp", namespaces=NAMESPACES, **chosen()
)
handshakes = {}
ledgers = {}
gate = asyncio.Event()


def pattern(length):
    return bytes(i % 256 for i in range(length))


def behave(namespace):
    """Register what all namespaces do."""

    def on(name):
        return lambda handler: sio.on(name, handler, namespace=namespace)

    async def emit(sid, name, *args, **more):
        await sio.emit(name, args, to=sid, namespace=namespace, **more)

    @on("connect")
    async def connect(sid, environ, auth=None):
        if namespace == "/deny":
            raise socketio.exceptions.ConnectionRefusedError(
                "denied", {"code": "E42", "list": [1, 2]}
            )
        if namespace == "/deny-plain":
            raise socketio.exceptions.ConnectionRefusedError("denied plainly")
        if namespace == "/private" and (auth or {}).get("token") != "secret":
            raise socketio.exceptions.ConnectionRefusedError("not authorized", {"code": "E1"})
        if namespace == "/slow":
            await asyncio.sleep(OPTIONS.get("slow", 500) / 1000)
        if namespace == "/gated":
            await gate.wait()
        query = dict(urllib.parse.parse_qsl(environ["QUERY_STRING"], keep_blank_values=True))
        headers = {
            name[5:].lower().replace("_", "-"): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        handshakes[sid] = {"auth": auth, "query": query, "headers": headers}
        log("join", namespace=namespace, id=sid)

    @on("disconnect")
    async def disconnect(sid, reason):
        handshakes.pop(sid, None)
        log("leave", namespace=namespace, id=sid, reason=reason)

    @on("echo")
    async def echo(sid, *args):
        await emit(sid, "echo", *args)
        return args

    @on("ack")
    async def ack(sid, *args):
        return args

    @on("late")
    async def late(sid, milliseconds, *args):
        await asyncio.sleep(milliseconds / 1000)
        return args

    @on("ask")
    async def ask(sid, *args):
        async def answered(*answer):
            await emit(sid, "answered", *answer)

        await emit(sid, "question", *args, callback=answered)

    @on("pushbin")
    async def pushbin(sid, *lengths):
        await emit(sid, "pushbin", *[pattern(length) for length in lengths])

    @on("mixed")
    async def mixed(sid, number):
        await emit(sid, "text", number)
        await emit(sid, "binary", number, {"deep": [pattern(2), pattern(0)]})
        await emit(sid, "text", number + 1)

    @on("burst")
    async def burst(sid, count, chunk=None, pause=0):
        for number in range(count):
            await emit(sid, "tick", number)
            if chunk and number % chunk == chunk - 1:
                await asyncio.sleep(pause / 1000)

    @on("mark")
    async def mark(sid, run, number):
        ledgers.setdefault(run, []).append(number)

    @on("ledger")
    async def ledger(sid, run):
        return ledgers.get(run, [])

    @on("who")
    async def who(sid):
        return sid, handshakes[sid]["auth"]

    @on("handshake")
    async def handshake(sid):
        engine = sio.manager.eio_sid_from_sid(sid, namespace)
        transport = sio.transport(sid, namespace)
        return {**handshakes[sid], "transport": transport, "id": sid, "engine": engine}

    @on("kick")
    async def kick(sid):
        await sio.disconnect(sid, namespace=namespace)

    @on("kill-connection")
    async def kill_connection(sid):
        await sio.eio.disconnect(sio.manager.eio_sid_from_sid(sid, namespace))

    @on("raw")
    async def raw(sid, data):
        await sio.eio.send(sio.manager.eio_sid_from_sid(sid, namespace), data)

    @on("gate")
    async def open_gate(sid):
        gate.set()
        gate.clear()

    for name in ("silence", "gust"):
        on(name)(nothing)


async def nothing(sid, *args):
    # No answer, and neither an empty one: an ack that somebody waits for never comes.
    await asyncio.Event().wait()


for namespace in NAMESPACES:
    behave(namespace)

_engine_closed = sio.eio.handlers["disconnect"]


async def engine_closed(sid, reason):
    log("close", id=sid, reason=reason)
    await _engine_closed(sid, reason)


sio.eio.on("disconnect", engine_closed)


def request(method, path, query, headers, upgrade):
    """Log a request; whether it is to be refused."""
    query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
    log("request", method=method, path=path, query=query, headers=headers, upgrade=upgrade)
    return query.get("refuse") is not None and query["refuse"] == query.get("transport")


def listen():
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", OPTIONS.get("port", 0)))
    listener.listen(1024)
    return listener


def ready(listener):
    os.write(1, (json.dumps({"port": listener.getsockname()[1]}) + "\n").encode())


PATH = OPTIONS.get("path", "/socket.io/").strip("/")


async def by_uvicorn():
    import uvicorn

    inner = socketio.ASGIApp(sio, socketio_path=PATH)

    async def app(scope, receive, send):
        if scope["type"] in ("http", "websocket"):
            headers = {name.decode(): value.decode("latin1") for name, value in scope["headers"]}
            upgrade = scope["type"] == "websocket"
            query = scope["query_string"].decode()
            if request(scope.get("method", "GET"), scope["path"], query, headers, upgrade):
                if upgrade:
                    await send({"type": "websocket.close"})
                    return
                start = {"type": "http.response.start", "status": 403, "headers": []}
                await send(start)
                await send({"type": "http.response.body", "body": b"refused as asked"})
                return
        await inner(scope, receive, send)

    listener = listen()
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.005)
    ready(listener)
    await serving


async def by_aiohttp():
    from aiohttp import web

    @web.middleware
    async def middleware(req, handler):
        headers = {name.lower(): value for name, value in req.headers.items()}
        upgrade = "upgrade" in headers
        if request(req.method, req.path, req.query_string, headers, upgrade):
            return web.Response(status=403, text="refused as asked")
        return await handler(req)

    app = web.Application(middlewares=[middleware])
    sio.attach(app, socketio_path=PATH)
    runner = web.AppRunner(app)
    await runner.setup()
    listener = listen()
    await web.SockSite(runner, listener).start()
    ready(listener)
    await asyncio.Event().wait()


def end_with_input():
    sys.stdin.buffer.read()
    os._exit(0)


threading.Thread(target=end_with_input, daemon=True).start()
asyncio.run(by_uvicorn() if FLAVOUR == "uvicorn" else by_aiohttp())
