//! An open connection: frames, signs of life, ends, and a peer that does not read.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::server::{accept, agreement, endpoint, listen, read_head};
use super::task::LONG;
use crate::config::{CommonConfig, Limits};
use crate::driver::clock;
use crate::driver::dial::Dialer;
use crate::driver::hangup::hang_up;
use crate::driver::lifeline::Finish;
use crate::driver::resolve::Resolver;
use crate::driver::runtime::Runtime;
use crate::driver::wire::Wire;
use crate::error::{Code, Error};
use crate::proto::io::{Input, WireId};

/// A wire and the raw TCP stream at its other end.
async fn pair(limits: Limits) -> (Wire, TcpStream) {
    let (tell, mut told) = mpsc::unbounded_channel();
    let address = listen(move |mut stream| {
        let tell = tell.clone();
        async move {
            accept(&mut stream).await;
            tell.send(stream).expect("the test listens");
        }
    })
    .await;
    let common = CommonConfig { limits, ..CommonConfig::default() };
    let dialer = Arc::new(Dialer::new(common, Resolver::system()));
    let endpoint = Arc::new(endpoint(false, "127.0.0.1", address));
    let mut wire = Wire::dial(WireId(7), &dialer, endpoint, "/".into(), Arc::new([]));
    let reached = next(&mut wire).await;
    assert!(matches!(reached, Input::Reached { wire: WireId(7), connect_ms: 0..1_000 }));
    let connected = next(&mut wire).await;
    assert!(matches!(connected, Input::Connected { wire: WireId(7), local: Some(_), .. }));
    (wire, told.recv().await.expect("a connection"))
}

/// The same with WebSocket at the other end.
async fn websockets(limits: Limits) -> (Wire, WebSocketStream<TcpStream>) {
    let (wire, stream) = pair(limits).await;
    (wire, WebSocketStream::from_raw_socket(stream, Role::Server, None).await)
}

/// The next input, in the order in which the task asks.
pub(super) async fn next(wire: &mut Wire) -> Input {
    poll_fn(|cx| {
        loop {
            match wire.poll(cx, true) {
                Poll::Ready(Some(input)) => return Poll::Ready(input),
                Poll::Ready(None) => {}
                Poll::Pending => return wire.activity().map_or(Poll::Pending, Poll::Ready),
            }
        }
    })
    .await
}

async fn end(wire: &mut Wire) -> Error {
    loop {
        match next(wire).await {
            Input::Closed { error, .. } => return error,
            Input::Activity { .. } => {}
            other => panic!("unexpected {other:?}"),
        }
    }
}

