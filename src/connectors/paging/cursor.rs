//! How pages follow each other, as data, and the query that asks for the next one.

use super::Totals;
use crate::connectors::http::Request;

/// How the pages of a list are asked for, and what shows their end.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::connectors) struct Paging {
    pub(in crate::connectors) cursor: Cursor,
    /// The parameter that asks for a page size.
    pub(in crate::connectors) size: Option<String>,
    /// The page size to ask for; without one, the app chooses.
    pub(in crate::connectors) max: Option<u64>,
    /// The page size of an app that ignores what is asked for.
    pub(in crate::connectors) default: Option<u64>,
    /// A page with fewer rows than asked for is the last one.
    pub(in crate::connectors) ends_short: bool,
    /// What totals are worth.
    pub(in crate::connectors) totals: Totals,
}

/// How to get from one page to the next.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::connectors) enum Cursor {
    /// By the number of the page's first row, counted from `first`.
    Row { parameter: String, first: u64 },
    /// By the page's number, counted from `first`.
    Number { parameter: String, first: u64 },
    /// By a token that each page gives. Some apps want an `opening` one for the first page.
    Token { parameter: String, opening: Option<String> },
    /// By a link that each page gives: a path with a query, below where the app is.
    Link,
    /// As the app likes it. The first page is asked for without saying how: an app that pages by token answers with the
    /// next one, which is followed, and any other starts at its first row.
    Either { row: String, first: u64, token: String },
    /// Not at all: everything comes at once, as whoever describes the app says.
    Whole,
    /// Nobody said how, so that everything is taken to come at once.
    Undeclared,
}

/// Where a page stands in its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::connectors) enum Place {
    /// It is the first page.
    Start,
    /// The page before gave the way to it, which may have become too old.
    Given,
    /// It is counted.
    Counted,
}

/// The question for one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::connectors) struct Ask {
    /// Where it is, if it is not where the list is.
    pub(in crate::connectors) path: Option<String>,
    pub(in crate::connectors) query: Vec<(String, String)>,
    pub(in crate::connectors) place: Place,
    /// Rows that came before. A page beyond the total may leave out the place of its rows.
    pub(in crate::connectors) received: u64,
}

impl Ask {
    /// The request for a list with this question added. A link repeats the parameters of the first page; each is sent once.
    pub(in crate::connectors) fn added_to(&self, request: &Request) -> Request {
        let mut request = request.clone();
        if let Some(path) = &self.path {
            request.path.clone_from(path);
        }
        for (name, value) in &self.query {
            request.query.retain(|(other, _)| other != name);
            request.query.push((name.clone(), value.clone()));
        }
        request
    }
}

impl Paging {
    /// A list that comes at once.
    pub(in crate::connectors) fn at_once(cursor: Cursor) -> Self {
        Self { cursor, size: None, max: None, default: None, ends_short: false, totals: Totals::Unsaid }
    }

    /// The question for the page after so many pages and rows, the last of which gave this way to it.
    pub(super) fn ask(&self, pages: u64, received: u64, given: Option<&str>) -> Ask {
        let place = match given {
            _ if pages == 0 => Place::Start,
            Some(_) => Place::Given,
            None => Place::Counted,
        };
        let pair = |name: &String, value: String| vec![(name.clone(), value)];
        let mut query = match (&self.cursor, given) {
            (Cursor::Link, Some(link)) => {
                // The link repeats every parameter, the page size among them.
                let (path, query) = link.split_once('?').unwrap_or((link, ""));
                let path = Some(path.to_owned()).filter(|path| !path.is_empty());
                return Ask {
                    path,
                    query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
                    place,
                    received,
                };
            }
            (Cursor::Token { parameter: token, .. } | Cursor::Either { token, .. }, Some(given)) => {
                pair(token, given.to_owned())
            }
            (Cursor::Row { parameter, first }, _) => pair(parameter, (first + received).to_string()),
            (Cursor::Number { parameter, first }, _) => pair(parameter, (first + pages).to_string()),
            (Cursor::Either { row, first, .. }, None) if pages > 0 => pair(row, (first + received).to_string()),
            (_, _) => self.opening(),
        };
        query.extend(self.sized(self.max));
        Ask { path: None, query, place, received }
    }

    /// The question for the first so many rows, in words that every app of this kind understands.
    pub(super) fn ask_for_first(&self, rows: u64) -> Ask {
        let mut query = self.opening();
        query.extend(self.sized(Some(rows)));
        Ask { path: None, query, place: Place::Counted, received: 0 }
    }

    /// What asks for the first page of an app that pages by token.
    fn opening(&self) -> Vec<(String, String)> {
        match &self.cursor {
            Cursor::Token { parameter, opening: Some(opening) } => vec![(parameter.clone(), opening.clone())],
            _ => Vec::new(),
        }
    }

    fn sized(&self, rows: Option<u64>) -> Option<(String, String)> {
        Some((self.size.clone()?, rows?.to_string()))
    }

    /// Whether pages are counted, whatever they give.
    pub(super) fn is_counted(&self) -> bool {
        matches!(self.cursor, Cursor::Row { .. } | Cursor::Number { .. })
    }

    /// Whether everything comes at once.
    pub(super) fn is_at_once(&self) -> bool {
        matches!(self.cursor, Cursor::Whole | Cursor::Undeclared)
    }

    /// Whether so many rows on the first page are as many as a page has.
    pub(super) fn fills_a_page(&self, rows: u64) -> bool {
        let asked = self.max.filter(|_| self.size.is_some());
        match (asked, self.default) {
            (None, None) => is_usual_size(rows),
            (asked, default) => asked.is_some_and(|asked| rows >= asked) || default == Some(rows),
        }
    }

    /// Whether only what a page gives leads on.
    pub(super) fn is_given(&self) -> bool {
        matches!(self.cursor, Cursor::Token { .. } | Cursor::Link)
    }
}

/// Whether apps make pages of so many rows where nobody asks for a size.
pub(super) fn is_usual_size(rows: u64) -> bool {
    matches!(rows, 20 | 25 | 50 | 100)
}
