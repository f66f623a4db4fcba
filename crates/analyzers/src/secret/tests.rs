//! Every kind on its own fixtures, and the finder on hostile input.

use std::time::Instant;

use super::content::{Description, Fixtures, descriptions, texts};
use super::*;
use crate::secret::shape::Shape;

/// The fixture as it really is.
fn whole(fixture: &str) -> String {
    fixture.replace("{}", "")
}

fn kinds_in(path: &str, text: &str) -> Vec<&'static str> {
    FINDER.find(path, text.as_bytes()).0.iter().map(|hit| hit.kind).collect()
}

#[test]
fn every_kind_finds_its_secrets_and_nothing_harmless() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for (id, description) in descriptions() {
        let description = description.unwrap_or_else(|error| panic!("{id}: {error}"));
        let Fixtures { secret, harmless, file } = &description.fixtures;
        assert!(!secret.is_empty() && !harmless.is_empty(), "{id} lacks fixtures");
        let path = file.as_deref().unwrap_or("srv/app/settings.conf");
        for text in secret {
            assert!(text.contains("{}"), "{id}: `{text}` is not inert");
            let found = kinds_in(path, &whole(text));
            if found != [id] {
                wrong.push(format!("{found:?} and not {id} in `{text}`"));
            }
        }
        for text in harmless {
            let found = kinds_in(path, &whole(text));
            if !found.is_empty() {
                wrong.push(format!("{found:?} in the harmless `{text}` of {id}"));
            }
        }
        count += 1;
    }
    assert_eq!(count, FINDER.kinds.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_escape_may_stand_before_a_secret() {
    let mut wrong = Vec::new();
    for (id, description) in descriptions() {
        let description = description.unwrap();
        let expression = description.expression.unwrap_or_default();
        let begins = [r"\b(?<secret>", "(?:^|[^"];
        if !begins.iter().any(|begin| expression.starts_with(begin)) {
            continue;
        }
        let path = description.fixtures.file.as_deref().unwrap_or("a");
        for text in description.fixtures.secret.iter().map(|text| whole(text)) {
            let (hits, _) = FINDER.find(path, text.as_bytes());
            let Some(range) = hits.first().map(|hit| hit.range.clone()) else { continue };
            let secret = text.get(range.clone()).unwrap();
            let (before, after) = text.split_once(secret).unwrap();
            for escape in ["\\n", "\\t", "\\r", "%3D", "\\u0026"] {
                let again = format!("{text} x{escape}{}\\n", secret);
                let inside = format!("{before} x{escape}{}\\n{after}", secret);
                let is_found = FINDER
                    .find(path, again.as_bytes())
                    .0
                    .iter()
                    .any(|hit| hit.kind == id && hit.range.start >= text.len());
                if !is_found && !kinds_in(path, &inside).contains(&id) {
                    wrong.push(format!("{id} not in `{again}`"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_of_a_name_may_stand_at_the_root() {
    let text = whole("machine tide.dev login ci password k7{}cKEpbdv9");
    for path in [".netrc", "root/.netrc", "_netrc"] {
        assert_eq!(kinds_in(path, &text), ["netrc-password"], "{path}");
    }
    assert_eq!(kinds_in("test.netrc", &text), [""; 0]);
}

#[test]
fn the_content_itself_holds_no_secret() {
    for (path, text) in texts() {
        let found = kinds_in(path, text);
        assert!(found.is_empty(), "{found:?} in {path}");
    }
}

#[test]
fn every_kind_is_well_described() {
    let keywords: usize = FINDER.kinds.iter().map(|kind| kind.keywords.len()).sum();
    assert!(keywords < 1500, "{keywords} key words need more places than 16 bits can number");
    for kind in &FINDER.kinds {
        let is_found = !kind.keywords.is_empty() || !kind.files.is_empty();
        assert!(is_found, "{} has no key word, nor files that it is", kind.id);
        assert!(kind.keywords.iter().all(|word| word.len() >= 3), "{}", kind.id);
        assert_ne!(kind.severity, Severity::Unknown, "{}", kind.id);
        kind.expression.regex();
        kind.allow.iter().for_each(|allow| drop(allow.regex().clone()));
    }
    for (id, description) in descriptions() {
        let Description { expression, value, form, shape, .. } = description.unwrap();
        let ways = [expression, value, form];
        assert_eq!(ways.iter().flatten().count(), 1, "{id}: expression, value or form");
        assert!(shape.is_none_or(|name| Shape::from_name(&name).is_some()), "{id}");
    }
}

#[test]
fn the_page_lists_every_kind() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/secrets.md");
    let text = std::fs::read_to_string(page).unwrap();
    let row = |(id, description): (&str, Result<Description, String>)| {
        let Description { title, why, severity, .. } = description.unwrap();
        format!("| `{id}` | {title} | {severity} | {} |\n", why.replace('|', "\\|"))
    };
    let mut rows: Vec<String> = descriptions().map(row).collect();
    rows.sort_unstable();
    let head = "## Kinds\n\n| kind | what | severity | why |\n|---|---|---|---|\n";
    let (before, kinds) = text.split_at(text.find(head).expect("the head of the table"));
    let expected = format!("{head}{}", rows.concat());
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(page, format!("{before}{expected}")).unwrap();
    } else {
        assert!(kinds == expected, "BLESS=1 cargo test -p analyzers the_page writes the table");
    }
}

#[test]
fn a_line_full_of_key_words_costs_linear_time() {
    for kind in &FINDER.kinds {
        let Some(word) = kind.keywords.first() else { continue };
        let line = format!("{word}='{word} ").repeat(30_000 / word.len());
        costs_little(kind.id, line.as_bytes());
    }
}

#[test]
fn hostile_bytes_cost_linear_time() {
    let all: Vec<&str> = FINDER.kinds.iter().flat_map(|kind| kind.keywords.clone()).collect();
    let mut state = 1_u64;
    let mut random = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    let noise: Vec<u8> = (0..1 << 20).map(&mut random).collect();
    let base64: Vec<u8> = noise
        .iter()
        .map(|byte| b"ABCDEFGHabcdefgh01234567+/-_.=:, "[usize::from(byte % 33)])
        .collect();
    costs_little("all key words", all.join(" ").repeat(10).as_bytes());
    costs_little("all key words, each with a value", all.join("='").repeat(10).as_bytes());
    costs_little("noise", &noise);
    costs_little("letters", &base64);
    costs_little("one letter", &vec![b'A'; 1 << 20]);
    costs_little("beginnings of tokens", "eyJhbGci.".repeat(100_000).as_bytes());
    costs_little("beginnings of keys", "-----BEGIN PRIVATE KEY-----\n".repeat(5_000).as_bytes());
    costs_little("URLs", "https://a:".repeat(20_000).as_bytes());
}

/// Even unoptimized and with the processor shared.
fn costs_little(what: &str, bytes: &[u8]) {
    let begin = Instant::now();
    FINDER.find("srv/app/settings.conf", bytes);
    let took = begin.elapsed();
    assert!(took.as_secs() < 20, "{what} ({} bytes) took {took:?}", bytes.len());
    eprintln!("{what}: {took:?}");
}

#[test]
fn hits_are_counted_by_line_and_bounded() {
    let key = whole("AK{}IAQ4VZ7MLDPWXN2RTB");
    let text = format!("{}\nkey = {key}\r\n", "x\n".repeat(41));
    let (hits, missing) = FINDER.find("a", text.as_bytes());
    assert_eq!(
        (hits[0].line, hits[0].excerpt.as_str(), missing),
        (43, "AKIA… (20 characters)", None)
    );

    let many: String = (0..1000).map(|n| format!("AK{}IAQ4VZ7MLDPWXN{n:04}\n", "")).collect();
    let (hits, missing) = FINDER.find("a", many.replace(['0', '1', '8', '9'], "Z").as_bytes());
    assert_eq!((hits.len(), missing), (HITS_MAX, Some(Missing::Secrets)));
}

/// Letters and digits that differ by their number.
fn random_text(number: usize, length: usize) -> String {
    let digest = blake3::hash(&number.to_le_bytes());
    let letters = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
    let letter = |byte: &u8| char::from(letters[usize::from(*byte) % letters.len()]);
    digest.as_bytes().iter().cycle().take(length).map(letter).collect()
}

#[test]
fn several_kinds_for_the_same_bytes_do_not_use_up_the_hits() {
    let key = |number| {
        format!(
            "[r{number}]\ntype = s3\nsecret_access_key = {}\n",
            random_text(number, 32) + "Zx9/Qw3+"
        )
    };
    let text: String = (0..190).map(key).collect();
    let token = ["sk_li", "ve_51aK7pQ2xV9mZ4tW8rNb5Vx1Gd"].concat();
    let (hits, missing) = FINDER.find("rclone.conf", (text.clone() + &token).as_bytes());
    assert_eq!((hits.len(), missing), (191, None));
    assert_eq!(hits.last().map(|hit| hit.kind), Some("stripe-secret-key"));

    let (hits, missing) = FINDER.find("rclone.conf", (text.repeat(8) + &token).as_bytes());
    assert_eq!((hits.len(), missing), (HITS_MAX, Some(Missing::Secrets)));
}

#[test]
fn a_search_that_asks_too_much_ends_and_says_so() {
    let all: Vec<&str> = FINDER.kinds.iter().flat_map(|kind| kind.keywords.clone()).collect();
    let text = all.join("= ").repeat(600);
    let token = ["sk_li", "ve_51aK7pQ2xV9mZ4tW8rNb5Vx1Gd"].concat();
    let (_, missing) = FINDER.find("a", (text + &token).as_bytes());
    assert_eq!(missing, Some(Missing::Effort));
}

#[test]
fn a_search_ends_when_it_is_told_to() {
    let token = ["sk_li", "ve_51aK7pQ2xV9mZ4tW8rNb5Vx1Gd"].concat();
    let found = |text: &str, until: &Until| FINDER.find_until("a", text.as_bytes(), until).1;
    let after_three = || {
        let asked = std::sync::atomic::AtomicUsize::new(0);
        Until::new(move || asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) >= 3)
    };
    // A window is as long as a hundred lines of it.
    let text = format!("key = {token}\n");
    assert_eq!(found(&text.repeat(3), &after_three()), None);
    let long = format!("key = {}\n", "a".repeat(9000)).repeat(8);
    assert_eq!(found(&long, &Until::default()), None);
    assert_eq!(found(&long, &after_three()), Some(Missing::Stopped));
}

/// Not a test but the way to judge the kinds by what they say about real files:
/// `TREE=folder cargo test --release -p analyzers -- --ignored --nocapture a_tree`.
#[test]
#[ignore = "needs a folder"]
fn a_tree_is_searched() {
    let Ok(root) = std::env::var("TREE") else { return eprintln!("skipped: no TREE") };
    let begin = cpu_seconds();
    let finder = &*FINDER;
    let ready = cpu_seconds() - begin;
    let mut files = Vec::new();
    let mut folders = vec![std::path::PathBuf::from(&root)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.extend(std::fs::read(entry.path()).map(|bytes| (entry.path(), bytes)));
            }
        }
    }
    files.retain(|(_, bytes)| !bytes.iter().take(8192).any(|&byte| byte == 0));
    files.sort_unstable();
    let size: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
    let rate = |begin: f64| size as f64 / 1e6 / (cpu_seconds() - begin);

    let begin = cpu_seconds();
    for (_, bytes) in &files {
        std::hint::black_box(blake3::hash(bytes));
    }
    let hashing = rate(begin);
    let begin = cpu_seconds();
    for (path, bytes) in &files {
        let path = path.strip_prefix(&root).unwrap().to_string_lossy();
        for hit in finder.find(&path, bytes).0 {
            eprintln!("{} {path}:{} {}", hit.kind, hit.line, hit.excerpt);
        }
    }
    eprintln!(
        "{} files, {} MB: {:.0} MB/s, blake3 {hashing:.0} MB/s; ready in {:.1} ms",
        files.len(),
        size / 1_000_000,
        rate(begin),
        ready * 1e3
    );
}

/// Of this thread: the clock on the wall tells more about who else is busy.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}
