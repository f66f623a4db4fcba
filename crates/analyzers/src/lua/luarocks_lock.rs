//! `luarocks.lock`: a Lua table of the versions that a project was installed with, a line each:
//! `["lua-cjson"] = "2.1.0.10-1",`. One that ends before its tables do is not whole.

use model::{PackageKind, ProblemKind};

use crate::lock::{LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `luarocks-lock`.
pub(crate) struct LuarocksLock;

impl Analyzer for LuarocksLock {
    fn name(&self) -> &'static str {
        "luarocks-lock"
    }

    fn version(&self) -> u32 {
        2
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "luarocks.lock" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let text = file.text();
        if !is_whole(&text) {
            facts.problem(ProblemKind::Damaged, "it ends before its tables do");
        }
        let mut listing = Listing::new(facts);
        for line in text.lines() {
            let Some((key, value)) = line.split_once('=') else { continue };
            let name = key.trim().trim_matches(['[', ']', '"', '\'']);
            let value = value.trim().trim_end_matches([',', ';']);
            let version = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            // LuaRocks' versions end in the revision of the rock.
            if let Some(version) = version.filter(|version| version.contains('-')) {
                listing.add(Installed::declared(PackageKind::Luarocks, name, version));
            }
        }
    }
}

/// Whether there are tables, and each of them ends. Braces in texts are none.
fn is_whole(text: &str) -> bool {
    let (mut open, mut tables, mut is_text) = (0_usize, 0_usize, false);
    for byte in text.bytes() {
        match byte {
            b'"' => is_text = !is_text,
            b'{' if !is_text => {
                open = open.saturating_add(1);
                tables = tables.saturating_add(1);
            }
            b'}' if !is_text => open = open.saturating_sub(1),
            _ => {}
        }
    }
    open == 0 && tables > 0 && !is_text
}
