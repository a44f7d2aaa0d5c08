//! `rosterd schema`.

use super::{
    args::Schema,
    exit::{Exit, Failure},
    terminal,
};
use crate::{connectors::rest, desired};

pub(super) fn run(args: &Schema) -> Result<Exit, Failure> {
    let schema = if args.manifest { rest::schema() } else { desired::schema() };
    let text = serde_json::to_string_pretty(&schema).map_err(Failure::new)?;
    terminal::print(&(text + "\n"))?;
    Ok(Exit::Fine)
}
