//! Draws a run as a picture: `timeline RUN.jsonl > RUN.svg`.
//!
//! Each line of the input is one JSON object with `t` in milliseconds and a `kind`:
//! `state` (`name`), `network` (`text`), `request` (`start`, `outcome`), `notification`
//! (`replayed`), `totals` (`text`).

use std::fmt::Write as _;
use std::io::Read as _;
use std::{env, fs, io, process};

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum What {
    State { name: String },
    Network { text: String },
    Request { start: f64, outcome: String },
    Notification { replayed: bool },
    Totals { text: String },
}

#[derive(Deserialize)]
struct Line {
    t: f64,
    #[serde(flatten)]
    what: What,
}

const LEFT: f64 = 118.0;
const WIDTH: f64 = 980.0;
const BAND: f64 = 96.0;
const NOTES: f64 = 152.0;
const REQUESTS: f64 = 202.0;
const LANE: f64 = 7.0;
const LANES: usize = 12;
const INK: &str = "#1f2933";

/// The colour of a state; the same in the band and in nothing else.
fn state_colour(name: &str) -> &'static str {
    match name {
        "ready" => "#3fa66b",
        "joining" => "#8fb8de",
        "resuming" => "#e8a33d",
        "leaving" => "#b8a9d9",
        "ended" => "#b23a48",
        _ => "#d0d5da",
    }
}

fn outcome_colour(outcome: &str) -> &'static str {
    match outcome {
        "replied" => "#52799e",
        "unknown" => "#b23a48",
        _ => "#c77d2e",
    }
}

struct Picture {
    svg: String,
    scale: f64,
}

impl Picture {
    fn x(&self, t: f64) -> f64 {
        LEFT + t * self.scale
    }

    fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, fill: &str) {
        let width = width.max(1.0);
        let _ = writeln!(
            self.svg,
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="1.5" fill="{fill}"/>"#
        );
    }

    fn line(&mut self, x: f64, top: f64, bottom: f64, stroke: &str, width: f64) {
        let _ = writeln!(
            self.svg,
            r#"<line x1="{x:.1}" y1="{top}" x2="{x:.1}" y2="{bottom}" stroke="{stroke}" stroke-width="{width}"/>"#
        );
    }

    fn text(&mut self, x: f64, y: f64, attributes: &str, text: &str) {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        let _ = writeln!(self.svg, r#"<text x="{x:.1}" y="{y:.1}" {attributes}>{text}</text>"#);
    }
}

