//! A client with two links, a router and a server, each in a network namespace of its own.
//!
//! ```text
//!   client  wifi 10.91.0.2 ---- 10.91.0.1 wifi-peer  router   10.93.0.2 (relay)
//!           cell 10.92.0.2 ---- 10.92.0.1 cell-peer           server: 10.93.0.2 (portal)
//! ```
//!
//! The server is reached only through the relay, whose listener is the router's and whose other end
//! is the server's.

use std::fs::File;
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Where the portal is, for the client.
pub(crate) const PORTAL: [u8; 4] = [10, 93, 0, 2];

/// How long the kernel may take to see that a link is up.
const CARRIER_TIME: Duration = Duration::from_secs(10);

/// One of the client's links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    Wifi,
    Cell,
}

impl Link {
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Wifi => Self::Cell,
            Self::Cell => Self::Wifi,
        }
    }

    const fn device(self) -> &'static str {
        match self {
            Self::Wifi => "wifi",
            Self::Cell => "cell",
        }
    }

    /// The hardware address of an end.
    fn hardware(self, end: u8) -> String {
        format!("02:00:00:00:{}:0{end}", self.net())
    }

    /// The number of its network and of its table of routes.
    const fn net(self) -> u8 {
        match self {
            Self::Wifi => 91,
            Self::Cell => 92,
        }
    }

    /// The address of an end: 1 is the router, 2 the client.
    fn address(self, end: u8) -> String {
        format!("10.{}.0.{end}", self.net())
    }
}

/// One of the namespaces.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Client,
    Router,
    Server,
}

/// The namespaces, which go when this is dropped.
#[derive(Debug)]
pub(crate) struct Rig {
    prefix: String,
}

