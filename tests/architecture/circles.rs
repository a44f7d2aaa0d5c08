//! No circles among siblings: within a folder, files and folders can be put in an order in which each uses only those
//! before it. That order is the order to read them in.

use std::collections::BTreeSet;

use petgraph::{algo::tarjan_scc, graphmap::DiGraphMap};

use crate::paths::Source;

/// Circles among the children of each module, as `folder: a, b`, sorted.
fn circles(sources: &[Source]) -> Vec<String> {
    let tests: BTreeSet<Vec<String>> = sources.iter().flat_map(Source::test_modules).collect();
    let sources: Vec<&Source> =
        sources.iter().filter(|source| !tests.iter().any(|module| source.module.starts_with(module))).collect();
    let prefixes =
        |module: &'_ Vec<String>| (1..=module.len()).map(|depth| module[..depth].to_vec()).collect::<Vec<_>>();
    let modules: BTreeSet<Vec<String>> = sources.iter().flat_map(|source| prefixes(&source.module)).collect();
    let folders: BTreeSet<&[String]> = modules.iter().map(|module| &module[..module.len() - 1]).collect();
    let paths: Vec<_> = sources.iter().map(|source| (&source.module, source.paths())).collect();
    let mut found = Vec::new();
    for folder in folders {
        let mut uses: DiGraphMap<&str, ()> = DiGraphMap::new();
        let inside = paths.iter().filter(|(module, _)| module.len() > folder.len() && module.starts_with(folder));
        for (module, paths) in inside {
            let from = module[folder.len()].as_str();
            for path in paths {
                let Some(("crate", path)) = path.split_first().map(|(first, rest)| (first.as_str(), rest)) else {
                    continue;
                };
                let names_child = path.len() > folder.len() && path.starts_with(folder);
                if names_child && modules.contains(&path[..=folder.len()]) && path[folder.len()] != from {
                    uses.add_edge(from, &path[folder.len()], ());
                }
            }
        }
        for mut circle in tarjan_scc(&uses).into_iter().filter(|circle| circle.len() > 1) {
            circle.sort_unstable();
            found.push(format!("{}: {}", folder.join("/"), circle.join(", ")));
        }
    }
    found.sort();
    found
}

#[test]
fn no_files_of_a_folder_use_one_another_in_a_circle() {
    let sources: Vec<Source> = crate::sources().into_iter().map(|(source, _)| source).collect();
    assert_eq!(circles(&sources), [""; 0]);
}

fn check(files: &[(&str, &str)], expected: &[&str]) {
    let sources: Vec<Source> = files.iter().map(|(file, text)| Source::new(file, text)).collect();
    assert_eq!(circles(&sources), expected);
}

#[test]
fn a_circle_is_found_through_folders_and_whatever_spells_it() {
    check(&[("a/x.rs", "use super::y::Y;"), ("a/y.rs", "fn f() { crate::a::x::g() }")], &["a: x, y"]);
    check(&[("a/x/deep.rs", "use crate::a::y;"), ("a/y.rs", "use super::x::deep;")], &["a: x, y"]);
    check(&[("x.rs", "use crate::y;"), ("y.rs", "use crate::z;"), ("z.rs", "use crate::x;")], &[": x, y, z"]);
}

#[test]
fn an_order_is_no_circle() {
    check(&[("a/x.rs", "use super::y::Y;"), ("a/y.rs", "use super::Shared;"), ("a/mod.rs", "use x::X;")], &[]);
    check(&[("a/x.rs", "#[cfg(test)] mod tests { use super::super::y; }"), ("a/y.rs", "use super::x;")], &[]);
}
