//! From the listening port to the hub: relay, TLS, HTTP, Socket.IO.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Method, Request, Response, StatusCode, header},
    response::IntoResponse,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use socketioxide::{SocketIo, extract::SocketRef, service::SocketIoService};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream},
    net::{TcpListener, TcpStream},
};
use tokio_native_tls::{TlsAcceptor, native_tls};
use tower_service::Service;

use super::{Refusal, ServerConfig, TlsIdentity, control, cors, echo, hub::Hub, status, tokens};
use crate::relay::{self, Connection, Cut};

const SOCKET_IO_PATH: &str = "/socket.io/";

/// Packets a socket may have unsent before new ones are lost. The real server has no limit.
const UNSENT_LIMIT: usize = 1 << 24;

/// How long to wait after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// A portal that has its port.
pub(super) struct Listening {
    pub(super) hub: Arc<Hub>,
    pub(super) address: SocketAddr,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    service: SocketIoService<Router>,
}

/// Take the port and put the parts together.
pub(super) async fn bind(mut config: ServerConfig) -> io::Result<Listening> {
    let listener = TcpListener::bind((config.host, config.port)).await?;
    let address = listener.local_addr()?;
    let tls = config.tls.as_ref().map(acceptor).transpose()?;
    config.model.host = address.to_string();
    config.model.secure = tls.is_some();
    let engine = SocketIo::builder()
        .ping_interval(config.ping_interval)
        .ping_timeout(config.ping_timeout)
        .connect_timeout(config.connect_timeout)
        .max_payload(config.max_payload)
        .ws_max_message_size(config.max_payload as usize)
        .ws_max_frame_size(config.max_payload as usize)
        .max_buffer_size(UNSENT_LIMIT);
    let with_control = config.control;
    let hub = Arc::new(Hub::new(config)?);
    let mut router = tokens::router();
    if with_control {
        router = router.merge(status::router()).nest("/control", control::router());
    }
    let router = router.with_state(hub.clone());
    let (service, io) = engine.build_with_inner_svc(router);
    let joining = hub.clone();
    io.ns("/", move |socket: SocketRef| {
        joining.join(socket);
        std::future::ready(())
    });
    io.ns(echo::NAMESPACE, |socket: SocketRef| {
        echo::join(&socket);
        std::future::ready(())
    });
    Ok(Listening { hub, address, listener, tls, service })
}

fn acceptor(identity: &TlsIdentity) -> io::Result<TlsAcceptor> {
    let TlsIdentity { certificate, key } = identity;
    let identity = native_tls::Identity::from_pkcs8(certificate.as_bytes(), key.as_bytes());
    let identity = identity.map_err(io::Error::other)?;
    native_tls::TlsAcceptor::new(identity).map(TlsAcceptor::from).map_err(io::Error::other)
}

impl Listening {
    /// Serve for ever.
    pub(super) async fn run(self) {
        tokio::join!(self.hub.run_timers(), self.accept());
    }

    async fn accept(&self) {
        loop {
            match self.listener.accept().await {
                Ok((client, _)) => self.serve(client),
                // The one client has gone again, or descriptors have run out for the moment.
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    fn serve(&self, client: TcpStream) {
        let _ = client.set_nodelay(true);
        let connection = Connection::new();
        let (relay_end, portal_end) = tokio::io::duplex(relay::CHUNK);
        let hub = self.hub.clone();
        let relayed = connection.clone();
        tokio::spawn(async move { hub.connections.relay(&relayed, client, relay_end).await });
        let door = Door { hub: self.hub.clone(), connection, service: self.service.clone() };
        tokio::spawn(door.serve(portal_end, self.tls.clone()));
    }
}

/// The HTTP side of one connection.
struct Door {
    hub: Arc<Hub>,
    connection: Arc<Connection>,
    service: SocketIoService<Router>,
}

impl Door {
    async fn serve(self, stream: DuplexStream, tls: Option<TlsAcceptor>) {
        match tls {
            None => self.serve_http(stream).await,
            Some(tls) => {
                if let Ok(stream) = tls.accept(stream).await {
                    self.serve_http(stream).await;
                }
            }
        }
    }

    async fn serve_http(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let service = service_fn(|request| self.answer(request));
        // Errors are the client's: a connection that ends early or speaks no HTTP.
        let _ = http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
            .await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let origin = cors::asking(&request);
        let mut response = if origin.is_some() && request.method() == Method::OPTIONS {
            StatusCode::NO_CONTENT.into_response()
        } else {
            self.respond(request).await
        };
        if let Some(origin) = origin {
            cors::allow(response.headers_mut(), origin);
        }
        Ok(response)
    }

    async fn respond(&self, mut request: Request<Incoming>) -> Response<Body> {
        if request.uri().path().starts_with(SOCKET_IO_PATH) {
            self.hub.connections.number(&self.connection);
            if let Some(refusal) = self.hub.refusal() {
                return self.refuse(refusal).await;
            }
            let mut options = request.uri().query().unwrap_or_default().split('&');
            if let Some(sid) = options.find_map(|option| option.strip_prefix("sid=")) {
                self.connection.serve(sid);
            }
            request.extensions_mut().insert(self.connection.clone());
        }
        let Ok(response) = self.service.clone().call(request).await;
        response.map(Body::new)
    }

    async fn refuse(&self, refusal: Refusal) -> Response<Body> {
        match refusal {
            Refusal::Reset => {
                self.connection.cut(Cut::Reset);
                std::future::pending().await
            }
            Refusal::Forbidden => StatusCode::FORBIDDEN.into_response(),
            Refusal::CaptivePortal => {
                let page = "<html><title>Welcome</title>Please accept the terms of use.</html>";
                ([(header::CONTENT_TYPE, "text/html")], page).into_response()
            }
        }
    }
}
