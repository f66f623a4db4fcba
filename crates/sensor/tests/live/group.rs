//! A control group of a test's own: what is done in it spends no other test's budget, and can be told
//! from what the rest of the machine does.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use sensor::kernel::Settings;

/// A group below the root of the hierarchy, or of another one; gone with this.
pub(crate) struct Group {
    folder: PathBuf,
    pub(crate) number: u64,
}

impl Group {
    pub(crate) fn make(name: &str) -> Self {
        let hierarchy = Settings::new().hierarchy.mounted.expect("a hierarchy");
        Self::below(&hierarchy, &format!("lazaret-{name}-{}", std::process::id()))
    }

    pub(crate) fn child(&self, name: &str) -> Self {
        Self::below(&self.folder, name)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn below(folder: &Path, name: &str) -> Self {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).expect("a control group");
        let number = fs::metadata(&folder).expect("the group").ino();
        Self { folder, number }
    }

    /// A shell that enters the group, and what it does then.
    pub(crate) fn shell(&self, script: &str) -> Command {
        let mut shell = Command::new("/bin/sh");
        let script = format!("echo $$ > \"$0/cgroup.procs\" || exit 99; {script}");
        shell.arg("-c").arg(script).arg(&self.folder);
        // Cargo's list of folders makes the loader of each program look into all of them: opens that no
        // test counts, which spend the group's budget.
        shell.env_remove("LD_LIBRARY_PATH");
        shell
    }

    /// A shell that enters the group and becomes the program.
    pub(crate) fn program(&self, program: &Path) -> Command {
        let mut shell = self.shell("exec \"$@\"");
        shell.arg(program);
        shell
    }

    /// What the kernel said of a deed in the group.
    pub(crate) fn deed(&self, arguments: &[String]) -> Option<i32> {
        let mut command = self.program(crate::watch::acts()?);
        command.arg("deed").args(arguments).status().expect("a shell").code()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A process that was just killed may be in it yet.
        for _ in 0..100 {
            if fs::remove_dir(&self.folder).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}
