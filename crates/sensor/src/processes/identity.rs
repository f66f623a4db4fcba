//! What a record says of who a process is, and of its program's file → the process.
//!
//! It must never give a name to a number that means another user where the process is now.

use model::event::{Credentials, Executable, Process};

use super::Spaces;
use crate::record::{Identity, Inode};

/// Where a process looks names up.
pub(super) fn spaces(identity: &Identity) -> Spaces {
    let Identity { mount_namespace: mount, user_namespace: user, root, .. } = *identity;
    Spaces { mount, user, root }
}

/// `before` is where the process was until now.
pub(super) fn identify(process: &mut Process, before: Spaces, identity: &Identity) {
    process.session = identity.session;
    process.virtual_session = identity.virtual_session;
    process.group = identity.group;
    process.virtual_group = identity.virtual_group;
    process.terminal = identity.terminal;
    let had = &process.credentials;
    // Names stay with their numbers, where these mean the same.
    let stays = before == spaces(identity);
    let is = |had: u32, has: u32| stays && had == has;
    let user = had.user.clone().filter(|_| is(had.uid, identity.uid));
    let group = had.group.clone().filter(|_| is(had.gid, identity.gid));
    let is_login = stays && had.login_uid == identity.login_uid;
    let login_user = had.login_user.clone().filter(|_| is_login);
    process.credentials = Credentials {
        uid: identity.uid,
        gid: identity.gid,
        effective_uid: identity.effective_uid,
        effective_gid: identity.effective_gid,
        saved_uid: identity.saved_uid,
        saved_gid: identity.saved_gid,
        capabilities: identity.capabilities,
        login_uid: identity.login_uid,
        user,
        login_user,
        group,
    };
}

/// The file as the process' program. Who may write to it is told by owner, group and permissions;
/// access lists and capabilities are not asked.
pub(super) fn executable(inode: &Inode, credentials: &Credentials) -> Executable {
    const SETS_USER: u32 = 0o4000;
    const SETS_GROUP: u32 = 0o2000;
    let may_write = match () {
        () if inode.uid == credentials.effective_uid => 0o200,
        () if inode.gid == credentials.effective_gid => 0o020,
        () => 0o002,
    };
    let path = match inode.from_memory {
        true => {
            // The kernel puts the same word before the name, in what it calls the file.
            let name = inode.walk.path.strip_prefix(b"/").unwrap_or(&inode.walk.path);
            [b"memfd:", name.strip_prefix(b"memfd:").unwrap_or(name)].concat().into()
        }
        false => inode.walk.path.clone(),
    };
    Executable {
        path,
        device: inode.device,
        inode: inode.inode,
        changed: inode.changed,
        modified: inode.modified,
        layering: inode.layering,
        from_memory: inode.from_memory,
        writable: inode.mode & may_write != 0,
        unlinked: inode.unlinked,
        sets_user: inode.mode & SETS_USER != 0,
        sets_group: inode.mode & SETS_GROUP != 0,
        file_capabilities: inode.file_capabilities.unwrap_or(false),
    }
}
