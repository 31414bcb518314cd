//! A long way to the portal: what passes takes its time, the handshake of TCP included. (The kernels
//! of test machines have no netem.)

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// Pass on every connection for as long as the runtime lives.
pub(crate) async fn serve(listener: TcpListener, to: SocketAddr, one_way: Duration) {
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(pass(client, to, one_way));
    }
}

async fn pass(client: TcpStream, to: SocketAddr, one_way: Duration) {
    // The kernel has answered at once; over a long way that takes a round trip.
    let connected = Instant::now() + 2 * one_way;
    let Ok(server) = TcpStream::connect(to).await else { return };
    // What has come is passed on at once.
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let ((from_client, to_client), (from_server, to_server)) =
        (client.into_split(), server.into_split());
    tokio::join!(
        pump(from_client, to_server, connected, one_way),
        pump(from_server, to_client, connected, one_way),
    );
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    connected: Instant,
    one_way: Duration,
) {
    let (queue, mut due) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let read = async move {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let arrives = Instant::now().max(connected) + one_way;
            if queue.send((arrives, buffer[..count].to_vec())).is_err() {
                return;
            }
        }
    };
    let write = async move {
        while let Some((at, bytes)) = due.recv().await {
            sleep_until(at).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        // It was the end, and the other side has the right to know or is gone.
        let _ = to.shutdown().await;
    };
    tokio::join!(read, write);
}
