//! The CLI reference, `docs/cli.md`: what `--help` says of every verb. Generated, so that it stays
//! true; `UPDATE_DOCS=1 cargo test -p cli reference` writes it anew.

use clap::{Command, CommandFactory};

use crate::cmd::Arguments;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md");

#[test]
fn the_reference_is_what_help_says() {
    let mut page = String::from(
        "# Command line\n\nGenerated from `--help`; see `crates/cli/src/cmd/reference.rs`.\n",
    );
    let mut command = Arguments::command().term_width(96);
    command.build();
    describe(&mut command, &mut page);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, &page).unwrap();
    }
    let documented = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        documented == page,
        "docs/cli.md is out of date: UPDATE_DOCS=1 cargo test -p cli reference"
    );
}

fn describe(command: &mut Command, page: &mut String) {
    let name = command.get_bin_name().unwrap_or("lazaret").to_owned();
    let help = command.render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    let text = lines.join("\n");
    page.extend(["\n## `", &name, "`\n\n```text\n", text.trim_end(), "\n```\n"]);
    let is_shown = |verb: &&mut Command| verb.get_name() != "help" && !verb.is_hide_set();
    for verb in command.get_subcommands_mut().filter(is_shown) {
        describe(verb, page);
    }
}
