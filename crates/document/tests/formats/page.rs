//! The HTML report in a real browser.

use std::path::{Path, PathBuf};

use document::{Format, Report};
use tempfile::TempDir;

use crate::browser::Browser;
use crate::sample;

/// A browser with a report in it, and where the page lies.
fn shown(report: &Report) -> Option<(Browser, PathBuf, TempDir)> {
    let mut browser = Browser::start()?;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    std::fs::write(&path, Format::Html.render(report)).unwrap();
    browser.open(&path);
    Some((browser, path, folder))
}

/// How many rows there are, and which are counted below the filters.
fn rows(browser: &mut Browser) -> u64 {
    browser.value("document.querySelectorAll('#rows tr.row').length").as_u64().unwrap()
}

/// Nothing was said on the console, and nothing was asked of anybody.
fn assert_quiet(browser: &mut Browser) {
    assert_eq!(browser.value("1 + 1"), 2);
    assert!(browser.complaints().is_empty(), "{:#?}", browser.complaints());
    assert!(browser.requests().is_empty(), "{:#?}", browser.requests());
}

#[test]
fn filters_order_and_details() {
    let Some((mut browser, _path, _folder)) = shown(&sample::report()) else { return };
    assert_eq!(rows(&mut browser), 10);
    let first = "document.querySelector('#rows .row').innerText";
    assert!(browser.text(first).contains("critical"));

    let click = |selector: &str| format!("document.querySelector('{selector}').click()");
    browser.value(&click("input[name=severity][value=high]"));
    assert_eq!(rows(&mut browser), 3);
    browser.value(&click("input[name=kind][value=secret]"));
    assert_eq!(rows(&mut browser), 2);
    browser.value(&click("button[type=reset]"));
    browser.value("new Promise((done) => setTimeout(done, 20))");
    assert_eq!(rows(&mut browser), 10);
    browser.value(&click("input[name=fixable]"));
    assert_eq!(rows(&mut browser), 3);
    browser.value(&click("input[name=exploited]"));
    assert_eq!(rows(&mut browser), 1);
    browser.value(&click("button[type=reset]"));
    browser.value(&click("button[data-layer=\"2\"]"));
    assert_eq!(rows(&mut browser), 4);
    browser.value(&click("button[data-kind=misconfiguration]"));
    assert_eq!(rows(&mut browser), 2);

    browser.value(&click("button[data-sort=id]"));
    assert_eq!(browser.text("document.querySelector('th[aria-sort]').ariaSort"), "ascending");
    browser.value(&click(".open-button"));
    let details = browser.text("document.querySelector('tr.details').innerText");
    assert!(details.contains("USER root") && details.contains("CIS Docker"), "{details}");
    assert_quiet(&mut browser);
}

#[test]
fn the_language_stands_in_the_address() {
    let Some((mut browser, path, _folder)) = shown(&sample::report()) else { return };
    let heading = "document.querySelector('#findings-title').innerText";
    assert_eq!(browser.text(heading), "Findings");
    browser.value("document.querySelector('[data-language=zh]').click()");
    browser.value("new Promise((done) => setTimeout(done, 20))");
    assert_eq!(browser.text(heading), "检查结果");
    assert_eq!(browser.text("location.hash"), "#lang=zh");
    assert_eq!(browser.text("document.documentElement.lang"), "zh-Hans");
    assert!(browser.text("document.querySelector('#rows').innerText").contains("严重"));
    let english = "Array.from(document.querySelectorAll('[data-word]')).map((it) => it.innerText)\
                   .filter((text) => /^[A-Za-z ]{5,}$/.test(text)).join()";
    assert_eq!(browser.text(english), "");
    assert_quiet(&mut browser);
    browser.open(&path.with_file_name("report.html#lang=zh"));
    assert_eq!(browser.text(heading), "检查结果");
}

