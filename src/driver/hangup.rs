//! Letting go of a connection politely, without holding anything up.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;

use crate::driver::lifeline::Lifeline;
use crate::driver::ws::Socket;

/// For what is queued and the close frame to leave.
const WRITE_LIMIT: Duration = Duration::from_millis(500);

/// For the peer to answer it. Closing with its bytes unread would reset the connection, and what
/// was just sent could be lost.
const ANSWER_LIMIT: Duration = Duration::from_millis(400);

/// Send what is queued and a close frame, or the answer to the peer's; wait for its end; close.
pub(crate) async fn hang_up(mut socket: Socket, lifeline: Arc<Lifeline>) {
    if let Ok(Ok(())) = timeout(WRITE_LIMIT, SinkExt::close(&mut socket)).await {
        let rest = async { while let Some(Ok(_)) = socket.next().await {} };
        // Whoever does not answer in time is closed all the same.
        let _ = timeout(ANSWER_LIMIT, rest).await;
    }
    drop(socket);
    drop(lifeline);
}
