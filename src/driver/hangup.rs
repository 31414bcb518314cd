//! Letting go of a wire politely, without holding anything up.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;

use crate::driver::lifeline::Lifeline;
use crate::driver::polling::Polling;
use crate::driver::ws::Socket;
use crate::proto::io::HttpRequest;

/// For what is queued and the close frame to leave.
const WRITE_LIMIT: Duration = Duration::from_millis(500);

/// For the peer to answer it. Closing with its bytes unread would reset the connection, and what
/// was just sent could be lost.
const ANSWER_LIMIT: Duration = Duration::from_millis(400);

/// For the last requests of polling.
const FAREWELL_LIMIT: Duration = Duration::from_secs(1);

/// What is left to do for a wire that nobody listens to any more.
pub(crate) enum Goodbye {
    /// Send what is queued and a close frame, or the answer to the peer's; wait for its end.
    Websocket(Box<Socket>),
    /// Let the POST in flight finish, then do these requests.
    Polling(Box<Polling>, Vec<HttpRequest>),
}

/// Do it, as far as the limits allow, and close.
pub(crate) async fn hang_up(goodbye: Goodbye, lifeline: Arc<Lifeline>) {
    // Who does not answer in time is left all the same.
    match goodbye {
        Goodbye::Websocket(mut socket) => {
            if let Ok(Ok(())) = timeout(WRITE_LIMIT, SinkExt::close(&mut *socket)).await {
                let rest = async { while let Some(Ok(_)) = socket.next().await {} };
                let _ = timeout(ANSWER_LIMIT, rest).await;
            }
        }
        Goodbye::Polling(polling, farewell) => {
            let _ = timeout(FAREWELL_LIMIT, polling.finish(farewell)).await;
        }
    }
    drop(lifeline);
}
