//! A binary packet and the messages that follow it, until it is complete.

use std::fmt;

use bytes::Bytes;

use crate::config::Limits;
use crate::error::{Code, Error, Result};
use crate::proto::socket::packet::Packet;
use crate::secret::Size;

/// A complete packet: its text frame, the packet in it, its attachments in their order.
pub type Assembled = (Bytes, Packet, Vec<Bytes>);

/// Collects the attachments of one packet at a time, as the protocol has it. After an error nothing
/// is pending any more.
#[derive(Debug, Default)]
pub struct Assembler {
    pending: Option<Pending>,
}

struct Pending {
    frame: Bytes,
    packet: Packet,
    attachments: Vec<Bytes>,
    bytes: usize,
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("attachments", &self.attachments.len())
            .field("bytes", &Size(self.bytes))
            .finish()
    }
}

impl Assembler {
    /// Whether attachments are still to come; only a binary message is legal then.
    pub const fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Wait for the attachments of `packet`, one at least, which was decoded from `frame`.
    ///
    /// A packet that was pending is forgotten: the caller asks [`Assembler::is_pending`] first.
    pub fn begin(&mut self, frame: Bytes, packet: Packet) {
        let bytes = frame.len();
        self.pending = Some(Pending { frame, packet, attachments: Vec::new(), bytes });
    }

    /// Take the next attachment. Gives the packet that it completes.
    ///
    /// # Errors
    /// [`Code::Attachments`] when none was expected; [`Code::PayloadLimit`] when packet and
    /// attachments together exceed `limits.inbound_message`.
    pub fn push(&mut self, attachment: Bytes, limits: &Limits) -> Result<Option<Assembled>> {
        let mut pending = self
            .pending
            .take()
            .ok_or_else(|| Error::new(Code::Attachments, "binary message without an event"))?;
        pending.bytes += attachment.len();
        pending.attachments.push(attachment);
        if pending.bytes > limits.inbound_message {
            let message = "event and attachments above the inbound limit";
            return Err(Error::new(Code::PayloadLimit, message));
        }
        if pending.attachments.len() >= pending.packet.attachments {
            return Ok(Some((pending.frame, pending.packet, pending.attachments)));
        }
        self.pending = Some(pending);
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Revision;
    use crate::proto::socket::packet;

    fn begin(text: &'static str) -> Assembler {
        let frame = Bytes::from_static(text.as_bytes());
        let packet = packet::decode(&frame, 0, Revision::V4, &Limits::default()).expect("valid");
        let mut assembler = Assembler::default();
        assembler.begin(frame, packet);
        assembler
    }

    #[test]
    fn attachments_come_out_in_order_and_uncopied() {
        let limits = Limits::default();
        let parts = [Bytes::from(vec![1, 2]), Bytes::new(), Bytes::from(vec![3])];
        let mut assembler = begin(r#"53-["a"]"#);
        assert_eq!(assembler.push(parts[0].clone(), &limits), Ok(None));
        assert_eq!(assembler.push(parts[1].clone(), &limits), Ok(None));
        assert!(assembler.is_pending());
        let complete = assembler.push(parts[2].clone(), &limits).expect("legal");
        let (_, packet, attachments) = complete.expect("the last one");
        assert_eq!((packet.attachments, &attachments[..]), (3, &parts[..]));
        assert_eq!(attachments[0].as_ptr(), parts[0].as_ptr());
        assert!(!assembler.is_pending());
    }

    #[test]
    fn an_attachment_nobody_waits_for_is_an_error() {
        let error = Assembler::default().push(Bytes::new(), &Limits::default());
        assert_eq!(error.map_err(|error| error.code()), Err(Code::Attachments));
    }

    #[test]
    fn packet_and_attachments_share_one_limit() {
        let text = r#"52-["a"]"#;
        let limits = Limits { inbound_message: text.len() + 10, ..Limits::default() };
        let mut assembler = begin(text);
        assert_eq!(assembler.push(Bytes::from(vec![0; 9]), &limits), Ok(None));
        assert!(matches!(assembler.push(Bytes::from(vec![0; 1]), &limits), Ok(Some(_))));

        let mut assembler = begin(text);
        assert_eq!(assembler.push(Bytes::from(vec![0; 9]), &limits), Ok(None));
        let error = assembler.push(Bytes::from(vec![0; 2]), &limits);
        assert_eq!(error.map_err(|error| error.code()), Err(Code::PayloadLimit));
        assert!(!assembler.is_pending());
    }
}