#[test]
fn everything_is_reached_by_keyboard() {
    let Some((mut browser, _path, _folder)) = shown(&sample::report()) else { return };
    let focus = "(document.activeElement.id || document.activeElement.dataset.sort || \
                  document.activeElement.name || document.activeElement.className || '')";
    browser.press("Tab");
    assert_eq!(browser.text(focus), "skip");
    browser.press("/");
    assert_eq!(browser.text(focus), "search");
    for key in ["l", "o", "d", "a"] {
        browser.press(key);
    }
    assert_eq!(rows(&mut browser), 1);
    let mut seen = Vec::new();
    for _ in 0..40 {
        browser.press("Tab");
        seen.push(browser.text(focus));
        if seen.last().is_some_and(|it| it == "open-button") {
            break;
        }
    }
    for expected in ["severity", "kind", "fixable", "layer", "epss", "open-button"] {
        assert!(seen.iter().any(|it| it == expected), "{expected} in {seen:?}");
    }
    browser.press("Enter");
    assert!(browser.text("document.querySelector('tr.details').innerText").contains("CVSS"));
    browser.press("Enter");
    assert_eq!(browser.value("document.querySelectorAll('tr.details').length"), 0);
    let outline = "getComputedStyle(document.activeElement).outlineStyle";
    assert_eq!(browser.text(outline), "solid");
    assert_quiet(&mut browser);
}

#[test]
fn nothing_from_outside_runs() {
    let texts = [
        "</script><script>window.hit = 1</script><img src=x onerror='window.hit = 1'>",
        "<!--<script>",
        "\" onfocus=\"window.hit = 1\" autofocus=\"",
        "javascript:window.hit=1",
        "https://example.org/\"onclick=\"window.hit=1",
    ];
    for text in texts {
        let Some((mut browser, _path, _folder)) = shown(&sample::hostile(text)) else { return };
        assert_eq!(rows(&mut browser), 10, "{text}");
        browser.value("document.querySelectorAll('.open-button').forEach((it) => it.click())");
        let addresses = "Array.from(document.querySelectorAll('#rows a')).map((it) => it.protocol)\
                         .filter((it) => !/^https?:$/.test(it)).join()";
        assert_eq!(browser.text(addresses), "", "{text}");
        assert!(browser.value("window.hit").is_null(), "{text}");
        assert_quiet(&mut browser);
    }
}

#[test]
fn thousands_of_findings_are_shown_in_parts() {
    let Some((mut browser, _path, _folder)) = shown(&sample::many(5000)) else { return };
    assert_eq!(rows(&mut browser), 100);
    assert!(browser.text("document.querySelector('#status').innerText").contains("5005 in total"));
    browser.value("document.querySelector('#more').click()");
    assert_eq!(rows(&mut browser), 200);
    let milliseconds = "(() => { const begun = performance.now(); \
        document.querySelector('#search').value = 'package-7'; \
        document.querySelector('.filters').dispatchEvent(new Event('input')); \
        return performance.now() - begun; })()";
    let spent = browser.value(milliseconds).as_f64().unwrap();
    assert!(spent < 1000.0, "filtering took {spent} ms");
    assert_eq!(rows(&mut browser), 100);
    browser.value("dispatchEvent(new Event('beforeprint'))");
    assert_eq!(rows(&mut browser), 143, "what is printed is all that matches");
    assert_quiet(&mut browser);
}

/// Writes pictures for people to look at: `LAZARET_PICTURES=DIR cargo test -p document pictures`.
#[test]
fn pictures() {
    let Some(folder) = std::env::var_os("LAZARET_PICTURES") else { return };
    let Some((mut browser, path, _folder)) = shown(&sample::many(300)) else { return };
    for (name, width, scheme, language) in [
        ("light", 1280, "light", "en"),
        ("dark", 1280, "dark", "en"),
        ("narrow", 420, "light", "en"),
        ("chinese", 1280, "light", "zh"),
    ] {
        browser.open(&path.with_file_name(format!("report.html#lang={language}")));
        browser.value("document.querySelectorAll('.open-button')[1].click()");
        let png = browser.picture(width, scheme);
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), png).unwrap();
    }
}
