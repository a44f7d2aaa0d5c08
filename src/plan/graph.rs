//! The graph of actions: nothing goes ahead of what it follows, and a cycle is reported instead of waiting for itself.

use std::collections::BTreeMap;

use petgraph::{
    algo::tarjan_scc,
    graph::{DiGraph, NodeIndex},
};

use super::draft::Drafts;
use crate::model::{ActionName, Finding, FindingCode, Status};

/// Makes every action wait whose predecessor will not be done in this run.
pub(super) fn settle(drafts: &mut Drafts) {
    // The first thing that is in the way is the one that is named, so the order must not depend on the input's.
    for draft in &mut drafts.actions {
        draft.action.after.sort();
    }
    let (graph, nodes) = build(drafts);
    // Strongly connected components come in reverse topological order; one of several nodes is a cycle.
    for component in tarjan_scc(&graph).into_iter().rev() {
        if component.len() > 1 {
            report_cycle(&graph, &component, drafts);
        }
        for node in component {
            if let Some(reason) = blocked(&graph, &nodes, node, drafts) {
                drafts.actions[graph[node]].wait(reason);
            }
        }
    }
}

fn blocked(
    graph: &Actions,
    nodes: &BTreeMap<ActionName, NodeIndex>,
    node: NodeIndex,
    drafts: &Drafts,
) -> Option<String> {
    drafts.actions[graph[node]].action.after.iter().find_map(|edge| {
        let before = &drafts.actions[graph[*nodes.get(&edge.action)?]].action;
        let why = match before.status {
            Status::Ready => return None,
            Status::Waiting => "waits itself",
            Status::Held => "is held",
            Status::Manual => "a person has to do",
        };
        Some(format!("comes after {}, which {why}", edge.action))
    })
}

type Actions = DiGraph<usize, ()>;

fn build(drafts: &Drafts) -> (Actions, BTreeMap<ActionName, NodeIndex>) {
    let mut graph = DiGraph::new();
    let nodes: BTreeMap<ActionName, NodeIndex> = drafts
        .actions
        .iter()
        .enumerate()
        .map(|(index, draft)| (draft.action.name.clone(), graph.add_node(index)))
        .collect();
    for draft in &drafts.actions {
        for edge in &draft.action.after {
            // An edge to an action that was dropped asks for nothing.
            if let (Some(before), Some(after)) = (nodes.get(&edge.action), nodes.get(&draft.action.name)) {
                graph.add_edge(*before, *after, ());
            }
        }
    }
    (graph, nodes)
}

fn report_cycle(graph: &Actions, component: &[NodeIndex], drafts: &mut Drafts) {
    let mut names: Vec<String> =
        component.iter().map(|node| drafts.actions[graph[*node]].action.name.to_string()).collect();
    names.sort();
    let message = format!("these actions wait for each other: {}; do one of them by hand", names.join(", "));
    for node in component {
        drafts.actions[graph[*node]].wait(message.clone());
    }
    drafts.findings.push(Finding::error(FindingCode::Cycle, message));
}
