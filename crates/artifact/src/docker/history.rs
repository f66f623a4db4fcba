//! Which command made which layer, from what a daemon tells of an image's history.
//!
//! The Engine's API leaves out the one mark that the image configuration has: whether a step made
//! a layer at all. Sizes and the kind of instruction settle it nearly always; where they do not,
//! this says so, and the caller reads the configuration itself.

use serde::Deserialize;

use crate::History;

/// One step, as `GET /images/NAME/history` lists it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Step {
    #[serde(default)]
    created_by: String,
    /// The bytes of the files in its layer; 0 too for a layer of directories or whiteouts.
    #[serde(default)]
    size: i64,
}

/// Instructions that never change a file.
const WITHOUT_LAYER: [&str; 14] = [
    "ARG",
    "CMD",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "#(nop)",
];

/// The history as the configuration has it, the lowest step first, given the steps as the daemon
/// lists them (the highest first) and the number of layers; None where it cannot be told.
pub(super) fn restore(mut steps: Vec<Step>, layers: usize) -> Option<Vec<History>> {
    steps.reverse();
    let sized = steps.iter().filter(|step| step.size > 0).count();
    let possible = steps.iter().filter(|step| step.may_have_layer()).count();
    let has_layer: fn(&Step) -> bool = if sized == layers {
        |step| step.size > 0
    } else if possible == layers {
        Step::may_have_layer
    } else {
        return None;
    };
    let history = |step: Step| History {
        empty_layer: !has_layer(&step),
        created_by: step.created_by,
        ..History::default()
    };
    Some(steps.into_iter().map(history).collect())
}

impl Step {
    fn may_have_layer(&self) -> bool {
        self.size > 0 || !self.is_declaration()
    }

    fn is_declaration(&self) -> bool {
        let command = self.created_by.as_str();
        // The classic builder writes `/bin/sh -c #(nop)  CMD …`, BuildKit `CMD …`.
        let instruction = command.strip_prefix("/bin/sh -c #(nop)").unwrap_or(command).trim_start();
        let word = instruction.split([' ', '\t', '[']).next().unwrap_or_default();
        WITHOUT_LAYER.contains(&word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps from the lowest up, `SIZE COMMAND`; expected: a mark each, `L` for a layer.
    fn marks(steps: &[&str], layers: usize) -> Option<String> {
        let step = |line: &&str| {
            let (size, command) = line.split_once(' ').expect("a size and a command");
            Step { created_by: command.to_owned(), size: size.parse().expect("a size") }
        };
        let restored = restore(steps.iter().rev().map(step).collect(), layers)?;
        Some(restored.iter().map(|step| if step.empty_layer { '-' } else { 'L' }).collect())
    }

    #[test]
    fn sizes_and_instructions_tell_layers() {
        let cases: [(&[&str], usize, Option<&str>); 9] = [
            (&["5 ADD rootfs", "0 CMD [\"sh\"]", "7 RUN x"], 2, Some("L-L")),
            // A layer that only makes a directory has no bytes.
            (&["5 ADD rootfs", "0 /bin/sh -c #(nop) WORKDIR /app", "0 ENV a=b"], 2, Some("LL-")),
            (&["5 ADD rootfs", "0 WORKDIR /a", "0 WORKDIR /b"], 1, Some("L--")),
            (&["5 ADD rootfs", "0 WORKDIR /a", "0 WORKDIR /b"], 3, Some("LLL")),
            // One of two: nobody can tell which.
            (&["5 ADD rootfs", "0 WORKDIR /a", "0 WORKDIR /b"], 2, None),
            (&["5 ADD rootfs"], 2, None),
            (&["5 a", "6 b"], 1, None),
            (&["0 "], 1, Some("L")),
            (&[], 0, Some("")),
        ];
        for (steps, layers, expected) in cases {
            assert_eq!(marks(steps, layers).as_deref(), expected, "{steps:?} {layers}");
        }
    }
}
