//! What detections tell, in both forms.

mod events;

use detect::{Engine, RuleFile, Ruleset, Source};
use serde_json::json;

const FILE: &str = "
- rule: two
  desc: d
  condition: evt.type = execve
  output: >
    shell | name=%proc.name args=%proc.args[1] none=%fd.name pid=%proc.pid up=%proc.aname
    all=%container.info 100%%
  priority: WARNING
  tags: [b, a]
- rule: one
  desc: d
  condition: evt.type = execve and proc.name = bash
  output: \"%toupper(proc.name)\"
  priority: debug
- rule: off
  desc: d
  condition: evt.type = execve
  output: o
  priority: debug
  enabled: false
";

const SUGGESTED: &str = " container_id=0123456789ab container_name=web \
     container_image_repository=docker.io/library/nginx container_image_tag=1.27 \
     k8s_pod_name=web-1 k8s_ns_name=shop";

#[test]
fn every_rule_that_holds_tells_what_it_knows() {
    let (mut ruleset, diagnostics) =
        Ruleset::load(&[RuleFile { name: "case", bytes: FILE.as_bytes() }]);
    assert_eq!(diagnostics, Vec::new());
    let event = events::event("shell");
    let detections = Engine::new(&ruleset).judge(&event);
    let told: Vec<_> = detections.iter().map(|it| it.line()).collect();
    let first = "13:53:31.726060287: Warning shell | name=bash args=id none=<NA> pid=100 \
                 up=containerd-shim systemd all= 100%";
    let second = "13:53:31.726060287: Debug BASH";
    assert_eq!(told, [format!("{first}{SUGGESTED}"), format!("{second}{SUGGESTED}")]);
    assert_eq!(
        detections[0].json("node"),
        json!({
            "hostname": "node",
            "output": format!("{first}{SUGGESTED}"),
            "output_fields": {
                "container.id": "0123456789ab",
                "container.image.repository": "docker.io/library/nginx",
                "container.image.tag": "1.27",
                "container.name": "web",
                "evt.time": events::TIME,
                "fd.name": null,
                "k8s.ns.name": "shop",
                "k8s.pod.name": "web-1",
                "proc.aname": "containerd-shim systemd",
                "proc.args[1]": "id",
                "proc.name": "bash",
                "proc.pid": 100,
            },
            "priority": "Warning",
            "rule": "two",
            "source": "syscall",
            "tags": ["a", "b"],
            "time": "2026-01-31T13:53:31.726060287Z",
        })
    );
    ruleset.append_output(Source::Syscall, "env=%proc.env[HOME]").expect("a field");
    let detections = Engine::new(&ruleset).judge(&event);
    assert!(detections[1].message.ends_with(" env=/root"), "{}", detections[1].message);
    let mistake = ruleset.append_output(Source::Syscall, "%proc.nme").expect_err("no field");
    assert_eq!(mistake.message, "there is no field `proc.nme`");
}
