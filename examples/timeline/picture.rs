//! Shapes of an SVG along an axis of time.

use std::collections::HashSet;
use std::fmt::Write as _;

pub(crate) const INK: &str = "#1f2933";
pub(crate) const PALE: &str = "#7b8794";
pub(crate) const LEFT: f64 = 118.0;
pub(crate) const WIDTH: f64 = 890.0;
/// Room for what is said behind the last shapes.
pub(crate) const MARGIN: f64 = 110.0;

/// On which side of its place a text stands.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// Collects shapes. What is narrower than a pixel is drawn once per pixel, row and colour, so that a
/// trace of any length gives a picture that can be looked at.
pub(crate) struct Picture {
    /// What is behind the shapes.
    lines: String,
    shapes: String,
    /// Pixels per millisecond.
    scale: f64,
    thin: HashSet<(i64, i64, &'static str)>,
}

impl Picture {
    /// A picture of so many milliseconds.
    pub(crate) fn new(duration: f64) -> Self {
        Self {
            lines: String::new(),
            shapes: String::new(),
            scale: WIDTH / duration,
            thin: HashSet::new(),
        }
    }

    pub(crate) fn x(&self, t: f64) -> f64 {
        LEFT + t * self.scale
    }

    /// A bar between two times, with the text that is shown when the mouse is on it.
    pub(crate) fn bar(
        &mut self,
        (from, to): (f64, f64),
        y: f64,
        height: f64,
        fill: &'static str,
        title: &str,
    ) {
        let (x, width) = (self.x(from), (to - from) * self.scale);
        if width >= 1.0 || self.thin.insert((x as i64, y as i64, fill)) {
            self.rect((x, y), (width.max(1.0), height), fill, title);
        }
    }

    pub(crate) fn rect(
        &mut self,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        fill: &str,
        title: &str,
    ) {
        let rest = match title {
            "" => "/>".to_owned(),
            title => format!("><title>{}</title></rect>", escaped(title)),
        };
        let _ = writeln!(
            self.shapes,
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="1.5" fill="{fill}"{rest}"#
        );
    }

    /// A vertical line at a time, behind everything else.
    pub(crate) fn line(&mut self, t: f64, (top, bottom): (f64, f64), stroke: &'static str) {
        let x = self.x(t);
        if self.thin.insert((x as i64, top as i64, stroke)) {
            let _ = writeln!(
                self.lines,
                r#"<line x1="{x:.1}" y1="{top:.1}" x2="{x:.1}" y2="{bottom:.1}" stroke="{stroke}"/>"#
            );
        }
    }

    pub(crate) fn text(
        &mut self,
        (x, y): (f64, f64),
        anchor: Anchor,
        size: u32,
        fill: &str,
        text: &str,
    ) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _ = writeln!(
            self.shapes,
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" font-size="{size}" fill="{fill}">{}</text>"#,
            escaped(text)
        );
    }

    pub(crate) fn finish(self, height: f64) -> String {
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {height}" font-family="system-ui, sans-serif">
<rect width="100%" height="100%" fill="#fbfcfd"/>
{}{}</svg>
"##,
            LEFT + WIDTH + MARGIN,
            self.lines,
            self.shapes
        )
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// About how wide a text is.
pub(crate) fn width_of(text: &str, size: u32) -> f64 {
    text.chars().count() as f64 * f64::from(size) * 0.56 + 8.0
}

/// Rows for things that have a left and a right edge: each takes the first in which it has room.
pub(crate) struct Rows(Vec<f64>);

impl Rows {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    /// The row of the next thing, of which none begins before those before it; `None` when `most`
    /// rows are full.
    pub(crate) fn place(&mut self, left: f64, right: f64, most: usize) -> Option<usize> {
        let free = self.0.iter().position(|taken| *taken <= left);
        let row = match free {
            Some(row) => row,
            None if self.0.len() < most => {
                self.0.push(f64::NEG_INFINITY);
                self.0.len() - 1
            }
            None => return None,
        };
        self.0[row] = right;
        Some(row)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}
