//! What reading a list gives.

use crate::{connectors::Listing, model::Coverage};

impl<T> Listing<T> {
    /// All there is.
    pub(in crate::connectors) fn complete(rows: Vec<T>) -> Self {
        Self { rows, coverage: Coverage::Complete }
    }

    /// Both together.
    pub(in crate::connectors) fn and(mut self, other: Self) -> Self {
        self.rows.extend(other.rows);
        self.coverage = self.coverage.and(other.coverage);
        self
    }

    /// What the rows stand for. A row that cannot be understood makes the list incomplete.
    pub(in crate::connectors) fn parse<U>(self, parse: impl Fn(&T) -> Result<U, String>) -> Listing<U> {
        let mut parsed = Listing { rows: Vec::with_capacity(self.rows.len()), coverage: self.coverage };
        for row in &self.rows {
            match parse(row) {
                Ok(value) => parsed.rows.push(value),
                Err(lacks) => parsed.coverage = parsed.coverage.and(Coverage::Incomplete(lacks)),
            }
        }
        parsed
    }
}
