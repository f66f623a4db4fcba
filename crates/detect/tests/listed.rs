//! Rules that ask lists: what they tell, and that nobody is asked where there are none.

#![expect(clippy::unwrap_used, reason = "what is written here is well-formed")]

mod events;

use std::sync::Arc;

use detect::{Detection, Engine, RuleFile, Ruleset};
use indicators::{Listed, Lists};
use jiff::Timestamp;

const RULES: &str = "
- rule: name
  desc: d
  condition: evt.type = sendmmsg and listed.name exists
  output: '%listed.name of %listed.name.by'
  priority: info
- rule: address
  desc: d
  condition: listed.address exists
  output: '%listed.address of %listed.address.by'
  priority: info
- rule: either
  desc: d
  condition: evt.type = connect and (fd.sport = 443 or listed.address exists)
  output: port
  priority: info
";

/// Event, list, allow list, messages.
const CASES: &[(&str, &str, &str, &[&str])] = &[
    ("question", "pool.example", "", &["pool.example of block"]),
    ("question", "*.example", "", &["*.example of block"]),
    ("question", "other.example", "", &[]),
    ("question", "pool.example", ".example", &[]),
    ("question", "10.0.0.0/8", "", &["10.0.0.0/8 of block"]),
    ("connect", "10.96.0.1", "", &["10.96.0.1 of block", "port"]),
    ("connect", "10.96.0.1", "10.96.0.0/12", &["port"]),
    // This side is not asked about.
    ("connect", "172.17.0.2", "", &["port"]),
    ("accept", "10.96.0.1", "", &["10.96.0.1 of block"]),
    ("datagram", "10.96.0.1", "", &["10.96.0.1 of block"]),
    ("connect", "", "", &["port"]),
];

#[test]
fn lists_are_asked_as_events_are() {
    let ruleset = ruleset();
    for (event, block, allow, wanted) in CASES {
        let engine = Engine::with_lists(&ruleset, lists(block, allow));
        let detections = engine.judge(&events::event(event));
        // Behind it, who did it.
        let message =
            |it: &Detection| it.message.split(" container_id=").next().unwrap().to_owned();
        let messages: Vec<String> = detections.iter().map(message).collect();
        assert_eq!(messages, *wanted, "{event}: {block}, {allow}");
    }
}

#[test]
fn what_no_list_speaks_of_is_not_asked() {
    let ruleset = ruleset();
    let asked = |block: &str| {
        let engine = Engine::with_lists(&ruleset, lists(block, ""));
        let asked = ruleset.rules().iter().filter(|rule| engine.asks(rule));
        asked.map(|rule| rule.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(asked(""), ["either"]);
    assert_eq!(asked("pool.example"), ["name", "either"]);
    assert_eq!(asked("::1"), ["address", "either"]);
    assert_eq!(asked("d41d8cd98f00b204e9800998ecf8427e"), ["either"]);
}

fn ruleset() -> Ruleset {
    let (ruleset, _warnings) = Ruleset::load(&[RuleFile { name: "case", bytes: RULES.as_bytes() }]);
    assert_eq!(ruleset.rules().len(), 3);
    ruleset
}

fn lists(block: &str, allow: &str) -> Arc<Lists> {
    let list = |name: &str, text: &str, allows| Listed {
        name: name.to_owned(),
        indicators: indicators::read(text.as_bytes(), Timestamp::UNIX_EPOCH).indicators,
        allows,
    };
    Arc::new(Lists::new(vec![list("block", block, false), list("allow", allow, true)]).unwrap())
}
