//! The bytes below HTTP and WebSocket: TCP with a count of what arrived, with or without TLS above it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_native_tls::TlsStream;

/// The bytes that have arrived on a connection and nobody has asked for. It counts below TLS, so
/// that a big TLS record that arrives slowly shows as life.
#[derive(Clone, Debug, Default)]
pub(crate) struct ByteCount(Arc<AtomicU64>);

impl ByteCount {
    /// Whether bytes have arrived since the last call.
    pub(crate) fn take(&self) -> bool {
        self.0.swap(0, Ordering::Relaxed) != 0
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

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

/// What HTTP and WebSocket run on.
#[derive(Debug)]
pub(crate) struct Stream {
    transport: Transport,
    /// What was read too far, and comes first.
    unread: Bytes,
}

#[derive(Debug)]
enum Transport {
    Plain(CountedTcp),
    Tls(Box<TlsStream<CountedTcp>>),
}

impl Stream {
    pub(crate) const fn plain(tcp: CountedTcp) -> Self {
        Self { transport: Transport::Plain(tcp), unread: Bytes::new() }
    }

    pub(crate) fn tls(tls: TlsStream<CountedTcp>) -> Self {
        Self { transport: Transport::Tls(Box::new(tls)), unread: Bytes::new() }
    }

    /// Give back what was read too far.
    pub(crate) fn unread(&mut self, bytes: Bytes) {
        self.unread = bytes;
    }
}

/// What a TLS record holds at most, in bytes.
const RECORD: usize = 16 << 10;

/// The first record's worth of these pieces.
fn gather(pieces: &[IoSlice<'_>]) -> Vec<u8> {
    let mut record = Vec::with_capacity(RECORD);
    for piece in pieces {
        let fits = piece.len().min(RECORD - record.len());
        record.extend_from_slice(&piece[..fits]);
    }
    record
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        if !stream.unread.is_empty() {
            let fits = stream.unread.len().min(buffer.remaining());
            buffer.put_slice(&stream.unread.split_to(fits));
            return Poll::Ready(Ok(()));
        }
        match &mut stream.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Transport::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
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

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().transport {
            Transport::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, pieces),
            Transport::Tls(stream) => match pieces.iter().find(|piece| !piece.is_empty()) {
                // Each write is a record of its own, so small pieces share one. A write that has to
                // wait comes again with the same bytes in front.
                Some(piece) if piece.len() < RECORD => {
                    let record = gather(pieces);
                    Pin::new(stream).poll_write(cx, &record)
                }
                piece => Pin::new(stream).poll_write(cx, piece.map_or(&[], |piece| piece)),
            },
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
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
