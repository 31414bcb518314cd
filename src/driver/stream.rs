//! The bytes below HTTP and WebSocket: TCP with a count of what arrived, with or without TLS above it.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::driver::tls::{self, TlsStream};
use crate::error::Result;

/// The bytes that have arrived on a connection and nobody has asked for. It counts below TLS, so
/// that a big TLS record that arrives slowly shows as life.
#[derive(Clone, Debug, Default)]
pub(crate) struct ByteCount(Arc<AtomicU64>);

impl ByteCount {
    /// Whether bytes have arrived since the last call.
    pub(crate) fn take(&self) -> bool {
        self.0.swap(0, Ordering::Relaxed) != 0
    }

    fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// What is read ahead at most, in bytes.
const AHEAD: usize = 64 << 10;

/// A TCP stream that counts what it reads, and reads ahead while much comes: whoever reads from it
/// then does with a small buffer, which it keeps for ever. An idle stream keeps none.
#[derive(Debug)]
pub(crate) struct CountedTcp {
    tcp: TcpStream,
    count: ByteCount,
    ahead: BytesMut,
    /// The last read brought more than was asked for, or as much.
    busy: bool,
}

impl CountedTcp {
    pub(crate) fn new(tcp: TcpStream) -> (Self, ByteCount) {
        let count = ByteCount::default();
        (Self { tcp, count: count.clone(), ahead: BytesMut::new(), busy: false }, count)
    }

    /// Read what is there, and no more than is asked for.
    fn fill(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.tcp).poll_read(cx, buffer))?;
        self.count.add(buffer.filled().len() - before);
        self.busy = buffer.remaining() == 0;
        Poll::Ready(Ok(()))
    }

    /// Read what is there, of which `wanted` are asked for.
    fn read_ahead(&mut self, cx: &mut Context<'_>, wanted: usize) -> Poll<io::Result<()>> {
        self.ahead.clear();
        self.ahead.reserve(AHEAD);
        let polled = pin!(self.tcp.read_buf(&mut self.ahead)).poll(cx);
        self.busy = matches!(polled, Poll::Ready(Ok(read)) if read >= wanted);
        self.count.add(self.ahead.len());
        polled.map_ok(|_| ())
    }
}

impl AsyncRead for CountedTcp {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let mut polled = Poll::Ready(Ok(()));
        if this.ahead.is_empty() {
            if !this.busy || buffer.remaining() >= AHEAD {
                this.ahead = BytesMut::new();
                return this.fill(cx, buffer);
            }
            polled = this.read_ahead(cx, buffer.remaining());
        }
        let fits = this.ahead.len().min(buffer.remaining());
        buffer.put_slice(&this.ahead[..fits]);
        this.ahead.advance(fits);
        if this.ahead.is_empty() && !this.busy {
            this.ahead = BytesMut::new();
        }
        polled
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

/// What is wrong with the bytes that were read first.
type Check = fn(&[u8]) -> Result<()>;

/// What HTTP and WebSocket run on.
#[derive(Debug)]
pub(crate) struct Stream {
    transport: Transport,
    /// What was read too far, and comes first.
    unread: Bytes,
    /// What the next bytes have to pass.
    check: Option<Check>,
}

#[derive(Debug)]
enum Transport {
    Plain(CountedTcp),
    Tls(Box<TlsStream>),
}

impl Stream {
    pub(crate) const fn plain(tcp: CountedTcp) -> Self {
        Self { transport: Transport::Plain(tcp), unread: Bytes::new(), check: None }
    }

    pub(crate) fn tls(tls: TlsStream) -> Self {
        Self { transport: Transport::Tls(Box::new(tls)), unread: Bytes::new(), check: None }
    }

    /// The TCP connection below.
    pub(crate) fn tcp(&self) -> &TcpStream {
        match &self.transport {
            Transport::Plain(stream) => &stream.tcp,
            Transport::Tls(stream) => &tls::tcp(stream).tcp,
        }
    }

    /// Give back what was read too far.
    pub(crate) fn unread(&mut self, bytes: Bytes) {
        // Nothing may be the rest of a large buffer, which it would keep.
        self.unread = if bytes.is_empty() { Bytes::new() } else { bytes };
    }

    /// Let the next bytes pass a check, whose error comes in their place.
    pub(crate) const fn check_next(&mut self, check: Check) {
        self.check = Some(check);
    }

    fn read(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.unread.is_empty() {
            let fits = self.unread.len().min(buffer.remaining());
            buffer.put_slice(&self.unread.split_to(fits));
            return Poll::Ready(Ok(()));
        }
        match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Transport::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
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
        let before = buffer.filled().len();
        ready!(stream.read(cx, buffer))?;
        match stream.check.take() {
            Some(check) => Poll::Ready(check(&buffer.filled()[before..]).map_err(io::Error::other)),
            None => Poll::Ready(Ok(())),
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    async fn pair() -> (CountedTcp, ByteCount, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let address = listener.local_addr().expect("bound");
        let tcp = TcpStream::connect(address).await.expect("connects");
        let (tcp, count) = CountedTcp::new(tcp);
        (tcp, count, listener.accept().await.expect("connected").0)
    }

    #[tokio::test]
    async fn reading_ahead_changes_no_byte_and_keeps_no_memory() {
        let (mut tcp, count, mut peer) = pair().await;
        let sent: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
        let expected = sent.clone();
        let writer = tokio::spawn(async move {
            peer.write_all(&sent).await.expect("the other end reads");
            peer
        });
        let (mut received, mut was_ahead) = (Vec::new(), false);
        let mut buffer = vec![0; 100_000];
        while received.len() < expected.len() {
            // Now a few bytes, now a lot.
            let size = [4_096, 5, 4_096, 16_384, 4_096, 100_000][received.len() % 6];
            let read = tcp.read(&mut buffer[..size]).await.expect("open");
            received.extend_from_slice(&buffer[..read]);
            was_ahead |= !tcp.ahead.is_empty();
        }
        assert!(received == expected);
        assert!(was_ahead && count.take());
        let mut peer = writer.await.expect("no panic");
        let waits = poll_fn(|cx| {
            let mut buffer = ReadBuf::new(&mut buffer);
            Poll::Ready(Pin::new(&mut tcp).poll_read(cx, &mut buffer).is_pending())
        });
        assert!(waits.await);
        assert_eq!(tcp.ahead.capacity(), 0);
        assert!(!count.take());
        peer.write_all(b"last").await.expect("open");
        drop(peer);
        let mut last = Vec::new();
        tcp.read_to_end(&mut last).await.expect("in order");
        assert_eq!(last, b"last");
        assert!(count.take());
    }
}
