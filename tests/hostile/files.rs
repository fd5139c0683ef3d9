//! Files of strangers: damaged, or made to do harm. Nothing panics, hangs, takes much
//! memory, writes elsewhere, or commands the terminal. This process and all that it
//! starts may take [`MEMORY`] bytes and no more: who asks for more is killed.
mod mutated;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Once;

use crate::support::cli::{Place, Ran, files_below};
use flate2::read::MultiGzDecoder;
use flate2::{Compression, write::GzEncoder};
use lockbench::plain::is_order;
use rustix::process::{Resource, Rlimit, setrlimit};

/// Address space of the process, far below what the files claim.
const MEMORY: u64 = 3 << 30;

/// Clears the screen, sets the title, turns the direction, a C1 control, NUL, a colour.
const PLANTED: &str = "\u{1b}[2J\u{1b}]0;pwned\u{7}\u{202e}\u{9b}1m\u{0}\u{1b}[31mEVIL\r";

/// Every command that reads a stored run; `bad` is the run.
const READERS: [&[&str]; 9] = [
    &["ls"],
    &["show", "bad"],
    &["verify", "bad"],
    &["explain", "bad", "1", "--svg", "picture.svg"],
    &["report", "bad", "--to", "out"],
    &["export", "bad", "--to", "all", "--into", "out"],
    &["compare", "good", "bad", "--force"],
    &["watch", "bad", "--speed", "1000x"],
    &["show", "bad", "--format", "json"],
];

fn limited() {
    static ONCE: Once = Once::new();
    let limit = Rlimit { current: Some(MEMORY), maximum: Some(MEMORY) };
    ONCE.call_once(|| setrlimit(Resource::As, limit).unwrap());
}

/// A place with the run `good`, which has double grants and a bounded history, and `bad`,
/// a copy of it to be spoilt.
fn place() -> (Place, PathBuf) {
    limited();
    let place = Place::new();
    let text = "clients = 4\nhold = \"1ms\"\nttl = \"4s\"\nwarmup = \"0s\"\nduration = \"200ms\"\n\
                backends = [\"control:no-lock\"]\nhistory = { kind = \"window\", attempts = 200 }\n";
    place.file("w.toml", text);
    place.run(&["run", "w.toml", "--run-id", "good"]).exits(100);
    let bad = place.results().join("bad");
    copy(&place.results().join("good"), &bad);
    (place, bad)
}

fn copy(from: &Path, to: &Path) {
    for file in files_below(from) {
        let to = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(file, to).unwrap();
    }
}

