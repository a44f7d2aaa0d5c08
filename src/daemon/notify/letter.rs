//! What is told, as the JSON that webhooks of chats take: `text` for people, and `events` for programs.

use serde_json::{Value, json};

use super::news::{Item, Kind};
use crate::{
    model::ActionName,
    report::{pause::wire, steers},
};

/// Names in one item of the text. `rosterd plan` and the status page have them all.
const NAMED: usize = 10;
/// The same for programs, which nobody reads.
const LISTED: usize = 100;
/// Lines of what is wrong with the files.
const LINES: usize = 12;
/// Characters of a reason. Chats cut messages off, and the first words matter.
const REASON: usize = 300;

/// The version of the format; it changes when a key changes its meaning or goes.
const VERSION: u32 = 1;

/// The body to send.
pub(super) fn body(items: &[Item]) -> Value {
    let text: Vec<String> = items.iter().map(text).collect();
    json!({
        "text": text.join("\n\n"),
        "source": "rosterd",
        "version": VERSION,
        "events": items.iter().map(event).collect::<Vec<_>>(),
    })
}

fn text(item: &Item) -> String {
    match item {
        Item::Actions { kind, app, actions } => {
            let plan = format!("`rosterd plan --app {}`", code(app));
            let (mark, [one, more], rest, step) = match kind {
                Kind::Corrected => {
                    (":wrench:", ["difference has", "differences have"], "come up and been corrected", None)
                }
                Kind::Drift => (
                    ":mag:",
                    ["new difference,", "new differences,"],
                    "reported and not corrected",
                    Some(plan + " shows why."),
                ),
                Kind::Held => (
                    ":raised_hand:",
                    ["action waits", "actions wait"],
                    "for a person",
                    Some(plan + " prints the lines that release what is held."),
                ),
                Kind::Failed => {
                    (":x:", ["action", "actions"], "failed", Some("The next cycle looks, and tries again.".to_owned()))
                }
            };
            let what = if actions.len() == 1 { one } else { more };
            list(format!("{mark} *{}*: {} {what} {rest}", plain(app), actions.len()), actions, step)
        }
        Item::Useless { app: Some(app), why } => format!(
            ":x: *{}* cannot be worked with, and nothing is changed there meanwhile\n{}\nThe daemon goes on trying.",
            plain(app),
            plain(&short(why))
        ),
        Item::Recovered { app: Some(app) } => format!(":white_check_mark: *{}* works again", plain(app)),
        Item::Wrong { app, findings } => {
            let told = findings.iter().take(NAMED).map(|finding| format!("• {}", plain(&short(finding))));
            let head = format!(":raised_hand: *{}* needs a person", plain(app));
            let more = findings.len().saturating_sub(NAMED);
            let more = (more > 0).then(|| format!("… and {more} more"));
            let step = format!("`rosterd plan --app {}` shows what to do.", code(app));
            std::iter::once(head).chain(told).chain(more).chain([step]).collect::<Vec<_>>().join("\n")
        }
        Item::Store { why: Some(why) } => format!(
            ":x: *The store cannot be used*, and nothing is written to any app meanwhile\n{}\nrosterd tries again every few \
             seconds.",
            plain(&short(why))
        ),
        Item::Store { why: None } => ":white_check_mark: The store works again".to_owned(),
        Item::Useless { app: None, why } => {
            let lines: Vec<&str> = why.lines().take(LINES).collect();
            format!(
                ":x: *The newest files have mistakes*, and the last good ones stay in force\n```\n{}\n```\n\
                 `rosterd validate` shows all of them.",
                code(&lines.join("\n"))
            )
        }
        Item::Paused { pause, why } => format!(
            ":double_vertical_bar: *{}*: {}\n{}. `{}` ends it.",
            plain(scope(pause.app.as_deref())),
            plain(&short(why)),
            sentence(pause.goes_on()),
            code(&pause.end_command())
        ),
        Item::Resumed { app } => {
            format!(":arrow_forward: *{}*: the pause is over", plain(scope(app.as_deref())))
        }
        Item::Recovered { app: None } => ":white_check_mark: The files are valid again".to_owned(),
    }
}

/// What a pause is of.
fn scope(app: Option<&str>) -> &str {
    app.unwrap_or("every app")
}

/// The same with a capital, as sentences begin.
fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}

