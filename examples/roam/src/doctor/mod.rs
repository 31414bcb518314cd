//! `roam doctor`: why a connection does not work, or how well it does.
//!
//! It makes connections with the library, each with other options, and reads their traces: nothing
//! of what happens on the way is done a second time here.

mod advice;
mod examination;
mod latency;
mod namespace;
mod probe;
mod progress;
mod report;
mod trace;
mod transports;
mod way;

use std::process::ExitCode;

use roamio::error::Result;

use self::examination::Examination;
use self::progress::Progress;
use crate::arguments::Doctor;
use crate::human::paint::Paint;

/// What `roam help doctor` says beside the options.
pub(crate) const HELP: &str = include_str!("help.txt");

/// Examine, and tell.
///
/// # Errors
/// Words that cannot be used.
pub(crate) fn run(doctor: &Doctor) -> Result<ExitCode> {
    let progress = Progress::start(!doctor.json);
    let report = Examination::new(doctor)?.all(&progress);
    progress.end();
    let report = report?;
    if doctor.json {
        println!("{}", report.json());
    } else {
        print!("{}", report.table(Paint::of_output()));
    }
    Ok(if report.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
