//! Chart 5 where no double grant was seen: what the oracle says of every system, and
//! how far a zero can be trusted.

use plotters_backend::DrawingBackend;

use super::axis::{Axis, tick_number};
use super::emblem::{color, emblem};
use super::lettering::{Align, Lettering, shortened};
use super::palette::{GRID, PAPER, SOFT, backends, mixed};
use super::picture::Draw;
use super::plot::Plot;
use super::sheet::{Drawn, Sheet, Stroke};
use super::{Chart, Words, finish};
use crate::mark::of_safety;
use lockbench_core::units::{grouped, three_digits};
use lockbench_report::{Copies, Durability, RecordedRun, SafetyVerdict, Storage};

/// One system.
struct Row {
    name: String,
    verdict: SafetyVerdict,
    /// Holds during which a request of another client for the key was under way.
    challenged: u64,
    /// Double grants per million of these, at most, at 95 %.
    bound: Option<f64>,
    /// In place of a bound.
    because: String,
}

struct Safety {
    rows: Vec<Row>,
}

/// The chart; none where a double grant has pictures of its own.
pub fn safety(run: &RecordedRun) -> Result<Vec<Chart>, String> {
    if !run.scenes.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = backends(run).into_iter().map(|name| row(run, name)).collect();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let cells = |row: &Row| {
        let bound = row.bound.map_or_else(|| "-".to_owned(), |bound| format!("< {}", three_digits(bound)));
        vec![
            row.name.clone(),
            of_safety(row.verdict).word.to_owned(),
            grouped(row.challenged),
            bound,
            row.because.clone(),
        ]
    };
    let words = Words {
        name: "safety".to_owned(),
        title: title(&rows).to_owned(),
        caption: caption(run, &rows),
        head: &["backend", "verdict", "holds challenged", "95 % bound per million", "because"],
        rows: rows.iter().map(cells).collect(),
    };
    Ok(vec![finish(words, Safety { rows })?])
}

fn row(run: &RecordedRun, name: &str) -> Row {
    let aggregate = run.report.aggregates.iter().find(|aggregate| aggregate.backend == name);
    let verdict = aggregate.map_or(SafetyVerdict::Unknown, |aggregate| aggregate.verdict);
    let mut trials = run.report.results.iter().filter(|result| result.backend == name);
    // Of the trial that decided.
    let decided = trials.clone().find(|result| result.safety.verdict == verdict).or_else(|| trials.next());
    let because = match decided {
        Some(result) if result.error.is_some() => format!("failed: {}", result.error.as_deref().unwrap_or_default()),
        Some(result) => result.safety.because.clone(),
        None => String::new(),
    };
    let because = match verdict {
        SafetyVerdict::NotExercised if because.is_empty() => "no holder was ever challenged".to_owned(),
        _ => because,
    };
    Row {
        name: name.to_owned(),
        verdict,
        challenged: aggregate.map_or(0, |aggregate| aggregate.exercised_holds),
        bound: aggregate
            .filter(|_| verdict == SafetyVerdict::Valid)
            .and_then(|aggregate| aggregate.upper_bound_95_per_million),
        because,
    }
}

fn title(rows: &[Row]) -> &'static str {
    let any = |verdict| rows.iter().any(|row| row.verdict == verdict);
    if any(SafetyVerdict::Violated) {
        "Safety: VIOLATED"
    } else if rows.iter().all(|row| row.verdict == SafetyVerdict::Valid) {
        "Safety: no double grant was seen"
    } else if any(SafetyVerdict::Valid) {
        "Safety: no double grant was seen, but not every system was put to the test"
    } else {
        "Safety: nothing can be concluded"
    }
}

