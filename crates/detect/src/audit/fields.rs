//! The fields of audit records: `ka.…` for what is known of them, `jevt.…` for any JSON. One row a
//! field.
//!
//! Names, arguments and kinds are those that rule files are written with. All of them are texts:
//! numbers and structures are JSON. A field that a record does not have is no value: every
//! comparison with it is false, `exists` too.

use super::{Record, json, pod, rbac, request};
use crate::field::{Argument, ArgumentKind, Field, Kind, Shape};
use crate::fields::{iso8601, of_day};
use crate::source::Source;
use crate::value::Value;

/// What a rule can ask an audit record.
pub(crate) const FIELDS: &[&[Field]] = &[
    EVENT,
    JSON,
    REQUEST,
    ANNOTATIONS,
    RBAC,
    OBJECTS,
    POD,
    CONTAINERS,
    INIT_CONTAINERS,
    EPHEMERAL_CONTAINERS,
];

type Read = for<'a> fn(&'a Record, &'a Argument) -> Value<'a>;

/// One text.
const fn one(name: &'static str, doc: &'static str, read: Read) -> Field {
    Field::record(name, Kind::Text, doc, read)
}

/// One text that depends on what stands in brackets.
const fn keyed(name: &'static str, doc: &'static str, read: Read) -> Field {
    one(name, doc, read).argument(ArgumentKind::Required)
}

/// Several texts.
const fn many(name: &'static str, doc: &'static str, read: Read) -> Field {
    one(name, doc, read).shape(Shape::List)
}

/// Several texts, or those of one item of the list that they are found in.
const fn each(name: &'static str, doc: &'static str, read: Read) -> Field {
    many(name, doc, read).argument(ArgumentKind::OptionalIndex)
}

/// The text below the keys.
fn at<'a>(record: &'a Record, keys: &[&str]) -> Value<'a> {
    json::at(&record.json, keys).map_or(Value::Absent, json::value)
}

/// The texts below the keys, of every list on the way.
fn below<'a>(record: &'a Record, keys: &[&str], argument: &Argument) -> Value<'a> {
    Value::list(json::each(&record.json, keys, item(argument)).into_iter().map(json::value))
}

/// Of which item.
fn item(argument: &Argument) -> Option<usize> {
    match argument {
        Argument::Index(item) => Some(*item),
        Argument::None | Argument::Key(_) => None,
    }
}

/// What every source has.
const EVENT: &[Field] = &[
    Field::record("evt.num", Kind::Number, "number of the record, counted from 1", |r, _| {
        r.number.into()
    }),
    one("evt.time", "time of day in UTC, with nanoseconds", |r, _| {
        Value::made(of_day(r.time, true))
    }),
    one("evt.time.s", "time of day in UTC, in seconds", |r, _| Value::made(of_day(r.time, false))),
    one("evt.time.iso8601", "date and time as ISO 8601", |r, _| Value::made(iso8601(r.time))),
    Field::record("evt.rawtime", Kind::Number, "nanoseconds since the Unix epoch", |r, _| {
        r.time.into()
    }),
    one("evt.source", "`k8s_audit`", |_, _| Source::K8sAudit.name().into()),
];

const JSON: &[Field] = &[
    keyed("jevt.value", "the value at a JSON pointer: `jevt.value[/verb]`", request::pointer),
    one("jevt.obj", "the whole record as JSON, indented", |r, _| request::whole(r)),
    one("jevt.rawtime", "when, in nanoseconds since 1970", |r, _| request::time(r)),
    keyed("json.value", "the same as `jevt.value`", request::pointer),
    one("json.obj", "the same as `jevt.obj`", |r, _| request::whole(r)),
    one("json.rawtime", "the same as `jevt.rawtime`", |r, _| request::time(r)),
];

