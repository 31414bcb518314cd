//! The words of the command line.

use clap::{Parser, Subcommand};

/// Socket.IO and conference signalling that survive network changes, from the command line.
#[derive(Debug, Parser)]
#[command(name = "roam", version, disable_help_subcommand = true, max_term_width = 100)]
#[command(after_help = "`roam help TOPIC` tells more: jsonl.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// JSON lines in and out, for scripts and tests.
    Jsonl,
    /// Explain a topic: jsonl.
    Help {
        /// What to explain; everything in short if it is not given.
        topic: Option<String>,
    },
}
