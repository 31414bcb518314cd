//! The picture of a run, from top to bottom: marks, states, connections, notifications, requests.

use crate::picture::{Anchor, INK, LEFT, MARGIN, PALE, Picture, Rows, WIDTH, width_of};
use crate::run::{Band, Message, Origin, Request, Run, Wire};

const MARK: f64 = 16.0;
const MARK_ROWS: usize = 6;
const BAND: f64 = 26.0;
/// More objects than anybody can look at.
const BANDS: usize = 8;
const LANE: f64 = 8.0;
const LANES: usize = 14;
const SPACE: f64 = 16.0;
const LABEL: u32 = 10;
const LOST: &str = "#b23a48";
const REPLAYED: &str = "#d9480f";
const GRID: &str = "#e4e8ec";

const STATES: [(&str, &str); 6] = [
    ("joining", "#8fb8de"),
    ("ready", "#3fa66b"),
    ("resuming", "#e8a33d"),
    ("leaving", "#b8a9d9"),
    ("ended", LOST),
    ("idle", "#d0d5da"),
];

/// A plain client's states have the colours of those that mean the same.
fn state_colour(name: &str) -> &'static str {
    let name = match name {
        "connecting" => "joining",
        "connected" => "ready",
        "reconnecting" | "rejoining" => "resuming",
        "closed" => "ended",
        name => name,
    };
    STATES.iter().find(|(known, _)| *known == name).map_or("#d0d5da", |(_, colour)| colour)
}

/// Draw a run.
pub(crate) fn draw(run: &Run) -> String {
    let duration = run.marks.iter().map(|mark| mark.t).fold(run.end.max(100.0), f64::max) * 1.02;
    let mut picture = Picture::new(duration);
    let top = draw_labels(&mut picture, run, 18.0);
    let mut y = top;
    for band in run.bands.iter().take(BANDS) {
        y = draw_states(&mut picture, band, duration, y);
    }
    y = draw_wires(&mut picture, &run.wires, duration, y + SPACE);
    y = draw_messages(&mut picture, run, y + SPACE);
    y = draw_requests(&mut picture, &run.requests, y + SPACE);
    let height = (top, y);
    y = draw_axis(&mut picture, duration, height);
    draw_marks(&mut picture, run, height);
    y = draw_legend(&mut picture, y + SPACE);
    picture.text((LEFT, y + 20.0), Anchor::Start, 12, INK, &run.totals());
    picture.finish(y + 34.0)
}

fn name_row(picture: &mut Picture, (top, bottom): (f64, f64), name: &str) {
    let y = f64::midpoint(top, bottom) + 4.0;
    picture.text((LEFT - 12.0, y), Anchor::End, 12, INK, name);
}

fn mark_colour(origin: Origin) -> &'static str {
    match origin {
        Origin::Fault => LOST,
        Origin::Network => "#2b6cb0",
        Origin::Trace => PALE,
    }
}

/// What the marks say; where there is no room for it, only the line remains.
fn draw_labels(picture: &mut Picture, run: &Run, top: f64) -> f64 {
    let mut rows = Rows::new();
    for mark in &run.marks {
        let (x, width) = (picture.x(mark.t), width_of(&mark.text, 11));
        let fits = x + width < LEFT + WIDTH + MARGIN;
        let left = if fits { x } else { x - width };
        let Some(row) = rows.place(left, left + width, MARK_ROWS) else { continue };
        let y = top + row as f64 * MARK;
        let (x, anchor) = if fits { (x + 4.0, Anchor::Start) } else { (x - 4.0, Anchor::End) };
        picture.text((x, y), anchor, 11, mark_colour(mark.origin), &mark.text);
    }
    top + rows.count() as f64 * MARK
}

fn draw_marks(picture: &mut Picture, run: &Run, height: (f64, f64)) {
    for mark in &run.marks {
        picture.line(mark.t, height, mark_colour(mark.origin));
    }
}

fn draw_states(picture: &mut Picture, band: &Band, end: f64, y: f64) -> f64 {
    name_row(picture, (y, y + BAND), &band.label);
    for (index, (from, name)) in band.states.iter().enumerate() {
        let until = band.states.get(index + 1).map_or(end, |(next, _)| *next);
        picture.bar((*from, until), y, BAND, state_colour(name), name);
        let (left, right) = (picture.x(*from), picture.x(until));
        if right - left > width_of(name, 11) {
            let middle = f64::midpoint(left, right);
            picture.text((middle, y + 17.0), Anchor::Middle, 11, "#ffffff", name);
        }
    }
    y + BAND + 4.0
}

