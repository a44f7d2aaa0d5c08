//! Options that the files give an app, and what of a manifest depends on them.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::Value;

use super::{
    template::Bindings,
    wire::{Choice, Lined, Role, Roles, Take},
};
use crate::{
    connectors::OptionSpec,
    model::{CatalogueError, Options, RoleRule},
};

/// The options that a manifest declares.
#[derive(Debug, Clone)]
pub(super) struct OptionRules {
    pub(super) declared: BTreeMap<Arc<str>, Choice>,
    /// Those that stand in a path, a query or a body.
    pub(super) plain: BTreeSet<String>,
}

impl OptionRules {
    pub(super) fn specs(&self) -> Vec<OptionSpec> {
        let spec = |(name, Choice { required, help, .. }): (&Arc<str>, &Choice)| OptionSpec {
            name: name.to_string(),
            required: *required,
            help: help.clone(),
        };
        self.declared.iter().map(spec).collect()
    }

    /// What the files say, or else the manifest.
    fn value<'a>(&'a self, given: &'a Options, name: &str) -> Option<&'a Value> {
        let default = || self.declared.get(name)?.default.as_ref();
        given.get(name).or_else(default).filter(|value| !value.is_null())
    }

    /// Placeholders for all options that have a value.
    pub(super) fn bindings(&self, given: &Options) -> Bindings<'static> {
        let bound = |name: &Arc<str>| Some((Cow::Owned(format!("options.{name}")), self.value(given, name)?.clone()));
        self.declared.keys().filter_map(bound).collect()
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

    /// A list of roles that the files give.
    ///
    /// # Errors
    /// When it is no such list.
    pub(super) fn roles(&self, given: &Options, name: &str) -> Result<Vec<Arc<str>>, CatalogueError> {
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

impl Role {
    /// The rule for such roles; `option` has the lists that stand in an option, which is asked for with its line and name.
    ///
    /// # Errors
    /// Those of `option`.
    pub(super) fn rule<E>(&self, option: impl Fn(u64, &str) -> Result<Vec<Arc<str>>, E>) -> Result<RoleRule, E> {
        let list = |roles: &Option<Lined<Roles>>| match roles {
            None => Ok(Vec::new()),
            Some(Lined { value: Roles::These(all), .. }) => Ok(all.clone()),
            Some(Lined { line, value: Roles::Option(name) }) => option(*line, name),
        };
        let (ranked, admin, mut values) = (list(&self.ranked)?, list(&self.admin)?, list(&self.values)?);
        // What an option says is all there is.
        if !matches!(&self.values, Some(Lined { value: Roles::Option(_), .. })) {
            values.extend(self.names.keys().cloned());
        }
        let (admin, values) = (admin.into_iter().collect(), values.into_iter().collect());
        Ok(RoleRule { many: self.take == Take::Many, ranked, admin, values })
    }
}
