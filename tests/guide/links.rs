//! Whoever follows a link of a page arrives, and every page can be reached.

use std::collections::BTreeSet;

use crate::pages::{Page, all, guide, page, root};

/// The anchors of a page's headings, as GitHub makes them: those of the same name are numbered.
fn anchors(page: &Page) -> BTreeSet<String> {
    let kept = |sign: &char| sign.is_alphanumeric() || " -_".contains(*sign);
    let prose = page.prose();
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    let titles = headings.map(|heading| heading.trim_start_matches('#').trim().to_lowercase());
    let mut anchors = BTreeSet::new();
    for title in titles {
        let plain = title.chars().filter(kept).collect::<String>().replace(' ', "-");
        let numbered = (1..).map(|number| format!("{plain}-{number}"));
        let free = std::iter::once(plain.clone()).chain(numbered).find(|it| !anchors.contains(it));
        anchors.extend(free);
    }
    anchors
}

/// Where the links of a page lead, if not to the web.
fn targets(page: &Page) -> Vec<String> {
    let prose = page.prose();
    let links = prose.split("](").skip(1).map(|rest| &rest[..rest.find(')').unwrap()]);
    links.filter(|target| !target.contains("://")).map(str::to_owned).collect()
}

#[test]
fn the_files_and_headings_that_the_pages_link_to_exist() {
    let mut links = 0;
    for from in all() {
        for target in targets(&from) {
            links += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let folder = root().join(&from.path).parent().unwrap().to_owned();
            let path = if file.is_empty() { root().join(&from.path) } else { folder.join(file) };
            assert!(path.exists(), "{}: {target}", from.path);
            if !anchor.is_empty() {
                let there = anchors(&page(path.to_str().unwrap()));
                assert!(there.contains(anchor), "{}: {target}", from.path);
            }
        }
    }
    assert!(links >= 50);
}

#[test]
fn the_index_of_the_guide_leads_to_every_page() {
    let index = targets(&page("docs/README.md"));
    for page in guide().iter().filter(|page| page.path != "docs/README.md") {
        let name = page.path.trim_start_matches("docs/");
        let is_linked = index.iter().any(|target| target.split('#').next() == Some(name));
        assert!(is_linked, "docs/README.md: no link to {name}");
    }
}
