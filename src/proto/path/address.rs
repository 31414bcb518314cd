//! Whether the device still reaches the server from the address that a link was made from. Nobody
//! has to say that the network has changed: the system is asked which address it would use now.
//!
//! It is asked about every second while an answer is awaited or a link is being made, and otherwise
//! only when something else has woken the device, so that an idle one sleeps on. Another address is
//! what a host would tell as `network_changed`. No address at all is no proof of anything, because
//! short losses heal by themselves, but it is reason enough to ask the server at once.

use std::net::IpAddr;

use super::link::{Link, Role};
use super::{Path, PathEvent};
use crate::error::Error;
use crate::proto::io::{Transmit, WireId};
use crate::proto::time::Timestamp;

/// The system is asked this often at most.
const SPACING_MS: u64 = 1_000;
/// What is done about its answers is done this often at most: an address that flaps is followed with
/// at most thirty dials a minute, and a change is still noticed within three seconds.
const CALM_MS: u64 = 2_000;
/// A dial that is older than this does not survive a change of the network.
const YOUNG_DIAL_MS: u64 = 500;
/// For so long after a change of the network a link is made from there although another one lives.
const MOVING_MS: u64 = 60_000;

/// What the system was asked and what came of it.
#[derive(Debug, Default)]
pub(super) struct AddressWatch {
    /// The system is not asked before.
    next: Timestamp,
    /// Nothing is done about an answer before.
    calm_until: Timestamp,
    /// The answer that something was done about. Nothing is done about it again before another one
    /// has come: where datagrams take another way than streams it never fits.
    settled: Option<Option<IpAddr>>,
}

impl AddressWatch {
    /// An answer that does not fit the link. True: it is time to do something about it.
    fn take(&mut self, answer: Option<IpAddr>, now: Timestamp) -> bool {
        if self.settled == Some(answer) || now < self.calm_until {
            return false;
        }
        self.settled = Some(answer);
        self.calm_until = now + CALM_MS;
        true
    }
}

impl Path {
    /// The link whose address counts: the newest one, unless hints must not disturb it.
    fn watched(&self) -> Option<&Link> {
        let with_role = |role| self.links.iter().find(move |link| link.role == role);
        match with_role(Role::Fresh) {
            Some(fresh) => Some(fresh).filter(|fresh| !fresh.pinned),
            None => with_role(Role::Current),
        }
    }

    /// The device's address that the link in use was made from.
    fn current_address(&self) -> Option<IpAddr> {
        self.get(self.current()?)?.local
    }

    /// When the device is woken to ask.
    pub(super) fn address_at(&self) -> Option<Timestamp> {
        let link = self.watched()?;
        let awaits = link.role == Role::Fresh || self.outstanding_since.is_some();
        awaits.then_some(self.address.next)
    }

    /// Something has woken the device: ask, unless that was done a moment ago.
    pub(super) fn ask_address(&mut self, now: Timestamp) {
        if now < self.address.next {
            return;
        }
        if let Some(wire) = self.watched().and_then(Link::wire) {
            self.address.next = now + SPACING_MS;
            self.control.push_back(Transmit::AskLocalAddress { wire });
        }
    }

    /// The system would reach the peer of this wire from this address, or not at all.
    pub(super) fn handle_local_address(
        &mut self,
        wire: WireId,
        answer: Option<IpAddr>,
        now: Timestamp,
    ) {
        let Some(link) = self.watched().filter(|link| link.has_wire(wire)) else { return };
        let (id, local) = (link.id, link.local);
        // Back where the link in use was made: there is nowhere to move to.
        if answer.is_some() && answer == self.current_address() {
            self.address.settled = None;
            self.moving_until = None;
        }
        if local.is_none() || local == answer {
            // One that is being dialled is taken to start from here.
            if let Some(link) = self.get_mut(id) {
                link.local = answer;
            }
        } else if self.address.take(answer, now) {
            match answer {
                Some(_) => self.network_changed(now),
                None => self.ask_patiently(id, now),
            }
            self.dial_when_due(now);
        }
    }

    /// The device is in another network: see what has become of the current link, and make another
    /// one from there.
    pub(super) fn network_changed(&mut self, now: Timestamp) {
        self.probe_current(now);
        self.dial_on_the_new_network(now);
    }

    fn dial_on_the_new_network(&mut self, now: Timestamp) {
        if self.target.is_none() || (self.current().is_some() && !self.movable) {
            return;
        }
        self.moving_until = Some(now + MOVING_MS);
        if let Some(fresh) = self.fresh().and_then(|id| self.get(id)) {
            let id = fresh.id;
            if fresh.pinned {
                return;
            }
            // It may belong to the newer network already: it shows whether it works.
            if now.since(fresh.dialled) < YOUNG_DIAL_MS {
                return self.probe_for_hint(id, now);
            }
            self.hangup(id);
            self.events.push_back(PathEvent::Abandoned(id));
        }
        self.plan.soon(now);
    }

    /// A link that was made beside a living one failed. A new network often does not carry the first
    /// packets, so it gets further chances, for a while or until the device is back where it was:
    /// otherwise the session would stay on a network that is about to go.
    pub(super) fn move_again(&mut self, error: &Error, now: Timestamp) {
        if self.movable && self.moving_until.is_some_and(|until| now < until) {
            self.plan.again(error, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_acted_on_once_and_flapping_ones_every_two_seconds() {
        let mut watch = AddressWatch::default();
        let address = |last| Some(IpAddr::from([10, 0, 0, last]));
        let now = Timestamp(10_000);
        assert!(watch.take(address(1), now));
        assert!(!watch.take(address(1), now + 3_600_000), "the same answer says nothing new");
        let acted =
            (0..600).filter(|tenth| watch.take(address((tenth % 2) as u8), now + tenth * 100));
        let acted = acted.count();
        assert!((25..=30).contains(&acted), "{acted} in a minute");
    }
}