/// Connections as bars, pale while they are being made, with the reason where they were lost.
fn draw_wires(picture: &mut Picture, wires: &[Wire], end: f64, top: f64) -> f64 {
    let mut rows = Rows::new();
    for wire in wires {
        let to = wire.to.unwrap_or(end);
        let lost = wire.lost.as_deref().unwrap_or_default();
        let room = if lost.is_empty() { 1.0 } else { width_of(lost, LABEL) };
        let (left, right) = (picture.x(wire.from), picture.x(to));
        let row = rows.place(left, right + room, LANES);
        let y = top + row.unwrap_or(LANES - 1) as f64 * LANE;
        let title = format!("wire {}, {}: {lost}", wire.number, wire.transport);
        let colour = if wire.transport == "polling" { "#7d6bb0" } else { "#52799e" };
        let open = wire.open.unwrap_or(to);
        picture.bar((wire.from, open), y, LANE - 2.0, "#c3d0dc", &title);
        if wire.open.is_some() {
            picture.bar((open, to), y, LANE - 2.0, colour, &title);
        }
        if row.is_some() && !lost.is_empty() {
            picture.text((right + 3.0, y + 6.0), Anchor::Start, LABEL, LOST, lost);
        }
    }
    let bottom = top + rows.count().max(1) as f64 * LANE;
    name_row(picture, (top, bottom), "connections");
    bottom
}

/// Live notifications as ticks, the higher the more there are; what came in a replay as one bar with
/// its number; gaps below.
fn draw_messages(picture: &mut Picture, run: &Run, top: f64) -> f64 {
    let bottom = top + 36.0;
    name_row(picture, (top, bottom), "notifications");
    let mut labels = Rows::new();
    let together = |a: &Message, b: &Message| match (a.replayed, b.replayed) {
        (true, true) => b.t - a.t < 100.0,
        (false, false) => picture.x(a.t) as i64 == picture.x(b.t) as i64,
        _ => false,
    };
    let groups: Vec<&[Message]> = run.messages.chunk_by(together).collect();
    for group in groups {
        let (first, count) = (&group[0], group.len());
        let x = picture.x(first.t);
        if first.replayed {
            picture.rect((x - 1.5, top), (4.0, 26.0), REPLAYED, "");
            let text = format!("{count} replayed");
            if labels.place(x, x + width_of(&text, 11), 1).is_some() {
                picture.text((x + 5.0, top + 8.0), Anchor::Start, 11, REPLAYED, &text);
            }
        } else {
            let height = (8.0 + 2.0 * (count as f64).log2()).min(24.0);
            picture.bar((first.t, first.t), top + 26.0 - height, height, "#9aa5b1", "");
        }
    }
    let mut labels = Rows::new();
    for gap in &run.gaps {
        let x = picture.x(gap.t);
        picture.bar((gap.t, gap.t), top + 28.0, 8.0, LOST, &gap.text);
        if labels.place(x, x + width_of(&gap.text, LABEL), 1).is_some() {
            picture.text((x + 5.0, bottom), Anchor::Start, LABEL, LOST, &gap.text);
        }
    }
    bottom
}

fn result_colour(result: Option<&str>) -> &'static str {
    match result {
        Some("OK") => "#52799e",
        Some("ACK_LOST") => LOST,
        Some(_) => "#c77d2e",
        None => PALE,
    }
}

/// Requests as spans. An outcome that is no answer is spelled out.
fn draw_requests(picture: &mut Picture, requests: &[Request], top: f64) -> f64 {
    let mut rows = Rows::new();
    for request in requests {
        let result = request.result.as_deref().unwrap_or("no outcome");
        let label = match result {
            "OK" if request.of_session => request.name.as_str(),
            "OK" => "",
            result => result,
        };
        let room = if label.is_empty() { 1.0 } else { width_of(label, LABEL) };
        let left = picture.x(request.from);
        let right = picture.x(request.to).max(left + 1.0);
        let row = rows.place(left, right + room, LANES);
        let y = top + row.unwrap_or(LANES - 1) as f64 * LANE;
        let took = request.to - request.from;
        let title = format!("{} {}: {result} after {took} ms", request.number, request.name);
        let colour = result_colour(request.result.as_deref());
        picture.bar((request.from, request.to), y, LANE - 2.0, colour, &title);
        if row.is_some() && !label.is_empty() {
            picture.text((right + 3.0, y + 6.0), Anchor::Start, LABEL, colour, label);
        }
    }
    let bottom = top + rows.count().max(1) as f64 * LANE;
    name_row(picture, (top, bottom), "requests");
    bottom
}

fn draw_axis(picture: &mut Picture, duration: f64, (top, bottom): (f64, f64)) -> f64 {
    let mut step = 100.0;
    for factor in [2.0, 2.5, 2.0].into_iter().cycle() {
        if duration / step <= 20.0 {
            break;
        }
        step *= factor;
    }
    let mut t = 0.0;
    while t < duration {
        picture.line(t, (top, bottom), GRID);
        let seconds = format!("{} s", t / 1_000.0);
        picture.text((picture.x(t), bottom + 14.0), Anchor::Middle, 10, PALE, &seconds);
        t += step;
    }
    bottom + 14.0
}

fn draw_legend(picture: &mut Picture, y: f64) -> f64 {
    let mut x = LEFT;
    for (name, colour) in STATES {
        picture.rect((x, y), (12.0, 12.0), colour, "");
        picture.text((x + 17.0, y + 10.0), Anchor::Start, 11, INK, name);
        x += 80.0;
    }
    y + 12.0
}
