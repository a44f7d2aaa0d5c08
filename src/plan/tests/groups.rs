//! Groups: made, deleted, pinned, doubtful; and their last members.

use super::{check, fixture::*};
use crate::model::{FieldValue, GroupState, Guard, Unlisted};

#[test]
fn a_group_is_made_before_its_members_join() {
    check!(World::full().member("G", "ann@x.io").active("1", "ann@x.io"), @"
    ready a/add-member/ann@x.io/G after a/create-group/G (GroupBeforeMembers)
    ready a/create-group/G
    ");
}

#[test]
fn where_groups_cannot_be_made_a_person_must() {
    let world = World::full().member("G", "ann@x.io").active("1", "ann@x.io");
    check!(world.semantics(|semantics| semantics.groups.create = false), @"
    waiting a/add-member/ann@x.io/G after a/create-group/G (GroupBeforeMembers): comes after a/create-group/G, which a person has to do
    manual a/create-group/G: the full API has no way to create a group; do it in the app's admin pages
    ");
}

#[test]
fn a_group_that_lacks_what_making_it_takes_is_held() {
    let world = World::full().member("G", "ann@x.io").active("1", "ann@x.io");
    let world = world.semantics(|semantics| semantics.groups.require = ["description".into()].into());
    check!(world.clone(), @"
    waiting a/add-member/ann@x.io/G after a/create-group/G (GroupBeforeMembers): comes after a/create-group/G, which is held
    held a/create-group/G [incomplete]: a takes a `description` to make a group, and the files give it none
    ");
    let given = world.edit_group("G", |group| drop(group.values.insert("description".into(), FieldValue::from("x"))));
    check!(given, @"
    ready a/add-member/ann@x.io/G after a/create-group/G (GroupBeforeMembers)
    ready a/create-group/G description:->x
    ");
}

#[test]
fn where_groups_cannot_be_listed_an_unseen_one_needs_a_pin() {
    let world = World::one_way().member("G", "ann@x.io").active("1", "ann@x.io");
    check!(world, @"
    held a/add-member/ann@x.io/G [incomplete]: the API cannot list groups, and nobody seen is a member of G, so its id is unknown
    ! unknown-group: the API cannot list groups, and nobody seen is a member of G, so its id is unknown; make one account a member in the app, which shows the id; or, if you know it, pin it: add `id: ID` to apps.a.groups.G (groups.yaml:1)
    ");
    check!(world.edit_group("G", |group| group.id = Some("g".into())), @"ready a/add-member/ann@x.io/G");
}

fn going() -> World {
    let world = World::full().grant("ann@x.io").active("1", "ann@x.io").active("9", "zoe@x.io").group("G");
    world.live_group("g", "G", &["1", "9"]).edit_group("G", |group| group.state = GroupState::Absent)
}

#[test]
fn members_leave_before_their_group_goes() {
    check!(going(), @"
    held a/delete-group/G after a/remove-member/ann@x.io/G (MembersBeforeGroupGoes) after a/remove-member/zoe@x.io/G (MembersBeforeGroupGoes) [irreversible]: this cannot be undone, and no one has approved it
    ready a/remove-member/ann@x.io/G
    ready a/remove-member/zoe@x.io/G
    ! unlisted-account: zoe@x.io (active) is named nowhere in the files; list the person, or set `unlisted: remove`
    ");
    check!(going().released("a/delete-group/G"), @"
    allow a/delete-group/G: irreversible
    - held a/delete-group/G after a/remove-member/ann@x.io/G (MembersBeforeGroupGoes) after a/remove-member/zoe@x.io/G (MembersBeforeGroupGoes) [irreversible]: this cannot be undone, and no one has approved it
    + ready a/delete-group/G after a/remove-member/ann@x.io/G (MembersBeforeGroupGoes) after a/remove-member/zoe@x.io/G (MembersBeforeGroupGoes)
    ");
    check!(going().approve("a", Guard::Irreversible, None).released_nothing_else(), @"
    ready a/delete-group/G
    ! unlisted-account: zoe@x.io (active) is named nowhere in the files; list the person, or set `unlisted: remove`
    ");
}

impl World {
    /// The same world after everybody left the group by hand.
    fn released_nothing_else(self) -> Self {
        self.seen(|live| live.groups[0].members.clear())
    }
}

#[test]
fn a_group_that_is_gone_needs_nothing() {
    let world = World::full().group("G").edit_group("G", |group| group.state = GroupState::Absent);
    check!(world, @"");
    check!(world.clone().edit_group("G", |group| group.id = Some("g".into())), @"");
    check!(world.semantics(|semantics| semantics.groups.list = false), @"");
}

#[test]
fn a_group_is_not_deleted_before_all_its_members_were_seen() {
    let world = going().approve("a", Guard::Irreversible, None);
    check!(world.seen(|live| live.groups[0].coverage = crate::model::Coverage::Incomplete("half of it".into())), @"
    held a/delete-group/G after a/remove-member/ann@x.io/G (MembersBeforeGroupGoes) after a/remove-member/zoe@x.io/G (MembersBeforeGroupGoes) [incomplete]: not all members were seen (half of it), and they leave before their group goes
    ready a/remove-member/ann@x.io/G
    held a/remove-member/zoe@x.io/G [incomplete]: not all of the group was seen (half of it), and removing the unlisted takes certainty
    ! incomplete-read: the members of G could not be read to the end: half of it; what needs certainty is held
    ! unlisted-account: zoe@x.io (active) is named nowhere in the files; list the person, or set `unlisted: remove`
    ");
}

#[test]
fn fields_of_groups_are_kept() {
    let world = World::full().group("G").live_group("g", "G", &[]);
    check!(world.edit_group("G", |group| drop(group.values.insert("description".into(), FieldValue::text("ours"))))
        .seen(|live| drop(live.groups[0].values.insert("description".into(), Some("theirs".into())))), @"ready a/update-group/G description:theirs>ours");
}

#[test]
fn a_name_that_two_groups_have_takes_a_pin() {
    let world = World::full().member("G", "ann@x.io").active("1", "ann@x.io").live_group("g1", "G", &[]).live_group(
        "g2",
        "G",
        &[],
    );
    check!(world, @"
    held a/add-member/ann@x.io/G [ambiguous]: 2 groups are called G: g1, g2
    ! ambiguous-group: 2 groups are called G: g1, g2; pin the right one, for the first one: add `id: g1` to apps.a.groups.G (groups.yaml:1); or rename the other in the app
    ");
    check!(world.edit_group("G", |group| group.id = Some("g2".into())), @"ready a/add-member/ann@x.io/G");
}

#[test]
fn a_pinned_group_may_be_called_otherwise() {
    let world = World::full().member("G", "ann@x.io").active("1", "ann@x.io").live_group("g", "Old name", &["1"]);
    check!(world.edit_group("G", |group| group.id = Some("g".into())), @"! group-name: G is pinned to g, which is called Old name in a");
}

#[test]
fn a_pin_to_no_group_holds_its_memberships() {
    let world = World::full().member("G", "ann@x.io").active("1", "ann@x.io");
    check!(world.edit_group("G", |group| group.id = Some("g".into())), @"
    held a/add-member/ann@x.io/G [ambiguous]: G is pinned to the id g, which is not there
    ! unknown-group: G is pinned to the id g, which is not there; correct the `id` of apps.a.groups.G (groups.yaml:1), or remove it: then the group is looked for by its name
    ");
}

#[test]
fn two_names_for_one_group_hold_both() {
    let world =
        World::full().member("G", "ann@x.io").member("H", "bob@x.io").active("1", "ann@x.io").active("2", "bob@x.io");
    check!(world.live_group("g", "G", &["1"]).edit_group("H", |group| group.id = Some("g".into())), @"
    held a/add-member/bob@x.io/H [ambiguous]: G and H are all the group with the id g
    held a/remove-member/ann@x.io/H [ambiguous]: G and H are all the group with the id g
    ! ambiguous-group: G and H are all the group with the id g; declare it once, or correct the `id` of one of them under apps.a.groups
    ! ambiguous-group: G and H are all the group with the id g; declare it once, or correct the `id` of one of them under apps.a.groups
    ! group-name: H is pinned to g, which is called G in a
    ");
}

#[test]
fn the_last_member_stays_when_merely_ungranted() {
    let world = World::full().grant("ann@x.io").grant("bob@x.io").active("1", "ann@x.io").active("2", "bob@x.io");
    let world = world.group("G").live_group("g", "G", &["1", "2"]);
    check!(world, @"
    held a/remove-member/ann@x.io/G [desired-empty]: no line grants membership in G, and this would leave it empty
    held a/remove-member/bob@x.io/G [desired-empty]: no line grants membership in G, and this would leave it empty
    ");
    check!(world.clone().left("ann@x.io").left("bob@x.io").grant("cat@x.io"), @"
    ready a/create/cat@x.io
    ready a/deactivate/ann@x.io
    ready a/deactivate/bob@x.io
    ready a/remove-member/ann@x.io/G after a/deactivate/ann@x.io (InactiveFirst)
    ready a/remove-member/bob@x.io/G after a/deactivate/bob@x.io (InactiveFirst)
    ");
    check!(world.member("G", "cat@x.io").active("3", "cat@x.io"), @"
    ready a/add-member/cat@x.io/G
    ready a/remove-member/ann@x.io/G
    ready a/remove-member/bob@x.io/G
    ");
}

#[test]
fn names_with_slashes_are_escaped() {
    let world = World::full().member("R/D", "a/b@x.io").active("1", "a/b@x.io").live_group("g", "R/D", &["9"]);
    let world = world.active("9", "zoe@x.io").policy(|policy| {
        policy.unlisted = Unlisted::Remove;
        policy.protect = vec!["zoe@*".into()];
    });
    check!(world, @"
    ready a/add-member/a%2Fb@x.io/R%2FD
    held a/deactivate/zoe@x.io [protected]: a `protect` policy covers this address
    held a/remove-member/zoe@x.io/R%2FD [protected]: a `protect` policy covers this address
    ");
    check!(world.released("a/remove-member/zoe@x.io/R%2FD"), @"
    allow a/remove-member/zoe@x.io/R%2FD: protected
    - held a/remove-member/zoe@x.io/R%2FD [protected]: a `protect` policy covers this address
    + ready a/remove-member/zoe@x.io/R%2FD
    ");
}

#[test]
fn a_member_that_is_no_account_is_found() {
    check!(World::full().member("G", "ann@x.io").active("1", "ann@x.io").live_group("g", "G", &["1", "ghost"]), @"! unknown-member: G has a member ghost that is not among the accounts");
}

#[test]
fn a_group_that_is_called_otherwise_is_not_deleted_on_the_word_of_a_pin() {
    let world = World::full().group("G").live_group("g", "Other", &[]).edit_group("G", |group| {
        group.id = Some("g".into());
        group.state = GroupState::Absent;
    });
    let plan = world.approve("a", Guard::Irreversible, None).plan();
    assert_eq!(plan.actions[0].held.as_ref().map(|held| held.guard), Some(Guard::Ambiguous), "{plan:?}");
}
