//! Statements, what they are given, and what the rows they find say: one form of each in both databases.

use sqlx::{
    Any, Arguments as _, AssertSqlSafe, Encode, Type,
    any::{AnyArguments, AnyRow},
    error::BoxDynError,
    query_with,
};

use super::{AppKey, Store, StoreError, error::Fault, open::Tx};

/// Rows that one statement writes at most. SQLite takes 32766 parameters in a statement, PostgreSQL 65535, and a row has
/// less than 20.
pub(super) const ROWS: usize = 500;

/// The parameters of a statement, from `$1` on.
pub(super) struct Params(Result<AnyArguments, BoxDynError>);

/// No parameters.
pub(super) fn none() -> Params {
    Params(Ok(AnyArguments::default()))
}

/// An app's name and origin.
pub(super) fn of(key: &AppKey) -> Params {
    none().and(&*key.app).and(&*key.origin)
}

impl Params {
    /// These, and one more.
    pub(super) fn and<'v>(self, value: impl Encode<'v, Any> + Type<Any> + 'v) -> Self {
        Self(self.0.and_then(|mut arguments| arguments.add(value).map(|()| arguments)))
    }

    /// These, and more.
    pub(super) fn and_all<'v>(self, values: impl IntoIterator<Item: Encode<'v, Any> + Type<Any> + 'v>) -> Self {
        values.into_iter().fold(self, Self::and)
    }

    fn arguments(self) -> Result<AnyArguments, Fault> {
        Ok(self.0.map_err(sqlx::Error::Encode)?)
    }

    fn count(&self) -> usize {
        self.0.as_ref().map_or(0, |arguments| arguments.len())
    }
}

/// Something that a row says.
pub(super) trait FromRow: Sized {
    fn from_row(row: &AnyRow) -> Result<Self, Fault>;
}

/// Tuples of texts and numbers, in the order of the columns.
impl<T: for<'r> sqlx::FromRow<'r, AnyRow>> FromRow for T {
    fn from_row(row: &AnyRow) -> Result<Self, Fault> {
        Ok(sqlx::FromRow::from_row(row)?)
    }
}

impl Tx<'_> {
    /// The rows that a query finds.
    pub(super) async fn found(&mut self, sql: &str, params: Params) -> Result<Vec<AnyRow>, Fault> {
        Ok(query_with(AssertSqlSafe(sql), params.arguments()?).fetch_all(self.connection()?).await?)
    }

    /// What they say.
    pub(super) async fn rows<T: FromRow>(&mut self, sql: &str, params: Params) -> Result<Vec<T>, Fault> {
        self.found(sql, params).await?.iter().map(T::from_row).collect()
    }

    /// What a query finds that finds one row at most.
    pub(super) async fn row<T: FromRow>(&mut self, sql: &str, params: Params) -> Result<Option<T>, Fault> {
        let row = query_with(AssertSqlSafe(sql), params.arguments()?).fetch_optional(self.connection()?).await?;
        row.as_ref().map(T::from_row).transpose()
    }

    /// The only column of the only row that a query finds.
    pub(super) async fn value<T>(&mut self, sql: &str, params: Params) -> Result<T, Fault>
    where
        (T,): FromRow,
    {
        let (value,) = self.one(sql, params).await?;
        Ok(value)
    }

    /// The only row that a query finds.
    pub(super) async fn one<T: FromRow>(&mut self, sql: &str, params: Params) -> Result<T, Fault> {
        T::from_row(&query_with(AssertSqlSafe(sql), params.arguments()?).fetch_one(self.connection()?).await?)
    }

    /// Does a statement, and says how many rows it was about.
    pub(super) async fn run(&mut self, sql: &str, params: Params) -> Result<u64, Fault> {
        Ok(query_with(AssertSqlSafe(sql), params.arguments()?).execute(self.connection()?).await?.rows_affected())
    }

    /// Does a statement about many items, some at a time: `{}` in it stands for the placeholders of all that `each` adds.
    pub(super) async fn run_each<'v, T>(
        &mut self,
        sql: &str,
        before: impl Fn() -> Params,
        items: &'v [T],
        each: impl Fn(Params, &'v T) -> Result<Params, Fault>,
    ) -> Result<u64, Fault> {
        let mut about = 0;
        for chunk in items.chunks(ROWS) {
            let first = before();
            let from = first.count() + 1;
            let params = chunk.iter().try_fold(first, &each)?;
            let columns = (params.count() + 1 - from) / chunk.len();
            let sql = sql.replace("{}", &placeholders(from, chunk.len(), columns));
            // Almost all statements are about one item.
            let query = query_with(AssertSqlSafe(sql), params.arguments()?).persistent(chunk.len() == 1);
            about += query.execute(self.connection()?).await?.rows_affected();
        }
        Ok(about)
    }
}

/// `rows` groups of `columns` placeholders from number `first` on: `($1,$2),($3,$4)`. Single ones are one list: `($1,$2)`.
pub(super) fn placeholders(first: usize, rows: usize, columns: usize) -> String {
    let (rows, columns) = if columns == 1 { (1, rows) } else { (rows, columns) };
    let group = |row| {
        let numbers: Vec<String> = (0..columns).map(|column| format!("${}", first + row * columns + column)).collect();
        format!("({})", numbers.join(","))
    };
    (0..rows).map(group).collect::<Vec<_>>().join(",")
}

impl Store {
    /// Does `work` in a transaction that reads, everything as it was at one moment.
    pub(super) async fn reading<T>(
        &self,
        doing: &str,
        work: impl AsyncFnOnce(&mut Tx<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        self.drive(doing, async { self.read().await?.through(work).await }).await
    }

    /// Does `work` in a transaction that writes: all of it, or nothing when it fails.
    pub(super) async fn writing<T>(
        &self,
        doing: &str,
        work: impl AsyncFnOnce(&mut Tx<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        self.drive(doing, async { self.write().await?.through(work).await }).await
    }

    /// What one query finds.
    pub(super) async fn find<T: FromRow>(&self, doing: &str, sql: &str, params: Params) -> Result<Vec<T>, StoreError> {
        self.reading(doing, async |tx| tx.rows(sql, params).await).await
    }
}
