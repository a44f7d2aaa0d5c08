//! Which requests an action took, for whoever keeps a record of it: requests are noted where they are sent, so that no
//! connector has to tell.

use std::cell::RefCell;

use super::Method;

tokio::task_local! {
    static SENT: RefCell<Vec<Sent>>;
}

/// A request that was sent. Its query, headers and bodies are left out, since they may hold secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// What it did.
    pub method: Method,
    /// To what, without the query.
    pub path: String,
    /// The answer's status; `None` when there was no answer.
    pub status: Option<u16>,
}

impl Sent {
    /// `PATCH /users/17 200`, or `… no answer`.
    pub fn line(&self) -> String {
        let status = self.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        format!("{} {} {status}", self.method.as_str(), self.path)
    }
}

/// Does `work`, and returns with its result the requests that it sent, in the order of their answers.
pub async fn witnessed<T>(work: impl Future<Output = T>) -> (T, Vec<Sent>) {
    let noted = async {
        let result = work.await;
        (result, SENT.with(RefCell::take))
    };
    SENT.scope(RefCell::default(), noted).await
}

/// Notes a request for whoever watches; nobody has to.
pub(super) fn note(method: Method, path: &str, status: Option<u16>) {
    // Requests outside any action, such as those of a reading, have no list to be noted in.
    let _ = SENT.try_with(|sent| sent.borrow_mut().push(Sent { method, path: path.to_owned(), status }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn requests_are_kept_apart_by_whose_work_they_are() {
        let work = |path: &'static str| {
            witnessed(async move {
                note(Method::Get, path, Some(200));
                tokio::task::yield_now().await;
                note(Method::Patch, path, None);
            })
        };
        let ((_, one), (_, two)) = tokio::join!(work("/a"), work("/b"));
        note(Method::Get, "/nobody", None);
        let lines = |sent: Vec<Sent>| sent.iter().map(Sent::line).collect::<Vec<_>>().join(", ");
        assert_eq!(lines(one), "GET /a 200, PATCH /a no answer");
        assert_eq!(lines(two), "GET /b 200, PATCH /b no answer");
    }
}
