//! Lists as a manifest describes them: where rows are, and how pages follow each other.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{Answer, Answers, Believed, Dotted, Map, Template, one_of};

/// How the pages of a list follow each other. Exactly one of `offset`, `number`, `token` with `next`, and `link`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(["offset", "number", "token", "link"])))]
#[schemars(extend("dependencies" = { "token": ["next"], "next": ["token"] }))]
pub struct Page {
    /// The parameter that says how many rows to skip.
    pub offset: Option<String>,
    /// The parameter that says which page.
    pub number: Option<String>,
    /// The number of the first page, 1 unless said.
    pub first: Option<u64>,
    /// The parameter that takes the token of the page before.
    pub token: Option<String>,
    /// Where a page has the token of the next one.
    pub next: Option<Dotted>,
    /// Where a page has the link to the next one. Of the link only the query is used.
    pub link: Option<Dotted>,
    /// The parameter that asks for a number of rows.
    pub size: Option<String>,
    /// How many rows to ask for, 100 unless said.
    #[schemars(range(min = 1))]
    pub max: Option<u32>,
    /// How many rows come where the app ignores `size`: a page of just that length is not taken for a short one.
    pub default: Option<u32>,
    /// Where a page says how many rows there are in all.
    pub total: Option<Dotted>,
    /// Where a page has a number that some versions of the app mean as the total and others as the length of the page.
    /// Reading goes on while it promises more than came, and never ends because of it.
    pub at_least: Option<Dotted>,
    /// With `offset` and `number`: which page is the last; `empty` unless said.
    pub end: Option<End>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum End {
    /// A page with fewer rows than were asked for. Needs `size`.
    Short,
    /// Only a page without rows.
    Empty,
}

/// A call that lists something.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// The path, below the app's `url` and `base`.
    #[schemars(with = "Template")]
    pub get: Spanned<Template>,
    /// Parameters of the query. One whose placeholder has no value is left out.
    #[serde(default)]
    pub query: Map<Template>,
    /// Where the answer has the rows; `.` where it is nothing but them.
    pub items: Dotted,
    /// Pages of its own, instead of the manifest's.
    #[schemars(with = "Option<Page>")]
    pub page: Option<Spanned<Page>>,
    /// `false`: everything comes at once, whatever the manifest's `page` says.
    #[serde(default = "yes")]
    pub paged: bool,
    /// What its answers mean; these rules come before the manifest's.
    #[serde(default)]
    #[schemars(with = "Vec<Answer>")]
    pub answers: Answers,
    /// In the list of accounts: fields that rows are sure to hold; what else is needed is read one account at a time. All,
    /// unless said.
    pub carries: Option<Vec<String>>,
    /// In a list of an account's groups: where a row has the group.
    pub group: Option<GroupKeys>,
    /// In a list of a group's members: where a row has the account; `{ id: . }` where a row is nothing but the id.
    pub account: Option<AccountKeys>,
    /// `believed`: some versions of the app answer 404 or 405, and then nobody knows what the list would say.
    pub otherwise: Option<Believed>,
}

/// A list of what the app knows by id and people know by name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// The path, below the app's `url` and `base`.
    #[schemars(with = "Template")]
    pub get: Spanned<Template>,
    /// Parameters of the query. One whose placeholder has no value is left out.
    #[serde(default)]
    pub query: Map<Template>,
    /// Where the answer has the rows; `.` where it is nothing but them.
    pub items: Dotted,
    /// Pages of its own, instead of the manifest's.
    #[schemars(with = "Option<Page>")]
    pub page: Option<Spanned<Page>>,
    /// `false`: everything comes at once, whatever the manifest's `page` says.
    #[serde(default = "yes")]
    pub paged: bool,
    /// What its answers mean; these rules come before the manifest's.
    #[serde(default)]
    #[schemars(with = "Vec<Answer>")]
    pub answers: Answers,
    /// Where a row has the id that the app takes.
    pub id: Dotted,
    /// Where a row has the name that the files use.
    pub name: Dotted,
}

impl From<Lookup> for (List, Dotted, Dotted) {
    fn from(lookup: Lookup) -> Self {
        let list = List {
            get: lookup.get,
            query: lookup.query,
            items: lookup.items,
            page: lookup.page,
            paged: lookup.paged,
            answers: lookup.answers,
            carries: None,
            group: None,
            account: None,
            otherwise: None,
        };
        (list, lookup.id, lookup.name)
    }
}

fn yes() -> bool {
    true
}

/// Where a row of an account's groups has the group.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupKeys {
    /// Where a row has the group's id.
    pub id: Dotted,
    /// Where a row has the group's name.
    pub name: Dotted,
}

/// Where a row of a group's members has the account.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountKeys {
    /// Where a row has the account's id.
    pub id: Dotted,
    /// Where a row has the account's address, if it does.
    pub email: Option<Dotted>,
}