fn caption(run: &RecordedRun, rows: &[Row]) -> String {
    let conditions = run.report.results.iter().map(|result| result.safety.conditions.as_str());
    let conditions = conditions.filter(|text| !text.is_empty()).map(|text| format!(" This holds {text}.")).next();
    let broken = if rows.iter().any(|row| row.verdict == SafetyVerdict::Violated) {
        "Exclusion held, another promise was broken: the row says which. "
    } else {
        ""
    };
    format!(
        "{broken}A hold is challenged where a request of another client for its key was in flight or queued at the server. Where none of so many challenges broke the \
         lock, the true rate is with 95 % confidence somewhere in the bar; more challenges make it shorter. Not \
         exercised: no request ever met a held key, so nothing is known.{}",
        conditions.unwrap_or_default()
    )
}

/// Where the columns begin: name, verdict, holds, and the plot.
struct Columns {
    name: i32,
    verdict: i32,
    /// Right end of the numbers.
    challenged: i32,
    plot: i32,
}

const HEAD: Lettering = Lettering { scale: 0.88, color: SOFT, ..Lettering::PLAIN };

impl Safety {
    fn columns<DB: DrawingBackend>(&self, sheet: &Sheet<DB>) -> Columns {
        let widest = |texts: &mut dyn Iterator<Item = &str>| {
            texts.map(|text| sheet.width(text, Lettering { bold: true, ..Lettering::PLAIN })).max().unwrap_or(0)
        };
        let gap = sheet.ems(1.4);
        let name = sheet.ems(2.4);
        let verdict = name + widest(&mut self.rows.iter().map(|row| row.name.as_str()).chain(["backend"])) + gap;
        let verdicts = widest(&mut self.rows.iter().map(|row| of_safety(row.verdict).word).chain(["verdict"]));
        let challenged = verdict + verdicts + gap + sheet.width("challenged", HEAD);
        Columns { name, verdict, challenged, plot: challenged + sheet.ems(0.6) }
    }

    fn heads<DB: DrawingBackend>(&self, sheet: &Sheet<DB>, columns: &Columns) -> Drawn<DB> {
        sheet.text((columns.name, sheet.ems(1.6)), "backend", HEAD)?;
        sheet.text((columns.verdict, sheet.ems(1.6)), "verdict", HEAD)?;
        let right = HEAD.aligned(Align::Right);
        sheet.text((columns.challenged, sheet.ems(0.6)), "holds", right)?;
        sheet.text((columns.challenged, sheet.ems(1.6)), "challenged", right)
    }

    fn row<DB: DrawingBackend>(&self, sheet: &Sheet<DB>, columns: &Columns, row: &Row, y: i32) -> Drawn<DB> {
        let plain = Durability { storage: Storage::Synced, copies: Copies::One };
        emblem(sheet, (sheet.ems(1.0), y), sheet.ems(0.6), plain, row.verdict)?;
        sheet.text((columns.name, y), &row.name, Lettering { bold: true, ..Lettering::PLAIN })?;
        sheet.text((columns.verdict, y), of_safety(row.verdict).word, Lettering::PLAIN)?;
        let right = Lettering::PLAIN.aligned(Align::Right);
        sheet.text((columns.challenged, y), &grouped(row.challenged), right)
    }

    /// The bar of a bound, or why there is none.
    fn bar<DB: DrawingBackend>(plot: &Plot<'_, DB>, row: &Row, y: i32) -> Drawn<DB> {
        let (sheet, begin) = (plot.sheet, plot.from.0);
        let Some(bound) = row.bound else {
            let lettering = Lettering { scale: 0.92, color: SOFT, ..Lettering::PLAIN };
            let room = plot.to.0 - begin - sheet.ems(1.0);
            let text = shortened(&row.because, sheet.em() * lettering.scale, false, room);
            return sheet.text((begin + sheet.ems(0.5), y), &text, lettering);
        };
        let (end, half) = (plot.across(bound), sheet.ems(0.7));
        let color = color(row.verdict);
        sheet.fill((begin, y - half), (end, y + half), mixed(color, PAPER, 0.7))?;
        sheet.line(&[(end, y - half), (end, y + half)], Stroke::solid(color, 3))?;
        let text = format!("< {}", three_digits(bound));
        let width = sheet.width(&text, Lettering::PLAIN);
        // Left of the end where there is no room behind it.
        let fits = end + sheet.ems(0.5) + width < plot.to.0;
        let x = if fits { end + sheet.ems(0.5) } else { end - sheet.ems(0.5) - width };
        sheet.text((x, y), &text, Lettering::PLAIN)
    }
}

