//! HTTP below `/control`: faults, switches, the ledger and the state, for tests and for people.
//!
//! Control requests carry everything in the query and have an empty body, so that a client of a
//! few lines can send them. The answer is one line of text, or JSON where said so.

use std::{collections::BTreeMap, num::NonZeroUsize, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Refusal, Target, hub::Hub, status};
use crate::{
    model::{Audience, Ledger, Millis, Portal, TextBurst},
    relay::{Connection, Cut, Direction, FreezeMode},
};

/// A line of text, or the reason of a bad request.
type Answer = Result<String, (StatusCode, String)>;

pub(super) fn router() -> Router<Arc<Hub>> {
    Router::new()
        .route("/cut", post(cut))
        .route("/freeze", post(freeze))
        .route("/thaw", post(thaw))
        .route("/delay", post(delay))
        .route("/throttle", post(throttle))
        .route("/refuse", post(refuse))
        .route("/swallow-ack", post(swallow_acks))
        .route("/delay-ack", post(delay_acks))
        .route("/fail", post(fail))
        .route("/drop", post(drop_participant))
        .route("/kick", post(kick))
        .route("/restart", post(restart))
        .route("/expire-tickets", post(expire_tickets))
        .route("/clock-offset", post(set_clock_offset))
        .route("/forget-tokens", post(forget_tokens))
        .route("/switch", post(set_switches))
        .route("/switches", get(switches))
        .route("/texts", post(send_texts))
        .route("/notify", post(notify))
        .route("/participants", get(participants))
        .route("/ledger", get(ledger))
        .route("/state", get(status::state))
}

/// Which connections a fault hits: `participant=`, `connection=` or `all=true`.
#[derive(Deserialize)]
struct Aim {
    participant: Option<String>,
    connection: Option<u64>,
    #[serde(default)]
    all: bool,
}

impl Aim {
    /// Hit the target and say how often.
    fn hit(self, hub: &Hub, act: impl Fn(&Connection)) -> Answer {
        let target = match self {
            Self { participant: Some(id), .. } => Target::Participant(id),
            Self { connection: Some(number), .. } => Target::Connection(number),
            Self { all: true, .. } => Target::All,
            _ => return Err(bad("participant=, connection= or all=true is missing")),
        };
        match hub.disturb(&target, act) {
            0 => Err((StatusCode::NOT_FOUND, "no such connection\n".into())),
            hits => Ok(format!("{hits}\n")),
        }
    }
}

async fn cut(
    State(hub): State<Arc<Hub>>,
    Query(aim): Query<Aim>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let how = match query.get("how").map(String::as_str) {
        Some("rst") | None => Cut::Reset,
        Some("fin") => Cut::Close,
        Some(_) => return Err(bad("how= is rst or fin")),
    };
    aim.hit(&hub, |connection| connection.cut(how))
}

async fn freeze(
    State(hub): State<Arc<Hub>>,
    Query(aim): Query<Aim>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let direction = match query.get("direction").map(String::as_str) {
        Some("in") => Direction::ToServer,
        Some("out") => Direction::ToClient,
        Some("both") | None => Direction::Both,
        Some(_) => return Err(bad("direction= is in, out or both")),
    };
    let mode = match query.get("mode").map(String::as_str) {
        Some("hold") | None => FreezeMode::Hold,
        Some("discard") => FreezeMode::Discard,
        Some(_) => return Err(bad("mode= is hold or discard")),
    };
    aim.hit(&hub, |connection| connection.freeze(direction, mode))
}

async fn thaw(State(hub): State<Arc<Hub>>, Query(aim): Query<Aim>) -> Answer {
    aim.hit(&hub, Connection::thaw)
}

#[derive(Deserialize)]
struct Milliseconds<T> {
    ms: T,
}

async fn delay(
    State(hub): State<Arc<Hub>>,
    Query(aim): Query<Aim>,
    Query(one_way): Query<Milliseconds<u64>>,
) -> Answer {
    aim.hit(&hub, |connection| connection.delay(Duration::from_millis(one_way.ms)))
}

#[derive(Deserialize)]
struct Rate {
    bytes_per_second: usize,
}

async fn throttle(
    State(hub): State<Arc<Hub>>,
    Query(aim): Query<Aim>,
    Query(rate): Query<Rate>,
) -> Answer {
    let rate = NonZeroUsize::new(rate.bytes_per_second);
    aim.hit(&hub, |connection| connection.throttle(rate))
}

#[derive(Deserialize)]
struct Refuse {
    on: bool,
    how: Option<String>,
}

async fn refuse(State(hub): State<Arc<Hub>>, Query(query): Query<Refuse>) -> Answer {
    let refusal = match query.how.as_deref() {
        Some("reset") | None => Refusal::Reset,
        Some("forbidden") => Refusal::Forbidden,
        Some("captive") => Refusal::CaptivePortal,
        Some(_) => return Err(bad("how= is reset, forbidden or captive")),
    };
    hub.refuse(query.on.then_some(refusal));
    done()
}

/// Whose answers to which request, and how many.
#[derive(Deserialize)]
struct Acks {
    participant: Option<String>,
    request: String,
    #[serde(default = "one")]
    count: u32,
}

fn one() -> u32 {
    1
}

async fn swallow_acks(State(hub): State<Arc<Hub>>, Query(acks): Query<Acks>) -> Answer {
    let Acks { participant, request, count } = acks;
    hub.with_model(|model, _| model.swallow_acks(participant.as_deref(), &request, count));
    done()
}

