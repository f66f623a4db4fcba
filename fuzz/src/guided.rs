//! Coverage-guided runs with libFuzzer, for hours rather than seconds. Works on a stable compiler:
//!
//! ```text
//! cd fuzz
//! export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
//!     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
//! cargo build --release --features guided --bin guided --target x86_64-unknown-linux-gnu
//! FUZZ_TARGET=dpkg_status target/x86_64-unknown-linux-gnu/release/guided -max_total_time=3600 \
//!     -rss_limit_mb=512 -timeout=5 CORPUS-FOLDER
//! ```
//!
//! With `--target` the flags do not reach build scripts, which have no fuzzer to link with.

#![no_main]

use std::sync::LazyLock;

use targets::{Target, targets};

static CHOSEN: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET names a target");
    targets()
        .into_iter()
        .find(|target| target.name == name)
        .expect("FUZZ_TARGET is a target's name")
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| (CHOSEN.run)(input));