const REQUEST: &[Field] = &[
    one("ka.auditid", "the identity of the request; its stages share it", |r, _| {
        at(r, &["auditID"])
    }),
    one(
        "ka.stage",
        "how far it was: `RequestReceived`, `ResponseStarted`, `ResponseComplete`, `Panic`",
        |r, _| at(r, &["stage"]),
    ),
    one("ka.verb", "what was asked for: `get`, `list`, `create`, `patch` …", |r, _| {
        at(r, &["verb"])
    }),
    one("ka.uri", "path and query as the client sent them", |r, _| at(r, &["requestURI"])),
    keyed(
        "ka.uri.param",
        "the first value of a parameter of the query: `ka.uri.param[command]`",
        request::parameter,
    ),
    one("ka.user.name", "who asked", |r, _| at(r, &["user", "username"])),
    many("ka.user.groups", "the groups of who asked", |r, a| below(r, &["user", "groups"], a)),
    one("ka.impuser.name", "as whom", |r, _| at(r, &["impersonatedUser", "username"])),
    one("ka.useragent", "what the client calls itself", |r, _| at(r, &["userAgent"])),
    each("ka.sourceips", "where it came from: the client, then proxies", |r, a| {
        below(r, &["sourceIPs"], a)
    }),
    one("ka.target.name", "the object's name", |r, _| at(r, &["objectRef", "name"])),
    one("ka.target.namespace", "the object's namespace", |r, _| at(r, &["objectRef", "namespace"])),
    one("ka.target.resource", "the object's kind in the plural: `pods`", |r, _| {
        at(r, &["objectRef", "resource"])
    }),
    one("ka.target.subresource", "the part of the object: `exec`, `log`, `status` …", |r, _| {
        at(r, &["objectRef", "subresource"])
    }),
    one("ka.target.pod.name", "the object's name, where it is a pod", |r, _| pod::name(r)),
    one("ka.resp.name", "the name of the object in the answer", |r, _| {
        at(r, &["responseObject", "metadata", "name"])
    }),
    one("ka.response.code", "the HTTP status of the answer", |r, _| {
        at(r, &["responseStatus", "code"])
    }),
    one("ka.response.reason", "why it failed", |r, _| at(r, &["responseStatus", "reason"])),
];

const ANNOTATIONS: &[Field] = &[
    one("ka.auth.decision", "`allow` or `forbid`", |r, _| {
        at(r, &["annotations", "authorization.k8s.io/decision"])
    }),
    one("ka.auth.reason", "what allowed it", |r, _| {
        at(r, &["annotations", "authorization.k8s.io/reason"])
    }),
    one("ka.auth.openshift.decision", "what OpenShift's login decided", |r, _| {
        at(r, &["annotations", "authentication.openshift.io/decision"])
    }),
    one("ka.auth.openshift.username", "who logs in to OpenShift", |r, _| {
        at(r, &["annotations", "authentication.openshift.io/username"])
    }),
    one(
        "ka.validations.admission.policy.failure",
        "what an admission policy found wrong",
        |r, _| at(r, &["annotations", "validation.policy.admission.k8s.io/validation_failure"]),
    ),
    one("ka.security.pod.violations", "what the pod's security standard forbids", |r, _| {
        at(r, &["annotations", "pod-security.kubernetes.io/audit-violations"])
    }),
    one("ka.cluster.name", "the cluster, where its provider notes it", |r, _| {
        at(r, &["annotations", "cluster_name"])
    }),
];

