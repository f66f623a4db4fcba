//! The binary as users run it: whole commands, their output, and how they end.

mod exit_codes;
mod output;
mod run;
mod sources;
