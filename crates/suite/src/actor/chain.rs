//! One process of a chain: its executable file and names are made, it is started, and when it has
//! ended they are removed.
//!
//! The file is another name (a hard link) of the actors' copy of this program where the file system
//! allows it, or one more copy.
//! What is there already is never overwritten.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use super::{Chain, MARK, PLAN_BYTES_MAX, Plan, Stumble, UNMARKED};
use crate::case::Program;

/// The program that runs.
pub(crate) const SELF: &str = "/proc/self/exe";

/// Where the process reports.
pub(crate) enum Output {
    Inherited,
    /// For who started it, in a group that can be ended as one, with no environment but this.
    Group {
        path: String,
    },
    To(Stdio),
}

/// A process, and what was made for it.
pub(crate) struct Started {
    pub(crate) child: Child,
    _made: Made,
}

impl Started {
    /// Whether it ended well.
    pub(crate) fn wait(mut self) -> bool {
        self.child.wait().is_ok_and(|status| status.success())
    }
}

/// Starts the first process of a chain, which starts the next. `actor` is the program: for an actor,
/// itself.
pub(crate) fn start(mut chain: Chain, output: Output, actor: &Path) -> Result<Started, Stumble> {
    if chain.processes.is_empty() {
        chain.processes.push(Program::default());
    }
    let program = chain.processes.remove(0);
    chain.depth += 1;
    let default = Path::new(&chain.folder).join(chain.depth.to_string()).join("program");
    let is_last = chain.processes.is_empty();
    let mark = if is_last { chain.mark.clone() } else { UNMARKED.to_owned() };
    let mut made = Made::default();
    let file = made.executable(&program, default, actor)?;
    let mut plan = Plan::Chain(chain);
    let mut command = if program.user.is_some() || program.capabilities.is_some() {
        let file = file.display().to_string();
        plan = Plan::Become { program: program.clone(), file, mark, next: Box::new(plan) };
        let mut command = Command::new(actor);
        // Until it has become it, it is nobody's.
        command.env(MARK, UNMARKED);
        command
    } else {
        let mut command = of_program(&program, &file);
        command.env(MARK, mark);
        command
    };
    match output {
        Output::Inherited => drop(command.stdout(Stdio::inherit())),
        Output::To(stdio) => drop(command.stdout(stdio)),
        Output::Group { path } => {
            // Nothing of this process' own environment.
            let kept: Vec<_> = command
                .get_envs()
                .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
                .collect();
            command.env_clear().envs(kept).env("PATH", path);
            command.stdout(Stdio::piped()).process_group(0).current_dir("/");
        }
    }
    let child = spawn(&mut command, &plan, &file)?;
    Ok(Started { child, _made: made })
}

/// The command for a program under its name.
pub(super) fn of_program(program: &Program, file: &Path) -> Command {
    let mut command = Command::new(file);
    let name = file.file_name().unwrap_or_default();
    match &program.zeroth {
        Some(zeroth) => command.arg0(zeroth),
        None => command.arg0(name),
    };
    command.args(&program.arguments).envs(&program.environment);
    command
}

/// Starts it and gives it its plan.
pub(super) fn spawn(command: &mut Command, plan: &Plan, file: &Path) -> Result<Child, Stumble> {
    let failed = |why| Stumble::unable(&format!("`{}` cannot be started", file.display()), why);
    command.stdin(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(failed)?;
    let told = child.stdin.take().map_or(Ok(()), |stdin| tell(stdin, plan));
    if let Err(stumble) = told {
        // What it did not understand it does not do.
        let _killed = child.kill();
        let _reaped = child.wait();
        return Err(stumble);
    }
    Ok(child)
}

fn tell(mut stdin: ChildStdin, plan: &Plan) -> Result<(), Stumble> {
    let plan = encoded(plan)?;
    stdin.write_all(&plan).map_err(|why| Stumble::unable("an actor does not listen", why))
}

pub(crate) fn encoded(plan: &Plan) -> Result<Vec<u8>, Stumble> {
    let plan = serde_json::to_vec(plan).map_err(|why| Stumble::unable("its plan", why))?;
    match plan.len() < PLAN_BYTES_MAX {
        true => Ok(plan),
        false => Err(Stumble::Unable(format!("it takes more than {PLAN_BYTES_MAX} bytes to tell"))),
    }
}

/// Files and folders, removed when dropped: the last made first.
#[derive(Default)]
pub(super) struct Made {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Made {
    /// The program `actor` under the path and the name that are wanted.
    pub(super) fn executable(
        &mut self,
        program: &Program,
        default: PathBuf,
        actor: &Path,
    ) -> Result<PathBuf, Stumble> {
        let file = program.path.as_ref().map_or(default, PathBuf::from);
        let failed = |what: &Path, why| {
            Stumble::unable(&format!("`{}` cannot be made", what.display()), why)
        };
        let folder = file.parent().unwrap_or_else(|| Path::new("/")).to_owned();
        self.folder(&folder).map_err(|why| failed(&folder, why))?;
        let source = fs::read_link(actor).unwrap_or_else(|_| actor.into());
        let linked = fs::hard_link(&source, &file).or_else(|_| copy(actor, &file));
        linked.map_err(|why| failed(&file, why))?;
        self.files.push(file.clone());
        let Some(name) = &program.name else { return Ok(file) };
        let link = folder.join(name);
        if link != file {
            symlink(&file, &link).map_err(|why| failed(&link, why))?;
            self.files.push(link.clone());
        }
        Ok(link)
    }

    /// The folder and those above it, as far as they are missing.
    pub(super) fn folder(&mut self, folder: &Path) -> std::io::Result<()> {
        let missing: Vec<&Path> = folder.ancestors().take_while(|it| !it.exists()).collect();
        for folder in missing.into_iter().rev() {
            fs::create_dir(folder)?;
            self.folders.push(folder.to_owned());
        }
        Ok(())
    }

    pub(super) fn file(&mut self, path: &Path) {
        self.files.push(path.to_owned());
    }
}

/// A copy where nothing is yet.
fn copy(program: &Path, file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = fs::OpenOptions::new();
    let mut copy = options.write(true).create_new(true).mode(0o755).open(file)?;
    std::io::copy(&mut fs::File::open(program)?, &mut copy).map(drop)
}

impl Drop for Made {
    fn drop(&mut self) {
        // A case may have removed them itself; a folder that has something in it is not ours alone.
        for file in self.files.iter().rev() {
            let _removed = fs::remove_file(file);
        }
        for folder in self.folders.iter().rev() {
            let _removed = fs::remove_dir(folder);
        }
    }
}
