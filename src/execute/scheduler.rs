//! Which action runs next, as a state machine: what happened goes in, what to do comes out. It knows no clock, no network
//! and no connector, so the runner drives it against real apps and the forecast against a virtual clock.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use crate::{
    budget::Lane,
    model::{Action, ActionName, Email, MemberRules, Status, Verb},
};

/// Actions in flight when neither the API nor the files name a limit: enough to hide latency, few enough for a small server.
const AT_ONCE: u32 = 8;

/// Something to do, by the index of the action in the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Carry these actions out, together: one, or memberships of one group that a request can carry.
    Start(Vec<usize>),
    /// Leave it, because the action at `because` did not take effect.
    Skip {
        /// Which action.
        action: usize,
        /// What it follows.
        because: usize,
    },
}

/// Decides in which order the ready actions of one app run.
///
/// Removals of access come first, then what most other actions wait for, then the rest by name. No action starts before
/// everything it follows has taken effect.
#[derive(Debug)]
pub struct Scheduler {
    lanes: Vec<Option<Lane>>,
    followers: Vec<Vec<usize>>,
    waits_for: Vec<usize>,
    queue: BTreeSet<(Rank, usize)>,
    skips: Vec<(usize, usize)>,
    /// For an action that may go together with others: which kind it is, and how many go together.
    kin: Vec<Option<(usize, usize)>>,
    /// Actions of each such kind.
    family_sizes: Vec<u32>,
    /// For an action whose joining may make an account: whose. The app knows them by their address alone until it answers.
    newcomers: Vec<Option<Email>>,
    /// Newcomers whose account a request under way may be making, apart from those of a batch.
    arriving: BTreeSet<Email>,
    running: usize,
    left: usize,
    at_once: usize,
    stopped: bool,
}

/// Smaller goes first.
type Rank = (u8, Reverse<u32>);

impl Scheduler {
    /// A scheduler for the ready actions among `actions`, which has at most `at_once` requests under way. `members` says
    /// how many memberships a request carries.
    pub fn new(actions: &[Action], members: &MemberRules, at_once: Option<u32>) -> Self {
        let ready: BTreeMap<&ActionName, usize> = actions
            .iter()
            .enumerate()
            .filter(|(_, action)| action.status == Status::Ready)
            .map(|(index, action)| (&action.name, index))
            .collect();
        let mut followers = vec![Vec::new(); actions.len()];
        let mut waits_for = vec![0; actions.len()];
        for index in ready.values() {
            for edge in &actions[*index].after {
                if let Some(before) = ready.get(&edge.action) {
                    followers[*before].push(*index);
                    waits_for[*index] += 1;
                }
            }
        }
        let lanes: Vec<Option<Lane>> = actions
            .iter()
            .enumerate()
            .map(|(index, action)| ready.contains_key(&action.name).then(|| lane(action, followers[index].len())))
            .collect();
        let kin = families(actions, members);
        let mut family_sizes = vec![0; actions.len()];
        ready.values().filter_map(|index| kin[*index]).for_each(|(family, _)| family_sizes[family] += 1);
        let mut scheduler = Self {
            queue: BTreeSet::new(),
            skips: Vec::new(),
            running: 0,
            left: ready.len(),
            at_once: at_once.unwrap_or(AT_ONCE).max(1) as usize,
            stopped: false,
            lanes,
            followers,
            waits_for,
            kin,
            family_sizes,
            newcomers: actions.iter().map(|action| action.step.newcomer().cloned()).collect(),
            arriving: BTreeSet::new(),
        };
        for index in ready.into_values() {
            scheduler.enqueue_if_free(index);
        }
        scheduler
    }

    /// How urgent the requests of an action are.
    pub fn lane(&self, action: usize) -> Lane {
        self.lanes[action].unwrap_or(Lane::Read)
    }