fn draw(lines: &[Line]) -> String {
    let end = lines.iter().map(|line| line.t).fold(1_000.0, f64::max) + 300.0;
    let height = REQUESTS + LANES as f64 * LANE + 92.0;
    let mut picture = Picture { svg: String::new(), scale: WIDTH / end };
    let _ = writeln!(
        picture.svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {height}" font-family="system-ui, sans-serif" font-size="12" fill="{INK}">"#,
        LEFT + WIDTH + 20.0
    );
    let _ = writeln!(picture.svg, r##"<rect width="100%" height="100%" fill="#fbfcfd"/>"##);
    for (y, label) in
        [(BAND + 17.0, "state"), (NOTES + 18.0, "notifications"), (REQUESTS + 38.0, "requests")]
    {
        picture.text(LEFT - 12.0, y, r#"text-anchor="end""#, label);
    }
    draw_axis(&mut picture, end, height);
    draw_states(&mut picture, lines, end);
    draw_notifications(&mut picture, lines);
    draw_requests(&mut picture, lines);
    draw_network(&mut picture, lines);
    let mut x = LEFT;
    for name in ["joining", "ready", "resuming", "ended"] {
        picture.rect(x, height - 46.0, 12.0, 12.0, state_colour(name));
        picture.text(x + 17.0, height - 36.0, r#"font-size="11""#, name);
        x += 80.0;
    }
    for line in lines {
        if let What::Totals { text } = &line.what {
            picture.text(LEFT, height - 14.0, r#"font-weight="600""#, text);
        }
    }
    picture.svg.push_str("</svg>\n");
    picture.svg
}

fn draw_axis(picture: &mut Picture, end: f64, height: f64) {
    let bottom = height - 74.0;
    let step = [500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0]
        .into_iter()
        .find(|step| end / step <= 20.0)
        .unwrap_or(20_000.0);
    let mut t = 0.0;
    while t < end {
        let x = picture.x(t);
        picture.line(x, BAND, bottom, "#e4e8ec", 1.0);
        let seconds = format!("{} s", t / 1_000.0);
        picture.text(
            x,
            bottom + 14.0,
            r##"text-anchor="middle" font-size="10" fill="#7b8794""##,
            &seconds,
        );
        t += step;
    }
}

fn draw_states(picture: &mut Picture, lines: &[Line], end: f64) {
    let states: Vec<(f64, &str)> = lines
        .iter()
        .filter_map(|line| match &line.what {
            What::State { name } => Some((line.t, name.as_str())),
            _ => None,
        })
        .collect();
    for (index, (from, name)) in states.iter().enumerate() {
        let until = states.get(index + 1).map_or(end, |(at, _)| *at);
        let (left, right) = (picture.x(*from), picture.x(until));
        picture.rect(left, BAND, right - left, 26.0, state_colour(name));
        if right - left > name.len() as f64 * 7.5 {
            let middle = (left + right) / 2.0;
            let style = r##"text-anchor="middle" fill="#ffffff" font-size="11""##;
            picture.text(middle, BAND + 17.0, style, name);
        }
    }
}

/// Live notifications as ticks, the replay after a resume as one bar with their number.
fn draw_notifications(picture: &mut Picture, lines: &[Line]) {
    let mut replays: Vec<(f64, u32)> = Vec::new();
    for line in lines {
        match line.what {
            What::Notification { replayed: false } => {
                picture.line(picture.x(line.t), NOTES + 10.0, NOTES + 26.0, "#9aa5b1", 1.2);
            }
            What::Notification { replayed: true } => match replays.last_mut() {
                Some((at, count)) if line.t - *at < 100.0 => *count += 1,
                _ => replays.push((line.t, 1)),
            },
            _ => {}
        }
    }
    for (t, count) in replays {
        let x = picture.x(t);
        picture.rect(x - 1.5, NOTES - 2.0, 4.0, 28.0, "#d9480f");
        let style = r##"font-size="11" font-weight="600" fill="#d9480f""##;
        picture.text(x + 5.0, NOTES + 5.0, style, &format!("{count} replayed"));
    }
}

/// Requests as spans, each in the first lane that is free.
fn draw_requests(picture: &mut Picture, lines: &[Line]) {
    let mut lanes = [f64::NEG_INFINITY; LANES];
    let mut requests: Vec<(f64, f64, &str)> = lines
        .iter()
        .filter_map(|line| match &line.what {
            What::Request { start, outcome } => Some((*start, line.t, outcome.as_str())),
            _ => None,
        })
        .collect();
    requests.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (start, end, outcome) in requests {
        let (left, right) = (picture.x(start), picture.x(end).max(picture.x(start) + 2.0));
        let lane = lanes.iter().position(|free| *free < left).unwrap_or(LANES - 1);
        // An outcome that is spelled out needs room behind its span.
        lanes[lane] = right + if outcome == "replied" { 1.0 } else { 60.0 };
        let y = REQUESTS + lane as f64 * LANE;
        picture.rect(left, y, right - left, LANE - 2.0, outcome_colour(outcome));
        if outcome != "replied" {
            let style = format!(r#"font-size="10" fill="{}""#, outcome_colour(outcome));
            picture.text(right + 4.0, y + 5.5, &style, outcome);
        }
    }
}

/// What was done to the network, as marks; a label takes the first row in which it has room.
fn draw_network(picture: &mut Picture, lines: &[Line]) {
    let mut rows = [f64::NEG_INFINITY; 5];
    for line in lines {
        let What::Network { text } = &line.what else { continue };
        let (x, width) = (picture.x(line.t), text.len() as f64 * 6.4 + 8.0);
        let fits = x + width < LEFT + WIDTH + 20.0;
        let left = if fits { x } else { x - width };
        let row = rows.iter().position(|taken| *taken < left).unwrap_or(rows.len() - 1);
        rows[row] = left + width;
        let y = 18.0 + row as f64 * 16.0;
        picture.line(x, y - 9.0, REQUESTS + LANES as f64 * LANE, "#b23a48", 1.0);
        let (x, anchor) = if fits { (x + 4.0, "start") } else { (x - 4.0, "end") };
        let style = format!(r##"text-anchor="{anchor}" font-size="11" fill="#b23a48""##);
        picture.text(x, y, &style, text);
    }
}

fn main() {
    let text = match env::args().nth(1) {
        Some(path) => fs::read_to_string(path),
        None => {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text).map(|_| text)
        }
    };
    let lines: Result<Vec<Line>, String> =
        text.map_err(|error| error.to_string()).and_then(|text| {
            let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
            lines
                .map(|(number, line)| {
                    serde_json::from_str(line)
                        .map_err(|error| format!("line {}: {error}", number + 1))
                })
                .collect()
        });
    match lines {
        Ok(lines) => print!("{}", draw(&lines)),
        Err(error) => {
            eprintln!("timeline: {error}");
            process::exit(1);
        }
    }
}
