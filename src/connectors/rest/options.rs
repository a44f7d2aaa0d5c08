//! Options that the files give an app, and what of a manifest depends on them.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::Value;

use super::template::Bindings;
use crate::{
    connectors::OptionSpec,
    model::{CatalogueError, Options, RoleRule, Semantics},
};

/// The options that a manifest declares.
#[derive(Debug, Clone, Default)]
pub(super) struct OptionRules {
    pub(super) specs: Vec<OptionSpec>,
    pub(super) defaults: Options,
    /// Those that stand in a path, a query or a body.
    pub(super) plain: BTreeSet<String>,
}

/// Lists of roles that options give, by where they belong.
#[derive(Debug, Clone, Default)]
pub(super) struct RolesFromOptions(pub(super) Vec<(Place, String)>);

/// A list of roles in the semantics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) of: Of,
    pub(super) list: RoleList,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Accounts,
    Members,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoleList {
    Ranked,
    Admin,
    Values,
}

impl OptionRules {
    /// What the files say, or else the manifest.
    fn value<'a>(&'a self, given: &'a Options, name: &str) -> Option<&'a Value> {
        given.get(name).or_else(|| self.defaults.get(name)).filter(|value| !value.is_null())
    }

    /// Placeholders for all options that have a value.
    pub(super) fn bindings(&self, given: &Options) -> Bindings<'static> {
        let names = self.specs.iter().map(|spec| spec.name.as_str());
        let bound = |name: &str| Some((Cow::Owned(format!("options.{name}")), self.value(given, name)?.clone()));
        names.filter_map(bound).collect()
    }

    /// Checks that every option that stands in a text can stand there.
    ///
    /// # Errors
    /// The first that cannot.
    pub(super) fn check(&self, given: &Options) -> Result<(), CatalogueError> {
        let bad = self.plain.iter().find(|name| match self.value(given, name) {
            Some(Value::String(text)) => text.is_empty(),
            Some(Value::Array(_) | Value::Object(_)) => true,
            _ => false,
        });
        match bad {
            None => Ok(()),
            Some(name) => Err(CatalogueError::Option {
                key: name.clone(),
                message: format!("`options.{name}` is no plain value"),
                hint: Some("write a text, a number, `true` or `false`".into()),
            }),
        }
    }

    fn roles(&self, given: &Options, name: &str) -> Result<Vec<Arc<str>>, CatalogueError> {
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(Arc::from);
        let roles = match self.value(given, name) {
            None => Some(Vec::new()),
            Some(Value::Array(all)) => all.iter().map(text).collect(),
            Some(one) => text(one).map(|role| vec![role]),
        };
        roles.ok_or_else(|| CatalogueError::Option {
            key: name.to_owned(),
            message: format!("`options.{name}` is no list of roles"),
            hint: Some("write their names, such as `[Owner, Auditor]`".into()),
        })
    }
}

impl RolesFromOptions {
    /// The semantics with the roles that the files name.
    ///
    /// # Errors
    /// When an option is no list of roles.
    pub(super) fn apply(
        &self,
        semantics: &Arc<Semantics>,
        rules: &OptionRules,
        given: &Options,
    ) -> Result<Arc<Semantics>, CatalogueError> {
        if self.0.is_empty() {
            return Ok(semantics.clone());
        }
        let mut semantics = Semantics::clone(semantics);
        for (place, option) in &self.0 {
            let roles = rules.roles(given, option)?;
            let rule: Option<&mut RoleRule> = match place.of {
                Of::Accounts => semantics.role.as_mut(),
                Of::Members => semantics.members.role.as_mut(),
            };
            let Some(rule) = rule else { continue };
            match place.list {
                RoleList::Ranked => rule.ranked = roles,
                RoleList::Admin => rule.admin = roles.into_iter().collect(),
                RoleList::Values => rule.values = roles.into_iter().collect(),
            }
        }
        Ok(Arc::new(semantics))
    }
}

impl From<BTreeMap<String, super::wire::Choice>> for OptionRules {
    fn from(wire: BTreeMap<String, super::wire::Choice>) -> Self {
        let mut rules = Self::default();
        for (name, choice) in wire {
            rules.defaults.extend(choice.default.map(|value| (Arc::from(name.as_str()), value)));
            rules.specs.push(OptionSpec { name, required: choice.required, help: choice.help });
        }
        rules
    }
}
