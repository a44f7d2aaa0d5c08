//! What all apps have in common, however they are spoken to.

use std::sync::Arc;

use super::{http::HttpClient, row_limit::ListName};
use crate::model::{Semantics, Traffic};

/// An app at the other end, and what is sent to it.
pub trait App: Send + Sync {
    /// The app's name in the files, for messages.
    fn app(&self) -> &str;

    /// What the connector declares.
    fn semantics(&self) -> &Arc<Semantics>;

    /// How many requests were sent so far, token calls and repeated ones included.
    fn requests(&self) -> u64;

    /// From now on somebody waits for the end: a request that would have to wait long for the budget is refused instead.
    /// What may leave at once still leaves, so that what was begun is finished.
    fn hurry(&self) {}

    /// Ends the hurry.
    fn take_time(&self) {}

    /// An earlier run saw all accounts, and there were so many: many times as many are not believed.
    fn recall_accounts(&self, _rows: u64) {}

    /// How requests were answered so far.
    fn traffic(&self) -> Traffic {
        Traffic::default()
    }

    /// Why the app cannot be worked with, while it takes requests and answers none of them.
    fn silence(&self) -> Option<String> {
        None
    }

    /// How many requests may leave now without waiting and without touching what is kept free; none where nothing limits
    /// them. Of several budgets, that of the scarcest.
    fn quota_left(&self) -> Option<u64> {
        None
    }

    /// Announces how many reads and writes are going to be sent, besides those under way, so that the budget can make what
    /// is scarce last until there is more. Who cannot say which of several budgets they draw on says nothing.
    fn expect(&self, _reads: u64, _writes: u64) {}
}

/// An app that is spoken to over HTTP.
pub(super) trait OverHttp: Send + Sync {
    /// What the connector declares.
    fn declared(&self) -> &Arc<Semantics>;

    /// What sends, each under a budget of its own. There is at least one.
    fn clients(&self) -> Vec<&HttpClient>;
}

impl<T: OverHttp> App for T {
    fn app(&self) -> &str {
        self.clients()[0].app()
    }

    fn semantics(&self) -> &Arc<Semantics> {
        self.declared()
    }

    fn requests(&self) -> u64 {
        self.clients().into_iter().map(HttpClient::requests).sum()
    }

    fn hurry(&self) {
        self.clients().into_iter().for_each(HttpClient::hurry);
    }

    fn take_time(&self) {
        self.clients().into_iter().for_each(HttpClient::take_time);
    }

    fn recall_accounts(&self, rows: u64) {
        self.clients().into_iter().for_each(|client| client.rows().learn(ListName::Accounts, rows));
    }

    fn traffic(&self) -> Traffic {
        let mut all = Traffic::default();
        self.clients().into_iter().for_each(|client| all.add(&client.traffic()));
        all
    }

    fn silence(&self) -> Option<String> {
        self.clients().into_iter().find_map(HttpClient::silence)
    }

    fn quota_left(&self) -> Option<u64> {
        self.clients().into_iter().filter_map(HttpClient::quota_left).min()
    }

    fn expect(&self, reads: u64, writes: u64) {
        if let [only] = self.clients()[..] {
            only.expect(reads, writes);
        }
    }
}
