//! `report.html` in a real browser: every chart is on the page, the console is
//! silent, and the page asks for nothing on any network. A planted page proves that
//! the last two would be seen.
//!
//! `LOCKBENCH_CHROMIUM` names the browser; else it is searched in PATH.
#![allow(clippy::unwrap_used)] // clippy allows it in test functions only, not in their helpers

mod cli;
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cli::Place;
use serde_json::Value;

/// What a browser makes of a page.
struct Loaded {
    dom: String,
    /// Lines of the console.
    console: Vec<String>,
    /// What the page asked for, itself left out.
    requests: Vec<String>,
}

/// The browser, or `None` with a visible reason.
fn chromium() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("LOCKBENCH_CHROMIUM") {
        return Some(path.into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = std::env::split_paths(&path)
        .flat_map(|directory| names.map(|name| directory.join(name)))
        .find(|program| program.is_file());
    if found.is_none() {
        support::skip("no Chromium in PATH (scripts/setup installs it, LOCKBENCH_CHROMIUM names one)");
    }
    found
}

fn load(browser: &Path, page: &Path) -> Loaded {
    let place = tempfile::tempdir().unwrap();
    let log = place.path().join("net.json");
    let out = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"])
        // The browser's own errands go nowhere; a page's request would still be begun, and logged.
        .args(["--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"])
        .arg(format!("--user-data-dir={}", place.path().join("profile").display()))
        .arg(format!("--log-net-log={}", log.display()))
        .args(["--enable-logging=stderr", "--dump-dom"])
        .arg(format!("file://{}", page.display()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{}: {}\n{said}", browser.display(), out.status);
    let dom = String::from_utf8(out.stdout).unwrap();
    assert!(dom.contains("<body"), "the browser gave no page:\n{said}");
    let console = said.lines().filter(|line| line.contains(":CONSOLE:")).map(str::to_owned).collect();
    Loaded { dom, console, requests: requests(&log) }
}

/// Every request that a page began, by the browser's own log of its network. Its own
/// errands have no origin.
fn requests(log: &Path) -> Vec<String> {
    let log: Value = serde_json::from_slice(&fs::read(log).unwrap()).unwrap();
    let begun = &log["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"];
    assert!(begun.is_u64(), "this browser logs its network in another way");
    let of_a_page = |event: &&Value| {
        let initiator = event["params"]["initiator"].as_str();
        event["type"] == *begun && initiator.is_some_and(|initiator| initiator != "not an origin")
    };
    let events = log["events"].as_array().unwrap();
    events.iter().filter(of_a_page).filter_map(|event| event["params"]["url"].as_str().map(str::to_owned)).collect()
}

/// The names of the charts that the run wrote as files.
fn charts(run: &Path) -> Vec<String> {
    let names = cli::files_below(&run.join("charts")).into_iter();
    let names = names.filter(|path| path.extension().is_some_and(|ending| ending == "svg"));
    let mut names: Vec<String> =
        names.filter_map(|path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned())).collect();
    names.sort();
    names
}

/// Runs a workload and loads its page.
fn page_of(browser: &Path, arguments: &[&str], code: i32) -> Loaded {
    let place = Place::new();
    place.run(arguments).exits(code);
    let run = place.only_run();
    let page = run.join("report.html");
    assert!(fs::metadata(&page).unwrap().len() < 1_000_000, "the page is too large");
    let loaded = load(browser, &page);
    assert_eq!(loaded.console, Vec::<String>::new());
    assert_eq!(loaded.requests, Vec::<String>::new());
    let charts = charts(&run);
    assert!(charts.len() >= 3, "{charts:?}");
    for chart in charts {
        let figure = loaded.dom.split(&format!("<figure id=\"{chart}\"")).nth(1);
        let figure = figure.unwrap_or_else(|| panic!("{chart} is not on the page")).split("</figure>").next().unwrap();
        for part in ["<svg", "viewBox", "<figcaption", "<details"] {
            assert!(figure.contains(part), "{chart} has no {part}");
        }
    }
    loaded
}

fn tone(loaded: &Loaded) -> &str {
    let at = loaded.dom.find("id=\"part-verdict\" class=\"verdict ").unwrap();
    loaded.dom[at..].split('"').nth(3).unwrap()
}

#[test]
fn a_clean_and_a_violated_run_load_without_a_network_and_look_different() {
    let Some(browser) = chromium() else { return };
    let clean = Place::shipped("quickstart.toml");
    let short = ["--set", "duration=1s", "--set", "warmup=200ms", "--ui", "none"];
    let clean = page_of(&browser, &[&["run", &clean, "-b", "memory"][..], &short].concat(), 0);
    let broken = Place::shipped("controls/no-lock.toml");
    let broken = page_of(&browser, &[&["run", &broken][..], &short].concat(), 100);
    assert_eq!((tone(&clean), tone(&broken)), ("verdict pass", "verdict violated"));
    assert!(broken.dom.contains("<article class=\"story\"") && !clean.dom.contains("<article class=\"story\""));
}

#[test]
fn a_page_that_calls_home_or_complains_would_be_noticed() {
    let Some(browser) = chromium() else { return };
    let place = Place::new();
    let html = "<html><body><img src=\"http://127.0.0.1:9/x.png\"><script>console.error('oops')</script></body></html>";
    let loaded = load(&browser, &place.file("bad.html", html));
    assert_eq!(loaded.requests, ["http://127.0.0.1:9/x.png"]);
    assert!(loaded.console.iter().any(|line| line.contains("oops")), "{:?}", loaded.console);
}

#[test]
fn labels_of_users_stay_text() {
    let Some(browser) = chromium() else { return };
    let place = Place::new();
    let evil = "name = '''<script>alert(1)</script>'''\nquestion = '''\"onmouseover=\"alert(2)\" <img src=x onerror=alert(3)>?'''\n";
    let file = place.file(
        "evil.toml",
        &format!("{evil}clients = 2\nbackends = [\"memory\"]\nduration = \"300ms\"\nwarmup = \"0s\"\n"),
    );
    place.run(&["run", file.to_str().unwrap(), "--ui", "none"]);
    let loaded = load(&browser, &place.only_run().join("report.html"));
    assert_eq!((loaded.console.len(), loaded.requests.len()), (0, 0));
    assert!(!loaded.dom.contains("<script") && !loaded.dom.contains("<img"));
    assert!(loaded.dom.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
}
