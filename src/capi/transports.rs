use super::conference_config::roam_conference_config;
use super::config::roam_config;
use super::guard::{MAX_TEXT, array, build, text, unknown};
use super::status::roam_status;
use super::types::roam_str;
use crate::config::{
    Endpoint, Extra, Opening, Parser, Revision, Transport, TransportConfig, check_header,
};
use crate::error::Result;

/// ---- Options: transports -------------------------------------------------------------------
///
/// HTTP long-polling.
pub const ROAM_TRANSPORT_POLLING: u32 = 0;
/// WebSocket.
pub const ROAM_TRANSPORT_WEBSOCKET: u32 = 1;

/// With WebSocket first, polling starts beside it when it takes long or fails; the default.
pub const ROAM_OPENING_RACE: u32 = 0;
/// The next transport starts when the one before has failed.
pub const ROAM_OPENING_IN_TURN: u32 = 1;
/// Only the first transport is tried.
pub const ROAM_OPENING_FIRST: u32 = 2;

/// Find out whether the server speaks revision 4 or 3 of Engine.IO, and remember it.
pub const ROAM_REVISION_AUTO: u32 = 0;
/// Revision 3 of Engine.IO: Socket.IO servers 1.x and 2.x.
pub const ROAM_REVISION_3: u32 = 3;
/// Revision 4 of Engine.IO: Socket.IO servers 3.x and 4.x; the default.
pub const ROAM_REVISION_4: u32 = 4;

/// Switch: move from polling to WebSocket when the server offers it; on.
pub const ROAM_SWITCH_UPGRADE: u32 = 0;
/// Switch: start with WebSocket where the last upgrade to the same server worked; off.
pub const ROAM_SWITCH_REMEMBER_UPGRADE: u32 = 1;
/// Switch: send binary messages as base64 text; off.
pub const ROAM_SWITCH_FORCE_BASE64: u32 = 2;
/// Switch: keep the server's cookies and send them with every request; on.
pub const ROAM_SWITCH_COOKIES: u32 = 3;
/// Switch: join a namespace again although the server has disconnected it; off. This and the
/// following for managers only.
pub const ROAM_SWITCH_REJOIN_AFTER_SERVER_DISCONNECT: u32 = 4;
/// Switch: recover the state of a connection also after roam_socket_disconnect; off.
pub const ROAM_SWITCH_RECOVER_AFTER_DISCONNECT: u32 = 5;
/// Conferences: log in anew after every gap, so that the room is described afresh; needs
/// on_token_wanted, or else roam_conference_new answers INVALID_ARGUMENT. Off by default.
pub const ROAM_SWITCH_REJOIN_ON_GAP: u32 = 6;

/// A parameter against caches on polling's requests; the default.
pub const ROAM_TIMESTAMPS_POLLING: u32 = 0;
/// No such parameter.
pub const ROAM_TIMESTAMPS_NEVER: u32 = 1;
/// On all requests.
pub const ROAM_TIMESTAMPS_ALWAYS: u32 = 2;

/// Packets are text, with binary attachments behind it; the default.
pub const ROAM_PARSER_JSON: u32 = 0;
/// Packets are MessagePack; the server has to be set up for it. The host sees JSON all the same.
pub const ROAM_PARSER_MSGPACK: u32 = 1;

fn transport(number: u32) -> Result<Transport> {
    match number {
        ROAM_TRANSPORT_POLLING => Ok(Transport::Polling),
        ROAM_TRANSPORT_WEBSOCKET => Ok(Transport::Websocket),
        _ => Err(unknown("transport", number)),
    }
}

fn extra(config: &mut TransportConfig, number: u32) -> Result<&mut Extra> {
    Ok(match transport(number)? {
        Transport::Polling => &mut config.polling,
        Transport::Websocket => &mut config.websocket,
    })
}

/// More names of transports than there are.
const MAX_ORDER: usize = 16;

