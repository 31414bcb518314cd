//! What is under way when a fault strikes.

use roamio_portal::model::ModelConfig;

use crate::link::Side;
use crate::world::{Dials, Setup, World};

/// A phase of a session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Phase {
    /// P08.
    Login,
    /// P09.
    Idle,
    /// P10.
    Request,
    /// P11.
    Notification,
    /// P12.
    Relogin,
    /// P13.
    Refresh,
    /// P14.
    Logout,
    /// P15.
    Teardown,
    /// P16: the host's callback does not return.
    Callback,
    /// P17.
    Backoff,
    /// P18.
    Replay,
}

/// How far the call under way is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Moment {
    BeforeTheServer,
    AfterTheServer,
    InTheAnswer,
}

const MOMENTS: [Moment; 3] = [Moment::BeforeTheServer, Moment::AfterTheServer, Moment::InTheAnswer];

impl Phase {
    /// The call under way, if there is one.
    const fn call(self) -> Option<&'static str> {
        match self {
            Self::Login => Some("login"),
            Self::Request => Some("text"),
            Self::Relogin | Self::Replay => Some("relogin"),
            Self::Refresh => Some("refreshReconnectionTicket"),
            Self::Logout => Some("logout"),
            Self::Idle | Self::Notification | Self::Teardown | Self::Callback | Self::Backoff => {
                None
            }
        }
    }

    /// The moments at which a fault makes a difference.
    pub(super) fn moments(self) -> &'static [Moment] {
        if self.call().is_some() { &MOMENTS } else { &MOMENTS[..1] }
    }

    /// The portal knows already that the connection is lost: its window is open.
    pub(super) const fn is_away(self) -> bool {
        matches!(self, Self::Relogin | Self::Replay | Self::Backoff)
    }

    pub(super) const fn awaits_an_answer(self) -> bool {
        self.call().is_some() || matches!(self, Self::Backoff)
    }

    /// The session is ready: what is seamless is not noticed at all.
    pub(super) const fn is_undisturbed(self) -> bool {
        matches!(self, Self::Idle | Self::Request | Self::Notification | Self::Refresh)
    }

    /// Bring a world into the phase.
    pub(super) fn reach(self, moment: Moment) -> World {
        let model = ModelConfig { join_delay: 200, relogin_delay: 100, ..ModelConfig::default() };
        let setup = Setup { model, ..Setup::default() };
        let mut world = if self == Self::Login { World::new(setup) } else { World::ready(setup) };
        world.run_for(if self == Self::Login { 0 } else { 1_000 });
        self.begin(&mut world);
        if let Some(call) = self.call() {
            self.advance(&mut world, call, moment);
        }
        world
    }

    fn begin(self, world: &mut World) {
        match self {
            Self::Login => {
                world.login();
            }
            Self::Idle => {}
            // Half the life of the ticket.
            Self::Refresh => world.run_for(299_000),
            Self::Request => {
                world.text();
            }
            Self::Notification => {
                world.burst("live-", 20, 5);
                world.run_for(50);
            }
            Self::Relogin => world.reset(world.session_link(), Side::Both),
            Self::Replay => {
                world.reset(world.session_link(), Side::Both);
                world.burst("missed-", 200, 0);
            }
            Self::Logout => {
                world.logout();
            }
            Self::Teardown => {
                world.text();
                world.close();
            }
            Self::Callback => {
                world.begin_callback();
                world.burst("live-", 20, 5);
                world.run_for(50);
            }
            Self::Backoff => {
                world.dials = Dials::Refused;
                world.reset(world.session_link(), Side::Both);
                world.run_for(3_000);
                world.dials = Dials::Succeed;
            }
        }
    }

    fn advance(self, world: &mut World, call: &str, moment: Moment) {
        match moment {
            Moment::BeforeTheServer => {
                world.run_until_sent(call, 1);
            }
            Moment::AfterTheServer => {
                world.run_until_answered(call, 1);
            }
            Moment::InTheAnswer => {
                world.drip = Some((if self == Self::Replay { 400 } else { 4 }, 10));
                world.run_until_answered(call, 1);
                world.drip = None;
                world.run_for(world.latency + 15);
            }
        }
    }
}
