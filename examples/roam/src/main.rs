//! `roam`, the command line client of roamio: see `roam --help`.
#![forbid(unsafe_code)]

mod arguments;
mod jsonl;
mod secrets;
mod words;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use self::arguments::{Arguments, Command};

/// What was asked for cannot be done: the words, or the files that they name.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Jsonl => jsonl::run(std::io::stdin().lock()),
        Command::Help { topic } => help(topic.as_deref()),
    }
}

/// Explain a topic.
fn help(topic: Option<&str>) -> ExitCode {
    match topic {
        None => print!("{}", Arguments::command().render_help()),
        Some("jsonl") => print!("{}", jsonl::HELP),
        Some(topic) => {
            eprintln!("roam: no topic `{topic}`: jsonl");
            return ExitCode::from(USAGE);
        }
    }
    ExitCode::SUCCESS
}
