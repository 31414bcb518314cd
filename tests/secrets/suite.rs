//! The last step of `make test`.

use std::env;
use std::fs;
use std::path::PathBuf;

use crate::search::Search;

/// The suite makes far more of each.
const LOGS: usize = 20;
const SECRETS: usize = 1_000;

#[test]
#[ignore = "the last step of make test, which knows where everything was kept"]
fn s01_the_whole_suite_has_told_no_token_and_no_ticket() {
    let folder = PathBuf::from(env::var_os("ROAMIO_WATCH").expect("names the folder"));
    let issued = env::var_os("ROAMIO_PORTAL_ISSUED").expect("names the list of the secrets");
    let issued = fs::read_to_string(issued).expect("portals were there");
    let search = Search::new(issued.lines(), 8);
    let (mut logs, mut bytes) = (0, 0);
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "log") {
            let text = fs::read(&path).unwrap();
            (logs, bytes) = (logs + 1, bytes + text.len());
            let found = search.find(&text).map(String::from_utf8_lossy);
            assert_eq!(found, None, "a secret is in {}", path.display());
        }
    }
    let secrets = search.secrets();
    println!("searched {logs} logs with {bytes} bytes for {secrets} tokens and tickets");
    assert!(logs >= LOGS, "only {logs} processes were watched");
    assert!(secrets >= SECRETS, "only {secrets} tokens and tickets are known");
}
