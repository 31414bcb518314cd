//! Plays a scenario of `tests/scenarios` and prints what a host sees of it. The same program exists
//! in every language of roamio, and all of them print the same.
//!
//! `cargo run --example scenario -- SCENARIO.json PORTAL_URL`

mod log;
mod names;
mod player;
mod portal;
mod seat;
mod steps;
mod words;

use std::error::Error;
use std::process::ExitCode;
use std::{env, fs};

use player::Player;
use portal::Portal;
use steps::Scenario;

/// What goes wrong is told to people only.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let [scenario, url] = words.as_slice() else {
        eprintln!("usage: scenario SCENARIO.json PORTAL_URL");
        return ExitCode::FAILURE;
    };
    match play(scenario, url) {
        Ok(trace) => {
            print!("{trace}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{scenario}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn play(scenario: &str, url: &str) -> Result<String> {
    let scenario: Scenario = serde_json::from_str(&fs::read_to_string(scenario)?)?;
    let mut player = Player::new(Portal::new(url)?);
    for (number, step) in scenario.steps.into_iter().enumerate() {
        player.play(step).map_err(|error| {
            let so_far = player.trace();
            format!("step {}: {error}\nthe trace so far:\n{so_far}", number + 1)
        })?;
    }
    player.close()?;
    Ok(player.trace())
}
