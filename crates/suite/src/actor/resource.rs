//! What is there before steps are made, and is gone after them.

use std::fs::{self, OpenOptions};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Stdio};

use rustix::event::epoll;
use rustix::fs::{MemfdFlags, inotify};
use rustix::pipe::{PipeFlags, pipe_with};

use super::call::{self, Shown};
use super::chain::{self, Made, SELF};
use super::work::Out;
use super::{Plan, Report, Stumble, connection};
use crate::case::{Program, Resource, ResourceKind};

/// The resources of a case. Dropped, they are gone.
pub(super) struct Held<'o> {
    folder: &'o str,
    out: &'o Out,
    processes: Vec<Child>,
    descriptors: Vec<OwnedFd>,
    made: Vec<Made>,
    paths: Made,
}

impl<'o> Held<'o> {
    pub(super) fn new(folder: &'o str, out: &'o Out) -> Self {
        let (processes, descriptors, made) = (Vec::new(), Vec::new(), Vec::new());
        Self { folder, out, processes, descriptors, made, paths: Made::default() }
    }

    pub(super) fn make(&mut self, resource: &Resource, shown: &mut Shown) -> Result<(), Stumble> {
        let name = &resource.name;
        let failed = |why: std::io::Error| {
            Stumble::unable(&format!("the resource `{name}` cannot be made"), why)
        };
        let mut keep = |descriptors: &mut Vec<OwnedFd>, field: &str, descriptor: OwnedFd| {
            shown.show(name, field, i64::from(descriptor.as_raw_fd()));
            descriptors.push(descriptor);
        };
        let descriptor = match &resource.kind {
            ResourceKind::Connection { protocol, address } => {
                let made = connection::open(*protocol, address, self.folder)?;
                if let Some(path) = &made.path {
                    self.paths.file(path);
                }
                keep(&mut self.descriptors, "client.fd", made.client);
                keep(&mut self.descriptors, "server.fd", made.server);
                return Ok(());
            }
            ResourceKind::Pipe => {
                let (read, write) =
                    pipe_with(PipeFlags::CLOEXEC).map_err(|why| failed(why.into()))?;
                keep(&mut self.descriptors, "readFd", read);
                keep(&mut self.descriptors, "writeFd", write);
                return Ok(());
            }
            ResourceKind::Process { program, from_memory } => {
                let pid = self.process(program, *from_memory)?;
                shown.show(name, "pid", i64::from(pid));
                return Ok(());
            }
            ResourceKind::File { path } => self.file(Path::new(path)).map_err(failed)?,
            ResourceKind::Folder { path } => self.directory(Path::new(path)).map_err(failed)?,
            ResourceKind::Event => {
                let flags = rustix::event::EventfdFlags::CLOEXEC;
                rustix::event::eventfd(0, flags).map_err(|why| failed(why.into()))?
            }
            ResourceKind::Poll => {
                epoll::create(epoll::CreateFlags::CLOEXEC).map_err(|why| failed(why.into()))?
            }
            ResourceKind::Watch => {
                inotify::init(inotify::CreateFlags::CLOEXEC).map_err(|why| failed(why.into()))?
            }
            ResourceKind::Memory { name } => {
                rustix::fs::memfd_create(name.as_str(), MemfdFlags::CLOEXEC)
                    .map_err(|why| failed(why.into()))?
            }
            ResourceKind::Signals => {
                let descriptor = call::signals().map_err(failed)?;
                shown.show(name, "fd", descriptor);
                return Ok(());
            }
        };
        keep(&mut self.descriptors, "fd", descriptor);
        Ok(())
    }

    /// Should this process be ended, somebody else has to undo it.
    fn announce(&self, path: &Path) -> std::io::Result<()> {
        let missing = path.ancestors().take_while(|it| !it.exists()).collect::<Vec<_>>();
        for path in missing.into_iter().rev() {
            self.out.tell(&Report::Makes(path.display().to_string()))?;
        }
        Ok(())
    }

    /// An empty file unless it is there.
    fn file(&mut self, path: &Path) -> std::io::Result<OwnedFd> {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        if path.exists() {
            return Ok(options.open(path)?.into());
        }
        self.announce(path)?;
        self.paths.folder(path.parent().unwrap_or_else(|| Path::new("/")))?;
        let file = options.create_new(true).mode(0o600).open(path)?;
        self.paths.file(path);
        Ok(file.into())
    }

    fn directory(&mut self, path: &Path) -> std::io::Result<OwnedFd> {
        self.announce(path)?;
        self.paths.folder(path)?;
        Ok(fs::File::open(path)?.into())
    }

    fn process(&mut self, program: &Program, from_memory: bool) -> Result<u32, Stumble> {
        let (mut command, file) = if from_memory {
            let (descriptor, file) = in_memory(program)?;
            self.descriptors.push(descriptor);
            (chain::of_program(program, file.as_ref()), file)
        } else {
            let mut made = Made::default();
            let number = format!("resource-{}", self.processes.len());
            let default = Path::new(self.folder).join(number).join("program");
            let file = made.executable(program, default, SELF.as_ref())?;
            self.made.push(made);
            (chain::of_program(program, &file), file.display().to_string())
        };
        command.stdout(Stdio::null());
        let child = chain::spawn(&mut command, &Plan::Stay, file.as_ref())?;
        let pid = child.id();
        self.processes.push(child);
        Ok(pid)
    }
}

/// This program in memory that has no name, and the path that leads to it.
fn in_memory(program: &Program) -> Result<(OwnedFd, String), Stumble> {
    let failed = |why: std::io::Error| Stumble::unable("a program cannot be put in memory", why);
    let name = program.name.as_deref().unwrap_or("program");
    // The child finds it by its number.
    let descriptor = rustix::fs::memfd_create(name, MemfdFlags::empty());
    let descriptor = descriptor.map_err(|why| failed(why.into()))?;
    let mut file = fs::File::from(descriptor);
    std::io::copy(&mut fs::File::open(SELF).map_err(failed)?, &mut file).map_err(failed)?;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok((file.into(), path))
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        for process in &mut self.processes {
            // A step may have ended it.
            let _killed = process.kill();
            let _reaped = process.wait();
        }
    }
}