const RBAC: &[Field] = &[
    many("ka.req.binding.subjects", "whom a binding binds, as JSON", |r, a| {
        below(r, &["requestObject", "subjects"], a)
    }),
    many("ka.req.binding.subjects.user_names", "the users that a binding binds", |r, _| {
        rbac::names(r, "User")
    }),
    many("ka.req.binding.subjects.group_names", "the groups that a binding binds", |r, _| {
        rbac::names(r, "Group")
    }),
    many(
        "ka.req.binding.subjects.serviceaccount_names",
        "the service accounts that a binding binds",
        |r, _| rbac::names(r, "ServiceAccount"),
    ),
    many(
        "ka.req.binding.subjects.serviceaccount_ns_names",
        "the service accounts that a binding binds, as `namespace:name`",
        |r, _| rbac::accounts_in_namespaces(r),
    ),
    one("ka.req.binding.role", "the role that a binding gives", |r, _| {
        at(r, &["requestObject", "roleRef", "name"])
    }),
    Field::never(
        "ka.req.binding.subject.has_name",
        Kind::Text,
        "an old name that has had no value for years",
    )
    .argument(ArgumentKind::Required),
    many("ka.req.role.rules", "what a role allows, as JSON", |r, a| {
        below(r, &["requestObject", "rules"], a)
    }),
    each("ka.req.role.rules.apiGroups", "API groups in a role's rules", |r, a| {
        below(r, &["requestObject", "rules", "apiGroups"], a)
    }),
    each("ka.req.role.rules.nonResourceURLs", "paths in a role's rules", |r, a| {
        below(r, &["requestObject", "rules", "nonResourceURLs"], a)
    }),
    each("ka.req.role.rules.verbs", "verbs in a role's rules", |r, a| {
        below(r, &["requestObject", "rules", "verbs"], a)
    }),
    each("ka.req.role.rules.resources", "kinds of objects in a role's rules", |r, a| {
        below(r, &["requestObject", "rules", "resources"], a)
    }),
];

const OBJECTS: &[Field] = &[
    one("ka.req.configmap.name", "the config map's name", |r, _| at(r, &["objectRef", "name"])),
    one("ka.req.configmap.obj", "what a config map holds, as JSON", |r, _| {
        at(r, &["requestObject", "data"])
    }),
    one("ka.req.service.type", "`ClusterIP`, `NodePort`, `LoadBalancer` …", |r, _| {
        at(r, &["requestObject", "spec", "type"])
    }),
    each("ka.req.service.ports", "a service's ports, as JSON", |r, a| {
        below(r, &["requestObject", "spec", "ports"], a)
    }),
];

const POD: &[Field] = &[
    one("ka.req.pod.host_ipc", "`true` with the host's IPC", |r, _| {
        at(r, &["requestObject", "spec", "hostIPC"])
    }),
    one("ka.req.pod.host_network", "`true` with the host's network", |r, _| {
        at(r, &["requestObject", "spec", "hostNetwork"])
    }),
    one("ka.req.container.host_network", "an old name of `ka.req.pod.host_network`", |r, _| {
        at(r, &["requestObject", "spec", "hostNetwork"])
    }),
    one("ka.req.pod.host_pid", "`true` with the host's processes in sight", |r, _| {
        at(r, &["requestObject", "spec", "hostPID"])
    }),
    one("ka.req.pod.run_as_user", "the pod's user id; containers may have their own", |r, _| {
        at(r, &["requestObject", "spec", "securityContext", "runAsUser"])
    }),
    one("ka.req.pod.run_as_group", "the pod's group id; containers may have their own", |r, _| {
        at(r, &["requestObject", "spec", "securityContext", "runAsGroup"])
    }),
    one("ka.req.pod.fs_group", "the group id that owns the pod's volumes", |r, _| {
        at(r, &["requestObject", "spec", "securityContext", "fsGroup"])
    }),
    many("ka.req.pod.supplemental_groups", "further group ids of the pod", |r, a| {
        below(r, &["requestObject", "spec", "securityContext", "supplementalGroups"], a)
    }),
    each("ka.req.pod.volumes.hostpath", "paths of the host that are volumes", |r, a| {
        below(r, &["requestObject", "spec", "volumes", "hostPath", "path"], a)
    }),
    keyed(
        "ka.req.volume.hostpath",
        "`true` if this path of the host is a volume; a `*` at its end stands for anything",
        pod::has_host_path,
    ),
    each("ka.req.pod.volumes.flexvolume_driver", "drivers of flex volumes", |r, a| {
        below(r, &["requestObject", "spec", "volumes", "flexVolume", "driver"], a)
    }),
    each("ka.req.pod.volumes.volume_type", "kinds of volumes: `hostPath`, `secret` …", |r, a| {
        pod::volume_types(r, item(a))
    }),
    one("ka.req.container.image", "the image of the first container", |r, _| pod::first_image(r)),
    one(
        "ka.req.container.image.repository",
        "the image of the first container without tag and digest",
        |r, _| pod::first_repository(r),
    ),
    one("ka.req.container.privileged", "`true` if any container is privileged", |r, _| {
        pod::any_privileged(r)
    }),
];