fn list(head: String, actions: &[(ActionName, String)], step: Option<String>) -> String {
    let mut lines = vec![head];
    for (name, why) in actions.iter().take(NAMED) {
        let why = if why.is_empty() { String::new() } else { format!(": {}", plain(&short(why))) };
        lines.push(format!("• `{}`{why}", code(&said(name))));
    }
    if actions.len() > NAMED {
        lines.push(format!("… and {} more", actions.len() - NAMED));
    }
    lines.extend(step);
    lines.join("\n")
}

/// `add-member jane.doe@example.com, Design Team`.
fn said(name: &ActionName) -> String {
    let parts: Vec<&str> = [&name.account, &name.group].into_iter().flatten().map(|part| &**part).collect();
    format!("{} {}", name.verb, parts.join(", "))
}

fn short(text: &str) -> String {
    let mut short: String = text.chars().take(REASON).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Text in which a name of an app or a file can neither call everybody nor pass for a link, as Slack and those like it
/// read it.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Elsewhere than in Slack this alone calls people. What follows is no name of theirs any more. Addresses stay.
            '@' if !out.ends_with(char::is_alphanumeric) => out.push_str("@\u{2060}"),
            '\n' => out.push(c),
            c if steers(c) => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// The same within code, where nobody is called anyway and addresses are to be copied.
fn code(text: &str) -> String {
    plain(text).replace("@\u{2060}", "@").replace('`', "'")
}

fn event(item: &Item) -> Value {
    match item {
        Item::Actions { kind, app, actions } => {
            let listed = actions.iter().take(LISTED);
            let listed = listed.map(|(name, why)| json!({ "action": name.to_string(), "why": why }));
            json!({ "kind": kind.as_ref(), "app": app, "count": actions.len(), "actions": listed.collect::<Value>() })
        }
        Item::Useless { app, why } => json!({ "kind": "failure", "app": app, "why": why }),
        Item::Wrong { app, findings } => {
            let listed: Vec<&String> = findings.iter().take(LISTED).collect();
            json!({ "kind": "needs-a-person", "app": app, "count": findings.len(), "findings": listed })
        }
        Item::Store { why: Some(why) } => json!({ "kind": "store-failure", "why": why }),
        Item::Store { why: None } => json!({ "kind": "store-recovered" }),
        Item::Paused { pause, why } => {
            json!({ "kind": "paused", "app": pause.app, "why": why, "pause": wire(pause) })
        }
        Item::Resumed { app } => json!({ "kind": "resumed", "app": app }),
        Item::Recovered { app } => json!({ "kind": "recovered", "app": app }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Verb;

    fn name(verb: Verb, account: &str, group: Option<&str>) -> ActionName {
        ActionName { app: "a".into(), verb, account: Some(account.into()), group: group.map(Into::into) }
    }

    #[test]
    fn a_name_can_neither_call_anybody_nor_pass_for_a_link() {
        let name = name(Verb::AddMember, "a@example.com", Some("<!channel> `x` @here"));
        let actions = vec![(name, "see <https://x|y> @all".into())];
        let item = Item::Actions { kind: Kind::Held, app: "intranet".into(), actions };
        let body = body(&[item]);
        assert_eq!(
            body["text"],
            ":raised_hand: *intranet*: 1 action waits for a person\n\
             • `add-member a@example.com, &lt;!channel&gt; 'x' @here`: see &lt;https://x|y&gt; @\u{2060}all\n\
             `rosterd plan --app intranet` prints the lines that release what is held."
        );
        assert_eq!(body["events"][0]["kind"], "held");
        assert_eq!(body["events"][0]["actions"][0]["why"], "see <https://x|y> @all");
    }

    #[test]
    fn a_name_can_neither_steer_a_terminal_nor_reorder_the_text() {
        let name = name(Verb::AddMember, "a@example.com", Some("Ops\u{1b}[2J\u{202e}x\u{200b}"));
        let actions = vec![(name, "because\r\u{9b}1m".into())];
        let text = text(&Item::Actions { kind: Kind::Failed, app: "a".into(), actions });
        assert!(text.contains("• `add-member a@example.com, Ops [2J x `: because  1m\n"), "{text:?}");
    }

    #[test]
    fn a_long_list_is_counted() {
        let one = |i: u32| (name(Verb::Deactivate, &format!("p{i}@example.com"), None), String::new());
        let actions = (0..25).map(one).collect();
        let text = text(&Item::Actions { kind: Kind::Corrected, app: "a".into(), actions });
        assert_eq!(text.lines().count(), 12, "{text}");
        assert!(
            text.starts_with(":wrench: *a*: 25 differences have come up") && text.ends_with("… and 15 more"),
            "{text}"
        );
    }
}
