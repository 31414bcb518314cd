//! The bytes below WebSocket: TCP with a count of what arrived, with or without TLS above it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_native_tls::TlsStream;

/// How many bytes have arrived on a connection. It counts below TLS, so that a big TLS record that
/// arrives slowly shows as life.
#[derive(Clone, Debug, Default)]
pub(crate) struct ByteCount(Arc<AtomicU64>);

impl ByteCount {
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A TCP stream that counts what it reads.
#[derive(Debug)]
pub(crate) struct CountedTcp {
    tcp: TcpStream,
    count: ByteCount,
}

impl CountedTcp {
    pub(crate) fn new(tcp: TcpStream) -> (Self, ByteCount) {
        let count = ByteCount::default();
        (Self { tcp, count: count.clone() }, count)
    }
}

impl AsyncRead for CountedTcp {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.tcp).poll_read(cx, buffer);
        let read = buffer.filled().len() - before;
        self.count.0.fetch_add(read as u64, Ordering::Relaxed);
        result
    }
}

impl AsyncWrite for CountedTcp {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

/// What WebSocket runs on.
///
/// Until the head of the handshake's answer has been read, nothing behind it is given out. So the
/// handshake keeps no bytes to itself, and what follows can have read buffers of its own.
#[derive(Debug)]
pub(crate) struct Stream {
    transport: Transport,
    /// How far the head has been given out.
    head: Head,
    /// What came right behind the head.
    held: BytesMut,
}

#[derive(Debug)]
enum Transport {
    Plain(CountedTcp),
    Tls(Box<TlsStream<CountedTcp>>),
}

/// Finds the first empty line of an HTTP head. A line may end without a carriage return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Head {
    /// Nothing but line ends so far, which do not count.
    Before,
    InLine,
    LineStart,
    /// Behind a carriage return at the start of a line.
    Return,
    Over,
}

impl Head {
    const fn next(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Before, b'\r' | b'\n') => Self::Before,
            (Self::LineStart | Self::Return, b'\n') | (Self::Over, _) => Self::Over,
            (_, b'\n') => Self::LineStart,
            (Self::LineStart, b'\r') => Self::Return,
            _ => Self::InLine,
        }
    }
}

impl Stream {
    pub(crate) fn plain(tcp: CountedTcp) -> Self {
        Self::new(Transport::Plain(tcp))
    }

    pub(crate) fn tls(tls: TlsStream<CountedTcp>) -> Self {
        Self::new(Transport::Tls(Box::new(tls)))
    }

    fn new(transport: Transport) -> Self {
        Self { transport, head: Head::Before, held: BytesMut::new() }
    }

    /// Hold back what is behind the head.
    fn hold(&mut self, buffer: &mut ReadBuf<'_>, before: usize) {
        let read = &buffer.filled()[before..];
        for (index, byte) in read.iter().enumerate() {
            self.head = self.head.next(*byte);
            if self.head == Head::Over {
                self.held.extend_from_slice(&read[index + 1..]);
                return buffer.set_filled(before + index + 1);
            }
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        if !stream.held.is_empty() {
            let fits = stream.held.len().min(buffer.remaining());
            buffer.put_slice(&stream.held.split_to(fits));
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let read = match &mut stream.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Transport::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        };
        if stream.head != Head::Over {
            stream.hold(buffer, before);
        }
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().transport {
            Transport::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Transport::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().transport {
            Transport::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Transport::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().transport {
            Transport::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Transport::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
