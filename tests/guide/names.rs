//! Every name of the library that a page uses is one of the library.

use std::collections::BTreeSet;

use roamio::error::Code;

use crate::pages::all;

const HEADER: &str = include_str!("../../include/roamio.h");

/// The words of a text that begin like names of the C interface.
fn c_names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_');
    words.filter(|word| word.starts_with("roam_") || word.starts_with("ROAM_")).collect()
}

#[test]
fn the_names_of_c_that_the_pages_use_are_in_the_header() {
    let known = c_names(HEADER);
    for page in all() {
        for name in c_names(&page.text) {
            // Some stand for all names that begin, or end, with them.
            let is_known = match name.strip_suffix('_') {
                Some(_) => known.iter().any(|known| known.starts_with(name)),
                None => known.contains(name),
            };
            assert!(is_known, "{}: {name}", page.path);
        }
    }
}

/// Loud names of others: variables of the environment.
const FOREIGN: [&str; 3] = ["SSL_CERT_FILE", "SSL_CERT_DIR", "NO_COLOR"];

/// The codes that a page names stand between code marks, alone: `ACK_LOST`.
#[test]
fn the_errors_that_the_pages_name_exist() {
    let codes: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    let constants = c_names(HEADER);
    let is_loud = |word: &&str| {
        word.contains('_') && word.chars().all(|sign| sign.is_ascii_uppercase() || sign == '_')
    };
    let mut named = BTreeSet::new();
    for page in all() {
        for name in page.prose().split('`').skip(1).step_by(2).filter(is_loud) {
            // The tables of options leave the beginning of a constant to the head of their column.
            let is_constant = ["ROAM_TIMEOUT_", "ROAM_LIMIT_", ""]
                .iter()
                .any(|start| constants.contains(format!("{start}{name}").as_str()));
            let is_known = codes.contains(name) || is_constant || FOREIGN.contains(&name);
            assert!(is_known, "{}: {name}", page.path);
            named.extend(codes.get(name).copied());
        }
    }
    assert!(named.len() > 30);
}
