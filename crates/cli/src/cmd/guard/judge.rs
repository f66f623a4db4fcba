//! `--policy`: a policy read with its lists, tied to the rules that are loaded, and asked.
//!
//! It says what becomes of a detection; what is done about it is done elsewhere (`react`).

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use detect::audit::Record;
use detect::{Detection, Rule, Ruleset};
use policy::guard::{
    self, AskedRule, Chosen, GuardPolicy, Moment, Request, Subject, Verdict, Wanted,
};
use serde_json::{Value, json};

use crate::cmd::judgement;
use crate::error::UserError;
use crate::exit_code::ExitCode;

/// The largest file of a list that is read; the reader of policies says that it is too large.
const LIST_BYTES_MAX: u64 = (4 << 20) + 1;

/// The policy, if there is one, and what of it speaks of each rule.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    policy: Option<GuardPolicy>,
    chosen: HashMap<String, Chosen>,
}

/// Reads and checks a policy.
pub(crate) fn load(path: &Path) -> Result<GuardPolicy, UserError> {
    let text = judgement::text(path)?;
    let mut list = |name: &str| list(&path.with_file_name(name));
    GuardPolicy::parse(&text, &path.display().to_string(), &mut list)
        .map_err(|errors| judgement::mistakes(path, &errors))
}

/// Lists stand beside the policy, or where an absolute path says.
pub(super) fn list(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("cannot read `{}`: {error}", path.display());
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut text = String::new();
    file.take(LIST_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

impl Judge {
    /// Ties a policy to rules, and switches those on and off that it says.
    pub(crate) fn new(
        path: &Path,
        policy: GuardPolicy,
        ruleset: &mut Ruleset,
    ) -> Result<Self, UserError> {
        let names: Vec<&str> = ruleset.rules().iter().map(|rule| rule.name.as_str()).collect();
        let misspelt = policy.misspelt(&names);
        if !misspelt.is_empty() {
            return Err(judgement::mistakes(path, &misspelt));
        }
        let rules = ruleset.rules().iter();
        let chosen: HashMap<String, Chosen> =
            rules.map(|rule| (rule.name.clone(), policy.choose(&asked(rule)))).collect();
        ruleset.enable(|rule| chosen.get(&rule.name).is_some_and(|chosen| chosen.asked));
        Ok(Self { policy: Some(policy), chosen })
    }

    pub(crate) fn policy(&self) -> Option<&GuardPolicy> {
        self.policy.as_ref()
    }

    /// What becomes of a detection, which from then on is as urgent as the policy says; none without
    /// a policy.
    pub(crate) fn judge(
        &self,
        detection: &mut Detection,
        subject: Subject<'_>,
        moment: Moment,
    ) -> Option<Verdict> {
        let chosen = self.chosen.get(&detection.rule.name)?;
        let verdict = self.policy.as_ref()?.judge(chosen, subject, moment);
        if verdict.priority != detection.rule.priority {
            let mut rule = Rule::clone(&detection.rule);
            rule.priority = verdict.priority;
            detection.rule = Arc::new(rule);
        }
        Some(verdict)
    }
}

/// What an audit record tells of a request, as far as policies ask.
pub(crate) fn request(record: &Record) -> Request {
    let text = |path: &str| record.json.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let resource = text("/objectRef/resource").map(|resource| {
        match text("/objectRef/subresource").filter(|it| !it.is_empty()) {
            Some(of_it) => format!("{resource}/{of_it}"),
            None => resource,
        }
    });
    Request { user: text("/user/username"), namespace: text("/objectRef/namespace"), resource }
}

fn asked(rule: &Rule) -> AskedRule<'_> {
    let Rule { name, tags, priority, enabled, .. } = rule;
    AskedRule { name, tags, priority: *priority, enabled: *enabled }
}

/// What a verdict says beside the alert, line by line.
pub(crate) fn lines(verdict: &Verdict) -> Vec<String> {
    let mut lines = Vec::new();
    if !verdict.responses.is_empty() {
        let responses: Vec<String> = verdict.responses.iter().map(in_words).collect();
        lines.push(responses.join(", "));
    }
    for because in &verdict.because {
        let setting = if because.setting == "told" { "not told" } else { because.setting };
        let mut line = format!("{setting} by {}", because.entry);
        if !because.reason.is_empty() {
            write!(line, ": {}", because.reason).expect("a String takes anything");
        }
        lines.push(line);
    }
    lines.extend(verdict.notes.iter().cloned());
    lines
}

fn in_words(wanted: &Wanted) -> String {
    let name = guard::name(wanted.response);
    match wanted.held_back {
        None => name.to_owned(),
        Some(why) => format!("would {name} ({})", why.why()),
    }
}

/// The same for programs.
pub(crate) fn object(verdict: &Verdict) -> Value {
    let responses: Vec<Value> = verdict
        .responses
        .iter()
        .map(|wanted| {
            json!({
                "response": guard::name(wanted.response),
                "wanted": wanted.held_back.is_none(),
                "held_back": wanted.held_back.map(guard::HeldBack::why),
            })
        })
        .collect();
    let because: Vec<Value> = verdict
        .because
        .iter()
        .map(|it| json!({"setting": it.setting, "entry": it.entry, "reason": it.reason}))
        .collect();
    json!({
        "told": verdict.told,
        "responses": responses,
        "because": because,
        "notes": verdict.notes,
    })
}

/// What asks for enforcement has to have something to enforce.
pub(crate) fn needs_policy() -> UserError {
    UserError::new(ExitCode::Usage, "`--enforce` needs what is to be enforced").hint(Some(
        "name a policy with --policy FILE, or profiles that protect with --profiles FOLDER",
    ))
}
