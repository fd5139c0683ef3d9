//! `junit.xml`: a test case per gate, in the form that CI systems show (the common
//! subset of the JUnit formats: `testsuites`, `testsuite`, `testcase` with one
//! `failure`, `error` or `skipped`).

use std::fmt::Write as _;

use super::Rendered;
use super::gate::{Gate, GateOutcome, gates};
use lockbench_core::plain::{INSTEAD, is_order};
use lockbench_report::{RecordedRun, Report};

/// `junit.xml`.
pub fn render(run: &RecordedRun) -> Result<Vec<Rendered>, String> {
    Ok(vec![Rendered::new("junit.xml", xml(&run.report))])
}

fn xml(report: &Report) -> String {
    let gates = gates(report);
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let all: Vec<&Gate> = gates.iter().collect();
    let _ = writeln!(text, "<testsuites name=\"lockbench\" {}>", counts(&all));
    let mut groups: Vec<&str> = gates.iter().map(|gate| gate.group).collect();
    groups.dedup();
    for group in groups {
        let members: Vec<&Gate> = gates.iter().filter(|gate| gate.group == group).collect();
        suite(&mut text, report, group, &members);
    }
    text.push_str("</testsuites>\n");
    text
}

fn suite(text: &mut String, report: &Report, group: &str, members: &[&Gate]) {
    // The format knows no time zone.
    let started = escaped(report.environment.started_at.trim_end_matches('Z'));
    let _ = writeln!(text, "  <testsuite name=\"lockbench.{group}\" {} timestamp=\"{started}\">", counts(members));
    text.push_str("    <properties>\n");
    for (name, value) in [("run_id", &report.run_id), ("lockbench", &report.tool.version)] {
        let _ = writeln!(text, "      <property name=\"{name}\" value=\"{}\"/>", escaped(value));
    }
    text.push_str("    </properties>\n");
    for gate in members {
        case(text, gate);
    }
    text.push_str("  </testsuite>\n");
}

fn case(text: &mut String, gate: &Gate) {
    let mut inner = String::new();
    let found = match &gate.outcome {
        GateOutcome::Passed => None,
        GateOutcome::Failed(text) => Some(("failure", text)),
        GateOutcome::Error(text) => Some(("error", text)),
        GateOutcome::Skipped(text) => Some(("skipped", text)),
    };
    if let Some((element, text)) = found {
        let kind = if element == "skipped" { String::new() } else { format!(" type=\"{}\"", gate.group) };
        let head = escaped(text.lines().next().unwrap_or_default());
        let _ = writeln!(inner, "      <{element} message=\"{head}\"{kind}>{}</{element}>", escaped(text));
    }
    if !gate.detail.is_empty() {
        let _ = writeln!(inner, "      <system-out>{}</system-out>", escaped(&gate.detail));
    }
    let (group, name, seconds) = (gate.group, escaped(&gate.name), gate.seconds);
    let head = format!("    <testcase classname=\"lockbench.{group}\" name=\"{name}\" time=\"{seconds:.3}\"");
    if inner.is_empty() {
        let _ = writeln!(text, "{head}/>");
    } else {
        let _ = writeln!(text, "{head}>\n{inner}    </testcase>");
    }
}

fn counts(gates: &[&Gate]) -> String {
    let count = |test: fn(&GateOutcome) -> bool| gates.iter().filter(|gate| test(&gate.outcome)).count();
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.3}\"",
        gates.len(),
        count(|outcome| matches!(outcome, GateOutcome::Failed(_))),
        count(|outcome| matches!(outcome, GateOutcome::Error(_))),
        count(|outcome| matches!(outcome, GateOutcome::Skipped(_))),
        gates.iter().map(|gate| gate.seconds).sum::<f64>(),
    )
}

