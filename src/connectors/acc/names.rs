//! Names of things that the API knows by id: industry roles and companies. A name that stands for nothing, or for several
//! things, is never sent.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use crate::model::Words;

/// One kind of thing.
#[derive(Debug)]
pub(super) struct Names {
    /// Ids by the names that the files gave them; these come before whatever the app calls them.
    pins: BTreeMap<Arc<str>, Arc<str>>,
    /// Names by id, as far as the app has shown them.
    seen: Mutex<BTreeMap<Arc<str>, Arc<str>>>,
    /// What to do about a name that is not known, as a sentence.
    pub(super) repair: &'static str,
}

impl Names {
    pub(super) fn new(pins: BTreeMap<Arc<str>, Arc<str>>, repair: &'static str) -> Self {
        Self { pins, seen: Mutex::default(), repair }
    }

    /// The app has shown what it calls something.
    pub(super) fn see(&self, id: &str, name: &str) {
        self.lock().insert(id.into(), name.into());
    }

    /// What reports and files call the thing with this id: its name, or the id itself where several are called so. What
    /// was seen until now decides; a pin makes it certain.
    pub(super) fn label(&self, id: &str) -> Arc<str> {
        if let Some((name, _)) = self.pins.iter().find(|(_, pin)| &***pin == id) {
            return name.clone();
        }
        let seen = self.lock();
        match seen.get(id) {
            Some(name)
                if !self.pins.contains_key(name) && seen.values().filter(|other| *other == name).count() == 1 =>
            {
                name.clone()
            }
            _ => id.into(),
        }
    }

    /// The id of what the files call so: a name, or an id where the name is another's as well.
    ///
    /// # Errors
    /// The ids of all that are called so: none, or several.
    pub(super) fn id(&self, label: &str) -> Result<Arc<str>, Vec<Arc<str>>> {
        if let Some(id) = self.pins.get(label) {
            return Ok(id.clone());
        }
        let seen = self.lock();
        if let Some((id, _)) = seen.get_key_value(label) {
            return Ok(id.clone());
        }
        let ids: Vec<_> = seen.iter().filter(|(_, name)| &***name == label).map(|(id, _)| id.clone()).collect();
        <[_; 1]>::try_from(ids).map(|[id]| id)
    }

    /// All that can stand in the files.
    pub(super) fn words(&self) -> Words {
        let mut by_name: BTreeMap<Arc<str>, Vec<Arc<str>>> = BTreeMap::new();
        for (id, name) in &*self.lock() {
            by_name.entry(name.clone()).or_default().push(id.clone());
        }
        let mut known: BTreeSet<Arc<str>> = self.pins.keys().cloned().collect();
        let mut ambiguous = BTreeMap::new();
        for (name, ids) in by_name {
            let taken = self.pins.contains_key(&name);
            if ids.len() == 1 && !taken {
                known.insert(name);
                continue;
            }
            // The ones that a name does not lead to go by their ids.
            known.extend(ids.iter().filter(|id| !self.pins.values().any(|pin| pin == *id)).cloned());
            if !taken {
                ambiguous.insert(name, ids);
            }
        }
        Words { known, ambiguous, repair: self.repair.into() }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Arc<str>, Arc<str>>> {
        // Each change is one insertion, so that a poisoned map is a whole one.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(pins: &[(&str, &str)]) -> Names {
        let pins = pins.iter().map(|(name, id)| ((*name).into(), (*id).into())).collect();
        let names = Names::new(pins, "look for it in the app");
        for (id, name) in [("r1", "Architect"), ("r2", "Reviewer"), ("r3", "Reviewer")] {
            names.see(id, name);
        }
        names
    }

    fn check(names: &Names, known: &[&str], ambiguous: &[&str], labels: [&str; 3]) {
        let words = names.words();
        assert_eq!(words.known.iter().map(|name| &**name).collect::<Vec<_>>(), known);
        assert_eq!(words.ambiguous.keys().map(|name| &**name).collect::<Vec<_>>(), ambiguous);
        assert_eq!(["r1", "r2", "r3"].map(|id| names.label(id)).map(|label| label.to_string()), labels);
        for (id, label) in ["r1", "r2", "r3"].iter().zip(labels) {
            assert_eq!(names.id(label).as_deref(), Ok(*id), "what is shown can be written");
        }
    }

    #[test]
    fn a_name_that_several_share_stands_for_none_of_them() {
        let names = names(&[]);
        check(&names, &["Architect", "r2", "r3"], &["Reviewer"], ["Architect", "r2", "r3"]);
        assert_eq!(names.id("Reviewer"), Err(vec!["r2".into(), "r3".into()]));
        assert_eq!(names.id("architect"), Err(vec![]), "names are compared exactly");
    }

    #[test]
    fn a_pin_says_which_one_a_name_means() {
        let names = names(&[("Reviewer", "r2"), ("Estimator", "r9")]);
        check(&names, &["Architect", "Estimator", "Reviewer", "r3"], &[], ["Architect", "Reviewer", "r3"]);
        assert_eq!(names.id("Estimator").as_deref(), Ok("r9"), "though no one has it yet");
    }
}