fn unpacked(path: &Path) -> String {
    let mut text = String::new();
    MultiGzDecoder::new(fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::best());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// Runs a reader, which ends by itself, and by neither a panic nor a signal.
fn read(place: &Place, arguments: &[&str]) -> Ran {
    let ran = place.run(arguments);
    assert!([0, 1, 2, 97, 99, 100].contains(&ran.code), "{arguments:?} ends with {}:\n{}", ran.code, ran.err);
    assert!(!ran.err.contains("panicked"), "{arguments:?}:\n{}", ran.err);
    ran
}

/// Every reader ends, and these with exit 1 and the place.
fn refused(place: &Place, by: &[&str], parts: &[&str]) {
    for arguments in READERS {
        let ran = read(place, arguments);
        if by.contains(&arguments[0]) && arguments.len() < 4 || by.contains(&arguments[0]) && arguments[0] != "show" {
            ran.exits(1).complains(parts);
        }
    }
}

#[test]
fn a_history_is_believed_no_further_than_its_bytes_go() {
    let (place, bad) = place();
    let path = bad.join("history.jsonl.gz");
    let whole = unpacked(&path);
    let (header, rest) = whole.split_once('\n').unwrap();
    let value: serde_json::Value = serde_json::from_str(header).unwrap();
    let end = value["result"]["end"].as_u64().unwrap();
    let header_with = |field: &str, claim: u64| {
        let mut value = value.clone();
        value["result"][field] = claim.into();
        format!("{value}\n{rest}")
    };
    let first = rest.lines().next().unwrap();
    let mut nobody: serde_json::Value = serde_json::from_str(first).unwrap();
    nobody["c"] = u32::MAX.into();
    let readers = ["verify", "explain", "report", "export", "watch"];
    let far = end + 300 * 86_400 * 1_000_000_000;
    for (text, line) in [
        (header_with("keys", 10_000_000), "line 1: "),
        (header_with("clients", u64::from(u32::MAX)), "line 1: "),
        (header_with("end", u64::MAX), "line 1: "),
        (format!("{header}\n{nobody}\n{rest}"), "line 2: client 4294967295"),
        (format!("{header}\n{first}{}", " ".repeat(200 << 20)), "line 2: a line of more than"),
    ] {
        fs::write(&path, packed(text.as_bytes())).unwrap();
        refused(&place, &readers, &["results/bad/history.jsonl.gz", line]);
    }
    // Events at the end of the year, as its header allows them: nothing is taken for each second.
    let late = format!("{{\"t\":{far},\"c\":0,\"k\":0,\"e\":\"invoke\",\"due\":{far}}}\n");
    fs::write(&path, packed(format!("{}\n{late}", header_with("end", far).lines().next().unwrap()).as_bytes()))
        .unwrap();
    refused(&place, &readers, &["results/bad/history.jsonl.gz", "line 2: ", "silent for longer"]);
}

#[test]
fn measurements_are_believed_no_further_than_their_bytes_go() {
    let (place, bad) = place();
    let path = bad.join("measured.json.gz");
    let whole = unpacked(&path);
    let start = whole.find("\"acquire_service\":\"").unwrap() + "\"acquire_service\":\"".len();
    let end = start + whole[start..].find('"').unwrap();
    let readers = ["report", "export", "explain", "watch", "verify"];
    // A histogram of 60 bytes that claims four gigabytes of counts.
    let bomb = "HISTFAAAACB42pNpmSz8HwgYIIAZSjMCmW4GOxYw2H+ACAAA168IRw==";
    for (bytes, part) in [
        (packed(format!("{}{bomb}{}", &whole[..start], &whole[end..]).as_bytes()), "a histogram cannot be read"),
        (packed(whole.replacen("\"warmup_ns\":", "\"warmup_ns\":18446744073709551615,\"x\":", 1).as_bytes()), "phases"),
        (packed(whole.replacen("\"clients\":4", "\"clients\":4294967295", 1).as_bytes()), "more clients"),
        (packed(whole.replacen("\"second\":0", "\"second\":9000000000000000000", 1).as_bytes()), "second 0"),
        (packed(whole.replacen("\"control:no-lock\"", "\"../../evil\"", 1).as_bytes()), "no name of a system"),
        (packed(&vec![b' '; 400 << 20]), "no run packs so tightly"),
    ] {
        fs::write(&path, bytes).unwrap();
        refused(&place, &readers, &["results/bad/measured.json.gz is damaged", part]);
    }
}

#[test]
fn a_report_names_the_field_that_is_not_believed() {
    let (place, bad) = place();
    let path = bad.join("report.json");
    let whole = fs::read_to_string(&path).unwrap();
    let readers = ["show", "verify", "explain", "report", "export", "compare", "watch"];
    for (from, to, part) in [
        ("\"run_id\": \"good\"", "\"run_id\": \"../../evil\"", "run_id: \"../../evil\" is no id of a run"),
        ("\"backend\": \"control:no-lock\"", "\"backend\": \"../../evil\"", "backend: \"../../evil\" is no name"),
        ("\"grants\": ", "\"grants\": 18446744073709551615, \"x\": ", "results[0].grants: "),
        ("\"end_ns\": ", "\"end_ns\": 18446744073709551615, \"x\": ", "end_ns: 18446744073709551615"),
    ] {
        assert!(whole.contains(from), "{from}");
        fs::write(&path, whole.replacen(from, to, 1)).unwrap();
        refused(&place, &readers, &["results/bad/report.json is damaged", part]);
    }
    assert!(!place.path().join("evil").exists() && !place.path().join("../evil").exists());
    let ran = place.run(&["ls"]).exits(0);
    assert!(ran.out.contains("good") && ran.out.contains("damaged"), "{}", ran.out);
}

#[test]
fn verify_says_what_it_did_not_check() {
    let (place, _) = place();
    place.run(&["verify", "good"]).exits(100).tells(&["not checked: ", " events after the cut"]);
}

#[test]
fn links_that_a_stranger_planted_are_not_followed() {
    let (place, bad) = place();
    let outside = place.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("victim"), "before").unwrap();
    for name in [".summary.md.tmp", "summary.md", "report.html", "timeseries.csv"] {
        let _ = fs::remove_file(bad.join(name));
        symlink(outside.join("victim"), bad.join(name)).unwrap();
    }
    place.run(&["report", "bad"]).exits(0);
    assert_eq!(fs::read_to_string(outside.join("victim")).unwrap(), "before");
    fs::remove_dir_all(bad.join("charts")).unwrap();
    symlink(&outside, bad.join("charts")).unwrap();
    place.run(&["report", "bad"]).exits(1).complains(&["cannot write results/bad/charts/", "is a link"]);
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
}

#[test]
fn a_pipe_a_device_or_a_directory_in_the_place_of_a_file_makes_nobody_wait() {
    for name in
        ["report.json", "measured.json.gz", "history.jsonl.gz", "plan.toml", "run.log", "monitor.json", "sweep.json"]
    {
        let (place, bad) = place();
        let file = bad.join(name);
        if ["monitor.json", "sweep.json", "plan.toml"].contains(&name) {
            fs::remove_file(bad.join("report.json")).unwrap();
        }
        let _ = fs::remove_file(&file);
        rustix::fs::mknodat(rustix::fs::CWD, &file, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
        READERS.iter().for_each(|arguments| drop(read(&place, arguments)));
        place.run(&["ls"]).exits(0).tells(&["good"]);
        fs::remove_file(&file).unwrap();
        symlink("/dev/zero", &file).unwrap();
        READERS.iter().for_each(|arguments| drop(read(&place, arguments)));
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        READERS.iter().for_each(|arguments| drop(read(&place, arguments)));
    }
}

#[test]
fn several_reports_of_one_run_at_once_leave_it_whole() {
    let (place, bad) = place();
    let mut files = files_below(&bad);
    files.sort();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| place.run(&["report", "bad"]).exits(0));
        }
    });
    let mut after = files_below(&bad);
    after.sort();
    assert_eq!(after, files);
}