    /// What to do now. Call it after every event until it returns `None`.
    pub fn next_command(&mut self) -> Option<Command> {
        if let Some((action, because)) = self.skips.pop() {
            self.left -= 1;
            self.fail_followers(action, because);
            return Some(Command::Skip { action, because });
        }
        if self.stopped || self.running == self.at_once {
            return None;
        }
        if self.queue.is_empty() {
            return self.skip_stuck();
        }
        let batch = self.queue.iter().find_map(|first| self.batch(*first))?;
        self.running += 1;
        for next in &batch {
            self.queue.remove(next);
        }
        let batch: Vec<usize> = batch.into_iter().map(|(_, action)| action).collect();
        if let [alone] = batch[..] {
            self.arriving.extend(self.newcomers[alone].clone());
        }
        Some(Command::Start(batch))
    }

    /// What goes together with `first`; nothing while another request may be making its account. A second request would be a
    /// second invitation where the app gives the account another address. Those who go together are not waited for: their
    /// answer names no ids.
    fn batch(&self, first: (Rank, usize)) -> Option<Vec<(Rank, usize)>> {
        if self.is_arriving(first.1) {
            return None;
        }
        let mut batch = vec![first];
        if let Some((family, at_once)) = self.kin[first.1] {
            let goes_along = |other: &(Rank, usize)| {
                let is_kin = self.kin[other.1].is_some_and(|(own, _)| own == family);
                is_kin && *other != first && !self.is_arriving(other.1)
            };
            batch.extend(self.queue.iter().copied().filter(goes_along).take(at_once - 1));
        }
        Some(batch)
    }

    /// Whether nothing in the plan can go together with this action.
    fn is_alone(&self, action: usize) -> bool {
        self.kin[action].is_none_or(|(family, _)| self.family_sizes[family] == 1)
    }

    fn is_arriving(&self, action: usize) -> bool {
        self.newcomers[action].as_ref().is_some_and(|newcomer| self.arriving.contains(newcomer))
    }

    /// Where nothing runs and nothing can start, what is left waits for itself. Planning makes no such plan; a plan from
    /// elsewhere must not keep the run waiting for ever.
    fn skip_stuck(&mut self) -> Option<Command> {
        if self.running > 0 {
            return None;
        }
        let action = (0..self.waits_for.len()).find(|index| !matches!(self.waits_for[*index], 0 | usize::MAX))?;
        self.waits_for[action] = usize::MAX;
        self.left -= 1;
        self.fail_followers(action, action);
        Some(Command::Skip { action, because: action })
    }

    /// Actions that were started together have ended; each with whether it took effect.
    pub fn ended(&mut self, results: &[(usize, bool)]) {
        self.running -= 1;
        if let [(alone, _)] = results
            && let Some(newcomer) = &self.newcomers[*alone]
        {
            self.arriving.remove(newcomer);
        }
        for (action, took_effect) in results.iter().copied() {
            self.left -= 1;
            if !took_effect {
                self.fail_followers(action, action);
                continue;
            }
            for follower in std::mem::take(&mut self.followers[action]) {
                // One that is skipped already stays so, whatever else it followed.
                if self.waits_for[follower] != usize::MAX {
                    self.waits_for[follower] = self.waits_for[follower].saturating_sub(1);
                    self.enqueue_if_free(follower);
                }
            }
        }
    }

    /// Takes out an action that has not started, with what follows it. Whether it was still to come.
    pub fn withdraw(&mut self, action: usize) -> bool {
        let waits = !matches!(self.waits_for[action], 0 | usize::MAX);
        let queued = self.queue.iter().find(|(_, queued)| *queued == action).copied();
        if let Some(entry) = queued {
            self.queue.remove(&entry);
        } else if !waits {
            return false;
        }
        self.waits_for[action] = usize::MAX;
        self.left -= 1;
        self.fail_followers(action, action);
        true
    }

    /// Starts nothing more; what is running may end.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// Whether nothing is running and nothing more will be started.
    pub fn is_done(&self) -> bool {
        self.running == 0 && (self.stopped || self.left == 0)
    }

    fn enqueue_if_free(&mut self, action: usize) {
        if self.waits_for[action] == 0 {
            let rank = match self.lane(action) {
                Lane::Removal => (0, Reverse(0)),
                // Its answer names the account that it makes; those who join together learn nothing of each other.
                Lane::Write { .. } if self.newcomers[action].is_some() && self.is_alone(action) => {
                    (1, Reverse(u32::MAX))
                }
                Lane::Write { unblocks } => (1, Reverse(unblocks)),
                Lane::Read => (2, Reverse(0)),
            };
            self.queue.insert((rank, action));
        }
    }

