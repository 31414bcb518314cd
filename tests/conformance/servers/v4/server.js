// A Socket.IO 4 server on a free port, which it prints. What it does for a client is in its name.
"use strict";

const { createServer } = require("node:http");
const { Server } = require("socket.io");

const http = createServer();
const io = new Server(http, { pingInterval: 25000, pingTimeout: 20000 });

function behave(socket) {
  // Back as it came, as an event and, if wanted, as an ack.
  socket.on("echo", (...args) => {
    const ack = typeof args.at(-1) === "function" ? args.pop() : undefined;
    socket.emit("echo", ...args);
    if (ack) ack(...args);
  });
  // Ask the client, and tell what it answered.
  socket.on("ask", (...args) => {
    socket.emit("question", ...args, (...answer) => socket.emit("answered", ...answer));
  });
  socket.on("burst", (count) => {
    for (let i = 0; i < count; i++) socket.emit("tick", i);
  });
  socket.on("silence", () => {});
  socket.on("who", (ack) => ack(socket.id, socket.handshake.auth));
  socket.on("leave", () => socket.disconnect());
  socket.on("cut", () => socket.conn.transport.socket?._socket?.resetAndDestroy());
}

io.on("connection", behave);
io.of("/chat").on("connection", behave);
io.of("/private")
  .use((socket, next) => {
    if (socket.handshake.auth.token === "secret") return next();
    const error = new Error("not authorized");
    error.data = { code: "E1" };
    next(error);
  })
  .on("connection", behave);
// Its middleware waits until a client of /chat opens the gate.
let waiting = [];
io.of("/slow")
  .use((socket, next) => waiting.push(next))
  .on("connection", behave);
io.of("/chat").on("connection", (socket) =>
  socket.on("gate", (ack) => {
    const held = waiting.length;
    for (const next of waiting) next();
    waiting = [];
    ack(held);
  }),
);

http.listen(0, "127.0.0.1", () => console.log(http.address().port));
// The test holds the other end; when it is gone, so are we.
process.stdin.on("end", () => process.exit(0)).resume();
