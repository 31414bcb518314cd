//! A session with everything that it can meet.

use std::path::Path;
use std::time::Duration;
use std::{fs, process};

use roamio::client::ConferenceEvent;
use roamio::config::{ConferenceConfig, Token};
use roamio::error::Code;
use roamio_portal::{Cut, Server, ServerConfig};

use crate::assert_unheard;
use crate::heard::HEARD;
use crate::host::{Host, ROOM, Told, eager};
use crate::search::Search;

const HEADER: &str = "Zq4vXh9RkT2mWc7LpB8s";
const QUERY: &str = "Yt6nGd3JwQ8xHf5KzM1r";
const TEXT: &str = "Vb7kPs2CnL9eRa4TyU6w";

fn config() -> ConferenceConfig {
    let mut config =
        ConferenceConfig { ask_token: true, login_timeout: Duration::from_millis(500), ..eager() };
    config.common.add_header("Authorization", HEADER).unwrap();
    config.common.transports.websocket.query = format!("key={QUERY}");
    config.common.trace = HEARD.trace();
    HEARD.add(format!("{config:?}"));
    config
}

/// Everything that the host was told, as it would print it.
fn print(host: &Host) {
    let printed = host.count(|told| {
        HEARD.add(format!("{told:?}"));
        match told {
            Told::Event(ConferenceEvent::State(step)) => {
                step.cause.iter().for_each(|cause| HEARD.add(cause));
            }
            Told::Outcome(_, Err(error)) => HEARD.add(error),
            _ => {}
        }
        true
    });
    assert!(printed > 0);
}

/// How a login ends that does not succeed.
fn failed_login(token: &str) -> Option<Code> {
    let mut host = Host::new(ConferenceConfig { ask_token: false, ..config() });
    let login = host.login(token);
    let code = host.outcome_code(login);
    print(&host);
    code
}

/// Log in, miss something, come back, renew the ticket, and be replaced after a restart.
fn session(portal: &Server) -> Host {
    let mut host = Host::joined(portal, config());
    let text = host.text(TEXT);
    host.outcome(text).unwrap();
    portal.cut(&host.network(), Cut::Reset);
    assert!(host.resumed());
    HEARD.until("a renewed ticket", |text| {
        text.contains(r#""answers":"refreshReconnectionTicket""#)
    });
    portal.restart();
    let wanted = host.until("the wish for a token", |told| match told {
        Told::Event(ConferenceEvent::TokenWanted { token, .. }) => Some(*token),
        _ => None,
    });
    let token = portal.mint_token(ROOM, "alice", "presenter");
    host.conference.provide_token(wanted, Ok(&token)).unwrap();
    host.until("a new session", |told| {
        matches!(told, Told::Event(ConferenceEvent::Rejoined { .. })).then_some(())
    });
    host
}

#[test]
fn s01_a_session_tells_no_secret() {
    let list = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("issued-{}", process::id()));
    let mut settings = ServerConfig { issued: Some(list.clone()), ..ServerConfig::default() };
    settings.model.ticket_lifetime = 2_000;
    let portal = Server::start_blocking(settings).unwrap();

    let bad_role = portal.mint_token(ROOM, "alice", "nobody");
    assert_eq!(failed_login(&bad_role), Some(Code::LoginRejected));
    assert_eq!(failed_login(&bad_role), Some(Code::LoginUnknown), "used tokens get no answer");
    let unused = portal.mint_token(ROOM, "alice", "presenter");
    HEARD.add(format!("{:?}", Token::parse(&unused, false)));
    let host = session(&portal);
    let error = host.conference.login(&format!("{unused}!"), |_| {}).unwrap_err();
    HEARD.add(format!("{error} {error:?} {:?}", host.conference));

    let export = host.conference.export().unwrap();
    HEARD.add(format!("{export:?}"));
    print(&host);
    host.conference.detach();
    let mut restored = Host::new(config());
    let damaged = &export.expose()[..export.expose().len() - 1];
    let error = restored.conference.restore(damaged, |_| {}).unwrap_err();
    HEARD.add(format!("{error} {error:?}"));
    let restore = restored.restore(export.expose());
    assert!(restored.outcome(restore).is_ok());
    print(&restored);
    HEARD.add(format!("{:?}", restored.conference.room()));

    let issued = fs::read_to_string(&list).unwrap();
    fs::remove_file(&list).unwrap();
    let mut secrets: Vec<&str> = issued.lines().collect();
    assert!(secrets.len() > 7, "tokens, and tickets of logins, a relogin and a refresh");
    secrets.extend([HEADER, QUERY, TEXT]);
    let search = Search::new(secrets.iter().copied(), 1);
    assert!(search.find(export.expose().as_bytes()).is_some(), "what it holds are tickets");
    assert_unheard(&secrets);
}
