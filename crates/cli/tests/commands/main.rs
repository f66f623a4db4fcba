//! The binary as users run it: whole commands, their output, and how they end.

#![expect(clippy::unwrap_used, reason = "what these helpers unwrap is the test's own doing")]

mod attached;
mod audit;
mod bases;
mod bills;
mod changes;
mod confinement;
mod db;
mod diff;
mod documents;
mod ecosystems;
mod enforcement;
mod exit_codes;
mod fetching;
mod full_disks;
mod gate;
mod guard;
mod guard_malware;
mod guard_policies;
mod hostile;
mod hostile_packages;
mod imports;
mod languages;
mod lists;
mod malware;
mod maven_index;
mod options;
mod outages;
mod output;
mod policies;
mod profiles;
mod registries;
mod reports;
mod respond;
mod rules;
mod run;
mod runtimes;
mod scenarios;
mod secrets;
mod settings;
mod sources;
mod stumbles;
mod suites;
mod unknown;
mod vex;
