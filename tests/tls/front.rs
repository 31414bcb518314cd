//! TLS in front of a Socket.IO server.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};

use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::ssl::{NameType, Ssl, SslAcceptor, SslMethod, SslRef, SslVerifyMode, SslVersion};
use openssl::x509::X509;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_openssl::SslStream;

use crate::certificates::Identity;
use crate::server::{Kind, Server};

/// Where servers and proxies live.
fn runtime() -> &'static Handle {
    static RUNTIME: OnceLock<Handle> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let handle = runtime.handle().clone();
        std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
        handle
    })
}

/// Give every connection to `serve`.
pub fn listen<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    runtime().spawn(async move {
        let listener = TcpListener::from_std(listener).unwrap();
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// An address where nobody listens.
pub fn closed() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// The reference server, without TLS.
pub fn socket_io() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], Server::shared(Kind::V4).port()))
}

/// What a connection brought to a [`Front`].
#[derive(Debug, Default, PartialEq)]
pub struct Visit {
    /// The name that was asked for.
    pub server_name: Option<String>,
    /// The common name of the client's certificate.
    pub client: Option<String>,
    /// The first line of HTTP; empty when not a byte came.
    pub request: String,
}

/// TLS in front of a server.
pub struct Front {
    pub address: SocketAddr,
    visits: Mutex<UnboundedReceiver<Visit>>,
}

#[derive(Clone)]
pub struct FrontConfig {
    pub identity: Identity,
    /// Clients must have a certificate of this authority, PEM.
    pub clients: Option<String>,
    pub max_version: Option<SslVersion>,
    pub backend: SocketAddr,
}

impl FrontConfig {
    pub fn new(identity: Identity) -> Self {
        Self { identity, clients: None, max_version: None, backend: socket_io() }
    }

    fn acceptor(&self) -> SslAcceptor {
        let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
        let chain = X509::stack_from_pem(self.identity.certificates.as_bytes()).unwrap();
        builder.set_certificate(&chain[0]).unwrap();
        for certificate in &chain[1..] {
            builder.add_extra_chain_cert(certificate.clone()).unwrap();
        }
        let key = PKey::private_key_from_pem(self.identity.key.as_bytes()).unwrap();
        builder.set_private_key(&key).unwrap();
        builder.set_max_proto_version(self.max_version).unwrap();
        if let Some(authority) = &self.clients {
            let authority = X509::from_pem(authority.as_bytes()).unwrap();
            builder.cert_store_mut().add_cert(authority).unwrap();
            builder.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
        }
        builder.build()
    }

    pub fn start(&self) -> Front {
        let (acceptor, backend) = (Arc::new(self.acceptor()), self.backend);
        let (tell, visits) = unbounded_channel();
        let address = listen(move |tcp| {
            let (acceptor, tell) = (Arc::clone(&acceptor), tell.clone());
            async move {
                let mut stream =
                    SslStream::new(Ssl::new(acceptor.context()).unwrap(), tcp).unwrap();
                let accepted = Pin::new(&mut stream).accept().await;
                let mut visit = visit(stream.ssl());
                if accepted.is_err() {
                    let _ = tell.send(visit);
                    // To hang up on what the client still writes would reset the connection, and
                    // the alert could be lost.
                    let _ = stream.get_mut().read_to_end(&mut Vec::new()).await;
                    return;
                }
                let mut start = [0; 1024];
                let read = stream.read(&mut start).await.unwrap_or(0);
                let text = String::from_utf8_lossy(&start[..read]).into_owned();
                visit.request = text.lines().next().unwrap_or_default().to_owned();
                let _ = tell.send(visit);
                if read > 0 {
                    let mut backend = TcpStream::connect(backend).await.unwrap();
                    backend.write_all(&start[..read]).await.unwrap();
                    let _ = copy_bidirectional(&mut stream, &mut backend).await;
                }
            }
        });
        Front { address, visits: Mutex::new(visits) }
    }
}

fn visit(ssl: &SslRef) -> Visit {
    let client = ssl.peer_certificate().map(|certificate| {
        let name = certificate.subject_name().entries_by_nid(Nid::COMMONNAME).next().unwrap();
        name.data().to_string().unwrap()
    });
    let server_name = ssl.servername(NameType::HOST_NAME).map(str::to_owned);
    Visit { server_name, client, request: String::new() }
}

impl Front {
    /// `https://host:port`.
    pub fn url(&self, host: &str) -> String {
        format!("https://{host}:{}", self.address.port())
    }

    /// The first connection, once its handshake is over and its first byte is there or never comes.
    pub fn visit(self) -> Visit {
        self.visits.into_inner().unwrap().blocking_recv().unwrap()
    }
}