/// Queue and write texts; what changed.
async fn send(wire: &mut Wire, texts: &[&'static str]) -> Vec<Input> {
    poll_fn(|cx| {
        let frames = texts.iter().map(|text| Bytes::from_static(text.as_bytes()));
        let mut changes: Vec<_> = frames.filter_map(|frame| wire.send_text(cx, frame)).collect();
        changes.extend(wire.flush(cx));
        Poll::Ready(changes)
    })
    .await
}

#[tokio::test]
async fn frames_go_both_ways_in_order() {
    let (mut wire, mut peer) = websockets(Limits::default()).await;
    assert!(send(&mut wire, &["one", "zwölf"]).await.is_empty());
    assert_eq!(peer.next().await.expect("open").expect("a frame"), Message::text("one"));
    assert_eq!(peer.next().await.expect("open").expect("a frame"), Message::text("zwölf"));
    let binary = poll_fn(|cx| {
        assert!(wire.send_binary(cx, Bytes::from_static(b"\xff\0")).is_none());
        Poll::Ready(wire.flush(cx))
    });
    assert!(binary.await.is_none());
    let received = peer.next().await.expect("open").expect("a frame");
    assert_eq!(received, Message::binary(&b"\xff\0"[..]));
    peer.feed(Message::text("a")).await.expect("open");
    peer.send(Message::binary(&b"b"[..])).await.expect("open");
    assert!(matches!(next(&mut wire).await, Input::Text { frame, .. } if frame == "a"));
    assert!(matches!(next(&mut wire).await, Input::Binary { frame, .. } if frame == "b"));
    assert_eq!(wire.unsent(), Default::default());
}

#[tokio::test]
async fn frames_that_come_with_the_servers_head_are_not_lost_however_its_lines_end() {
    type Spell = fn(String) -> String;
    let spellings: [Spell; 3] = [
        |head| head,
        |head| head.replace("\r\n", "\n"),
        |head| format!("\r\n{}\n\r\n", head.trim_end().replace("\r\n", "\n")),
    ];
    for spell in spellings {
        let address = listen(move |mut stream| async move {
            let head = read_head(&mut stream).await;
            let mut answer = spell(agreement(&head, "")).into_bytes();
            answer.extend_from_slice(b"\x81\x03one\x81\x03two");
            stream.write_all(&answer).await.expect("the client reads");
            let _ = stream.read_to_end(&mut Vec::new()).await;
        })
        .await;
        let dialer = Arc::new(Dialer::new(CommonConfig::default(), Resolver::system()));
        let endpoint = Arc::new(endpoint(false, "127.0.0.1", address));
        let mut wire = Wire::dial(WireId(7), &dialer, endpoint, "/".into(), Arc::new([]));
        assert!(matches!(next(&mut wire).await, Input::Reached { .. }));
        assert!(matches!(next(&mut wire).await, Input::Connected { .. }));
        for text in ["one", "two"] {
            let frame = tokio::time::timeout(LONG, next(&mut wire)).await.expect("not lost");
            assert!(matches!(&frame, Input::Text { frame, .. } if frame == text), "{frame:?}");
        }
    }
}

#[tokio::test]
async fn an_unfinished_frame_is_a_sign_of_life_until_it_is_whole() {
    let (mut wire, mut peer) = pair(Limits::default()).await;
    peer.write_all(b"\x81\x06abc").await.expect("open");
    let partial = next(&mut wire).await;
    assert!(matches!(partial, Input::Activity { partial: true, pong: false, .. }), "{partial:?}");
    peer.write_all(b"def").await.expect("open");
    assert!(matches!(next(&mut wire).await, Input::Text { frame, .. } if frame == "abcdef"));
    peer.write_all(b"\x01\x01x").await.expect("open");
    let fragment = next(&mut wire).await;
    assert!(matches!(fragment, Input::Activity { partial: true, pong: false, .. }));
    peer.write_all(b"\x80\x01y").await.expect("open");
    assert!(matches!(next(&mut wire).await, Input::Text { frame, .. } if frame == "xy"));
}

#[tokio::test]
async fn pings_are_answered_and_told_once_per_wake_up() {
    let (mut wire, mut peer) = pair(Limits::default()).await;
    peer.write_all(b"\x89\x01a\x89\x01b\x89\x01c").await.expect("open");
    let ping = next(&mut wire).await;
    assert!(matches!(ping, Input::Activity { partial: false, pong: false, .. }), "{ping:?}");
    let quiet = poll_fn(|cx| Poll::Ready(wire.poll(cx, true).is_pending())).await;
    assert!(quiet && wire.activity().is_none());
    let mut pong = [0; 7];
    peer.read_exact(&mut pong).await.expect("an answer");
    assert_eq!(pong[..2], [0x8a, 0x81]);

    poll_fn(|cx| {
        assert!(wire.send_ping(cx).is_none());
        assert!(wire.flush(cx).is_none());
        Poll::Ready(())
    })
    .await;
    peer.write_all(b"\x8a\0").await.expect("open");
    let pong = next(&mut wire).await;
    assert!(matches!(pong, Input::Activity { partial: false, pong: true, .. }), "{pong:?}");
}

#[tokio::test]
async fn every_way_to_close_has_its_error() {
    let (mut wire, mut peer) = websockets(Limits::default()).await;
    let frame = CloseFrame { code: CloseCode::Away, reason: "".into() };
    peer.close(Some(frame)).await.expect("open");
    let error = end(&mut wire).await;
    assert_eq!((error.code(), error.close_code()), (Code::EngineClosed, Some(1001)));

    let (mut wire, mut peer) = websockets(Limits::default()).await;
    peer.close(None).await.expect("open");
    let error = end(&mut wire).await;
    assert_eq!((error.code(), error.close_code()), (Code::EngineClosed, None));

    let (mut wire, mut peer) = pair(Limits::default()).await;
    peer.shutdown().await.expect("open");
    let error = end(&mut wire).await;
    assert_eq!((error.code(), error.close_code()), (Code::EngineClosed, None));

    let (mut wire, peer) = pair(Limits::default()).await;
    socket2::SockRef::from(&peer).set_linger(Some(Duration::ZERO)).expect("can be set");
    drop(peer);
    assert_eq!(end(&mut wire).await.code(), Code::NetworkLost);
}

#[tokio::test]
async fn what_came_before_a_reset_is_read_although_writing_fails() {
    let (mut wire, mut peer) = pair(Limits::default()).await;
    peer.write_all(b"\x81\x05reply").await.expect("open");
    // Unread bytes make the close a reset.
    assert!(send(&mut wire, &["x"]).await.is_empty());
    peer.readable().await.expect("they arrived");
    drop(peer);
    while !wire.is_broken() {
        send(&mut wire, &["y"]).await;
        tokio::task::yield_now().await;
    }
    assert!(matches!(next(&mut wire).await, Input::Text { frame, .. } if frame == "reply"));
    assert_eq!(end(&mut wire).await.code(), Code::NetworkLost);
}

#[tokio::test]
async fn a_message_over_the_limit_ends_the_link_before_memory_is_taken() {
    let limits = Limits { inbound_message: 1_000, ..Limits::default() };
    let huge = |length: u64| [&b"\x82\x7f"[..], &length.to_be_bytes()].concat();
    let endless: Vec<u8> = std::iter::once(b"\x02\x64".to_vec())
        .chain(std::iter::repeat_n(b"\0\x64".to_vec(), 10))
        .flat_map(|header| [header, vec![b'x'; 100]].concat())
        .collect();
    for bytes in [huge(1 << 40), huge(1 << 63), huge(u64::MAX), endless] {
        let (mut wire, mut peer) = pair(limits.clone()).await;
        peer.write_all(&bytes).await.expect("open");
        assert_eq!(end(&mut wire).await.code(), Code::PayloadLimit);
    }
    let (mut wire, mut peer) = pair(limits).await;
    let most = [&b"\x82\x7e\x03\xe8"[..], &[b'x'; 1_000]].concat();
    peer.write_all(&most).await.expect("open");
    assert!(matches!(next(&mut wire).await, Input::Binary { frame, .. } if frame.len() == 1_000));
}

#[tokio::test]
async fn frames_against_the_rules_are_websocket_errors() {
    let cases: [&[u8]; 9] = [
        b"\x81\x81\0\0\0\0x",  // masked
        b"\xc1\x01x",          // compressed, which nobody agreed to
        b"\x83\0",             // unknown opcode
        b"\x8b\0",             // unknown control opcode
        b"\x80\x01x",          // continues nothing
        b"\x01\x01x\x81\x01y", // a new message inside of a fragmented one
        b"\x09\0",             // fragmented control frame
        b"\x89\x7e\0\x7e",     // control frame of 126 bytes
        b"\x81\x02\xc3\x28",   // not UTF-8
    ];
    for bytes in cases {
        let (mut wire, mut peer) = pair(Limits::default()).await;
        peer.write_all(&[bytes, &[0; 126]].concat()).await.expect("open");
        assert_eq!(end(&mut wire).await.code(), Code::Websocket, "{bytes:x?}");
    }
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_told_and_gets_everything_later() {
    let (mut wire, peer) = pair(Limits::default()).await;
    let block = Bytes::from(vec![b'x'; 64 << 10]);
    let mut sent = 0;
    loop {
        sent += 1;
        let change = poll_fn(|cx| {
            let change = wire.send_binary(cx, block.clone());
            Poll::Ready(change.or_else(|| wire.flush(cx)))
        })
        .await;
        match change {
            None => assert!(sent < 1_000, "64 MiB do not fit in between"),
            Some(Input::Writable { writable: false, wire: WireId(7) }) => break,
            Some(other) => panic!("unexpected {other:?}"),
        }
    }
    assert!(wire.unsent().bytes > 0);
    assert!(send(&mut wire, &["urgent"]).await.is_empty(), "it is told once");

    let reader = tokio::spawn(async move {
        let mut peer = WebSocketStream::from_raw_socket(peer, Role::Server, None).await;
        let mut blocks = 0;
        while let Some(Ok(message)) = peer.next().await {
            match message {
                Message::Binary(received) => {
                    assert_eq!(received.len(), block.len());
                    blocks += 1;
                }
                other => return (blocks, other),
            }
        }
        panic!("the connection ended");
    });
    let change = poll_fn(|cx| wire.flush(cx).map_or(Poll::Pending, Poll::Ready)).await;
    assert!(matches!(change, Input::Writable { writable: true, .. }), "{change:?}");
    assert_eq!(wire.unsent(), Default::default());
    assert_eq!(reader.await.expect("no panic"), (sent, Message::text("urgent")));
}

#[tokio::test]
async fn a_peer_that_never_reads_cannot_pile_up_memory() {
    let (mut wire, _peer) = pair(Limits { wire_queue_bytes: 1_000, ..Limits::default() }).await;
    let block = Bytes::from(vec![b'x'; 16 << 10]);
    for sent in 0.. {
        assert!(sent < 10_000, "160 MiB do not fit in between");
        if wire.is_broken() {
            break;
        }
        poll_fn(|cx| {
            wire.send_binary(cx, block.clone());
            Poll::Ready(wire.flush(cx))
        })
        .await;
    }
    let error = end(&mut wire).await;
    assert_eq!(
        (error.code(), error.message()),
        (Code::NetworkLost, "connection: the server does not read")
    );
}

#[tokio::test]
async fn hanging_up_loses_nothing_although_the_peer_is_talking() {
    let (mut wire, mut peer) = websockets(Limits::default()).await;
    let said = peer.send(Message::binary(vec![0; 100 << 10]));
    said.await.expect("fits in the buffers");
    assert!(send(&mut wire, &["last word"]).await.is_empty());
    let finish = Arc::new(Finish::default());
    let lifeline = finish.lifeline(Runtime::of_caller(tokio::runtime::Handle::current()));
    let goodbye = tokio::spawn(hang_up(wire.goodbye(Vec::new()).expect("open"), lifeline));
    let received = peer.next().await.expect("open").expect("a frame");
    assert_eq!(received, Message::text("last word"));
    assert!(!finish.wait(Duration::ZERO), "the socket is still open");
    let close = peer.next().await.expect("open").expect("a frame");
    assert_eq!(close, Message::Close(None));
    assert!(peer.next().await.is_none(), "no reset");
    drop(peer);
    goodbye.await.expect("no panic");
    assert!(finish.wait(Duration::ZERO));
}

#[tokio::test]
async fn a_peer_that_does_not_answer_the_close_is_left_soon() {
    let (wire, _peer) = pair(Limits::default()).await;
    let finish = Arc::new(Finish::default());
    let lifeline = finish.lifeline(Runtime::of_caller(tokio::runtime::Handle::current()));
    let start = clock::now().mono;
    hang_up(wire.goodbye(Vec::new()).expect("open"), lifeline).await;
    let passed = clock::now().mono.since(start);
    assert!((350..900).contains(&passed), "{passed} ms");
}

#[tokio::test]
async fn a_link_that_may_not_be_read_keeps_what_arrives() {
    let (mut wire, mut peer) = pair(Limits::default()).await;
    peer.write_all(b"\x81\x01x").await.expect("open");
    assert!(poll_fn(|cx| Poll::Ready(wire.poll(cx, false).is_pending())).await);
    assert!(wire.activity().is_none());
    assert!(matches!(next(&mut wire).await, Input::Text { frame, .. } if frame == "x"));
}
