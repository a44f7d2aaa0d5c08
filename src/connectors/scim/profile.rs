//! Profiles: how a server differs from the standard, as far as that is known. Each difference is an option of its own.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    attribute::Attribute,
    lists::{Search, Style},
    options::{Given, wrong},
    patch::Dialect,
};
use crate::model::{AccountStatus, CatalogueError, FieldName, Verb};

/// Memberships per request. The best-known limit of this kind, and small enough for every server that has none.
const BATCH: u32 = 100;

/// Rows per page. Servers with a smaller limit send fewer and are followed all the same.
const PAGE: u32 = 100;

/// How long a change may take to show. Vendors speak of a few seconds.
const SETTLE: Duration = Duration::from_secs(5);

/// The fields that users have by the standard.
const FIELDS: [(&str, &str); 15] = [
    ("given_name", "name.givenName"),
    ("family_name", "name.familyName"),
    ("display_name", "displayName"),
    ("nick_name", "nickName"),
    ("title", "title"),
    ("user_type", "userType"),
    ("preferred_language", "preferredLanguage"),
    ("locale", "locale"),
    ("timezone", "timezone"),
    ("external_id", EXTERNAL_ID.1),
    ("department", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"),
    ("organization", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization"),
    ("division", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division"),
    ("cost_center", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter"),
    ("employee_number", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber"),
];

/// The id that a client gives. It belongs to whichever client set it, so that it is set on creation and never changed.
pub(super) const EXTERNAL_ID: (&str, &str) = ("external_id", "externalId");

/// Which attribute is the address by which an account is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Identity {
    /// The user name.
    #[default]
    UserName,
    /// The primary one of the email addresses, where user names are something else.
    Email,
}

/// How a member is taken out of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum MemberRemoval {
    /// By a path with a filter that names the member.
    #[default]
    Filtered,
    /// By a value beside the path, for servers that know no filter there. One that keeps to the standard empties the group.
    Value,
    /// By writing the whole group without the member.
    Replace,
}

/// What DELETE does to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum DeleteUsers {
    /// The user is gone.
    #[default]
    Permanent,
    /// The user becomes inactive.
    Deactivates,
    /// It is not used.
    Never,
}

/// What is known of a server.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Profile {
    pub(super) identity: Identity,
    /// Attributes of users by the names that fields have in the files.
    pub(super) fields: BTreeMap<FieldName, Attribute>,
    /// Fields that a new user needs.
    pub(super) require: Vec<FieldName>,
    /// `roles` can be managed; these are the roles there are, or none when the server decides.
    pub(super) roles: Option<Vec<Arc<str>>>,
    pub(super) admin_roles: Vec<Arc<str>>,
    /// What a user without `active` is; none: nobody knows.
    pub(super) without_active: Option<AccountStatus>,
    /// A display name is made of the two names where the files give none.
    pub(super) needs_display_name: bool,
    /// None: as the server says, and PATCH where it says nothing.
    pub(super) patch: Option<bool>,
    pub(super) put_users: bool,
    pub(super) put_groups: bool,
    pub(super) dialect: Dialect,
    pub(super) member_removal: MemberRemoval,
    /// The members of a group can be read.
    pub(super) read_members: bool,
    /// A group without members shows no list of them.
    pub(super) omits_empty_members: bool,
    /// Members are compared with the groups that users show.
    pub(super) check_members: bool,
    pub(super) batch: u32,
    pub(super) paging: Style,
    pub(super) page_size: u32,
    pub(super) trust_totals: bool,
    pub(super) filter: bool,
    /// A filter compares addresses as identities do.
    pub(super) filter_excludes: bool,
    pub(super) search: Search,
    /// None: as the server says.
    pub(super) etags: Option<bool>,
    pub(super) discovery: bool,
    pub(super) create_groups: bool,
    pub(super) delete_groups: bool,
    pub(super) delete_users: DeleteUsers,
    /// An inactive user can be made active again.
    pub(super) reactivate: bool,
    pub(super) inactive_keeps_seat: bool,
    pub(super) settle: Duration,
    /// What a person does where the server has no way.
    pub(super) manual: BTreeMap<Verb, &'static str>,
    /// What a refused sign-in may mean besides a wrong token.
    pub(super) sign_in_hint: &'static str,
}

impl Profile {
    /// A server that keeps to the standard.
    pub(super) fn strict() -> Self {
        // The table is our own, and a test reads all of it.
        let field = |(name, path): (&str, &str)| Some((name.into(), Attribute::parse(path).ok()?));
        Self {
            fields: FIELDS.into_iter().filter_map(field).collect(),
            put_users: true,
            put_groups: true,
            read_members: true,
            check_members: true,
            batch: BATCH,
            page_size: PAGE,
            trust_totals: true,
            filter: true,
            filter_excludes: false,
            discovery: true,
            create_groups: true,
            delete_groups: true,
            reactivate: true,
            settle: SETTLE,
            ..Self::default()
        }
    }

    pub(super) fn adapt(&mut self, given: Given<'_>) -> Result<(), CatalogueError> {
        let identities = [("user_name", Identity::UserName), ("email", Identity::Email)];
        let pagings = [("auto", Style::Auto), ("index", Style::Index), ("cursor", Style::Cursor)];
        let removals = [
            ("filtered", MemberRemoval::Filtered),
            ("value", MemberRemoval::Value),
            ("replace", MemberRemoval::Replace),
        ];
        let deletions = [
            ("permanent", DeleteUsers::Permanent),
            ("deactivates", DeleteUsers::Deactivates),
            ("never", DeleteUsers::Never),
        ];
        let statuses = [("active", Some(true)), ("inactive", Some(false)), ("unknown", None)];

        put(&mut self.identity, given.word("identity", &identities)?);
        for (name, path) in given.texts("fields")?.unwrap_or_default() {
            let attribute = Attribute::parse(&path)
                .map_err(|why| wrong("fields", &path.clone().into(), &format!("of `{name}` {why}"), None))?;
            self.fields.insert(name.into(), attribute);
        }
        put(&mut self.require, given.names("require")?);
        if given.0.get("roles").is_some_and(serde_json::Value::is_boolean) {
            self.roles = given.flag("roles")?.filter(|roles| *roles).map(|_| Vec::new());
        } else {
            self.roles = given.names("roles")?.or(self.roles.take());
        }
        put(&mut self.admin_roles, given.names("admin_roles")?);
        let status = |active| if active { AccountStatus::Active } else { AccountStatus::Inactive };
        put(&mut self.without_active, given.word("without_active", &statuses)?.map(|active| active.map(status)));
        self.patch = given.flag("patch")?.or(self.patch);
        put(&mut self.put_users, given.flag("put_users")?);
        put(&mut self.put_groups, given.flag("put_groups")?);
        put(&mut self.dialect.capitalised, given.word("operations", &[("lower", false), ("capitalised", true)])?);
        put(&mut self.dialect.text_booleans, given.word("booleans", &[("json", false), ("text", true)])?);
        put(&mut self.member_removal, given.word("member_removal", &removals)?);
        put(&mut self.read_members, given.flag("read_members")?);
        put(&mut self.omits_empty_members, given.flag("omits_empty_members")?);
        put(&mut self.check_members, given.flag("check_members")?);
        put(&mut self.batch, given.number("batch", 1..=10_000)?);
        put(&mut self.paging, given.word("paging", &pagings)?);
        put(&mut self.page_size, given.number("page_size", 1..=100_000)?);
        put(&mut self.trust_totals, given.flag("trust_totals")?);
        put(&mut self.filter, given.flag("filter")?);
        put(&mut self.filter_excludes, given.flag("filter_excludes")?);
        let searches = [("url", Search::Url), ("body", Search::Filtered), ("always", Search::Always)];
        put(&mut self.search, given.word("search", &searches)?);
        self.etags = given.flag("etags")?.or(self.etags);
        put(&mut self.discovery, given.flag("discovery")?);
        put(&mut self.create_groups, given.flag("create_groups")?);
        put(&mut self.delete_groups, given.flag("delete_groups")?);
        put(&mut self.delete_users, given.word("delete_users", &deletions)?);
        put(&mut self.reactivate, given.flag("reactivate")?);
        put(&mut self.settle, given.duration("settle")?);
        Ok(())
    }

    /// Options that make sense one by one, but not together.
    pub(super) fn check(&self, given: Given<'_>) -> Result<(), CatalogueError> {
        let conflict = |key: &str, message: &str, hint: &str| {
            Err(CatalogueError::Option { key: key.into(), message: message.into(), hint: Some(hint.into()) })
        };
        if self.patch == Some(false) && !self.put_users {
            return conflict(
                "patch",
                "without PATCH and without PUT no user can be changed",
                "set one of `patch` and `put_users` to `true`",
            );
        }
        if self.member_removal == MemberRemoval::Replace && !self.put_groups {
            return conflict(
                "member_removal",
                "`member_removal: replace` writes the whole group by PUT, which this server does not have for groups",
                "use `filtered`, or set `put_groups: true` if it has",
            );
        }
        if let Some(unknown) = self.require.iter().find(|name| !self.fields.contains_key(*name) && ***name != *"roles")
        {
            let message = format!("`options.require` names `{unknown}`, which is no field");
            return conflict("require", &message, "give it an attribute under `options.fields`");
        }
        if !self.admin_roles.is_empty() && self.roles.is_none() {
            let key = if given.0.contains_key("admin_roles") { "admin_roles" } else { "profile" };
            return conflict(
                key,
                "`admin_roles` without `roles` means nothing",
                "set `roles: true`, or list the roles",
            );
        }
        Ok(())
    }

    /// Whether members can be added and removed at all.
    pub(super) fn writes_members(&self) -> bool {
        self.patch != Some(false) || self.writes_whole_groups()
    }

    /// Whether a group may be written as a whole: only who can read all of it can keep what is in it.
    pub(super) fn writes_whole_groups(&self) -> bool {
        self.put_groups && self.read_members
    }
}

fn put<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}
