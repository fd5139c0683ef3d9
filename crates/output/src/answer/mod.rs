//! The answer of a run on a terminal: which systems ran, the best of each class with
//! its margin, what that does not prove, what changes how to read it, the verdict, and
//! the next command. Up to [`MANY`] systems it takes [`MOST_LINES`] lines at most; what
//! is left out is in `show --full`.

pub(crate) mod rows;
pub(crate) mod words;

use self::rows::{class_lines, head_line, legend};
use self::words::{absent_words, limits_words, next_words, turnout_words, verdict_words};
use super::comparison::comparison;
use super::inspection::line::wrapped;
use super::inspection::{Line, Tone, printed};
use lockbench_report::answer::{Answer, Finding, Severity, answer};
use lockbench_report::{Exit, Report};

/// Systems that are all shown; of more, the best of each class.
const MANY: usize = 8;

/// Rows of a class, where there are more systems than [`MANY`].
const BEST: usize = 3;

/// Before what stands below something, and before the rest of a sentence.
const INDENT: &str = "  ";

/// Lines of a terminal that the answer takes at most.
const MOST_LINES: usize = 40;

/// Columns of a table in a file or a pipe; sentences are not broken there.
const NO_TERMINAL: u16 = 120;

/// How it is to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerLook {
    /// Columns of the terminal; `None` for a file or a pipe.
    pub width: Option<u16>,
    /// Whether signs are ASCII alone.
    pub ascii: bool,
    /// Whether there is colour. Signs and words say the same without.
    pub colour: bool,
}

/// Where the run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerPlace<'a> {
    /// What to open: the page, or the run directory where there is none.
    pub files: Option<&'a str>,
    /// The run as the next command names it.
    pub run: &'a str,
    /// The program as the next command names it.
    pub program: &'a str,
}

/// How much is shown of what is long.
#[derive(Clone, Copy)]
struct Measure {
    /// Lines of a sentence at most.
    lines: usize,
    /// Findings at most.
    findings: usize,
    /// Reasons of the verdict, and systems that did not run, at most.
    reasons: usize,
    /// Whether there are empty lines between the parts.
    gaps: bool,
}

/// From the most comfortable to the tightest.
const MEASURES: [Measure; 6] = [
    Measure { lines: 3, findings: 5, reasons: 8, gaps: true },
    Measure { lines: 2, findings: 5, reasons: 8, gaps: true },
    Measure { lines: 2, findings: 5, reasons: 8, gaps: false },
    Measure { lines: 2, findings: 4, reasons: 4, gaps: false },
    Measure { lines: 1, findings: 5, reasons: 4, gaps: false },
    Measure { lines: 1, findings: 2, reasons: 2, gaps: false },
];

/// In a file or a pipe nothing is cut.
const WHOLE: Measure = Measure { lines: usize::MAX, findings: usize::MAX, reasons: usize::MAX, gaps: true };

/// The answer of a report, as text.
#[must_use]
pub fn answer_text(report: &Report, place: AnswerPlace<'_>, look: AnswerLook) -> String {
    printed(&lines(report, place, look), look.colour)
}

fn lines(report: &Report, place: AnswerPlace<'_>, look: AnswerLook) -> Vec<Line> {
    let found = answer(report);
    if look.width.is_none() {
        return Page { report, answer: &found, place, look, measure: WHOLE }.lines();
    }
    let mut drawn = Vec::new();
    for measure in MEASURES {
        drawn = Page { report, answer: &found, place, look, measure }.lines();
        if drawn.len() <= MOST_LINES {
            break;
        }
    }
    drawn
}

struct Page<'a> {
    report: &'a Report,
    answer: &'a Answer,
    place: AnswerPlace<'a>,
    look: AnswerLook,
    measure: Measure,
}

