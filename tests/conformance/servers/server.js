// The standard test server on socket.io 2, 3 or 4, whichever NODE_PATH leads to.
//
// argv[2] holds the options as JSON: `port`, `host`, `tls` {cert, key: paths, and more of node}, `parser` "msgpack", `log` [kinds], `slow` ms, and those of
// Socket.IO itself. It writes one JSON object a line: first {"port": N}, then what `log` below tells. It ends with its input.
"use strict";

const fs = require("node:fs");
const socketio = require("socket.io");

const { port = 0, host = "127.0.0.1", tls, parser, log: kinds = [], slow = 500, ...options } = JSON.parse(process.argv[2] || "{}");

const log = (kind, what) => fs.writeSync(1, JSON.stringify({ log: kind, ...what }) + "\n");
const wanted = new Set(["open", "upgrade", "close", "join", "leave", ...kinds]);
const tell = (kind, what) => wanted.has(kind) && log(kind, what);

const http = tls
  ? require("node:https").createServer({ ...tls, cert: fs.readFileSync(tls.cert), key: fs.readFileSync(tls.key) })
  : require("node:http").createServer();

// Every request, before Socket.IO sees it.
const request = (upgrade) => (req) => {
  const query = Object.fromEntries(new URL(req.url, "http://host").searchParams);
  tell("request", { method: req.method, path: req.url.split("?")[0], query, headers: req.headers, upgrade });
};

if (parser === "msgpack") options.parser = require("socket.io-msgpack-parser");
// A handshake with ?refuse=polling or ?refuse=websocket is refused on that transport.
options.allowRequest = (req, answer) => {
  const query = new URL(req.url, "http://host").searchParams;
  const refused = query.has("refuse") && query.get("refuse") === query.get("transport");
  answer(refused ? "refused as asked" : null, !refused);
};
const io = socketio.Server ? new socketio.Server(http, options) : socketio(http, options);
// Engine.IO takes over the listeners that are there before it.
http.prependListener("request", request(false)).prependListener("upgrade", request(true));

io.engine.on("connection", (conn) => {
  const id = conn.id;
  tell("open", { id, transport: conn.transport.name });
  conn.on("upgrade", () => tell("upgrade", { id }));
  conn.on("close", (reason) => tell("close", { id, reason }));
  conn.on("packet", ({ type, data }) => tell("packet", { id, type, data }));
});

// Numbers that clients sent, by the name of the run.
const ledgers = new Map();
const ledger = (run) => ledgers.get(run) ?? ledgers.set(run, []).get(run);
const bytes = (length) => Buffer.from(Array.from({ length }, (_, i) => i));
const isFunction = (value) => typeof value === "function";

function behave(socket) {
  const { conn, nsp } = socket;
  const on = (name, handler) => socket.on(name, handler);
  tell("join", { namespace: nsp.name, id: socket.id, recovered: socket.recovered === true });
  on("disconnect", (reason) => tell("leave", { namespace: nsp.name, id: socket.id, reason }));

  // Back as it came, as an event and, if wanted, as an ack.
  on("echo", (...args) => {
    const ack = isFunction(args.at(-1)) ? args.pop() : undefined;
    socket.emit("echo", ...args);
    ack?.(...args);
  });
  on("ack", (...args) => args.pop()(...args));
  on("late", (ms, ...args) => setTimeout(() => args.pop()(...args), ms));
  on("silence", () => {});
  // Ask the client, and tell what it answered.
  on("ask", (...args) => socket.emit("question", ...args, (...answer) => socket.emit("answered", ...answer)));
  // Buffers of these lengths, in one event.
  on("pushbin", (...lengths) => socket.emit("pushbin", ...lengths.map(bytes)));
  // Text, binary, text.
  on("mixed", (n) => {
    socket.emit("text", n);
    socket.emit("binary", n, { deep: [bytes(2), bytes(0)] });
    socket.emit("text", n + 1);
  });
  on("burst", (count, chunk = count, pause = 0) => {
    let next = 0;
    const send = () => {
      for (const end = Math.min(count, next + chunk); next < end; next++) socket.emit("tick", next);
      if (next < count) setTimeout(send, pause);
      else tell("burst", { count });
    };
    send();
  });
  on("gust", (count) => {
    for (let i = 0; i < count; i++) socket.volatile.emit("gust", i);
  });
  on("mark", (run, number, ack) => {
    ledger(run).push(number);
    if (isFunction(ack)) ack();
  });
  on("ledger", (run, ack) => ack(ledger(run)));
  on("who", (ack) => ack(socket.id, socket.handshake.auth ?? null));
  on("handshake", (ack) => {
    const { auth = null, query, headers } = socket.handshake;
    const transport = conn.transport.name;
    ack({ auth, query, headers, transport, id: socket.id, engine: conn.id, recovered: socket.recovered === true });
  });
  on("kick", () => socket.disconnect());
  on("kick-close", () => socket.disconnect(true));
  on("kill-connection", () => conn.close());
  // The TCP connection is reset.
  on("cut", () => (conn.transport.socket?._socket ?? conn.transport.req?.socket)?.resetAndDestroy());
  // An Engine.IO message of any content.
  on("raw", (data) => conn.send(data));
  // Let in who waits at the gate.
  on("gate", (ack) => {
    for (const next of waiting) next();
    ack(waiting.length);
    waiting = [];
  });
}

const refuse = (message, data) => Object.assign(new Error(message), data && { data });
let waiting = [];
const doors = {
  "/": (socket, next) => next(),
  "/chat": (socket, next) => next(),
  "/admin": (socket, next) => next(),
  "/deny": (socket, next) => next(refuse("denied", { code: "E42", list: [1, 2] })),
  "/deny-plain": (socket, next) => next(refuse("denied plainly")),
  "/private": (socket, next) => {
    const { auth, query } = socket.handshake;
    next((auth?.token ?? query.token) === "secret" ? undefined : refuse("not authorized", { code: "E1" }));
  },
  "/slow": (socket, next) => setTimeout(next, slow),
  "/gated": (socket, next) => waiting.push(next),
};
for (const [name, door] of Object.entries(doors)) io.of(name).use(door).on("connection", behave);
io.of(/^\/many\/\d+$/).on("connection", behave);

http.listen(port, host, () => fs.writeSync(1, JSON.stringify({ port: http.address().port }) + "\n"));
process.stdin.on("end", () => process.exit(0)).resume();
