//! An alert as JSON, ours (`docs/alert.schema.json`) and in the shape of Falco's.

mod container;

use detect::audit::Record;
use model::event::{Event, Process};
use policy::guard::Excuse;
use serde_json::{Value, json};

use super::{Alert, Stamp, Subject};
use crate::cmd::guard::changes::Change;
use crate::cmd::guard::judge;
use crate::cmd::guard::prevent::TAG as PREVENTION;
use crate::cmd::rules;

/// Everything that is known of where and who, beside what the rule tells.
pub(super) fn object(alert: &Alert<'_>, stamp: &Stamp<'_>) -> Value {
    let number = match alert.subject {
        Subject::Event(event) => event.number,
        Subject::Record(record) => record.number,
    };
    let mut object = rules::object(number, alert.detection);
    object["id"] = stamp.id.to_string().into();
    object["host"] = stamp.hostname.into();
    object["first"] = alert.tally.first.into();
    object["last"] = alert.tally.last.into();
    object["count"] = alert.tally.count.into();
    object["update"] = alert.is_update().into();
    object["various"] = alert.tally.various.into();
    object["verdict"] = alert.verdict.map_or(Value::Null, judge::object);
    match alert.subject {
        Subject::Event(event) => {
            object["blocked"] = event.denied.into();
            // What is refused is allowed by changing what refuses it.
            let is_rule = !alert.detection.rule.tags.iter().any(|tag| tag == PREVENTION);
            let excuse = is_rule.then(|| Excuse::of(&alert.detection.rule.name, event));
            object["allow"] = json!(excuse);
            object["change"] = alert.change.map_or(Value::Null, Change::object);
            add_event(&mut object, event);
        }
        Subject::Record(record) => object["request"] = request(record),
    }
    object
}

/// Falco's own has no id; what takes its alerts knows one by this name.
pub(super) fn falco_object(alert: &Alert<'_>, stamp: &Stamp<'_>) -> Value {
    let mut object = alert.detection.json(stamp.hostname);
    object["uuid"] = stamp.id.to_string().into();
    object
}

fn add_event(object: &mut Value, event: &Event) {
    let ancestors: Vec<Value> = event.ancestors.iter().map(|it| process(it)).collect();
    object["process"] = process(&event.process);
    object["ancestors"] = ancestors.into();
    object["container"] = event.container.as_ref().map_or(Value::Null, |it| container::object(it));
}

fn process(process: &Process) -> Value {
    let arguments: Vec<String> = process.arguments.iter().map(ToString::to_string).collect();
    json!({
        "pid": process.pid,
        "name": process.name.to_string(),
        "arguments": arguments,
        "executable": process.executable.path.to_string(),
        "directory": process.directory.to_string(),
        "uid": process.credentials.uid,
        "user": process.credentials.user.as_ref().map(|user| user.name.to_string()),
        "login_uid": process.credentials.login_uid,
        "terminal": process.terminal,
    })
}

/// Who asked an API server for what, as it says.
fn request(record: &Record) -> Value {
    let text = |path: &str| record.json.pointer(path).filter(|it| it.is_string());
    json!({
        "audit_id": record.id(),
        "stage": text("/stage"),
        "verb": text("/verb"),
        "uri": text("/requestURI"),
        "user": text("/user/username"),
        "address": text("/sourceIPs/0"),
        "agent": text("/userAgent"),
        "resource": text("/objectRef/resource"),
        "namespace": text("/objectRef/namespace"),
        "name": text("/objectRef/name"),
        "status": record.json.pointer("/responseStatus/code").filter(|it| it.is_u64()),
    })
}
