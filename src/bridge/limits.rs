//! What is refused or throttled.

use crate::config::Limits;

/// Limits of sizes and queues. What is not set has the library's limit.
#[derive(Clone, Debug, Default, uniffi::Record)]
pub struct LimitOptions {
    /// One inbound message, in bytes.
    #[uniffi(default)]
    pub inbound_message: Option<u32>,
    /// Binary attachments of one inbound event.
    #[uniffi(default)]
    pub inbound_attachments: Option<u32>,
    /// Binary attachments of one outbound event.
    #[uniffi(default)]
    pub outbound_attachments: Option<u32>,
    /// Open arrays and objects in JSON.
    #[uniffi(default)]
    pub json_depth: Option<u32>,
    /// Events waiting for the wire.
    #[uniffi(default)]
    pub wire_queue_events: Option<u32>,
    /// Bytes waiting for the wire.
    #[uniffi(default)]
    pub wire_queue_bytes: Option<u32>,
    /// Events waiting for observers.
    #[uniffi(default)]
    pub host_queue_events: Option<u32>,
    /// Bytes waiting for observers.
    #[uniffi(default)]
    pub host_queue_bytes: Option<u32>,
}

impl From<LimitOptions> for Limits {
    fn from(options: LimitOptions) -> Self {
        let own = Self::default();
        let or = |set: Option<u32>, own| set.map_or(own, |set| set as usize);
        Self {
            inbound_message: or(options.inbound_message, own.inbound_message),
            inbound_attachments: or(options.inbound_attachments, own.inbound_attachments),
            outbound_attachments: or(options.outbound_attachments, own.outbound_attachments),
            json_depth: or(options.json_depth, own.json_depth),
            wire_queue_events: or(options.wire_queue_events, own.wire_queue_events),
            wire_queue_bytes: or(options.wire_queue_bytes, own.wire_queue_bytes),
            host_queue_events: or(options.host_queue_events, own.host_queue_events),
            host_queue_bytes: or(options.host_queue_bytes, own.host_queue_bytes),
        }
    }
}
