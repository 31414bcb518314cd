//! `roam`, the command line client of roamio: see `roam --help`.
#![forbid(unsafe_code)]

mod arguments;
mod doctor;
mod human;
mod jsonl;
mod secrets;
mod words;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use self::arguments::{Arguments, Command};

/// What was asked for cannot be done: the words, or the files that they name.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Jsonl => Ok(jsonl::run(std::io::stdin().lock())),
        Command::Connect(connect) => human::connect::run(&connect),
        Command::Login(login) => human::login::run(&login),
        Command::Doctor(doctor) => doctor::run(&doctor),
        Command::Help { topic } => Ok(help(topic.as_deref())),
    };
    done.unwrap_or_else(|error| {
        eprintln!("roam: {error}");
        ExitCode::from(USAGE)
    })
}

/// Explain a topic.
fn help(topic: Option<&str>) -> ExitCode {
    let mut program = Arguments::command();
    // So that topics know the name of the program.
    program.build();
    let text = match topic {
        None => program.render_help().to_string(),
        Some("jsonl") => jsonl::HELP.to_owned(),
        Some(topic) => {
            let manual = match topic {
                "connect" => human::CONNECT,
                "login" => human::LOGIN,
                "doctor" => doctor::HELP,
                _ => {
                    eprintln!("roam: no topic `{topic}`: connect, login, doctor, jsonl");
                    return ExitCode::from(USAGE);
                }
            };
            let words = program.find_subcommand_mut(topic).map(|it| it.render_help().to_string());
            format!("{}\n{manual}", words.unwrap_or_default())
        }
    };
    print!("{text}");
    ExitCode::SUCCESS
}
