//! New sockets: shown to the host before they connect, and what the system does with them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
#[cfg(unix)]
use std::os::fd::AsFd;
#[cfg(windows)]
use std::os::windows::io::AsSocket;

use tokio::net::{TcpSocket, TcpStream};

use crate::config::{BorrowedSocket, CommonConfig, SocketPurpose};

/// Connect to one address, from the device's address that the configuration has.
pub(super) async fn connect(address: SocketAddr, config: &CommonConfig) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A frame is written whole, so waiting for more to send would only delay it.
    socket.set_nodelay(true)?;
    if let Some(from) = config.local_address {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    let purpose = match config.proxy {
        Some(_) => SocketPurpose::Proxy,
        None => SocketPurpose::Server,
    };
    show(config, lend(&socket), purpose)?;
    socket.connect(address).await
}

/// Which of the device's addresses the system would reach `peer` from. Nothing is sent, and the
/// socket is gone afterwards. None when there is no way there.
pub(super) fn source_address(peer: SocketAddr, config: &CommonConfig) -> Option<IpAddr> {
    let any: IpAddr = match peer {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let ask = || {
        let socket = UdpSocket::bind((config.local_address.unwrap_or(any), 0))?;
        show(config, lend(&socket), SocketPurpose::Probe)?;
        socket.connect(peer)?;
        socket.local_addr()
    };
    ask().ok().map(|local| local.ip())
}

fn show(config: &CommonConfig, socket: BorrowedSocket<'_>, for_: SocketPurpose) -> io::Result<()> {
    match &config.on_socket {
        Some(hook) if !hook.allows(socket, for_) => {
            Err(io::Error::other("the application refused the socket"))
        }
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn lend(socket: &impl AsFd) -> BorrowedSocket<'_> {
    socket.as_fd()
}

#[cfg(windows)]
fn lend(socket: &impl AsSocket) -> BorrowedSocket<'_> {
    socket.as_socket()
}

/// Let the connection break when what was sent is not acknowledged for this long.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn limit_unacknowledged(tcp: &TcpStream, ms: u64) {
    let ms = u32::try_from(ms).unwrap_or(u32::MAX);
    if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(tcp, ms) {
        crate::log::log!(Debug, "TCP_USER_TIMEOUT: {error}");
    }
}

/// The system has no such limit.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) const fn limit_unacknowledged(_tcp: &TcpStream, _ms: u64) {}
