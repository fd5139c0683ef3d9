//! `report.html` in a real browser: every chart is on the page, the console is
//! silent, and the page asks for nothing on any network. A planted page proves that
//! the last two would be seen.
//!
//! `LOCKBENCH_CHROMIUM` names the browser; else it is searched in PATH.

use crate::support;
use crate::support::cli;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::cli::Place;
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
    load_in(browser, page, false)
}

fn load_in(browser: &Path, page: &Path, dark: bool) -> Loaded {
    let place = tempfile::tempdir().unwrap();
    let log = place.path().join("net.json");
    let out = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"])
        // The browser's own errands go nowhere; a page's request would still be begun, and logged.
        .args(["--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"])
        .arg(format!("--user-data-dir={}", place.path().join("profile").display()))
        .arg(format!("--log-net-log={}", log.display()))
        .args(["--enable-logging=stderr", "--dump-dom", "--window-size=1400,1000"])
        .arg(format!("--blink-settings=preferredColorScheme={}", u8::from(!dark)))
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

/// Measures a page as it is in a frame of that size: the lowest edge and the words of
/// what the first screen must say, what is wider than the page, and colours.
const MEASURE: &str = r##"
<meta name="color-scheme" content="light dark"><body><pre id="measured"></pre><iframe style="border:0" srcdoc="PAGE" width="WIDTH" height="800"></iframe><script>
const frame = document.querySelector('iframe');
frame.onload = () => {
  const page = frame.contentDocument, view = frame.contentWindow;
  const found = {};
  for (const [name, selector] of [['which', '.first .winner'], ['limits', '.limits li'], ['turnout', '.turnout'],
      ['absent', '.absent li'], ['marks', '.answer tbody .mark'], ['chart', '#tradeoff svg']]) {
    const all = [...page.querySelectorAll(selector)];
    found[name] = { text: all.map(one => one.textContent.trim()),
      bottom: Math.max(0, ...all.map(one => one.getBoundingClientRect().bottom)),
      right: Math.max(0, ...all.map(one => one.getBoundingClientRect().right)) };
  }
  const root = page.documentElement, paper = page.querySelector('#tradeoff svg [fill="#22262b"]');
  const wide = [...page.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth + 1);
  found.frame = [view.innerWidth, view.innerHeight];
  found.overflow = root.scrollWidth - root.clientWidth;
  found.cut = wide.map(one => (one.querySelector('table') || one).className + ': ' + one.textContent.trim().slice(0, 40));
  found.ink = paper ? view.getComputedStyle(paper).fill : null;
  found.shown = [...page.querySelectorAll('.charts [data-pick="0"]')].filter(one => one.offsetParent).length;
  const pick = page.querySelector('#pick-0');
  if (pick) { pick.click(); }
  found.left = [...page.querySelectorAll('.charts [data-pick="0"]')].filter(one => one.offsetParent).length;
  document.querySelector('#measured').textContent = JSON.stringify(found);
  frame.remove();
};
</script>"##;

fn measured(browser: &Path, page: &Path, width: u32, dark: bool) -> Value {
    let place = Place::new();
    let html = fs::read_to_string(page).unwrap().replace('&', "&amp;").replace('"', "&quot;");
    let wrapped = MEASURE.replace("WIDTH", &width.to_string()).replace("PAGE", &html);
    let loaded = load_in(browser, &place.file("measure.html", &wrapped), dark);
    let text = loaded.dom.split("<pre id=\"measured\">").nth(1).unwrap().split("</pre>").next().unwrap();
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let found: Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}\n{:?}", loaded.console));
    assert_eq!(found["frame"], serde_json::json!([width, 800]));
    found
}