/// Nothing in it commands a terminal.
fn harmless(what: &str, text: &str) {
    let found = text.chars().find(|c| *c != '\n' && *c != '\t' && is_order(*c));
    let near = || text.chars().skip_while(|c| Some(*c) != found).take(60).collect::<String>();
    assert!(found.is_none(), "{what} lets {found:?} through: {:?}", near());
}

#[test]
fn text_of_files_does_not_command_the_terminal_whatever_reads_it() {
    let (place, bad) = place();
    let path = bad.join("report.json");
    let mut report: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    plant(&mut report, &mut Vec::new());
    fs::write(&path, serde_json::to_vec(&report).unwrap()).unwrap();
    for arguments in READERS {
        let ran = read(&place, arguments);
        harmless(&format!("stdout of {arguments:?}"), &ran.out);
        harmless(&format!("stderr of {arguments:?}"), &ran.err);
    }
    let texts = files_below(&place.path().join("out"));
    assert!(texts.iter().any(|path| path.ends_with("report.html")), "{texts:?}");
    for path in texts {
        let read = ["html", "md", "csv", "svg", "hlog", "hgrm", "om", "xml"];
        if path.extension().is_some_and(|extension| read.iter().any(|read| extension == *read)) {
            harmless(&path.display().to_string(), &fs::read_to_string(&path).unwrap());
        }
    }
    let name = format!("x{}", PLANTED.replace('\0', ""));
    let (flag, strange) = (format!("--{name}"), place.results().join(&name));
    fs::create_dir(&strange).unwrap();
    fs::write(strange.join("report.json"), "{").unwrap();
    for arguments in [vec!["ls"], vec!["show", &name], vec!["check", strange.to_str().unwrap()], vec!["show", &flag]] {
        let ran = read(&place, &arguments);
        harmless("stdout", &ran.out);
        harmless("stderr", &ran.err);
    }
}

/// Plants the text behind every text of a report that is no name, word or number.
fn plant(value: &mut serde_json::Value, path: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => {
            let free = [
                "story",
                "because",
                "message",
                "advice",
                "cpu",
                "kernel",
                "os",
                "placement",
                "started_at",
                "server_version",
                "durability",
                "quorum",
                "conditions",
                "name",
                "question",
                "workload",
                "reasons",
                "notes",
                "not_available",
                "failures",
                "command",
                "version",
            ];
            if path.iter().any(|part| free.contains(&part.as_str()))
                && path[0] != "tool"
                && !path.contains(&"lints".to_owned())
            {
                text.push_str(PLANTED);
            }
        }
        serde_json::Value::Array(list) => list.iter_mut().for_each(|value| plant(value, path)),
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                path.push(name.clone());
                plant(value, path);
                path.pop();
            }
        }
        _ => {}
    }
}

/// A server that answers every question with an error that would command a terminal.
fn rude_server() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            std::thread::spawn(move || {
                let answer = format!("-ERR {}\r\n", PLANTED.replace('\r', ""));
                while let Ok(1..) = stream.read(&mut [0; 4_096]) {
                    if stream.write_all(answer.repeat(8).as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

#[test]
fn what_a_server_says_does_not_command_the_terminal() {
    limited();
    let place = Place::new();
    let text =
        "clients = 1\nhold = \"1ms\"\nttl = \"4s\"\nwarmup = \"0s\"\nduration = \"200ms\"\nbackends = [\"redis\"]\n";
    place.file("w.toml", text);
    let endpoint = format!("redis={}", format_args!("redis://{}", rude_server()));
    let url = endpoint.trim_start_matches("redis=").to_owned();
    for arguments in [
        vec!["run", "w.toml", "--stack", "external", "--endpoint", &endpoint, "--log", "debug"],
        vec!["doctor", "--endpoint", &endpoint],
        vec!["inspect", &url],
        vec!["quick", "-b", "redis", "--stack", "external", "--endpoint", &endpoint],
    ] {
        let ran = place.run(&arguments);
        assert!(ran.code > 0, "{arguments:?}: {}", ran.out);
        harmless(&format!("stdout of {arguments:?}"), &ran.out);
        harmless(&format!("stderr of {arguments:?}"), &ran.err);
    }
    for path in files_below(&place.results()) {
        if path.extension().is_some_and(|kind| ["log", "md", "html", "xml", "csv"].iter().any(|text| kind == *text)) {
            harmless(&path.display().to_string(), &fs::read_to_string(&path).unwrap());
        }
    }
}
