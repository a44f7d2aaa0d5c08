//! `rosterd why EMAIL`.

use jiff::Timestamp;

use super::{
    args::{self, Format},
    context,
    exit::{Exit, Failure},
    terminal::{self, Stream},
};
use crate::{model::Email, report, why};

pub(super) fn run(args: &args::Why) -> Result<Exit, Failure> {
    let email = Email::parse(&args.email)
        .map_err(|error| Failure::new(format!("`{}` is not an email address: {error}", args.email)))?;
    let loaded = context::load(&args.dir, &context::registry(&args.dir.dir))?;
    let why = why::why(&loaded.desired, &email, Timestamp::now());
    let text = match args.format {
        Format::Text => report::why::text(&why, &terminal::style(Stream::Out)),
        Format::Json => report::why::to_json(&why),
    };
    terminal::print(&text)?;
    Ok(if why.named { Exit::Fine } else { Exit::Failed })
}
