//! `rosterd validate`.

use super::{
    args::{Validate, ValidateFormat},
    context,
    exit::{Exit, Failure},
    terminal::{self, count},
};
use crate::desired::{self, Problems};

pub(super) fn run(args: &Validate) -> Result<Exit, Failure> {
    let dir = &args.dir.dir;
    let registry = context::registry(dir);
    let show = |problems: &Problems| match args.format {
        ValidateFormat::Json => terminal::print(&problems.to_json()),
        _ => terminal::print(&problems.to_github(&dir.to_string_lossy().replace('\\', "/"))),
    };
    let loaded = match args.format {
        ValidateFormat::Text => context::load(&args.dir, &registry)?,
        _ => match desired::load(dir, &registry) {
            Ok(loaded) => {
                show(&loaded.warnings)?;
                loaded
            }
            Err(problems) => {
                show(&problems)?;
                return Err(context::verdict(&dir.display().to_string(), &problems));
            }
        },
    };
    let desired = &loaded.desired;
    let verdict = format!(
        "{} is valid: {}, {}",
        dir.display(),
        count(desired.people.len(), "person", "people"),
        count(desired.apps.len(), "app", "apps"),
    );
    match args.format {
        ValidateFormat::Text => terminal::print(&(verdict + "\n"))?,
        // What programs read has nothing else on its stream.
        _ => terminal::say(&verdict),
    }
    Ok(Exit::Fine)
}
