//! Where an app takes only whole accounts, a change of some fields sends back what was read right before, the status with it.

use serde_json::Value;

use crate::model::{AccountStatus, LiveAccount};

/// Says of what was read right before a replacement why it must not be sent back.
pub(super) type Unfit<'a> = &'a (dyn Fn(&Value) -> Option<String> + Sync);

/// Why an account must not be sent back with other fields, if it must not. Nobody changes the fields of an account that is
/// inactive, so that one which is has just been made so by somebody; by the time the request arrives, they may have taken that
/// back.
pub(super) fn why_not_now(account: &LiveAccount) -> Option<String> {
    (account.status == AccountStatus::Inactive).then(|| {
        "the account is inactive at this moment, and replacing it would make it so; nothing was sent".to_owned()
    })
}
