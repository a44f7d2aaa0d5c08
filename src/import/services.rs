//! Telling people from services by their addresses. A wrong guess does no harm: an address under `accounts` works as one
//! under `people` does, and either can be moved.

use crate::model::Email;

/// Words in the part before the `@` that people are not called.
const WORDS: &[&str] = &[
    "admin",
    "administrator",
    "api",
    "app",
    "automation",
    "backup",
    "bot",
    "build",
    "ci",
    "cron",
    "daemon",
    "deploy",
    "integration",
    "jobs",
    "mailer",
    "monitor",
    "monitoring",
    "noreply",
    "notifications",
    "filing",
    "reception",
    "robot",
    "root",
    "rosterd",
    "scanner",
    "scheduler",
    "scim",
    "server",
    "service",
    "support",
    "svc",
    "sync",
    "system",
    "test",
    "worker",
];

/// Whether an address looks like that of a service.
pub(super) fn looks_like_one(email: &Email) -> bool {
    let local = email.key().split('@').next().unwrap_or_default();
    local.split(['.', '-', '_', '+']).any(|word| WORDS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_told_by_a_whole_word() {
        let check = |text: &str, service: bool| assert_eq!(looks_like_one(&Email::lenient(text)), service, "{text}");
        check("plot-server@x.io", true);
        check("it-admin@x.io", true);
        check("SVC_backup@x.io", true);
        check("jane.doe@x.io", false);
        check("bottini@x.io", false);
        check("jo@x.io", false);
    }
}
