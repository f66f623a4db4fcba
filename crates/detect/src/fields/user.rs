//! `user.*`, `group.*`: on whose behalf.

use model::event::{Credentials, Event, User};

use crate::field::{Field, Kind};
use crate::value::Value;

pub(super) const FIELDS: &[Field] = &[
    Field::event("user.uid", Kind::Number, "effective user id", |event, _| {
        event.process.credentials.effective_uid.into()
    }),
    Field::event("user.name", Kind::Text, "name of the effective user", |event, _| {
        let credentials = &event.process.credentials;
        name(credentials.user.as_ref(), Some(credentials.effective_uid))
    }),
    Field::event("user.homedir", Kind::Text, "home folder of the effective user", |event, _| {
        let credentials = &event.process.credentials;
        match &credentials.user {
            Some(user) => (&user.home).into(),
            None if credentials.effective_uid == 0 => "/root".into(),
            None => UNKNOWN.into(),
        }
    }),
    Field::event("user.shell", Kind::Text, "login shell of the effective user", |event, _| {
        event
            .process
            .credentials
            .user
            .as_ref()
            .map_or_else(|| UNKNOWN.into(), |user| (&user.shell).into())
    }),
    Field::event(
        "user.loginuid",
        Kind::Number,
        "user id of the login session, -1 outside of one",
        |event, _| event.process.credentials.login_uid.map_or(-1, i64::from).into(),
    ),
    Field::event("user.loginname", Kind::Text, "user name of the login session", |event, _| {
        let credentials = &event.process.credentials;
        name(credentials.login_user.as_ref(), credentials.login_uid)
    }),
    Field::event("group.gid", Kind::Number, "effective group id", |event, _| {
        event.process.credentials.effective_gid.into()
    }),
    Field::event("group.name", Kind::Text, "name of the effective group", |event, _| {
        let credentials = &event.process.credentials;
        match &credentials.group {
            Some(group) => group.into(),
            None if credentials.effective_gid == 0 => "root".into(),
            None => UNKNOWN.into(),
        }
    }),
];

/// Falco's text for a user without a name; rules compare with it.
const UNKNOWN: &str = "<NA>";

fn name(user: Option<&User>, uid: Option<u32>) -> Value<'_> {
    match (user, uid) {
        (Some(user), _) => (&user.name).into(),
        (None, Some(0)) => "root".into(),
        (None, _) => UNKNOWN.into(),
    }
}

/// The name of any user that the event knows, for arguments that are user ids.
pub(super) fn of_uid(event: &Event, uid: u32) -> Value<'_> {
    let Credentials { effective_uid, login_uid, user, login_user, .. } = &event.process.credentials;
    if uid == *effective_uid {
        return name(user.as_ref(), Some(uid));
    }
    if Some(uid) == *login_uid {
        return name(login_user.as_ref(), Some(uid));
    }
    name(None, Some(uid))
}
