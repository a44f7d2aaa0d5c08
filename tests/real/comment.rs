//! The plan for a pull request, rendered as GitHub renders it, in a browser.

use std::fmt::Write as _;

use comrak::{Options, markdown_to_html};

use crate::{
    browser::{self, Browser, Look, Scheme},
    command::Rosterd,
};

/// What a comment on GitHub looks like, as far as widths, tables and boxes go.
const STYLE: &str = "body { margin: 0 auto; padding: 1rem; max-width: 50rem; background: #fff; color: #1f2328;
    font: 14px/1.5 sans-serif; overflow-wrap: break-word; }
table { border-collapse: collapse; display: block; max-width: 100%; overflow: auto; }
td, th { border: 1px solid #d1d9e0; padding: .35rem .8rem; }
code { background: #eff1f3; padding: .15em .4em; border-radius: .35rem; font-size: 85%; white-space: break-spaces; }
pre { background: #f6f8fa; padding: 1rem; overflow: auto; border-radius: .35rem; }
pre code { background: none; padding: 0; white-space: pre; }
.markdown-alert { border-left: .25rem solid #9a6700; padding: .5rem 1rem; }
.markdown-alert p { margin: .2rem 0; }";

/// The comment as a page.
fn page(markdown: &str) -> String {
    let mut options = Options::default();
    let extension = &mut options.extension;
    (extension.table, extension.strikethrough, extension.autolink) = (true, true, true);
    (extension.tasklist, extension.alerts) = (true, true);
    // As on GitHub, tags such as `details` are tags.
    options.render.r#unsafe = true;
    let html = markdown_to_html(markdown, &options);
    format!(
        "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><style>{STYLE}</style><body>\n{html}</body></html>\n"
    )
}

/// Looks at a comment: nothing of Markdown is left in what is read.
fn look(browser: &Browser, markdown: &str, name: &str) -> Look {
    let html = page(markdown);
    for width in [900, 400] {
        let look = browser.look(&html, width, Scheme::Light);
        assert_eq!(look.problems, [""; 0], "{name}, {width} wide");
        for raw in ["**", "```", "|---", "| ---", "[!", "<b>", "<details", "&#", "&lt;"] {
            assert!(!look.text.contains(raw), "{raw} is left in {name}: {}", look.text);
        }
        assert!(look.elements["table"] > 0 && look.elements["details"] > 0, "{:?}", look.elements);
    }
    let file = tempfile::Builder::new().suffix(".html").tempfile().unwrap();
    // As a reader opens it who wants to see everything.
    std::fs::write(file.path(), html.replace("<details>", "<details open>")).unwrap();
    browser.picture(&format!("file://{}", file.path().display()), name, (900, 2600), Scheme::Light);
    browser.look(&html, 900, Scheme::Light)
}

/// The example organisation without its approvals, so that something is held.
fn example() -> Rosterd {
    let rosterd = Rosterd::new(&[]);
    rosterd.place_all("desired-state");
    rosterd.remove("approvals.yaml");
    rosterd
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_on_a_pull_request_is_a_page_with_tables_folds_and_lines_to_copy() {
    let Some(browser) = browser::installed() else { return };
    let said = example().run("plan", &["--sandbox", "--format", "markdown"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    let look = look(&browser, &said.out, "comment");
    // A table of apps and one for each part of each app, of which there are two in one of them at least.
    assert!(look.elements["table"] > 6, "{:?}", look.elements);
    assert_eq!(look.elements["details"], look.elements["summary"]);
    assert!(look.elements["pre"] >= 1, "{:?}", look.elements);
    assert!(!look.elements.contains_key("a"), "nothing is made a link of: {:?}", look.elements);
    let release = "- { allow: autodesk/deactivate/marcus.thorne@northwind.example, guard: irreversible, until: ";
    assert!(look.text.contains(release), "{}", look.text);
    assert_eq!(browser.asked(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_ten_thousand_actions_is_a_page_that_fits_into_a_comment() {
    let Some(browser) = browser::installed() else { return };
    let rosterd = Rosterd::new(&[]);
    let app = |accounts: &str| {
        format!(
            "settings: {{ policy: {{ max_creates: 100% }} }}\napps:\n  lab:\n    connector: scim\n    url: \
             https://lab.example.com/scim\n    auth: {{ token: {{ env: TOKEN }} }}\n    policy: {{ max_creates: 20000 \
             }}\n    accounts:\n{accounts}"
        )
    };
    rosterd.write(&app("      a@example.com:\n"));
    let snapshot = rosterd.path("live.json");
    let said = rosterd.run("observe", &["--sandbox", "--out", &snapshot]).await;
    assert_eq!(said.status, 0, "{said:?}");
    let mut accounts = String::new();
    for i in 0..10_000 {
        writeln!(accounts, "      person-{i:05}@example.com: {{ given_name: Given {i}, family_name: Family }}")
            .unwrap();
    }
    rosterd.write(&app(&accounts));
    let said = rosterd.run("plan", &["--live", &snapshot, "--format", "markdown"]).await;
    assert_eq!(said.status, 0, "{}", said.err);
    assert!(said.out.len() < 65_536, "{} bytes", said.out.len());
    let look = look(&browser, &said.out, "comment-of-ten-thousand");
    assert!(
        look.text.contains("10,000 to do") && look.text.contains("actions are shown, the gravest first"),
        "{}",
        look.text
    );
    assert!(look.elements["tr"] > 100, "{:?}", look.elements);
}