impl Draw for Safety {
    fn draw<DB: DrawingBackend>(&self, sheet: &Sheet<DB>) -> Drawn<DB> {
        let (w, h) = sheet.size();
        let columns = self.columns(sheet);
        let right = sheet.part((columns.plot, 0), (w, h));
        let low = self.rows.iter().filter_map(|row| row.bound).fold(100.0, f64::min);
        let x = Axis::log("double grants per million challenged holds, at most (95 %)", low / 10.0, 1e6, tick_number);
        let mut plot = Plot::new(&right, x, Axis::bands("", &vec![String::new(); self.rows.len()]).reversed());
        plot.from = (sheet.ems(0.4), sheet.ems(2.4));
        // Few rows need not fill the sheet.
        plot.to.1 = plot.to.1.min(plot.from.1 + sheet.ems(6.0) * self.rows.len() as i32);
        plot.axes()?;
        self.heads(sheet, &columns)?;
        for (i, row) in self.rows.iter().enumerate() {
            let y = plot.up(i as f64 + 0.5);
            let below = plot.up(i as f64 + 1.0);
            sheet.line(&[(0, below), (columns.plot + plot.from.0, below)], Stroke::solid(GRID, 1))?;
            self.row(sheet, &columns, row, y)?;
            Self::bar(&plot, row, y)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::safety;
    use crate::sample;
    use lockbench_report::SafetyVerdict;

    #[test]
    fn a_clean_run_has_one_calm_chart_with_its_bounds() {
        let chart = safety(&sample::crowd(10)).unwrap().remove(0);
        assert_eq!(chart.title, "Safety: no double grant was seen");
        assert_eq!(chart.rows[0][..4], ["redis", "valid", "2 000", "< 1 497"]);
        assert!(chart.svg.contains(">&lt; 1 497</text>") && !chart.svg.contains("#b00020"));
        assert!(safety(&sample::recorded()).unwrap().is_empty());
    }

    #[test]
    fn what_was_not_exercised_is_not_called_safe() {
        let chart = safety(&sample::timeouts()).unwrap().remove(0);
        assert_eq!(chart.title, "Safety: nothing can be concluded");
        assert_eq!(chart.rows[0][1..4], ["not exercised", "2 000", "-"]);
        assert!(chart.svg.contains("no holder was ever challenged"));
        let mut run = sample::crowd(3);
        run.report.aggregates[1].verdict = SafetyVerdict::Unknown;
        run.report.results[4].safety.verdict = SafetyVerdict::Unknown;
        run.report.results[4].safety.because = "3 events were lost".to_owned();
        let chart = safety(&run).unwrap().remove(0);
        assert!(chart.title.ends_with("put to the test") && chart.svg.contains("3 events were lost"));
        assert!(safety(&sample::empty()).unwrap().is_empty());
    }

    #[test]
    fn a_violation_without_a_double_grant_is_not_calm() {
        let mut run = sample::crowd(1);
        run.report.aggregates[0].verdict = SafetyVerdict::Violated;
        run.report.results[2].safety.verdict = SafetyVerdict::Violated;
        run.report.results[2].safety.because = "2 token regressions".to_owned();
        let chart = safety(&run).unwrap().remove(0);
        assert_eq!((chart.title.as_str(), chart.rows[0][4].as_str()), ("Safety: VIOLATED", "2 token regressions"));
        assert!(chart.svg.contains("#b00020") && chart.caption.starts_with("Exclusion held"));
    }
}