impl Page<'_> {
    fn lines(&self) -> Vec<Line> {
        let parts = [
            self.head(),
            self.classes(),
            self.limits(),
            self.findings(),
            self.notes(),
            self.compared(),
            self.tail(),
            self.onward(),
        ];
        let mut lines: Vec<Line> = Vec::new();
        let (last, first) = (parts.len() - 1, 0);
        for (at, part) in parts.into_iter().enumerate().filter(|(_, part)| !part.is_empty()) {
            if self.measure.gaps && at != first && at != last {
                lines.push(Line::default());
            }
            lines.extend(part);
        }
        lines
    }

    /// Remarks on plan and servers, where nothing is left out.
    fn notes(&self) -> Vec<Line> {
        let notes = self.report.notes.iter().filter(|_| self.look.width.is_none());
        notes.map(|note| Line::of(Tone::Faint, format!("note: {note}"))).collect()
    }

    /// How it came out against a baseline; with every figure where nothing is cut.
    fn compared(&self) -> Vec<Line> {
        let Some(found) = &self.report.comparison else { return Vec::new() };
        let text = comparison(found);
        let all = text.lines().map(|line| Line::of(Tone::Plain, line));
        if self.look.width.is_none() {
            return all.collect();
        }
        let summary = |line: &str| line.starts_with("Compared with") || line.starts_with("comparison: ");
        all.filter(|line| line.parts.iter().any(|(_, text)| summary(text))).collect()
    }

    /// Columns of a table.
    fn columns(&self) -> usize {
        usize::from(self.look.width.unwrap_or(NO_TERMINAL).max(40))
    }

    /// A sentence behind a word that says what it is: in so many lines as it may take,
    /// cut at the end.
    fn sentence(&self, head: (Tone, &str), tone: Tone, sentence: &str) -> Vec<Line> {
        let indent = INDENT.len();
        let Some(width) = self.look.width.map(|width| usize::from(width.max(40))) else {
            return vec![Line::of(head.0, head.1).with(tone, sentence)];
        };
        // The head takes part in the breaking of lines, and has its own tone.
        let whole = format!("{}{}", head.1, sentence.replace('\n', " "));
        let first = wrapped(&whole, width);
        let mut texts = vec![first[0].clone()];
        if first.len() > 1 {
            let rest = first[1..].join(" ");
            texts.extend(wrapped(&rest, width - indent).into_iter().map(|line| format!("{INDENT}{line}")));
        }
        if texts.len() > self.measure.lines {
            texts.truncate(self.measure.lines);
            if let Some(last) = texts.last_mut() {
                let sign = if self.look.ascii { "..." } else { "…" };
                let room = width - sign.chars().count();
                *last = last.chars().take(room).collect::<String>().trim_end().to_owned() + sign;
            }
        }
        let mut lines = texts.into_iter();
        let first = lines.next().unwrap_or_default();
        let line = match first.strip_prefix(head.1.trim_end()) {
            Some(rest) => Line::of(head.0, head.1.trim_end()).with(tone, rest),
            None => Line::of(tone, first),
        };
        std::iter::once(line).chain(lines.map(|line| Line::of(tone, line))).collect()
    }

    /// Which systems ran, under which load, and why the others did not.
    fn head(&self) -> Vec<Line> {
        let turnout = &self.answer.turnout;
        let tone = if turnout.whole() { Tone::Strong } else { Tone::Warning };
        let mut lines = self.sentence((tone, &turnout_words(turnout)), Tone::Faint, &words::load_words(self.report));
        let shown = turnout.absent.len().min(self.measure.reasons);
        for absent in &turnout.absent[..shown] {
            lines.extend(self.sentence((Tone::Warning, "not run: "), Tone::Plain, &absent_words(absent)));
        }
        if shown < turnout.absent.len() {
            lines.push(self.more(turnout.absent.len() - shown, "did not run"));
        }
        lines
    }

    fn more(&self, count: usize, what: &str) -> Line {
        Line::of(Tone::Faint, format!("{count} more {what}: show --full"))
    }

    /// A row per system, by class.
    fn classes(&self) -> Vec<Line> {
        let classes = &self.answer.classes;
        if classes.is_empty() {
            return Vec::new();
        }
        let most = if classes.iter().map(|class| class.rows.len()).sum::<usize>() > MANY { BEST } else { usize::MAX };
        let rows: Vec<_> = classes.iter().flat_map(|class| class.rows.iter().take(most)).collect();
        let table = rows::Shape::of(&rows, self.columns(), self.look.ascii);
        let mut lines = vec![head_line(&table)];
        for class in classes {
            lines.extend(class_lines(class, most, &table).into_iter().map(Line::trimmed));
            if class.rows.len() > most {
                lines.push(indented(self.more(class.rows.len() - most, "of this class")));
            }
        }
        lines.extend(self.sentence((Tone::Faint, ""), Tone::Faint, &legend(&rows)));
        lines
    }

    fn limits(&self) -> Vec<Line> {
        if self.answer.limits.is_empty() {
            return Vec::new();
        }
        let longer = Measure { lines: self.measure.lines.saturating_mul(2), ..self.measure };
        let page = Page { measure: longer, ..*self };
        page.sentence((Tone::Strong, "not proven: "), Tone::Plain, &limits_words(&self.answer.limits, self.answer))
    }

    fn findings(&self) -> Vec<Line> {
        let all = &self.answer.findings;
        let shown = all.len().min(self.measure.findings);
        let mut lines: Vec<Line> = all[..shown].iter().flat_map(|finding| self.finding(finding)).collect();
        let more = all.len() - shown + self.answer.more_findings;
        if more > 0 {
            lines.push(self.more(more, if more == 1 { "finding" } else { "findings" }));
        }
        lines
    }

    fn finding(&self, finding: &Finding) -> Vec<Line> {
        let tone = match finding.severity {
            Severity::Violation | Severity::Breach => Tone::Bad,
            Severity::System | Severity::Tool | Severity::Sample | Severity::Setting => Tone::Warning,
        };
        let level = if finding.denied { "error" } else { "warning" };
        let head = match (&finding.lint, finding.severity) {
            (Some(lint), _) => format!("{level}[{lint}]: "),
            (None, Severity::Violation) => "double grant: ".to_owned(),
            (None, Severity::Breach | Severity::Sample) => "threshold: ".to_owned(),
            (None, Severity::System | Severity::Tool | Severity::Setting) => "failed: ".to_owned(),
        };
        self.sentence((tone, &head), Tone::Plain, &words::finding_words(finding))
    }

    /// The verdict and its reasons.
    fn tail(&self) -> Vec<Line> {
        let (sign, tone) = self.sign();
        let mut lines = vec![Line::of(tone, format!("{sign}{}", verdict_words(self.report, &self.answer.turnout)))];
        let reasons = &self.answer.verdict.reasons;
        let shown = reasons.len().min(self.measure.reasons);
        for reason in &reasons[..shown] {
            let narrower = AnswerLook { width: self.look.width.map(|width| width.max(40) - 2), ..self.look };
            let page = Page { look: narrower, ..*self };
            lines.extend(page.sentence((Tone::Plain, ""), Tone::Plain, reason).into_iter().map(indented));
        }
        if shown < reasons.len() {
            lines.push(indented(self.more(reasons.len() - shown, "reasons")));
        }
        lines
    }

    /// What to open, and what to type next.
    fn onward(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        if let Some(files) = self.place.files {
            lines.push(Line::of(Tone::Plain, format!("files: {files}")));
        }
        let (command, why) = next_words(&self.answer.next, self.place.program, self.place.run);
        lines.extend(self.sentence((Tone::Strong, &format!("next: {command} ")), Tone::Faint, &format!("({why})")));
        let full = format!("{} show {} --full", self.place.program, self.place.run);
        if command != full {
            lines.push(Line::of(Tone::Faint, format!("all figures: {full}")));
        }
        lines
    }

    fn sign(&self) -> (&'static str, Tone) {
        let code = self.answer.verdict.exit_code;
        let is = |exit: Exit| exit.code() == code;
        let (sign, ascii, tone) = if is(Exit::Pass) && self.answer.turnout.whole() {
            ("✓ ", "", Tone::Good)
        } else if is(Exit::Pass) {
            ("✓ ", "", Tone::Warning)
        } else if is(Exit::Inconclusive) {
            ("? ", "? ", Tone::Warning)
        } else if is(Exit::Interrupted) || is(Exit::Terminated) || is(Exit::Backend) {
            ("! ", "! ", Tone::Warning)
        } else {
            ("✗ ", "! ", Tone::Bad)
        };
        (if self.look.ascii { ascii } else { sign }, tone)
    }
}

/// What stands below something.
fn indented(line: Line) -> Line {
    Line { parts: std::iter::once((Tone::Plain, INDENT.to_owned())).chain(line.parts).collect() }
}

#[cfg(test)]
mod tests;
