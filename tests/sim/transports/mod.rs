//! Long-polling, the upgrade to WebSocket, and the race between the two.

mod asked;
mod chaos;
mod polling;
mod race;
mod server;
mod upgrade;
mod world;
