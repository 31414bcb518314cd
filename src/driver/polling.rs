//! A polling wire: one GET and one POST at a time, each on a connection of its own that is kept for
//! the next one of its kind.
//!
//! No request is sent twice: what breaks after its first byte may have left is told to the stack.
//! Only a kept connection that turns out closed before that is replaced by a new one, and one that
//! the server may be about to close.

use std::collections::VecDeque;
use std::future::{Future, ready as ready_now};
use std::io::IoSlice;
use std::mem;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::future::{MaybeDone, maybe_done};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::{Connection, SendRequest};
use hyper::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;

use crate::config::Endpoint;
use crate::driver::clock;
use crate::driver::dial::{Dialer, Progress, Reached};
use crate::driver::http;
use crate::driver::inbox::Waiting;
use crate::driver::stream::{ByteCount, Stream};
use crate::error::{Code, Error, Result};
use crate::log::log;
use crate::proto::io::{Exchange, HttpRequest, HttpResponse, Input, WireId};
use crate::proto::time::Timestamp;

const PHASE: &str = "polling";

/// The requests of a polling wire. Dropping it closes both connections.
pub(crate) struct Polling {
    wire: WireId,
    dialer: Arc<Dialer>,
    endpoint: Arc<Endpoint>,
    /// The first connection of the wire is told, the others are not.
    established: bool,
    post: Lane,
    poll: Lane,
}

impl Polling {
    pub(crate) fn new(wire: WireId, dialer: &Arc<Dialer>, endpoint: Arc<Endpoint>) -> Self {
        let (post, poll) = (Lane::Idle(None), Lane::Idle(None));
        Self { wire, dialer: Arc::clone(dialer), endpoint, established: false, post, poll }
    }

    /// Begin a request. One that cannot be sent at all is answered at once.
    pub(crate) fn request(&mut self, request: HttpRequest) -> Option<Input> {
        let exchange = request.exchange;
        let unsent = Waiting {
            events: usize::from(exchange == Exchange::Post),
            bytes: request.body.iter().map(Bytes::len).sum(),
        };
        let request = match encode(&self.endpoint, request) {
            Ok(request) => request,
            Err(error) => return Some(self.response(exchange, Err(error))),
        };
        let lane = match exchange {
            Exchange::Post => &mut self.post,
            Exchange::Poll => &mut self.poll,
        };
        lane.begin(&self.dialer, &self.endpoint, request, unsent);
        None
    }

    /// The next thing from the network.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Input> {
        for exchange in [Exchange::Post, Exchange::Poll] {
            let lane = match exchange {
                Exchange::Post => &mut self.post,
                Exchange::Poll => &mut self.poll,
            };
            let polled = lane.poll(cx);
            if let Some(step) = lane.take_step(self.wire)
                && !self.established
            {
                return Poll::Ready(step);
            }
            if let Poll::Ready(result) = polled {
                self.established = true;
                return Poll::Ready(self.response(exchange, result));
            }
        }
        Poll::Pending
    }

    const fn response(&self, exchange: Exchange, result: Result<HttpResponse>) -> Input {
        Input::Response { wire: self.wire, exchange, result }
    }

    /// Whether parts of answers have arrived since the last call.
    pub(crate) fn activity(&self) -> bool {
        // Both lanes account for what came.
        self.post.activity() | self.poll.activity()
    }

    /// Who is at the other end of the GET in flight, or of the POST before there was one.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.poll.peer().or_else(|| self.post.peer())
    }

    /// The body of the POST in flight.
    pub(crate) const fn unsent(&self) -> Waiting {
        match &self.post {
            Lane::Busy { unsent, .. } => *unsent,
            Lane::Idle(_) => Waiting { events: 0, bytes: 0 },
        }
    }

    /// Let the POST in flight finish, then do these requests, one after another, until one fails.
    /// The GET in flight stays as it is. There is no time for a new connection where the kept one may
    /// do.
    pub(crate) async fn finish(self, farewell: Vec<HttpRequest>) -> Result<()> {
        let mut kept = match self.post {
            Lane::Idle(kept) => kept,
            Lane::Busy { work, .. } => Some(confirmed(work.await?)?),
        };
        for request in farewell {
            let request = encode(&self.endpoint, request)?;
            let (dialer, endpoint) = (Arc::clone(&self.dialer), Arc::clone(&self.endpoint));
            let work = exchange(dialer, endpoint, kept.take(), request, Progress::default());
            kept = Some(confirmed(work.await?)?);
        }
        Ok(())
    }

    /// There is a POST in flight.
    pub(crate) const fn is_posting(&self) -> bool {
        matches!(self.post, Lane::Busy { .. })
    }
}

