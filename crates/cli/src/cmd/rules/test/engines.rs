//! Engines of one set of rules with the lists that cases give them, each made once.

use std::path::PathBuf;

use detect::{Engine, Ruleset};
use indicators::FILE_BYTES_MAX;
use jiff::Timestamp;

use super::{Case, Place, beside};
use crate::cmd::rules::load::{self, Loaded};
use crate::cmd::rules::{ListArguments, lists};
use crate::error::UserError;

pub(super) struct Engines<'r> {
    ruleset: &'r Ruleset,
    /// Those of the command line, for cases that name none.
    lists: ListArguments,
    now: Timestamp,
    made: Vec<(Option<Named>, Engine)>,
}

/// Lists of a case, and the file that it stands in.
type Named = (String, Option<PathBuf>, Option<PathBuf>);

impl<'r> Engines<'r> {
    pub(super) fn new(ruleset: &'r Ruleset, lists: ListArguments, now: Timestamp) -> Self {
        Self { ruleset, lists, now, made: Vec::new() }
    }

    pub(super) fn of(&mut self, file: &Loaded, case: &Case) -> Result<&Engine, UserError> {
        let Case { block_list, allow_list, .. } = case;
        let names = block_list.is_some() || allow_list.is_some();
        let named = names.then(|| (file.name.clone(), block_list.clone(), allow_list.clone()));
        let place = match self.made.iter().position(|(known, _)| *known == named) {
            Some(place) => place,
            None => {
                let loaded = match &named {
                    None => self.lists.read(self.now)?,
                    Some(_) => self.beside(file, case)?,
                };
                loaded.tell(true);
                self.made.push((named, Engine::with_lists(self.ruleset, loaded.lists)));
                self.made.len() - 1
            }
        };
        let engine = self.made.get(place).map(|(_, engine)| engine);
        Ok(engine.expect("it was found, or made, at this place"))
    }

    fn beside(&self, file: &Loaded, case: &Case) -> Result<lists::Loaded, UserError> {
        let block = case.block_list.iter().map(|path| (path, false));
        let allow = case.allow_list.iter().map(|path| (path, true));
        let files = block.chain(allow).map(|(path, allows)| {
            let bytes = match beside(file, path)? {
                Place::Disk(path) => load::read(&path, FILE_BYTES_MAX)?,
                Place::Own(bytes) => bytes,
            };
            Ok((path.display().to_string(), bytes, allows))
        });
        lists::of(files, self.now)
    }
}
