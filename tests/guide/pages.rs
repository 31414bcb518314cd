//! The pages of the guide, and what is in them.

use std::path::{Path, PathBuf};

/// A page: its path from the root of the project, and its text.
pub struct Page {
    pub path: String,
    pub text: String,
}

/// A program or text between fences.
pub struct Sample<'a> {
    /// What stands behind the opening fence: the language, and what follows a comma.
    pub kind: &'a str,
    /// The line of its first line, from 1.
    pub line: usize,
    pub text: &'a str,
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn page(path: &str) -> Page {
    let text = std::fs::read_to_string(root().join(path));
    Page { path: path.to_owned(), text: text.unwrap_or_else(|error| panic!("{path}: {error}")) }
}

/// The pages of `docs/`, by their names there.
pub fn guide() -> Vec<Page> {
    let folder = std::fs::read_dir(root().join("docs")).unwrap();
    let paths = folder.map(|entry| entry.unwrap().path());
    let mut names: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|kind| kind == "md")).collect();
    names.sort();
    let name = |path: &PathBuf| format!("docs/{}", path.file_name().unwrap().display());
    names.iter().map(|path| page(&name(path))).collect()
}

/// Everything that a user of the library reads.
pub fn all() -> Vec<Page> {
    let mut pages = guide();
    pages.extend(["README.md", "CHANGELOG.md", "examples/portal/README.md"].map(page));
    pages
}

impl Page {
    /// What is between fences, in the order of the page.
    pub fn samples(&self) -> Vec<Sample<'_>> {
        let mut samples = Vec::new();
        let mut at = 0;
        while let Some(start) = self.next_fence(at) {
            let head = &self.text[start + 3..];
            let kind = &head[..head.find('\n').unwrap_or(head.len())];
            let begin = start + 3 + kind.len() + 1;
            let end = self.next_fence(begin).unwrap_or_else(|| panic!("{}: open", self.path));
            let line = self.text[..begin].matches('\n').count() + 1;
            samples.push(Sample { kind, line, text: &self.text[begin..end] });
            at = end + 3;
        }
        samples
    }

    /// The programs in a language.
    pub fn programs(&self, language: &str) -> Vec<Sample<'_>> {
        let is_wanted = |sample: &Sample<'_>| sample.kind.split(',').next() == Some(language);
        self.samples().into_iter().filter(is_wanted).collect()
    }

    /// Where the next line begins that is a fence.
    fn next_fence(&self, from: usize) -> Option<usize> {
        let lines = std::iter::once(from)
            .chain(self.text[from..].match_indices('\n').map(|(at, _)| from + at + 1));
        lines.into_iter().find(|at| self.text[*at..].starts_with("```"))
    }

    /// The text without what is between fences.
    pub fn prose(&self) -> String {
        self.text.split("\n```").step_by(2).collect::<Vec<_>>().join("\n")
    }

    /// The rows of the first table under a heading, without its head.
    pub fn rows(&self, heading: &str) -> Vec<Vec<String>> {
        let start = self.text.find(&format!("\n## {heading}\n"));
        let start = start.unwrap_or_else(|| panic!("{}: no {heading}", self.path));
        let lines = self.text[start..].lines().skip_while(|line| !line.starts_with('|'));
        let rows = lines.take_while(|line| line.starts_with('|')).skip(2);
        let cells = |row: &str| -> Vec<String> {
            let row = row.strip_prefix('|').and_then(|row| row.strip_suffix('|')).unwrap();
            row.split('|').map(|cell| cell.trim().to_owned()).collect()
        };
        rows.map(cells).collect()
    }

    /// The same without the code marks around whole cells.
    pub fn table(&self, heading: &str) -> Vec<Vec<String>> {
        let plain = |row: Vec<String>| -> Vec<String> {
            row.iter().map(|cell| cell.trim_matches('`').to_owned()).collect()
        };
        self.rows(heading).into_iter().map(plain).collect()
    }
}