async fn delay_acks(
    State(hub): State<Arc<Hub>>,
    Query(acks): Query<Acks>,
    Query(by): Query<Milliseconds<Millis>>,
) -> Answer {
    let Acks { participant, request, count } = acks;
    hub.with_model(|model, _| model.delay_acks(participant.as_deref(), &request, count, by.ms));
    done()
}

async fn fail(
    State(hub): State<Arc<Hub>>,
    Query(requests): Query<Acks>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let Acks { participant, request, count } = requests;
    let text = query.get("text").ok_or_else(|| bad("text= is missing"))?;
    hub.with_model(|model, _| model.fail_requests(participant.as_deref(), &request, count, text));
    done()
}

#[derive(Deserialize)]
struct Whom {
    participant: String,
}

async fn drop_participant(State(hub): State<Arc<Hub>>, Query(whom): Query<Whom>) -> Answer {
    found(hub.with_model(|model, now| model.drop_participant(&whom.participant, now)))
}

async fn kick(State(hub): State<Arc<Hub>>, Query(whom): Query<Whom>) -> Answer {
    found(hub.with_model(|model, now| model.kick(&whom.participant, now)))
}

async fn restart(State(hub): State<Arc<Hub>>) -> Answer {
    hub.restart();
    done()
}

async fn expire_tickets(State(hub): State<Arc<Hub>>) -> Answer {
    hub.with_model(Portal::expire_tickets);
    done()
}

async fn set_clock_offset(
    State(hub): State<Arc<Hub>>,
    Query(offset): Query<Milliseconds<i64>>,
) -> Answer {
    hub.with_model(|model, _| model.set_clock_offset(offset.ms));
    done()
}

async fn forget_tokens(State(hub): State<Arc<Hub>>) -> Answer {
    hub.with_model(|model, _| model.forget_tokens());
    done()
}

/// All or none are set.
async fn set_switches(
    State(hub): State<Arc<Hub>>,
    Query(wanted): Query<BTreeMap<String, String>>,
) -> Answer {
    hub.with_model(|model, _| {
        let mut config = model.config().clone();
        wanted.iter().try_for_each(|(name, value)| config.set(name, value))?;
        *model.config_mut() = config;
        Ok(())
    })
    .map_err(|error: String| bad(&error))?;
    done()
}

async fn switches(State(hub): State<Arc<Hub>>) -> Json<Map<String, Value>> {
    Json(hub.with_model(|model, _| status::switches(model.config())))
}

#[derive(Deserialize)]
struct Notification {
    participant: String,
    event: String,
}

/// The body is the payload; without one the notification has none.
async fn notify(
    State(hub): State<Arc<Hub>>,
    Query(to): Query<Notification>,
    body: String,
) -> Answer {
    let data: Option<Value> = match body.as_str() {
        "" => None,
        json => Some(serde_json::from_str(json).map_err(|error| bad(&error.to_string()))?),
    };
    found(hub.with_model(|model, now| {
        model.notify(&to.participant, &to.event, data.as_ref(), now);
        model.connection_of(&to.participant).is_some()
    }))
}

#[derive(Deserialize)]
struct Texts {
    room: Option<String>,
    participant: Option<String>,
    count: u64,
    #[serde(default)]
    gap_ms: Millis,
    #[serde(default)]
    prefix: String,
    #[serde(default = "first")]
    first: u64,
}

fn first() -> u64 {
    1
}

async fn send_texts(State(hub): State<Arc<Hub>>, Query(texts): Query<Texts>) -> Answer {
    let Texts { room, participant, count, gap_ms: gap, prefix, first } = texts;
    let to = match (room, participant) {
        (Some(room), None) => Audience::Room(room),
        (None, Some(participant)) => Audience::Participant(participant),
        _ => return Err(bad("either room= or participant= is needed")),
    };
    let burst = TextBurst { to, prefix, first, count, gap };
    hub.with_model(|model, now| model.send_texts(burst, now));
    done()
}

#[derive(Deserialize)]
struct Where {
    room: Option<String>,
}

/// Everybody in a room, or everybody who has ever logged in.
async fn participants(State(hub): State<Arc<Hub>>, Query(query): Query<Where>) -> Json<Value> {
    Json(hub.with_model(|model, _| match query.room {
        Some(room) => json!(model.participants(&room)),
        None => json!(model.attendance()),
    }))
}

#[derive(Deserialize)]
struct LedgerQuery {
    participant: String,
    format: Option<String>,
}

async fn ledger(State(hub): State<Arc<Hub>>, Query(query): Query<LedgerQuery>) -> Answer {
    let ledger: Option<Ledger> =
        hub.with_model(|model, _| model.ledger(&query.participant).cloned());
    let ledger = ledger.ok_or((StatusCode::NOT_FOUND, String::from("no such participant\n")))?;
    if query.format.as_deref() == Some("text") {
        return Ok(ledger.to_string());
    }
    serde_json::to_string(&ledger)
        .map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

fn done() -> Answer {
    Ok("ok\n".into())
}

fn found(found: bool) -> Answer {
    if found { done() } else { Err((StatusCode::NOT_FOUND, "no such participant\n".into())) }
}

fn bad(why: &str) -> (StatusCode, String) {
    (StatusCode::BAD_REQUEST, format!("{why}\n"))
}
