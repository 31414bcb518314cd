//! Draws a trace (`docs/trace.md`) as a picture:
//!
//! ```sh
//! cargo run --example timeline -- trace.jsonl [marks.jsonl] > timeline.svg
//! ```
//!
//! Marks are what was done to the network, by whoever did it: one JSON object per line,
//! `{"wall_ms":1764333000250,"text":"cable pulled"}`.

mod draw;
mod picture;
mod run;

use std::error::Error;
use std::{env, fs, process};

use crate::run::Run;

fn picture(trace: &str, marks: Option<&str>) -> Result<String, Box<dyn Error>> {
    let mut run = Run::read(&fs::read_to_string(trace)?)?;
    if let Some(marks) = marks {
        run.mark(&fs::read_to_string(marks)?)?;
    }
    Ok(draw::draw(&run))
}

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let picture = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [trace] => picture(trace, None),
        [trace, marks] => picture(trace, Some(marks)),
        _ => Err("usage: timeline TRACE.jsonl [MARKS.jsonl] > TIMELINE.svg".into()),
    };
    match picture {
        Ok(svg) => print!("{svg}"),
        Err(error) => {
            eprintln!("timeline: {error}");
            process::exit(1);
        }
    }
}
