//! The protocol core alone: frame to event, emit to frame. `cargo bench --bench core`

#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

mod support;

use std::hint::black_box;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use roamio::config::{Endpoint, ManagerConfig, SocketOptions};
use roamio::payload::Outgoing;
use roamio::proto::io::{
    Command, Cookies, Event, Input, Offline, SocketEvent, SocketId, Transmit, WireId,
};
use roamio::proto::stack::Stack;
use roamio::proto::time::{Now, Timestamp};
use support::{Counting, event_args, measure};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const MESSAGES: u64 = 50_000;
const SOCKET: SocketId = SocketId(1);

fn text(frame: Bytes) -> Input {
    Input::Text { wire: WireId(1), frame }
}

/// A stack with one joined namespace.
fn joined() -> Stack {
    let (endpoint, _) = Endpoint::parse("http://127.0.0.1:1").unwrap();
    let mut stack = Stack::manager(Arc::new(ManagerConfig::new(endpoint)), 1);
    let now = Now { mono: Timestamp(1), wall: 0 };
    stack.handle_command(
        Command::Attach {
            socket: SOCKET,
            namespace: "/".into(),
            options: SocketOptions::default(),
        },
        now,
    );
    stack.handle_command(Command::Connect { socket: SOCKET, auth: None }, now);
    let open = r#"0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;
    for input in [
        Input::Connected { wire: WireId(1), local: None, cookies: Cookies::default() },
        text(Bytes::from_static(open.as_bytes())),
        text(Bytes::from_static(br#"40{"sid":"b"}"#)),
    ] {
        stack.handle_input(input, now);
    }
    while stack.poll_transmit().is_some() {}
    while stack.poll_event().is_some() {}
    stack
}

fn main() {
    println!("protocol core, per message            ns   allocations   payload copies");
    for size in [64, 4096] {
        inbound(size);
        outbound(size);
    }
}

fn inbound(size: usize) {
    let mut stack = joined();
    let now = Now { mono: Timestamp(2), wall: 0 };
    let args = event_args(size);
    let frame = Bytes::from(format!(r#"42["text",{}"#, &args[1..]));
    let start = frame.as_ptr() as usize;
    let argument = frame.windows(1).position(|byte| byte == b"{").unwrap();
    let mut copies = 0;
    let figures = measure(MESSAGES, || {
        let mut events = 0;
        for _ in 0..MESSAGES {
            stack.handle_input(text(frame.clone()), now);
            while let Some(event) = stack.poll_event() {
                let Event::Socket(_, SocketEvent::Event { payload, .. }) = &event else {
                    unreachable!("{event:?}")
                };
                let at = payload.arg_bytes(0).unwrap().as_ptr() as usize;
                copies += u64::from(at != start + argument);
                black_box(payload);
                events += 1;
            }
        }
        assert_eq!(events, MESSAGES);
    });
    report("in", frame.len(), &figures, copies);
}

fn outbound(size: usize) {
    let mut stack = joined();
    let now = Now { mono: Timestamp(2), wall: 0 };
    let args = event_args(size);
    let mut pool = BytesMut::with_capacity(1 << 16);
    let mut copies = 0;
    let mut length = 0;
    let figures = measure(MESSAGES, || {
        let mut frames = 0;
        for _ in 0..MESSAGES {
            let event = Outgoing::event(&mut pool, "/", "text", &args, Vec::new()).unwrap();
            let written = event.json().as_ptr();
            let command = Command::Emit {
                socket: SOCKET,
                event,
                request: None,
                timeout_ms: None,
                offline: Offline::Wait,
            };
            stack.handle_command(command, now);
            while let Some(transmit) = stack.poll_transmit() {
                let Transmit::Text { frame, .. } = transmit else { unreachable!() };
                copies += u64::from(frame[2..].as_ptr() != written);
                length = frame.len();
                frames += 1;
            }
        }
        assert_eq!(frames, MESSAGES);
    });
    report("out", length, &figures, copies);
}

fn report(direction: &str, bytes: usize, figures: &support::Figures, copies: u64) {
    println!(
        "{direction:>4} {bytes:>6} bytes          {:>10.0}   {:>11.3}   {:>14}",
        figures.nanoseconds,
        figures.allocations,
        copies / MESSAGES
    );
}