unsafe fn set_transports(
    config: &mut TransportConfig,
    order: *const u32,
    count: usize,
    opening: u32,
) -> Result<()> {
    // SAFETY: the host's promise, passed on.
    let numbers = unsafe { array(order, count, "order", MAX_ORDER) }?;
    config.opening = match opening {
        ROAM_OPENING_RACE => Opening::Race,
        ROAM_OPENING_IN_TURN => Opening::InTurn,
        ROAM_OPENING_FIRST => Opening::First,
        _ => return Err(unknown("opening", opening)),
    };
    config.order = numbers.iter().map(|number| transport(*number)).collect::<Result<_>>()?;
    Ok(())
}

fn revision(number: u32) -> Result<Revision> {
    match number {
        ROAM_REVISION_AUTO => Ok(Revision::Auto),
        ROAM_REVISION_3 => Ok(Revision::V3),
        ROAM_REVISION_4 => Ok(Revision::V4),
        _ => Err(unknown("revision", number)),
    }
}

fn switch(config: &mut TransportConfig, which: u32) -> Option<&mut bool> {
    match which {
        ROAM_SWITCH_UPGRADE => Some(&mut config.upgrade),
        ROAM_SWITCH_REMEMBER_UPGRADE => Some(&mut config.remember_upgrade),
        ROAM_SWITCH_FORCE_BASE64 => Some(&mut config.force_base64),
        ROAM_SWITCH_COOKIES => Some(&mut config.cookies),
        _ => None,
    }
}

unsafe fn set_query(config: &mut TransportConfig, of: u32, query: roam_str) -> Result<()> {
    // SAFETY: the host's promises for its arguments, passed on.
    let query = unsafe { text(query, "query", MAX_TEXT) }?;
    Endpoint::check_query(query)?;
    extra(config, of)?.query = query.to_owned();
    Ok(())
}

unsafe fn add_header(
    config: &mut TransportConfig,
    of: u32,
    name: roam_str,
    value: roam_str,
) -> Result<()> {
    // SAFETY: the host's promises for its arguments, passed on.
    let name = unsafe { text(name, "name", MAX_TEXT) }?;
    // SAFETY: as above.
    let value = unsafe { text(value, "value", MAX_TEXT) }?;
    check_header(name, value)?;
    extra(config, of)?.headers.0.push((name.to_owned(), value.to_owned()));
    Ok(())
}

unsafe fn set_timestamps(config: &mut TransportConfig, when: u32, name: roam_str) -> Result<()> {
    // SAFETY: the host's promises for its arguments, passed on.
    let name = unsafe { text(name, "name", MAX_TEXT) }?;
    config.timestamp_requests = match when {
        ROAM_TIMESTAMPS_POLLING => None,
        ROAM_TIMESTAMPS_NEVER => Some(false),
        ROAM_TIMESTAMPS_ALWAYS => Some(true),
        _ => return Err(unknown("when", when)),
    };
    if !name.is_empty() {
        config.timestamp_param = name.to_owned();
    }
    Ok(())
}

unsafe fn add_protocol(config: &mut TransportConfig, name: roam_str) -> Result<()> {
    // SAFETY: the host's promises for its arguments, passed on.
    config.protocols.push(unsafe { text(name, "name", MAX_TEXT) }?.to_owned());
    Ok(())
}

/// ---- Functions: transports -----------------------------------------------------------------
///
/// Which transports to use, in the order of preference: `count` numbers ROAM_TRANSPORT_..., and
/// what becomes of the second one while a connection opens: ROAM_OPENING_... WebSocket, then
/// polling, raced, by default. With polling first the connection is upgraded to WebSocket once it
/// is open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_transports(
    config: *mut roam_config,
    order: *const u32,
    count: usize,
    opening: u32,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.change(|options| {
                set_transports(&mut options.common.transports, order, count, opening)
            })
        })
    }
}

