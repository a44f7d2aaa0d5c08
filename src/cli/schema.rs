//! `rosterd schema`.

use super::{
    exit::{Exit, Failure},
    terminal,
};
use crate::desired;

pub(super) fn run() -> Result<Exit, Failure> {
    let text = serde_json::to_string_pretty(&desired::schema()).map_err(Failure::new)?;
    terminal::print(&(text + "\n"))?;
    Ok(Exit::Fine)
}