/// The fields of one of a pod's lists of containers.
macro_rules! containers {
    ($list:literal) => {
        &[
            each(concat!("ka.req.pod.", $list, ".name"), "their names", |r, a| {
                below(r, &["requestObject", "spec", $list, "name"], a)
            }),
            each(concat!("ka.req.pod.", $list, ".image"), "their images", |r, a| {
                below(r, &["requestObject", "spec", $list, "image"], a)
            }),
            each(
                concat!("ka.req.pod.", $list, ".image.repository"),
                "their images without tag and digest",
                |r, a| pod::repositories(r, $list, item(a)),
            ),
            each(
                concat!("ka.req.pod.", $list, ".command"),
                "their commands, one text each",
                |r, a| pod::words(r, $list, "command", item(a)),
            ),
            each(
                concat!("ka.req.pod.", $list, ".args"),
                "their arguments, one text each",
                |r, a| pod::words(r, $list, "args", item(a)),
            ),
            each(
                concat!("ka.req.pod.", $list, ".host_port"),
                "ports of the host, or the container's where none is named",
                |r, a| pod::host_ports(r, $list, item(a)),
            ),
            each(
                concat!("ka.req.pod.", $list, ".privileged"),
                "`true` or `false` of each that says so",
                |r, a| {
                    below(r, &["requestObject", "spec", $list, "securityContext", "privileged"], a)
                },
            ),
            each(
                concat!("ka.req.pod.", $list, ".allow_privilege_escalation"),
                "`true` or `false` of each that says so",
                |r, a| {
                    let keys = ["securityContext", "allowPrivilegeEscalation"];
                    below(r, &["requestObject", "spec", $list, keys[0], keys[1]], a)
                },
            ),
            each(
                concat!("ka.req.pod.", $list, ".read_only_fs"),
                "`true` or `false` of each that says so",
                |r, a| {
                    let keys = ["securityContext", "readOnlyRootFilesystem"];
                    below(r, &["requestObject", "spec", $list, keys[0], keys[1]], a)
                },
            ),
            each(
                concat!("ka.req.pod.", $list, ".run_as_user"),
                "user ids of those that name one",
                |r, a| {
                    below(r, &["requestObject", "spec", $list, "securityContext", "runAsUser"], a)
                },
            ),
            each(
                concat!("ka.req.pod.", $list, ".eff_run_as_user"),
                "user ids: the container's, the pod's, or 0",
                |r, a| pod::effective(r, $list, "runAsUser", item(a)),
            ),
            each(
                concat!("ka.req.pod.", $list, ".run_as_group"),
                "group ids of those that name one",
                |r, a| {
                    below(r, &["requestObject", "spec", $list, "securityContext", "runAsGroup"], a)
                },
            ),
            each(
                concat!("ka.req.pod.", $list, ".eff_run_as_group"),
                "group ids: the container's, the pod's, or 0",
                |r, a| pod::effective(r, $list, "runAsGroup", item(a)),
            ),
            each(concat!("ka.req.pod.", $list, ".proc_mount"), "how `/proc` is mounted", |r, a| {
                below(r, &["requestObject", "spec", $list, "securityContext", "procMount"], a)
            }),
            each(
                concat!("ka.req.pod.", $list, ".add_capabilities"),
                "capabilities that are added, each a text",
                |r, a| {
                    let keys = ["securityContext", "capabilities", "add"];
                    below(r, &["requestObject", "spec", $list, keys[0], keys[1], keys[2]], a)
                },
            ),
        ]
    };
}

const CONTAINERS: &[Field] = containers!("containers");
const INIT_CONTAINERS: &[Field] = containers!("initContainers");
const EPHEMERAL_CONTAINERS: &[Field] = containers!("ephemeralContainers");
