//! Matching alone, without a process around it: the matcher's own bench over all feeds at hand.

use std::process::Command;

use super::measure::succeed;
use super::{Session, feeds};

pub(super) fn run(session: &Session) -> Result<(), String> {
    let db = feeds::store(session)?;
    let mut command = Command::new("cargo");
    command.args(["bench", "--quiet", "--package", "matcher", "--"]).arg(db);
    succeed(command.current_dir(&session.root))
}