/// Text in an attribute or between tags. Characters that XML 1.0 cannot hold become
/// U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            // XML 1.0 cannot hold the lower ones at all.
            c if is_order(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(INSTEAD),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::xml;
    use crate::sample::{crowd, empty, gated, recorded, timeouts};

    /// Checks that a document is well formed as far as ours can go wrong: tags nest,
    /// attributes are quoted and unique, only known entities, no stray characters.
    fn check(text: &str) -> Result<usize, String> {
        let mut rest = text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").ok_or("no declaration")?;
        let (mut open, mut elements, mut roots) = (Vec::new(), 0, 0);
        while let Some(at) = rest.find('<') {
            let (data, tag) = rest.split_at(at);
            characters(data)?;
            if open.is_empty() && !data.trim().is_empty() {
                return Err(format!("text outside of the root: {data}"));
            }
            let end = tag.find('>').ok_or("a tag does not end")?;
            let inner = &tag[1..end];
            rest = &tag[end + 1..];
            if let Some(name) = inner.strip_prefix('/') {
                let opened = open.pop().ok_or(format!("</{name}> closes nothing"))?;
                if opened != name {
                    return Err(format!("</{name}> closes <{opened}>"));
                }
                continue;
            }
            elements += 1;
            roots += usize::from(open.is_empty());
            let (inner, closed) = inner.strip_suffix('/').map_or((inner, false), |inner| (inner, true));
            let (name, attributes) = inner.split_once(' ').unwrap_or((inner, ""));
            attributes_of(attributes)?;
            if !closed {
                open.push(name);
            }
        }
        if !open.is_empty() || roots != 1 || !rest.trim().is_empty() {
            return Err(format!("{roots} roots, left open {open:?}, then {rest:?}"));
        }
        Ok(elements)
    }

    fn attributes_of(mut text: &str) -> Result<(), String> {
        let mut seen = Vec::new();
        while !text.is_empty() {
            let (name, value) = text.split_once("=\"").ok_or(format!("no attribute: {text}"))?;
            let (value, after) = value.split_once('"').ok_or(format!("unquoted: {text}"))?;
            if seen.contains(&name) || !name.chars().all(|c| c.is_ascii_lowercase()) {
                return Err(format!("attribute {name}"));
            }
            seen.push(name);
            characters(value)?;
            text = after.strip_prefix(' ').unwrap_or(after);
        }
        Ok(())
    }

    fn characters(text: &str) -> Result<(), String> {
        if let Some(bad) = text.chars().find(|c| (*c < ' ' && !"\n\t".contains(*c)) || "<>\"'".contains(*c)) {
            return Err(format!("{bad:?} in {text:?}"));
        }
        for entity in text.split('&').skip(1) {
            let name = entity.split(';').next().unwrap_or_default();
            if !["amp", "lt", "gt", "quot", "apos", "#10", "#9"].contains(&name) {
                return Err(format!("&{name}"));
            }
        }
        Ok(())
    }

    #[test]
    fn a_run_reads_as_test_cases() {
        insta::assert_snapshot!("junit_recorded", xml(&recorded().report));
        insta::assert_snapshot!("junit_gated", xml(&gated().report));
        insta::assert_snapshot!("junit_timeouts", xml(&timeouts().report));
        insta::assert_snapshot!("junit_empty", xml(&empty().report));
    }

    #[test]
    fn every_sample_is_well_formed_and_counts_its_cases() {
        for run in [recorded(), crowd(10), gated(), timeouts(), empty()] {
            let text = xml(&run.report);
            check(&text).unwrap();
            let cases = text.matches("<testcase ").count();
            assert!(text.contains(&format!("<testsuites name=\"lockbench\" tests=\"{cases}\"")));
        }
    }

    #[test]
    fn what_users_and_servers_say_cannot_break_the_document() {
        let mut run = gated();
        let evil = "a]]> <b x='1'> \"q\" & \u{0} \u{1b}[31m\n\tend";
        run.report.run_id = evil.to_owned();
        run.report.results[0].backend = evil.to_owned();
        run.report.skipped[0].reason = evil.to_owned();
        run.report.thresholds[0].text = evil.to_owned();
        run.report.thresholds[1].because = evil.to_owned();
        run.report.verdict.reasons.push(evil.to_owned());
        let text = xml(&run.report);
        check(&text).unwrap();
        assert!(text.contains("&lt;b x=&apos;1&apos;&gt; &quot;q&quot; &amp; \u{fffd} \u{fffd}[31m&#10;&#9;end"));
    }

    #[test]
    fn the_check_itself_finds_what_is_wrong() {
        let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
        for bad in
            ["<a>", "<a></b>", "<a/><b/>", "<a x=1/>", "<a>&x;</a>", "<a>\u{1}</a>", "<a x=\"\" x=\"\"/>", "x<a/>"]
        {
            assert!(check(&format!("{head}{bad}")).is_err(), "{bad}");
        }
        assert_eq!(check(&format!("{head}<a><b x=\"&amp;\"/></a>")), Ok(2));
    }
}
