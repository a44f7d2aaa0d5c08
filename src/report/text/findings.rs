//! What a person should know that is no action.

use std::collections::BTreeMap;

use crate::{
    model::{Finding, FindingCode, Place, Severity},
    report::{
        canvas::{Canvas, Line, Paint},
        wording,
    },
};

/// Findings shown per app before the rest is counted by code. Errors are always shown.
const FINDINGS: usize = 100;

pub(super) fn draw_findings(canvas: &mut Canvas, findings: Vec<&Finding>) {
    if findings.is_empty() {
        return;
    }
    canvas.heading(&format!("Findings: {}", wording::number(findings.len())));
    let mut rest: BTreeMap<(Severity, FindingCode), usize> = BTreeMap::new();
    for (i, finding) in findings.into_iter().enumerate() {
        if i >= FINDINGS && finding.severity != Severity::Error {
            *rest.entry((finding.severity, finding.code)).or_default() += 1;
        } else {
            draw_finding(canvas, finding);
        }
    }
    for ((_, code), count) in rest {
        canvas
            .paragraph(2, &Line::new().plain(format!("{} {code}", wording::and_more(canvas, count))).json_shows_all());
    }
}

fn draw_finding(canvas: &mut Canvas, finding: &Finding) {
    let paint = match finding.severity {
        Severity::Error => Paint::Alarm,
        Severity::Warning => Paint::Change,
        Severity::Note => Paint::Notice,
    };
    // As wide as the longest word and two spaces, so that the sentences stand below each other.
    let head = Line::new().pad_to(2).whole(paint, finding.severity.as_str()).pad_to(11);
    let mut line = Line::new();
    // A sentence that names its subject needs no heading.
    if let Some(subject) = finding.account.as_deref().or(finding.group.as_deref())
        && !finding.message.contains(subject)
    {
        line = line.whole(Paint::Strong, subject).plain(": ");
    }
    line = line
        .prose(Paint::Plain, &finding.message)
        .text(Paint::Dim, " ")
        .whole(Paint::Dim, format!("[{}]", finding.code));
    for place in Place::together(&finding.because) {
        line = line.text(Paint::Dim, " ").whole(Paint::Dim, place);
    }
    canvas.hanging(&head, &line);
}
