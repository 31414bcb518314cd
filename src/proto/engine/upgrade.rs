//! The upgrade of a connection from polling to WebSocket (`engine-io` 8).
//!
//! ```text
//!  polling --dial--> Dialled --101--> Asked --3probe--> Switching --polling at rest--> WebSocket
//!                       `---------------`----- any failure ----'--> polling, again later
//! ```
//!
//! Polling goes on until the probe was answered; then nothing new is asked, what is in flight comes
//! in, and only then `5` and everything that waits go over the WebSocket. So nothing is lost,
//! doubled or overtaken, and a failure before that point costs nothing.

use crate::config::Transport;
use crate::error::{Code, Error};
use crate::proto::engine::connection::{Carrier, Connection, Context, Notice};
use crate::proto::engine::packet;
use crate::proto::engine::session::{Engine, Frame};
use crate::proto::io::{Transmit, WireId};
use crate::proto::time::{Timestamp, millis};

/// A WebSocket on trial.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) wire: WireId,
    pub(super) deadline: Timestamp,
    pub(super) stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Dialled,
    Asked,
    /// Answered; polling is coming to rest.
    Switching,
}

impl Connection {
    pub(super) fn handle_probe_frame(&mut self, frame: &Frame, cx: &mut Context<'_>) {
        let Some(probe) = &mut self.probe else { return };
        let answered = matches!(frame, Frame::Text(text) if text == "3probe");
        if !answered || probe.stage != Stage::Asked {
            let error = Error::new(Code::Upgrade, "the probe was not answered with 3probe");
            return self.fail_upgrade(error, true, cx);
        }
        probe.stage = Stage::Switching;
        if let Carrier::Polling(polling) = &mut self.carrier {
            polling.pause();
        }
        self.switch_when_idle(cx);
    }

    pub(super) fn may_upgrade(&self) -> bool {
        let config = self.address.config();
        let offered = self.engine.as_ref().and_then(Engine::handshake);
        config.upgrade
            && config.allows(Transport::Websocket)
            && self.transport() == Transport::Polling
            && self.is_open()
            && offered.is_some_and(|handshake| handshake.upgrades_websocket)
    }

    pub(super) fn start_upgrade(&mut self, cx: &mut Context<'_>) {
        self.upgrade_at = None;
        let sid = self.engine.as_ref().and_then(Engine::handshake).map(|it| it.sid.clone());
        if self.probe.is_some() || !self.may_upgrade() {
            return;
        }
        let wire = cx.dial(&mut self.address, sid.as_deref());
        let deadline = cx.now + millis(cx.config.timeouts.upgrade);
        self.probe = Some(Probe { wire, deadline, stage: Stage::Dialled });
    }

    /// Give the upgrade up; polling goes on as if nothing had been.
    pub(super) fn fail_upgrade(&mut self, error: Error, hang_up: bool, cx: &mut Context<'_>) {
        let Some(probe) = self.probe.take() else { return };
        if hang_up {
            cx.hang_up(probe.wire);
        }
        if let Carrier::Polling(polling) = &mut self.carrier {
            polling.resume();
        }
        self.upgrade_at = Some(cx.now + millis(self.address.config().upgrade_again_after));
        let error = match error.code() {
            Code::Upgrade => error,
            _ => error.reason_for(Code::Upgrade, "upgrade to WebSocket"),
        };
        self.notices.push_back(Notice::UpgradeFailed(error));
    }

    /// Everything that was on its way over polling has arrived: WebSocket takes over.
    pub(super) fn switch_when_idle(&mut self, cx: &mut Context<'_>) {
        let Carrier::Polling(polling) = &self.carrier else { return };
        let switching = |probe: &mut Probe| probe.stage == Stage::Switching;
        if !polling.is_idle() || !self.is_open() {
            return;
        }
        let old = polling.wire;
        let Some(Probe { wire, .. }) = self.probe.take_if(switching) else { return };
        cx.control.push_back(Transmit::Text { wire, frame: packet::UPGRADE });
        cx.hang_up(old);
        self.carrier = Carrier::Websocket { wire, writable: true, over: false };
        self.notices.push_back(Notice::Upgraded);
    }
}
