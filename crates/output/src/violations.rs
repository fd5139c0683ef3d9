//! `violations.json`: the double grants that a run kept in full, numbered as
//! `lockbench explain` numbers them, each with its story, its two holds and the
//! other holds of its key around it. Instants are nanoseconds of the clock that
//! stamps events, as in the history; `origin_ns` is the start of the warm-up.

use serde::Serialize;

use super::Rendered;
use lockbench_report::{HoldEnd, RecordedRun, SCHEMA_VERSION, Scene, Violation};

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    run_id: &'a str,
    /// Certain double grants of all trials; more than `violations` if not all were kept.
    double_grants_certain: u64,
    violations: Vec<Numbered<'a>>,
}

#[derive(Serialize)]
struct Numbered<'a> {
    number: u32,
    backend: &'a str,
    trial: u32,
    #[serde(flatten)]
    violation: &'a Violation,
    /// `null` where nothing of the surroundings is known.
    scene: Option<Surroundings>,
}

#[derive(Serialize)]
struct Surroundings {
    origin_ns: u64,
    from_ns: u64,
    to_ns: u64,
    holds: Vec<Hold>,
}

#[derive(Serialize)]
struct Hold {
    client: u32,
    token: Option<u64>,
    invoke_ns: u64,
    start_ns: u64,
    end_ns: u64,
    validity_ns: Option<u64>,
    ended: &'static str,
}

/// `violations.json`.
pub fn render(run: &RecordedRun) -> Result<Vec<Rendered>, String> {
    let mut bytes = serde_json::to_vec_pretty(&document(run)).map_err(|error| format!("violations.json: {error}"))?;
    bytes.push(b'\n');
    Ok(vec![Rendered::new("violations.json", bytes)])
}

fn document(run: &RecordedRun) -> Document<'_> {
    let results = &run.report.results;
    let kept = results.iter().flat_map(|result| result.safety.violations.iter().map(move |one| (result, one)));
    let violations = (1_u32..).zip(kept).map(|(number, (result, violation))| Numbered {
        number,
        backend: &result.backend,
        trial: result.trial,
        violation,
        scene: run.scenes.iter().find(|scene| scene.number == number).map(surroundings),
    });
    Document {
        schema_version: SCHEMA_VERSION,
        run_id: &run.report.run_id,
        double_grants_certain: results.iter().map(|result| result.safety.double_grants_certain).sum(),
        violations: violations.collect(),
    }
}

fn surroundings(scene: &Scene) -> Surroundings {
    let holds = scene.holds.iter().map(|hold| Hold {
        client: hold.client,
        token: hold.token,
        invoke_ns: hold.invoke_ns,
        start_ns: hold.start_ns,
        end_ns: hold.end_ns,
        validity_ns: hold.validity_ns,
        ended: match hold.ended {
            HoldEnd::Confirmed => "confirmed",
            HoldEnd::NotOwner => "not-owner",
            HoldEnd::Unanswered => "unanswered",
            HoldEnd::Open => "open",
        },
    });
    Surroundings { origin_ns: scene.origin_ns, from_ns: scene.from_ns, to_ns: scene.to_ns, holds: holds.collect() }
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::sample::{crowd, empty, recorded};
    use lockbench_report::{RecordedRun, SCHEMA_VERSION};

    fn text(run: &RecordedRun) -> String {
        String::from_utf8(render(run).unwrap().remove(0).bytes).unwrap()
    }

    #[test]
    fn a_violation_comes_with_its_surroundings() {
        insta::assert_snapshot!("violations_recorded", text(&recorded()));
    }

    #[test]
    fn no_violation_is_an_empty_list() {
        for run in [crowd(2), empty()] {
            let value: serde_json::Value = serde_json::from_str(&text(&run)).unwrap();
            assert_eq!(value["violations"], serde_json::json!([]));
            assert_eq!(value["schema_version"], SCHEMA_VERSION);
        }
    }

    #[test]
    fn numbers_are_those_of_the_scenes_also_where_one_has_none() {
        let mut run = recorded();
        let again = run.report.results[1].safety.violations[0].clone();
        run.report.results[0].safety.violations.push(again);
        run.scenes[0].number = 2; // it moved up by the one in front of it
        let value: serde_json::Value = serde_json::from_str(&text(&run)).unwrap();
        let told: Vec<_> = value["violations"].as_array().unwrap().iter().map(|one| one["backend"].clone()).collect();
        assert_eq!(told, ["redis", "redlock"]);
        assert!(value["violations"][0]["scene"].is_null() && value["violations"][1]["scene"].is_object());
    }
}
