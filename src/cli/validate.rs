//! `rosterd validate`.

use super::{
    args::Validate,
    context,
    exit::{Exit, Failure},
    terminal,
};

pub(super) fn run(args: &Validate) -> Result<Exit, Failure> {
    let loaded = context::load(&args.dir, &context::registry(&args.dir.dir))?;
    let desired = &loaded.desired;
    let count = |many: usize, one: &str, more: &str| format!("{many} {}", if many == 1 { one } else { more });
    terminal::print(&format!(
        "{} is valid: {}, {}\n",
        args.dir.dir.display(),
        count(desired.people.len(), "person", "people"),
        count(desired.apps.len(), "app", "apps"),
    ))?;
    Ok(Exit::Fine)
}