    /// Followers are skipped once, however many of the actions they follow fail.
    fn fail_followers(&mut self, action: usize, because: usize) {
        for follower in std::mem::take(&mut self.followers[action]) {
            if self.waits_for[follower] != usize::MAX {
                self.waits_for[follower] = usize::MAX;
                self.skips.push((follower, because));
            }
        }
    }
}

/// Numbers the actions that a request can carry out together: those of one kind in one group.
fn families(actions: &[Action], members: &MemberRules) -> Vec<Option<(usize, usize)>> {
    let mut numbers = BTreeMap::new();
    let family = |action: &Action| {
        let at_once = match action.name.verb {
            Verb::AddMember => members.add_at_once,
            Verb::RemoveMember => members.remove_at_once,
            _ => return None,
        };
        let next = numbers.len();
        let number = *numbers.entry((action.name.verb, action.name.group.clone()?)).or_insert(next);
        (at_once > 1).then_some((number, at_once as usize))
    };
    actions.iter().map(family).collect()
}

fn lane(action: &Action, followers: usize) -> Lane {
    if action.reduces_access {
        Lane::Removal
    } else {
        Lane::Write { unblocks: u32::try_from(followers).unwrap_or(u32::MAX) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AccountRef, Edge, GroupRef, Rule, Step, Values};

    fn action(account: &str, verb: Verb, after: &[(&str, Verb)]) -> Action {
        let name =
            |account: &str, verb| ActionName { app: "a".into(), verb, account: Some(account.into()), group: None };
        Action {
            after: after
                .iter()
                .map(|(account, verb)| Edge { action: name(account, *verb), rule: Rule::AccountBeforeMembership })
                .collect(),
            reduces_access: verb == Verb::Deactivate,
            adds_access: verb != Verb::Deactivate,
            ..Action::new(name(account, verb))
        }
    }

    /// Runs everything, one result after the other; an account called `bad` fails.
    fn check(actions: &[Action], at_once: u32, expected: &str) {
        let mut scheduler = Scheduler::new(actions, &MemberRules::default(), Some(at_once));
        let mut running = std::collections::VecDeque::new();
        let mut story = Vec::new();
        let label = |index: usize| {
            let name = &actions[index].name;
            format!("{} {}", name.verb, name.account.as_deref().unwrap_or_default())
        };
        while !scheduler.is_done() {
            while let Some(command) = scheduler.next_command() {
                match command {
                    Command::Start(batch) => {
                        let together: Vec<_> = batch.iter().map(|index| label(*index)).collect();
                        story.push(format!("start {}", together.join(" with ")));
                        running.push_back(batch);
                    }
                    Command::Skip { action, because } => {
                        story.push(format!("skip {} because of {}", label(action), label(because)));
                    }
                }
            }
            if let Some(batch) = running.pop_front() {
                let well = |index: usize| actions[index].name.account.as_deref() != Some("bad");
                scheduler.ended(&batch.into_iter().map(|index| (index, well(index))).collect::<Vec<_>>());
            }
        }
        assert_eq!(story.join("\n"), expected);
    }

    #[test]
    fn removals_go_first_and_then_what_unblocks_most() {
        check(
            &[
                action("a", Verb::Create, &[]),
                action("b", Verb::Create, &[]),
                action("b", Verb::AddMember, &[("b", Verb::Create)]),
                action("z", Verb::Deactivate, &[]),
            ],
            1,
            "start deactivate z\nstart create b\nstart create a\nstart add-member b",
        );
    }

    #[test]
    fn what_follows_a_failure_is_skipped_with_everything_behind_it_and_the_rest_goes_on() {
        check(
            &[
                action("bad", Verb::Create, &[]),
                action("bad", Verb::AddMember, &[("bad", Verb::Create)]),
                action("bad", Verb::Update, &[("bad", Verb::AddMember), ("bad", Verb::Create)]),
                action("good", Verb::Create, &[]),
            ],
            1,
            "start create bad\nskip add-member bad because of create bad\nskip update bad because of create bad\nstart create good",
        );
    }

    #[test]
    fn what_is_skipped_stays_skipped_when_something_else_it_follows_takes_effect() {
        check(
            &[
                action("bad", Verb::Create, &[]),
                action("good", Verb::Create, &[]),
                action("both", Verb::AddMember, &[("bad", Verb::Create), ("good", Verb::Create)]),
            ],
            1,
            "start create bad\nskip add-member both because of create bad\nstart create good",
        );
    }

    #[test]
    fn actions_that_wait_for_each_other_are_skipped_and_keep_nobody_waiting() {
        check(
            &[
                action("a", Verb::Create, &[("b", Verb::Create)]),
                action("b", Verb::Create, &[("a", Verb::Create)]),
                action("c", Verb::Create, &[("c", Verb::Create)]),
                action("d", Verb::Create, &[]),
            ],
            2,
            "start create d\nskip create a because of create a\nskip create b because of create a\nskip create c because of create c",
        );
    }

    #[test]
    fn what_is_withdrawn_does_not_start_nor_does_what_follows_it_and_what_runs_goes_on() {
        let actions = [
            action("a", Verb::Create, &[]),
            action("b", Verb::Create, &[]),
            action("b", Verb::AddMember, &[("b", Verb::Create)]),
            action("c", Verb::AddMember, &[("a", Verb::Create)]),
        ];
        let mut scheduler = Scheduler::new(&actions, &MemberRules::default(), Some(1));
        assert_eq!(scheduler.next_command(), Some(Command::Start(vec![0])));
        assert_eq!([0, 1, 1, 3].map(|action| scheduler.withdraw(action)), [false, true, false, true]);
        assert_eq!(scheduler.next_command(), Some(Command::Skip { action: 2, because: 1 }));
        assert_eq!(scheduler.next_command(), None);
        scheduler.ended(&[(0, true)]);
        assert_eq!(scheduler.next_command(), None);
        assert!(scheduler.is_done());
    }

    #[test]
    fn no_more_than_allowed_run_at_once() {
        let actions: Vec<Action> = ["a", "b", "c"].map(|account| action(account, Verb::Create, &[])).into();
        let mut scheduler = Scheduler::new(&actions, &MemberRules::default(), Some(2));
        assert_eq!(scheduler.next_command(), Some(Command::Start(vec![0])));
        assert_eq!(scheduler.next_command(), Some(Command::Start(vec![1])));
        assert_eq!(scheduler.next_command(), None);
        scheduler.ended(&[(0, true)]);
        assert_eq!(scheduler.next_command(), Some(Command::Start(vec![2])));
    }

    fn joins(account: &str, group: &str) -> Action {
        let email = Email::lenient(account);
        let step = Step::AddMember {
            group: GroupRef::Known(group.into()),
            account: AccountRef::Created(email),
            values: Values::new(),
            joining: Some(Values::new()),
        };
        let add = action(account, Verb::AddMember, &[]);
        Action { step, name: ActionName { group: Some(group.into()), ..add.name }, ..add }
    }

    #[test]
    fn somebody_whom_joining_makes_joins_one_group_at_a_time() {
        let actions = [joins("a@x.io", "G"), joins("a@x.io", "H"), joins("b@x.io", "H")];
        let mut scheduler = Scheduler::new(&actions, &MemberRules::default(), Some(3));
        assert_eq!(scheduler.next_command(), Some(Command::Start(vec![0])));
        assert_eq!(scheduler.next_command(), Some(Command::Start(vec![2])));
        assert_eq!(scheduler.next_command(), None);
        scheduler.ended(&[(0, false)]);
        assert_eq!(
            scheduler.next_command(),
            Some(Command::Start(vec![1])),
            "one refusal keeps nobody out of other groups"
        );
    }

    #[test]
    fn a_stop_lets_what_runs_end_and_starts_nothing_more() {
        let actions: Vec<Action> = ["a", "b"].map(|account| action(account, Verb::Create, &[])).into();
        let mut scheduler = Scheduler::new(&actions, &MemberRules::default(), Some(1));
        scheduler.next_command();
        scheduler.stop();
        assert!(!scheduler.is_done());
        scheduler.ended(&[(0, true)]);
        assert_eq!(scheduler.next_command(), None);
        assert!(scheduler.is_done());
    }
}