/// A stored run, drawn anew after `change` of its report.
fn redrawn(place: &Place, stored: &str, change: impl FnOnce(&mut Value)) -> PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("results/reference").join(stored);
    let run = place.path().join(stored);
    fs::create_dir(&run).unwrap();
    for file in ["plan.toml", "measured.json.gz"] {
        fs::copy(from.join(file), run.join(file)).unwrap();
    }
    let mut report: Value = serde_json::from_slice(&fs::read(from.join("report.json")).unwrap()).unwrap();
    change(&mut report);
    fs::write(run.join("report.json"), serde_json::to_vec(&report).unwrap()).unwrap();
    place.run(&["report", run.to_str().unwrap()]).exits(0);
    run.join("report.html")
}

/// The report as if all but these had found no server.
fn only(report: &mut Value, kept: &[&str]) {
    let mut gone: Vec<String> = Vec::new();
    for key in ["results", "aggregates"] {
        report[key].as_array_mut().unwrap().retain(|one| {
            let name = one["backend"].as_str().unwrap();
            if !kept.contains(&name) && !gone.iter().any(|known| known == name) {
                gone.push(name.to_owned());
            }
            kept.contains(&name)
        });
    }
    let skipped = gone.iter().map(|name| {
        let reason = "no server found on this machine, and no container; install it or name one with --endpoint";
        serde_json::json!({ "backend": name, "reason": reason, "asked_for": false })
    });
    report["skipped"] = skipped.collect();
}

#[test]
fn the_first_screen_says_which_by_what_margin_what_is_not_proven_and_what_did_not_run() {
    let Some(browser) = chromium() else { return };
    let place = Place::new();
    let runs = [
        ("all", redrawn(&place, "quickstart", |_| {})),
        ("some", redrawn(&place, "hot-key", |report| only(report, &["redis", "memory", "redlock"]))),
        ("caught", redrawn(&place, "no-lock", |_| {})),
    ];
    for (name, page) in runs {
        let mut inks = Vec::new();
        for dark in [false, true] {
            let seen = measured(&browser, &page, 1_280, dark);
            for part in ["which", "limits", "turnout", "marks", "chart"] {
                let bottom = seen[part]["bottom"].as_f64().unwrap();
                let right = seen[part]["right"].as_f64().unwrap();
                let texts = seen[part]["text"].as_array().unwrap();
                assert!(!texts.is_empty() && bottom > 0.0, "{name}: nothing says {part}");
                assert!(bottom <= 800.0 && right <= 1_280.0, "{name}: {part} ends at {right}, {bottom}");
            }
            let said = |part: &str| seen[part]["text"].to_string();
            match name {
                "all" => {
                    let margin =
                        ["x the grants/s of ", "are within noise ("].iter().any(|words| said("which").contains(words));
                    assert!(margin && said("which").contains(" interval "), "{seen}");
                    assert!(said("turnout").contains("8 of 8 systems ran"), "{seen}");
                }
                "some" => {
                    assert!(said("turnout").contains("of 8 systems ran: "), "{seen}");
                    assert!(said("absent").contains("zookeeper: no server found"), "{seen}");
                    assert!(seen["absent"]["bottom"].as_f64().unwrap() <= 800.0, "{seen}");
                }
                _ => assert!(
                    said("which").contains("no system is ranked") && said("marks").contains("VIOLATED"),
                    "{seen}"
                ),
            }
            assert!(said("limits").contains("no faults injected"), "{seen}");
            assert_eq!(seen["overflow"], 0, "{name}: {seen}");
            assert_eq!(seen["cut"], serde_json::json!([]), "{name}: a column is cut");
            inks.push(seen["ink"].to_string());
            // A system that is not chosen has no drawing left.
            assert!(name == "caught" || seen["shown"].as_u64() > Some(0), "{seen}");
            assert!(name == "caught" || seen["left"] == 0, "{seen}");
        }
        assert_ne!(inks[0], inks[1], "{name}: the dark has the colours of the light");
        let seen = measured(&browser, &page, 375, false);
        assert_eq!(seen["overflow"], 0, "{name} at 375 px: {seen}");
    }
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