impl Rig {
    /// New namespaces, the client on Wi-Fi only.
    ///
    /// # Errors
    /// The system has no network namespaces for us.
    pub(crate) fn new() -> Result<Self, String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let rig = Self { prefix: format!("roamio-{}-{number}", std::process::id()) };
        for place in [Place::Client, Place::Router, Place::Server] {
            run("ip", &["netns", "add", &rig.name(place)])?;
            rig.ip(place, "link set lo up")?;
        }
        for link in [Link::Wifi, Link::Cell] {
            let (device, peer) = (link.device(), format!("{}-peer", link.device()));
            let (client, router) = (rig.name(Place::Client), rig.name(Place::Router));
            let pair = format!(
                "link add {device} netns {client} address {} type veth peer name {peer} netns {router} \
                 address {}",
                link.hardware(2),
                link.hardware(1),
            );
            run("ip", &pair.split(' ').collect::<Vec<_>>())?;
            rig.ip(Place::Router, &format!("addr add {}/24 dev {peer}", link.address(1)))?;
            rig.ip(Place::Router, &format!("link set {peer} up"))?;
            rig.ip(Place::Client, &format!("link set {device} up"))?;
            let rule = format!("rule add from {} lookup {}", link.address(2), link.net());
            rig.ip(Place::Client, &rule)?;
            rig.heal(link, Place::Router);
        }
        let [a, b, c, d] = PORTAL;
        for place in [Place::Router, Place::Server] {
            rig.ip(place, &format!("addr add {a}.{b}.{c}.{d}/32 dev lo"))?;
        }
        // What comes from an address of the other link is not answered.
        rig.inside(Place::Router, || std::fs::write("/proc/sys/net/ipv4/conf/all/rp_filter", "1"))
            .map_err(|error| format!("rp_filter: {error}"))?;
        for link in [Link::Wifi, Link::Cell] {
            rig.await_carrier(Place::Client, link.device())?;
            rig.await_carrier(Place::Router, &format!("{}-peer", link.device()))?;
        }
        rig.give_address(Link::Wifi);
        rig.use_link(Link::Wifi);
        Ok(rig)
    }

    /// The kernel drops what is sent on a link that it has not looked at yet, which may take a second.
    fn await_carrier(&self, place: Place, device: &str) -> Result<(), String> {
        let name = self.name(place);
        let begun = Instant::now();
        while begun.elapsed() < CARRIER_TIME {
            if run("ip", &["-n", &name, "-o", "link", "show", device])?.contains("state UP") {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Err(format!("{device} has no carrier"))
    }

    fn name(&self, place: Place) -> String {
        format!("{}-{place:?}", self.prefix).to_lowercase()
    }

    fn ip(&self, place: Place, arguments: &str) -> Result<String, String> {
        let name = self.name(place);
        let mut all = vec!["-n", &name];
        all.extend(arguments.split(' '));
        run("ip", &all)
    }

    /// Run something on a thread that lives in a namespace, as do the threads and sockets that it
    /// makes.
    pub(crate) fn inside<R: Send>(&self, place: Place, work: impl FnOnce() -> R + Send) -> R {
        let path = format!("/var/run/netns/{}", self.name(place));
        thread::scope(|scope| {
            let inside = scope.spawn(move || {
                let namespace = File::open(&path).unwrap();
                move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
                    .unwrap();
                work()
            });
            inside.join().unwrap()
        })
    }

    /// The client gets its address on a link. What is sent from there takes this link, whichever one
    /// new connections take: so it is on phones, and otherwise the connections of both would not live.
    pub(crate) fn give_address(&self, link: Link) {
        let (address, device) = (link.address(2), link.device());
        self.ip(Place::Client, &format!("addr replace {address}/24 dev {device}")).unwrap();
        let gateway = link.address(1);
        let route =
            format!("route replace default via {gateway} dev {device} table {}", link.net());
        self.ip(Place::Client, &route).unwrap();
    }

    /// The client loses its address on a link.
    pub(crate) fn take_address(&self, link: Link) {
        self.ip(Place::Client, &format!("addr flush dev {}", link.device())).unwrap();
    }

    /// New connections take this link.
    pub(crate) fn use_link(&self, link: Link) {
        let route = format!("route replace default via {} dev {}", link.address(1), link.device());
        self.ip(Place::Client, &route).unwrap();
    }

    /// The client moves to a link, and its address on the other one is gone.
    pub(crate) fn hand_over(&self, to: Link) {
        self.give_address(to);
        self.use_link(to);
        self.take_address(to.other());
    }

    /// The client's connections break, as when a system destroys the sockets of a lost network.
    pub(crate) fn destroy_sockets(&self) {
        let name = self.name(Place::Client);
        run("ip", &["netns", "exec", &name, "ss", "-K", "-t", "dst", "10.93.0.2"]).unwrap();
    }

    /// Packets that one end sends on a link are lost without a word, until it is healed.
    pub(crate) fn silence(&self, link: Link, sender: Place) {
        self.set_neighbour(link, sender, "02:00:00:00:00:01");
    }

    /// Packets arrive again.
    pub(crate) fn heal(&self, link: Link, sender: Place) {
        let receiver = if matches!(sender, Place::Client) { 1 } else { 2 };
        self.set_neighbour(link, sender, &link.hardware(receiver));
    }

    /// Whom one end sends to on a link. Nothing is resolved: a router that has just failed to find an
    /// address would wait for a second before it looks for it again.
    fn set_neighbour(&self, link: Link, sender: Place, hardware: &str) {
        let (receiver, device) = match sender {
            Place::Client => (link.address(1), link.device().to_owned()),
            _ => (link.address(2), format!("{}-peer", link.device())),
        };
        let entry =
            format!("neigh replace {receiver} dev {device} lladdr {hardware} nud permanent");
        self.ip(sender, &entry).unwrap();
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        for place in [Place::Client, Place::Router, Place::Server] {
            // One that was never made is fine.
            let _ = run("ip", &["netns", "del", &self.name(place)]);
        }
    }
}

/// What a program has printed.
fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program} {}: {}", arguments.join(" "), said.trim()))
}
