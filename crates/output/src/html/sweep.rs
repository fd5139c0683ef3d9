//! The page of a sweep: what each system makes of more load, and the curves.

use askama::Template;

use super::picture::{Shown, picking, shown};
use crate::Rendered;
use crate::chart::{LegendKey, dark_rules, sweep_chart, system_keys};
use crate::mark::{Mark, of_safety};
use crate::sweep::systems;
use lockbench_core::units::{grouped, three_digits};
use lockbench_report::SafetyVerdict;
use lockbench_report::sweep::{Sweep, SweepFigures, SweepPoint};

#[derive(Template)]
#[template(path = "sweep.html")]
struct Page<'a> {
    version: &'static str,
    sweep: &'a Sweep,
    values: String,
    tone: &'static str,
    glyph: &'static str,
    word: &'static str,
    meaning: String,
    rows: Vec<Row>,
    limits: Vec<String>,
    picks: Vec<LegendKey>,
    shown: Shown,
    style: String,
}

struct Row {
    system: String,
    knee: String,
    most: String,
    mark: Mark,
}

/// `sweep.html`.
pub fn render(sweep: &Sweep) -> Result<Rendered, String> {
    let names = systems(sweep);
    let chart = sweep_chart(sweep)?;
    let picks = if names.len() > 1 { system_keys(&names)? } else { Vec::new() };
    let drawn = chart.views.iter().map(|view| &view.svg).chain(chart.legend.iter().map(|key| &key.svg));
    let drawn: String = drawn.chain(picks.iter().map(|key| &key.svg)).map(String::as_str).collect();
    let doubles: u64 = figures(sweep).map(|figures| figures.double_grants).sum();
    let violated = figures(sweep).any(|figures| figures.verdict == SafetyVerdict::Violated);
    let (tone, glyph, word) = match (violated, sweep.incomplete.is_empty()) {
        (true, _) => ("violated", "✗", "Violated"),
        (false, false) => ("halted", "■", "Incomplete"),
        (false, true) => ("pass", "✓", "Every value ran"),
    };
    let meaning = if violated {
        format!("{} double grants, or a token went back: the table says where.", grouped(doubles))
    } else {
        "No double grant was seen.".to_owned()
    };
    let html = Page {
        version: env!("CARGO_PKG_VERSION"),
        sweep,
        values: format!("{} values: {}", sweep.points.len(), texts(sweep).join(", ")),
        tone,
        glyph,
        word,
        meaning,
        rows: names.iter().map(|name| row(sweep, name)).collect(),
        limits: limits(sweep),
        style: picking(&names) + &dark_rules(&drawn),
        picks,
        shown: shown(chart, &names),
    };
    let html = html.render().map_err(|error| format!("sweep.html: {error}"))?;
    Ok(Rendered::new("sweep.html", html))
}

fn figures(sweep: &Sweep) -> impl Iterator<Item = &SweepFigures> {
    sweep.points.iter().flat_map(|point| point.backends.values())
}

fn texts(sweep: &Sweep) -> Vec<&str> {
    sweep.points.iter().map(|point| point.text.as_str()).collect()
}

/// What a system makes of the values.
fn row(sweep: &Sweep, name: &str) -> Row {
    let of = |point: &'_ SweepPoint| point.backends.get(name).cloned();
    let knee = sweep.points.iter().find(|point| sweep.knees.get(name) == Some(&point.value));
    let last = sweep.points.last().map_or("", |point| point.text.as_str());
    let rates = sweep.points.iter().filter_map(|point| Some((point, of(point)?.throughput_per_s?)));
    let best = rates.max_by(|a, b| a.1.total_cmp(&b.1));
    let own: Vec<SweepFigures> = sweep.points.iter().filter_map(of).collect();
    let doubles: u64 = own.iter().map(|figures| figures.double_grants).sum();
    let mut verdicts = own.iter().map(|figures| figures.verdict);
    let worst = [SafetyVerdict::Violated, SafetyVerdict::Unknown, SafetyVerdict::Valid];
    let verdict = worst.into_iter().find(|wanted| verdicts.clone().any(|verdict| verdict == *wanted));
    let mut mark = of_safety(verdict.or_else(|| verdicts.next()).unwrap_or(SafetyVerdict::Unknown));
    if mark.word == "valid" {
        mark.word = "none seen";
    }
    Row {
        system: if doubles > 0 { format!("{name} ({} double grants)", grouped(doubles)) } else { name.to_owned() },
        knee: knee.map_or_else(
            || format!("none up to {} = {last}", sweep.key),
            |point| format!("{} = {}: more brings little from here on", sweep.key, point.text),
        ),
        most: best.map_or_else(
            || "-".to_owned(),
            |(point, rate)| format!("{} at {} = {}", three_digits(rate), sweep.key, point.text),
        ),
        mark,
    }
}

fn limits(sweep: &Sweep) -> Vec<String> {
    let mut limits = vec![
        format!(
            "Between the values of {} and beyond {} nothing was measured.",
            sweep.key,
            texts(sweep).last().unwrap_or(&"")
        ),
        "Systems of different durability make different promises: the report of each run says which, and what each \
         zero of double grants is worth."
            .to_owned(),
    ];
    if figures(sweep).all(|figures| figures.throughput_range_per_s.is_none()) {
        limits.push("One trial per value: small steps of a curve may be noise.".to_owned());
    }
    limits
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::sample::sweep as sample;
    use lockbench_report::sweep::Sweep;

    fn html(sweep: &Sweep) -> String {
        String::from_utf8(render(sweep).unwrap().bytes).unwrap()
    }

    #[test]
    fn the_knee_what_was_caught_and_what_is_not_known_stand_before_the_curves() {
        let html = html(&sample());
        let curves = html.find("id=\"part-charts\"").unwrap();
        for text in ["more brings little", "zookeeper (80 double grants)", "What this does not prove", "beyond 64"] {
            assert!(html.find(text).is_some_and(|at| at < curves), "{text}");
        }
        assert!(html.contains("verdict violated") && html.matches("type=\"checkbox\"").count() == 3);
        assert!(!html.contains("<script") && !html.contains("url("));
    }

    #[test]
    fn a_sweep_that_was_stopped_says_so_and_names_are_escaped() {
        let evil = "<script>".to_owned();
        let mut stopped = Sweep { incomplete: vec!["never run: clients = 256".to_owned()], ..sample() };
        (stopped.workload, stopped.key) = (evil.clone(), evil.clone());
        stopped.points.iter_mut().for_each(|point| (point.text, point.run_id) = (evil.clone(), evil.clone()));
        let html = html(&stopped);
        assert!(html.contains("never run: clients = 256") && !html.contains("<script"));
    }
}
