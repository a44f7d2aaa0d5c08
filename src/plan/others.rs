//! Other files: another daemon goes by them, and an app was written to by them last. Two daemons that both corrected the app
//! would undo each other's work for ever, so that one of them writes nothing but what cuts off who left.

use super::{Context, draft::Draft};
use crate::model::{Finding, FindingCode, Guard, Stance};

/// Another daemon's files are in force.
pub(super) fn hold(cx: &Context<'_>, draft: &mut Draft) {
    let Some(others) = cx.others.filter(|_| !draft.cuts_off_leaver()) else { return };
    draft.hold(Guard::OtherFiles, others.sentence(), others.repair());
}

/// That another daemon's files are in force, also where there is nothing to hold.
pub(super) fn finding(cx: &Context<'_>) -> Option<Finding> {
    let others = cx.others?;
    let about = match others.stance {
        Stance::Older => Finding::note,
        Stance::Unclear => Finding::warning,
        Stance::Unsettled => Finding::error,
    };
    Some(about(FindingCode::OtherFiles, others.message()))
}
