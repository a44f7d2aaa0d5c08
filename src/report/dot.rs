//! The plan as a graph in the DOT language: an action is a node, and what comes after what is an edge with its rule.

use std::fmt::Write as _;

use super::{canvas::harmless, wording};
use crate::model::{Action, Plan, Status};

/// The graph of a plan. The same plan gives the same bytes.
pub fn plan(plan: &Plan) -> String {
    let mut text =
        "digraph plan {\n  rankdir=LR;\n  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\"];\n  \
                    edge [fontname=\"sans-serif\", fontsize=9];\n"
            .to_owned();
    for (index, app) in wording::apps(plan).into_iter().enumerate() {
        let actions = wording::actions(app);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  subgraph cluster_{index} {{\n    label={};", quoted(&app.app));
        for action in &actions {
            let _ = writeln!(text, "    {} [{}];", quoted(&action.name.to_string()), look(action));
        }
        text.push_str("  }\n");
        for action in actions {
            for edge in wording::sorted(&action.after) {
                let (from, to) = (quoted(&edge.action.to_string()), quoted(&action.name.to_string()));
                let _ = writeln!(text, "  {from} -> {to} [label={}];", quoted(edge.rule.because()));
            }
        }
    }
    text + "}\n"
}

fn look(action: &Action) -> String {
    let name = &action.name;
    let mut label = vec![wording::signed(name.verb), wording::subject(name).to_owned()];
    label.extend(wording::group(name).map(str::to_owned));
    if let Some(held) = &action.held {
        label.push(format!("held: {}", held.guard));
    } else if action.status != Status::Ready {
        label.push(action.status.as_str().to_owned());
    }
    let fill = match action.status {
        Status::Ready => match name.verb.sign() {
            "+" => "#d8f5d8",
            "~" => "#fdf3c8",
            _ => "#f9d6d5",
        },
        Status::Waiting => "#d9ecfb",
        Status::Held => "#ffe0b3",
        Status::Manual => "#e6e0f5",
    };
    let border = if action.irreversible { ", color=\"#b00020\", penwidth=2" } else { "" };
    let lines: Vec<String> = label.iter().map(|line| escaped(line)).collect();
    format!("label=\"{}\", fillcolor=\"{fill}\"{border}", lines.join("\\n"))
}

fn escaped(text: &str) -> String {
    harmless(text).replace('\\', "\\\\").replace('"', "\\\"")
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}
