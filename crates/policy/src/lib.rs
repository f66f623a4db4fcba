//! Judge facts by rules: a verdict with reasons.
