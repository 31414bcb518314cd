//! A namespace beside the portal's own, where clients hear what they say: plain Socket.IO, for tests
//! and demonstrations without a conference.

use rmpv::Value;
use socketioxide::extract::{AckSender, Event, SocketRef, TryData};

use crate::wire::Args;

/// The name of the namespace.
pub(super) const NAMESPACE: &str = "/echo";

/// Send every event back, and its arguments as the ack if one is wanted: behind the event.
pub(super) fn join(socket: &SocketRef) {
    socket.on_fallback(
        move |socket: SocketRef, event: Event, args: TryData<Args<Value>>, ack: AckSender| {
            let args = args.0.unwrap_or_default();
            // Sending fails when the client has gone; for an event that wants no ack, `ack` does
            // nothing.
            let _ = socket.emit(event.0, &args);
            let _ = ack.send(&args);
            std::future::ready(())
        },
    );
}