/// As roam_config_set_transports.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_set_transports(
    config: *mut roam_conference_config,
    order: *const u32,
    count: usize,
    opening: u32,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.change(|options| {
                set_transports(&mut options.common.transports, order, count, opening)
            })
        })
    }
}

/// The revision of Engine.IO: ROAM_REVISION_...
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_revision(
    config: *mut roam_config,
    which: u32,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.options.common.transports.revision = revision(which)?;
            Ok(())
        })
    }
}

/// As roam_config_set_revision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_set_revision(
    config: *mut roam_conference_config,
    which: u32,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.options.common.transports.revision = revision(which)?;
            Ok(())
        })
    }
}

/// Turn something on or off: ROAM_SWITCH_...
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_switch(
    config: *mut roam_config,
    which: u32,
    on: bool,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            let options = &mut config.options;
            let slot = match which {
                ROAM_SWITCH_REJOIN_AFTER_SERVER_DISCONNECT => {
                    Some(&mut options.rejoin_after_server_disconnect)
                }
                ROAM_SWITCH_RECOVER_AFTER_DISCONNECT => Some(&mut options.recover_after_disconnect),
                _ => switch(&mut options.common.transports, which),
            };
            *slot.ok_or_else(|| unknown("switch", which))? = on;
            Ok(())
        })
    }
}

/// As roam_config_set_switch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_set_switch(
    config: *mut roam_conference_config,
    which: u32,
    on: bool,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            let options = &mut config.options;
            let slot = match which {
                ROAM_SWITCH_REJOIN_ON_GAP => Some(&mut options.rejoin_on_gap),
                _ => switch(&mut options.common.transports, which),
            };
            *slot.ok_or_else(|| unknown("switch", which))? = on;
            Ok(())
        })
    }
}

/// Query parameters that only the requests of one transport have, percent-encoded and joined with
/// '&'.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_transport_query(
    config: *mut roam_config,
    transport: u32,
    query: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.change(|options| set_query(&mut options.common.transports, transport, query))
        })
    }
}

/// As roam_config_set_transport_query.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_set_transport_query(
    config: *mut roam_conference_config,
    transport: u32,
    query: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.change(|options| set_query(&mut options.common.transports, transport, query))
        })
    }
}

/// Add a header to the requests of one transport only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_add_transport_header(
    config: *mut roam_config,
    transport: u32,
    name: roam_str,
    value: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            add_header(&mut config.options.common.transports, transport, name, value)
        })
    }
}

/// As roam_config_add_transport_header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_add_transport_header(
    config: *mut roam_conference_config,
    transport: u32,
    name: roam_str,
    value: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            add_header(&mut config.options.common.transports, transport, name, value)
        })
    }
}

/// When requests have a parameter that no other has, ROAM_TIMESTAMPS_..., and its name; "t" unless
/// given.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_timestamps(
    config: *mut roam_config,
    when: u32,
    name: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.change(|options| set_timestamps(&mut options.common.transports, when, name))
        })
    }
}

/// As roam_config_set_timestamps.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_set_timestamps(
    config: *mut roam_conference_config,
    when: u32,
    name: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.change(|options| set_timestamps(&mut options.common.transports, when, name))
        })
    }
}

/// Offer a WebSocket subprotocol, beside those that were added before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_add_protocol(
    config: *mut roam_config,
    name: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.change(|options| add_protocol(&mut options.common.transports, name))
        })
    }
}

/// As roam_config_add_protocol.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_conference_config_add_protocol(
    config: *mut roam_conference_config,
    name: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.change(|options| add_protocol(&mut options.common.transports, name))
        })
    }
}

/// How packets are written: ROAM_PARSER_...
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_parser(
    config: *mut roam_config,
    parser: u32,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.options.parser = match parser {
                ROAM_PARSER_JSON => Parser::Json,
                ROAM_PARSER_MSGPACK => Parser::Msgpack,
                _ => return Err(unknown("parser", parser)),
            };
            Ok(())
        })
    }
}