/// The connection of a POST that the server has taken.
fn confirmed((answer, live): Answered) -> Result<Box<Live>> {
    match answer.status {
        200 => Ok(live),
        status => Err(Error::new(Code::HttpStatus, "POST").with_http_status(status)),
    }
}

/// An answer, and the connection that it came on.
type Answered = (HttpResponse, Box<Live>);

/// The requests of one kind.
enum Lane {
    /// No request. The connection of the one before may still be there.
    Idle(Option<Box<Live>>),
    Busy {
        work: Pin<Box<dyn Future<Output = Result<Answered>> + Send>>,
        progress: Progress,
        unsent: Waiting,
    },
}

impl Lane {
    fn begin(
        &mut self,
        dialer: &Arc<Dialer>,
        endpoint: &Arc<Endpoint>,
        request: Request<Body>,
        unsent: Waiting,
    ) {
        let kept = match mem::replace(self, Self::Idle(None)) {
            Self::Idle(kept) => kept.filter(|live| clock::now().mono < live.reusable_until),
            Self::Busy { .. } => {
                debug_assert!(false, "one request of a kind at a time");
                None
            }
        };
        let (dialer, endpoint, progress) =
            (Arc::clone(dialer), Arc::clone(endpoint), Progress::default());
        let work = Box::pin(exchange(dialer, endpoint, kept, request, progress.clone()));
        *self = Self::Busy { work, progress, unsent };
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<HttpResponse>> {
        match self {
            Self::Idle(kept) => {
                // A server that closes is not kept waiting.
                if kept
                    .as_mut()
                    .is_some_and(|live| Pin::new(&mut live.connection).poll(cx).is_ready())
                {
                    *kept = None;
                }
                Poll::Pending
            }
            Self::Busy { work, .. } => {
                let (kept, result) = match ready!(work.as_mut().poll(cx)) {
                    Ok((answer, live)) => (Some(live), Ok(answer)),
                    Err(error) => (None, Err(error)),
                };
                *self = Self::Idle(kept);
                Poll::Ready(result)
            }
        }
    }

    fn take_step(&self, wire: WireId) -> Option<Input> {
        match self {
            Self::Busy { progress, .. } => progress.take_step(wire),
            Self::Idle(_) => None,
        }
    }

    fn peer(&self) -> Option<SocketAddr> {
        match self {
            Self::Busy { progress, .. } => progress.peer(),
            Self::Idle(kept) => kept.as_ref().and_then(|live| live.peer),
        }
    }

    fn activity(&self) -> bool {
        match self {
            Self::Busy { progress, .. } => progress.take_arrived(),
            Self::Idle(_) => false,
        }
    }
}

/// An HTTP connection.
struct Live {
    sender: SendRequest<Body>,
    /// It lives only while it is polled.
    connection: MaybeDone<Connection<TokioIo<Stream>, Body>>,
    count: ByteCount,
    local: Option<SocketAddr>,
    peer: Option<SocketAddr>,
    /// The server may close it when it lies idle for longer.
    reusable_until: Timestamp,
}

/// Why there is no answer.
enum Failure {
    /// Nothing of the request was written: here it is again, and why.
    Unsent(Box<Request<Body>>, Error),
    Broken(Error),
}

/// Send a request, on the kept connection if there is one that still lives.
async fn exchange(
    dialer: Arc<Dialer>,
    endpoint: Arc<Endpoint>,
    kept: Option<Box<Live>>,
    mut request: Request<Body>,
    progress: Progress,
) -> Result<Answered> {
    let most = dialer.limits().inbound_message;
    if let Some(mut live) = kept {
        match live.exchange(request, most, &progress).await {
            Ok(answer) => return Ok((answer, live)),
            Err(Failure::Broken(error)) => return Err(error),
            Err(Failure::Unsent(again, _)) => request = *again,
        }
    }
    // Boxed, because it is over long before the answer of a poll.
    let mut live = Box::pin(connect(&dialer, &endpoint, &progress)).await?;
    match live.exchange(request, most, &progress).await {
        Ok(answer) => Ok((answer, live)),
        Err(Failure::Broken(error) | Failure::Unsent(_, error)) => Err(error),
    }
}

async fn connect(dialer: &Dialer, endpoint: &Endpoint, progress: &Progress) -> Result<Box<Live>> {
    let reached = dialer.reach(endpoint, progress).await?;
    let Reached { stream, count, local, connect_ms } = reached;
    log!(Debug, "polling reached {}:{} in {connect_ms} ms", endpoint.host, endpoint.port);
    let (sender, connection) =
        http::start(stream).await.map_err(|error| http::error(PHASE, &error))?;
    let (connection, reusable_until) = (maybe_done(connection), clock::now().mono);
    let peer = progress.peer();
    Ok(Box::new(Live { sender, connection, count, local, peer, reusable_until }))
}

impl Live {
    /// Send a request and read its answer.
    async fn exchange(
        &mut self,
        request: Request<Body>,
        most: usize,
        progress: &Progress,
    ) -> Result<HttpResponse, Failure> {
        let mut connection = Pin::new(&mut self.connection);
        // It may have been closed since it was used the last time.
        http::drive(connection.as_mut(), ready_now(())).await;
        progress.sent(&self.count);
        progress.towards(self.peer);
        let answer = self.sender.try_send_request(request);
        let answer = http::drive(connection.as_mut(), answer).await;
        let response = answer.map_err(|mut error| {
            // A connection that had ended before it was given the request alone knows why.
            let ended = connection.as_mut().output_mut().and_then(|ended| ended.as_ref().err());
            let ended = ended.filter(|_| error.error().is_canceled());
            let why = http::error(PHASE, ended.unwrap_or(error.error()));
            match error.take_message() {
                Some(request) => Failure::Unsent(Box::new(request), why),
                None => Failure::Broken(why),
            }
        })?;
        let (head, body) = response.into_parts();
        if let Some(error) = http::redirected(PHASE, head.status, &head.headers) {
            return Err(Failure::Broken(error));
        }
        let body = http::drive(connection, read(body, most)).await.map_err(Failure::Broken)?;
        self.reusable_until = clock::now().mono + http::reusable_ms(&head.headers);
        Ok(HttpResponse {
            status: head.status.as_u16(),
            binary: is_binary(&head.headers),
            body,
            cookies: http::cookies(&head.headers),
            retry_after_ms: http::retry_after_ms(&head.headers),
            local: self.local,
        })
    }
}

/// The whole of a body. A single piece is not copied.
async fn read(mut body: Incoming, most: usize) -> Result<Bytes> {
    let check = |length: u64| {
        let fits = usize::try_from(length).is_ok_and(|length| length <= most);
        let text = || format!("{PHASE}: the answer is longer than {most} bytes");
        if fits { Ok(()) } else { Err(Error::new(Code::PayloadLimit, text())) }
    };
    check(body.size_hint().lower())?;
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| http::error(PHASE, &error))?;
        // Trailers are no data.
        let Ok(piece) = frame.into_data() else { continue };
        if first.is_empty() && all.is_empty() {
            first = piece;
        } else {
            all.extend_from_slice(&mem::take(&mut first));
            all.extend_from_slice(&piece);
        }
        check(first.len().max(all.len()) as u64)?;
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

fn is_binary(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = value.and_then(|value| value.split(';').next()).unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/octet-stream")
}

/// The request as HTTP has it.
fn encode(endpoint: &Endpoint, request: HttpRequest) -> Result<Request<Body>> {
    let HttpRequest { exchange, path_and_query, headers, body, binary } = request;
    let mut encoded = http::request(endpoint, &path_and_query, &headers)?;
    let map = encoded.headers_mut();
    map.insert(ACCEPT, HeaderValue::from_static("*/*"));
    map.remove(CONTENT_TYPE);
    let body = Pieces::new(body);
    if exchange == Exchange::Post {
        let kind = if binary { "application/octet-stream" } else { "text/plain;charset=UTF-8" };
        map.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        map.insert(CONTENT_LENGTH, HeaderValue::from(body.remaining()));
        *encoded.method_mut() = Method::POST;
    }
    Ok(encoded.map(|()| Full::new(body)))
}

type Body = Full<Pieces>;

/// A body in pieces, which are written as they are.
#[derive(Debug)]
struct Pieces {
    /// None is empty.
    pieces: VecDeque<Bytes>,
    remaining: usize,
}

impl Pieces {
    fn new(mut pieces: Vec<Bytes>) -> Self {
        pieces.retain(|piece| !piece.is_empty());
        let remaining = pieces.iter().map(Bytes::len).sum();
        Self { pieces: pieces.into(), remaining }
    }
}

impl Buf for Pieces {
    fn remaining(&self) -> usize {
        self.remaining
    }

    fn chunk(&self) -> &[u8] {
        self.pieces.front().map_or(&[], |piece| piece)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let filled = slices.len().min(self.pieces.len());
        for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
            *slice = IoSlice::new(piece);
        }
        filled
    }

    fn advance(&mut self, mut count: usize) {
        self.remaining -= count;
        while let Some(piece) = self.pieces.front_mut() {
            if count < piece.len() {
                piece.advance(count);
                return;
            }
            count -= piece.len();
            self.pieces.pop_front();
        }
    }
}
