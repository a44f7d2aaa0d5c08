//! Why something is taken away, and the lines that explain it. Who a person is explains nothing, so that line is not among them.

use super::fields;
use crate::{
    model::{Change, Claim, DesiredGroup, Email, GroupState, Place, Reason},
    plan::{
        Context,
        draft::Why,
        wanted::{Grant, Lapse, Standing, Wish},
    },
};

/// Why somebody loses an account.
pub(super) fn of_account(cx: &Context<'_>, identity: &Email, standing: Standing, wish: Option<&Wish>) -> Why {
    match standing {
        Standing::Left { .. } | Standing::Suspended => of_person(cx, identity, standing),
        Standing::Unlisted => unlisted(cx.app.policy.places.get("unlisted")),
        // Nobody says whom to grant an account alone, so there is no line to show.
        Standing::Active => ungranted(cx, wish, Vec::new()),
    }
}

/// Why somebody loses a membership.
pub(super) fn of_member(
    cx: &Context<'_>,
    group: &DesiredGroup,
    identity: &Email,
    standing: Standing,
    wish: Option<&Wish>,
) -> Why {
    match standing {
        _ if group.state == GroupState::Absent => of_group(group),
        Standing::Left { .. } => of_person(cx, identity, standing),
        Standing::Unlisted => unlisted(group.policy.places.get("unlisted")),
        // The group's own line says that nobody stays in it without a grant.
        Standing::Active | Standing::Suspended => ungranted(cx, wish, vec![group.place.clone()]),
    }
}

/// Why a group goes.
pub(super) fn of_group(group: &DesiredGroup) -> Why {
    Why { reason: Reason::Absent, places: vec![group.place.clone()] }
}

/// Why fields lose a value: the line that granted it is over, or gone. What is granted in its place says the rest.
pub(super) fn of_fields(cx: &Context<'_>, claims: &[Claim], changes: &[Change], grant: &Grant) -> Why {
    let roles = changes.iter().filter(|change| fields::is_of_roles(change));
    let granted = claims.iter().filter(|claim| roles.clone().any(|change| change.takes_from(&claim.values)));
    match Lapse::of(granted, cx.now) {
        Some(lapse) => {
            let places = lapse.because.iter().chain(&grant.because);
            Why { places: Place::sorted(places), reason: until(cx, &lapse) }
        }
        None => Why { reason: Reason::Ungranted(None), places: grant.because.clone() },
    }
}

/// What the person's own entry says.
fn of_person(cx: &Context<'_>, identity: &Email, standing: Standing) -> Why {
    let person = cx.people.get(identity);
    let over = person.and_then(|person| person.window.until).filter(|until| *until <= cx.now);
    let reason = match (standing, over) {
        (Standing::Left { explicit: false }, Some(at)) => Reason::Until(cx.zoned(at)),
        (Standing::Suspended, _) => Reason::Suspended,
        _ => Reason::Left,
    };
    let place = person.map(|person| {
        let line = if matches!(reason, Reason::Until(_)) { &person.until_place } else { &person.status_place };
        line.as_ref().unwrap_or(&person.place).clone()
    });
    Why { reason, places: place.into_iter().collect() }
}

fn ungranted(cx: &Context<'_>, wish: Option<&Wish>, places: Vec<Place>) -> Why {
    match wish {
        Some(Wish::Lapsed(lapse)) => Why { reason: until(cx, lapse), places: lapse.because.clone() },
        _ => Why { reason: Reason::Ungranted(None), places },
    }
}

fn unlisted(policy: Option<&Place>) -> Why {
    Why { reason: Reason::Unlisted(None), places: policy.cloned().into_iter().collect() }
}

fn until(cx: &Context<'_>, lapse: &Lapse) -> Reason {
    Reason::Until(cx.zoned(lapse.ended))
}
