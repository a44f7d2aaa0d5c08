//! Pending and inactive accounts.

use super::{check, fixture::*};
use crate::model::{AccountStatus::*, Verb, Window};
use crate::plan::{AppHistory, Invited};

#[test]
fn a_membership_waits_for_the_invitation_that_the_plan_sends() {
    check!(World::one_way().member("G", "ann@x.io").member("G", "bob@x.io").active("2", "bob@x.io")
        .live_group("g", "G", &["2"]), @"
    waiting a/add-member/ann@x.io/G after a/create/ann@x.io (AccountBeforeMembership): the invitation has to be sent and accepted first
    ready a/create/ann@x.io
    ");
}

#[test]
fn a_membership_waits_until_an_invitation_is_accepted_and_says_when_it_was_sent() {
    check!(World::one_way().member("G", "ann@x.io").live("1", "ann@x.io", Pending).live_group("g", "G", &[]), @"waiting a/add-member/ann@x.io/G: invitation not accepted yet (sent 2026-11-20)");
}

#[test]
fn pending_accounts_join_where_the_app_lets_them() {
    check!(World::full().member("G", "ann@x.io").live("1", "ann@x.io", Pending).live_group("g", "G", &[]), @"ready a/add-member/ann@x.io/G");
}

#[test]
fn an_open_invitation_is_withdrawn_as_the_app_allows() {
    let world =
        World::full().grant("bob@x.io").active("2", "bob@x.io").person("ann@x.io").live("1", "ann@x.io", Pending);
    check!(world, @"held a/delete/ann@x.io [irreversible]: this cannot be undone, and no one has approved it");
    check!(world.clone().semantics(|semantics| semantics.cancel_pending = Some(Verb::Deactivate)), @"ready a/deactivate/ann@x.io");
    check!(world.semantics(|semantics| semantics.cancel_pending = None), @"manual a/deactivate/ann@x.io: withdraw the open invitation: the full API cannot; do it in the app's admin pages; or let it be deleted: `policy: { remove_with: delete }` under apps.a");
}

#[test]
fn an_inactive_account_is_reactivated_and_then_gets_what_is_granted_and_loses_what_is_not() {
    let world = World::full().grant_as("ann@x.io", "user", Window::ALWAYS).member("New", "ann@x.io").group("Old");
    let world = world.member_as("Role", "ann@x.io", "lead", Window::ALWAYS).live_as("1", "ann@x.io", Inactive, "admin");
    let world = world.live_group("g1", "New", &[]).live_group("g2", "Old", &["1"]);
    let world = world.history(|past| assert!(past.deactivated_by_us.insert("1".into())));
    check!(world.live_group_as("g3", "Role", &[("1", "member")]).active("2", "z@x.io").live_group("g4", "x", &["2"]), @"
    ready a/add-member/ann@x.io/New after a/reactivate/ann@x.io (ReactivationFirst)
    ready a/change-member/ann@x.io/Role role:member>lead after a/reactivate/ann@x.io (ReactivationFirst)
    ready a/reactivate/ann@x.io
    ready a/remove-member/ann@x.io/Old after a/reactivate/ann@x.io (CleanAfterReactivation)
    ready a/update/ann@x.io role:admin>user after a/reactivate/ann@x.io (ReactivationFirst)
    ! unlisted-account: z@x.io (active) is named nowhere in the files; list the person, or set `unlisted: remove`
    ");
}

#[test]
fn where_nobody_can_reactivate_a_person_must_and_the_rest_waits() {
    let world = World::one_way().grant_as("ann@x.io", "admin", Window::ALWAYS).member("G", "ann@x.io");
    check!(world.live_as("1", "ann@x.io", Inactive, "user").live_group("g", "G", &[]), @"
    waiting a/add-member/ann@x.io/G after a/reactivate/ann@x.io (ReactivationFirst): comes after a/reactivate/ann@x.io, which a person has to do
    manual a/reactivate/ann@x.io: the one-way API has no way to reactivate an account; do it in the app's admin pages
    waiting a/update/ann@x.io role:user>admin after a/reactivate/ann@x.io (ReactivationFirst): comes after a/reactivate/ann@x.io, which a person has to do
    ");
}

#[test]
fn an_inactive_account_that_nobody_missed_is_the_last_member_until_somebody_says_otherwise() {
    let world = World::full().grant("bob@x.io").active("2", "bob@x.io").person("ann@x.io").group("G");
    check!(world.live("1", "ann@x.io", Inactive).live_group("g", "G", &["1"]), @"
    held a/remove-member/ann@x.io/G [desired-empty]: no line grants membership in G, and this would leave it empty
    ");
}

#[test]
fn a_membership_makes_the_account_where_nothing_else_does() {
    let world = World::full().member("G", "ann@x.io").grant("bob@x.io").live_group("g", "G", &[]);
    let world = world.semantics(|semantics| {
        semantics.create = None;
        semantics.members.creates_account = true;
    });
    check!(world, @"
    ready a/add-member/ann@x.io/G
    manual a/create/bob@x.io: the full API has no way to create an account; do it in the app's admin pages
    ");
    check!(world.seen(|live| live.accounts_coverage = crate::model::Coverage::Incomplete("page 2 failed".into())), @"
    held a/add-member/ann@x.io/G [incomplete]: not all accounts were seen (page 2 failed), and joining would make a second one
    held a/create/bob@x.io [incomplete]: not all accounts were seen (page 2 failed), so this one may exist already
    ! incomplete-read: the accounts could not be read to the end: page 2 failed; what needs certainty is held
    ");
}

#[test]
fn what_may_still_be_under_way_is_not_sent_again_and_what_follows_it_waits() {
    let world = World::full().grant("ann@x.io").group("G").member("G", "ann@x.io");
    let why = "sent at 10:31, and it may still take effect".to_owned();
    let add = |history: &mut AppHistory| {
        history.under_way.insert("a/create/ann@x.io".into(), why);
    };
    check!(world.history(add), @"
    waiting a/add-member/ann@x.io/G after a/create/ann@x.io (AccountBeforeMembership) after a/create-group/G (GroupBeforeMembers): comes after a/create/ann@x.io, which waits itself
    ready a/create-group/G
    waiting a/create/ann@x.io: sent at 10:31, and it may still take effect
    ");
}

#[test]
fn an_invitation_that_nobody_answers_is_told_of_after_two_weeks() {
    let sent = |at: &str| {
        let at = at.parse().unwrap();
        let world = World::full().grant("ann@x.io").live("1", "ann@x.io", Pending);
        world.seen(|live| live.accounts[0].created_at = None).history(|history| {
            let invited = Invited { sent_at: at, seen: true, accepted: false, gone_since: None };
            history.invitations.insert(email("ann@x.io"), invited);
        })
    };
    check!(sent("2026-11-09T10:00:00Z"), @"");
    check!(sent("2026-11-01T10:00:00Z"), @"! invitation-unanswered: ann@x.io has not answered the invitation of 2026-11-01 for 21 days; ask them, or take the grant away to withdraw it");
}

#[test]
fn nobody_is_invited_again_without_a_word() {
    let gone = |accepted| {
        World::full().grant("ann@x.io").history(|history| {
            let sent_at = "2026-10-01T10:00:00Z".parse().unwrap();
            let gone_since = Some("2026-11-10T10:00:00Z".parse().unwrap());
            history.invitations.insert(email("ann@x.io"), Invited { sent_at, seen: true, accepted, gone_since });
        })
    };
    check!(gone(true), @"
    ready a/create/ann@x.io
    ! invited-before: ann@x.io was invited on 2026-10-01 already, and since 2026-11-10 the account, which they had taken up, is gone: somebody removed it, or they left on their own; the next invitation is a second one
    ");
    check!(gone(false), @"
    ready a/create/ann@x.io
    ! invited-before: ann@x.io was invited on 2026-10-01 already, and since 2026-11-10 the invitation, which they had not taken up, is gone: somebody removed it, or they left on their own; the next invitation is a second one
    ");
}

#[test]
fn the_reading_that_first_shows_an_account_to_be_gone_is_enough_to_say_so() {
    let sent_at = "2026-11-20T10:00:00Z".parse().unwrap();
    let made = |seen| {
        World::full().grant("ann@x.io").history(|history| {
            let invited = Invited { sent_at, seen, accepted: seen, gone_since: None };
            history.invitations.insert(email("ann@x.io"), invited);
        })
    };
    check!(made(true), @"
    ready a/create/ann@x.io
    ! invited-before: ann@x.io was invited on 2026-11-20 already, and the account, which they had taken up, is gone: somebody removed it, or they left on their own; the next invitation is a second one
    ");
    // What no reading ever showed may merely be slow, and what a broken reading does not show may be there.
    check!(made(false), @"ready a/create/ann@x.io");
    let broken = made(true).seen(|live| live.accounts_coverage = crate::model::Coverage::Incomplete("page 2".into()));
    assert!(!broken.show().contains("invited-before"), "{}", broken.show());
    let asked = broken.seen(|live| live.absent.extend([email("ann@x.io")]));
    assert!(asked.show().contains("invited-before"), "{}", asked.show());
}
