//! The kinds of misbehavior. Each seed belongs to one.

use super::dialect::{Dialect, Paging};

/// What an app does otherwise than one would like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::VariantArray)]
pub(super) enum Family {
    /// The token of the next page is a number, and the last page says null, nothing, "" or false.
    TokenIsNumber,
    /// The token of the next page is neither text nor number.
    TokenIsOdd,
    /// A link to the next page stands in a header, and nobody was told to follow it.
    LinkNobodyFollows,
    /// The app says that there are more rows than it shows.
    TotalAboveRows,
    /// The body has a link of OData to the next page.
    ODataLink,
    /// The key of the next token never comes, though a page came full.
    NextNeverComes,
    /// From some day on the list stops early, and only looks by id show the rest.
    CapAfterMemory,
    /// The list stops early from the start, and a query finds the rest.
    CapWithQuery,
    /// `null` stands where no rows are.
    RowsAreNull,
    /// The key of the rows is left out where there are none.
    RowsAreLacking,
    /// Groups show no members, or `[]` always.
    MembersHidden,
    /// Members are no list.
    MembersNoList,
    /// Bytes that mark the order of bytes stand before the JSON.
    Mark,
    /// Whether somebody is active is said by numbers or texts.
    ActiveInWords,
    /// A look by id at somebody who is gone is answered with 403, 410, 500 and the like.
    GoneById,
    /// A query compares letter by letter.
    QueryExact,
    /// A query finds whoever has the text in the address.
    QueryContains,
    /// A query finds nobody, ever.
    QueryNobody,
    /// A query is ignored, so that everybody comes.
    QueryIgnored,
    /// The list breaks off, and a query compares letter by letter.
    BrokenListExactQuery,
    /// The address is not where one looks first.
    AddressElsewhere,
    /// A group was given another name in the app.
    GroupRenamed,
    /// A group that is made gets another name.
    GroupRenamedOnCreate,
    /// An account that is made gets another address.
    AddressChangedOnCreate,
    /// One member is refused.
    MemberRefused,
    /// Overload is told with 403.
    ThrottledBy403,
    /// A write is answered with an error and has no effect.
    ErrorNoEffect,
    /// A write is answered with an error and has its effect.
    ErrorWithEffect,
    /// Empty text is kept in another way.
    EmptyText,
    /// Whoever left long ago is inactive and still in a group.
    InactiveMember,
}

use Family::{
    ActiveInWords, AddressChangedOnCreate, AddressElsewhere, BrokenListExactQuery, CapAfterMemory, CapWithQuery,
    EmptyText, ErrorNoEffect, ErrorWithEffect, GoneById, GroupRenamed, GroupRenamedOnCreate, InactiveMember,
    LinkNobodyFollows, Mark, MemberRefused, MembersHidden, MembersNoList, NextNeverComes, ODataLink, QueryContains,
    QueryExact, QueryIgnored, QueryNobody, RowsAreLacking, RowsAreNull, ThrottledBy403, TokenIsNumber, TokenIsOdd,
    TotalAboveRows,
};

impl Family {
    pub(super) const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// Whether an app of this dialect can misbehave so.
    pub(super) fn fits(self, dialect: Dialect) -> bool {
        let workiva = dialect == Dialect::Built("workiva");
        match self {
            TokenIsNumber | NextNeverComes => dialect == Dialect::Rest(Paging::Token),
            TokenIsOdd => dialect == Dialect::Rest(Paging::Token) || workiva,
            // A manifest that follows links follows this one.
            LinkNobodyFollows => dialect != Dialect::Rest(Paging::Header),
            TotalAboveRows | ODataLink => !dialect.is_bare(),
            RowsAreNull => dialect.is_mine() || workiva,
            RowsAreLacking | EmptyText => dialect.is_mine(),
            MembersHidden => dialect.is_scim(),
            ActiveInWords | MembersNoList => dialect.is_scim() || dialect.is_mine(),
            CapWithQuery | BrokenListExactQuery | QueryExact | QueryNobody => dialect.asks(),
            // The search of ACC has an address of its own, where there is no list to fall back on.
            QueryContains | QueryIgnored => dialect.asks() && dialect != Dialect::Built("acc"),
            AddressElsewhere => dialect == Dialect::Scim,
            GroupRenamedOnCreate => dialect.makes_groups(),
            MemberRefused => dialect.makes_groups() || dialect == Dialect::Built("alteryx-webapi"),
            InactiveMember => dialect.shows_members(),
            AddressChangedOnCreate
            | CapAfterMemory
            | Mark
            | GoneById
            | GroupRenamed
            | ThrottledBy403
            | ErrorNoEffect
            | ErrorWithEffect => true,
        }
    }

    /// Whether it begins only when the store knows everybody.
    pub(super) fn needs_memory(self) -> bool {
        matches!(self, CapAfterMemory | GoneById | GroupRenamed)
    }

    /// Whether some pages are needed.
    pub(super) fn needs_a_crowd(self) -> bool {
        matches!(self, TokenIsNumber | TokenIsOdd | NextNeverComes)
    }

    /// Whether all that is needed can be known and done, so that nothing may be left in the end.
    pub(super) fn settles(self, dialect: Dialect) -> bool {
        match self {
            TokenIsNumber | RowsAreNull | RowsAreLacking | Mark | ActiveInWords | QueryExact | QueryContains
            | QueryNobody | QueryIgnored | ThrottledBy403 | ErrorNoEffect | ErrorWithEffect | EmptyText
            | InactiveMember => true,
            GoneById => dialect.is_mine(),
            _ => false,
        }
    }

    /// Whether it is a query that misleads.
    pub(super) fn is_about_queries(self) -> bool {
        matches!(self, QueryExact | QueryContains | QueryNobody | QueryIgnored | BrokenListExactQuery)
    }

    /// Whether a run may end with work undone that the next one does.
    pub(super) fn spoils_runs(self) -> bool {
        matches!(self, ErrorNoEffect | ErrorWithEffect | ThrottledBy403)
    }

    /// Whether the list shows less than there is.
    pub(super) fn hides_rows(self) -> bool {
        matches!(
            self,
            LinkNobodyFollows | TotalAboveRows | ODataLink | CapAfterMemory | CapWithQuery | BrokenListExactQuery
        )
    }
}
