//! Events in, detections out.
//!
//! Every rule that holds is told, not only the first. The engine keeps nothing between events, so
//! one serves many threads, and a new one takes its place without losing an event.

use std::sync::Arc;

use indicators::Lists;
use model::event::{Call, Event};
use serde_json::json;

use crate::audit::Record;
use crate::compile::Subject;
use crate::fields::{iso8601, of_day};
use crate::output::Told;
use crate::program::Program;
use crate::rules::{Rule, Ruleset};
use crate::source::Source;

/// Rules made ready to be asked.
#[derive(Debug)]
pub struct Engine {
    rules: Vec<Arc<Rule>>,
    /// One a call, in the order of [`Call::ALL`].
    programs: Vec<Program>,
    audit: Program,
    lists: Arc<Lists>,
}

/// A rule that holds of an event, and what it tells.
#[derive(Clone, Debug)]
pub struct Detection {
    pub rule: Arc<Rule>,
    /// Nanoseconds since the Unix epoch.
    pub time: u64,
    /// The rule's output with the event's values.
    pub message: String,
    /// The fields that the output names, in its order; what is not known is null.
    pub fields: Vec<(String, serde_json::Value)>,
}

impl Engine {
    /// Asks the rules of the set that are enabled.
    pub fn new(ruleset: &Ruleset) -> Self {
        Self::with_lists(ruleset, Arc::default())
    }

    /// The same, with lists that rules may ask.
    pub fn with_lists(ruleset: &Ruleset, lists: Arc<Lists>) -> Self {
        let rules: Vec<_> =
            ruleset.rules().iter().filter(|rule| rule.enabled).map(Arc::clone).collect();
        let of = |source: Source| {
            let of_source = move |(_, rule): &(usize, &Arc<Rule>)| rule.source == source;
            let rules = rules.iter().enumerate().filter(of_source);
            rules.map(|(number, rule)| (number, &rule.condition))
        };
        let programs = Call::ALL
            .iter()
            .map(|call| Program::new(Some(*call), &lists, of(Source::Syscall)))
            .collect();
        let audit = Program::new(None, &lists, of(Source::K8sAudit));
        Self { rules, programs, audit, lists }
    }

    /// Whether some event may make the rule hold: not if it is about lists that are not there.
    pub fn asks(&self, rule: &Rule) -> bool {
        let programs = self.programs.iter().chain([&self.audit]);
        let mut asked = programs.flat_map(Program::rules).filter_map(|it| self.rules.get(it));
        asked.any(|asked| asked.name == rule.name)
    }

    /// Every rule that holds of what a sensor saw.
    pub fn judge(&self, event: &Event) -> Vec<Detection> {
        match self.programs.get(event.call as usize) {
            Some(program) => self.detect(program, Subject::Event(event, &self.lists), event.time),
            None => Vec::new(),
        }
    }

    /// Every rule that holds of what an API server audited.
    pub fn judge_record(&self, record: &Record) -> Vec<Detection> {
        self.detect(&self.audit, Subject::Record(record), record.time)
    }

    fn detect(&self, program: &Program, subject: Subject<'_>, time: u64) -> Vec<Detection> {
        let mut detections = Vec::new();
        program.holding(subject, |number| {
            if let Some(rule) = self.rules.get(number) {
                let Told { text: message, fields } = rule.output.tell(subject);
                detections.push(Detection { rule: Arc::clone(rule), time, message, fields });
            }
        });
        detections
    }
}

impl Detection {
    /// A line: `13:53:31.726060287: Warning …`, in UTC.
    pub fn line(&self) -> String {
        format!("{}: {} {}", of_day(self.time, true), self.rule.priority, self.message)
    }

    /// In the shape of Falco's JSON output.
    pub fn json(&self, hostname: &str) -> serde_json::Value {
        let mut fields: serde_json::Map<_, _> = self.fields.iter().cloned().collect();
        let time = match self.rule.source {
            Source::Syscall => "evt.time",
            Source::K8sAudit => "jevt.time",
        };
        fields.insert(time.to_owned(), self.time.into());
        json!({
            "hostname": hostname,
            "output": self.line(),
            "output_fields": fields,
            "priority": self.rule.priority.name(),
            "rule": self.rule.name,
            "source": self.rule.source.name(),
            "tags": self.rule.tags,
            "time": iso8601(self.time),
        })
    }
}
