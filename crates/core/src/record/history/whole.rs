//! A history by results, each as far as it is whole: what judges outside, who know
//! nothing of a cut, can be given.

use std::path::Path;

use super::line::{Cut, Header, Line};
use super::reader::{HistoryError, HistoryReader};
use crate::record::event::Event;

/// One result's events without a hole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholePart {
    /// Whose they are.
    pub header: Header,
    /// In order of time: all of the result, or all before the cut.
    pub events: Vec<Event>,
    /// Where the whole part ends, if the history was bounded and the result went on.
    pub cut: Option<Cut>,
    /// Does the file break off inside of this result?
    pub broken_off: bool,
}

/// An iterator over the results of `history.jsonl.gz`, one in memory at a time.
pub struct WholeParts {
    lines: HistoryReader,
    next: Option<Header>,
    done: bool,
}

impl WholeParts {
    /// Opens the file.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, HistoryError> {
        Ok(Self { lines: HistoryReader::open(path)?, next: None, done: false })
    }

    /// The header that the next events belong to.
    fn header(&mut self) -> Result<Option<Header>, HistoryError> {
        match self.next.take() {
            Some(header) => Ok(Some(header)),
            None => match self.lines.next().transpose()? {
                Some(Line::Result(header)) => Ok(Some(header)),
                // The reader refuses anything else before the first header.
                Some(Line::Cut(_) | Line::Event(_) | Line::Unjudged(_)) | None => Ok(None),
            },
        }
    }

    fn part(&mut self) -> Result<Option<WholePart>, HistoryError> {
        let Some(header) = self.header()? else { return Ok(None) };
        let mut part = WholePart { header, events: Vec::new(), cut: None, broken_off: false };
        for line in self.lines.by_ref() {
            match line? {
                Line::Result(next) => {
                    self.next = Some(next);
                    return Ok(Some(part));
                }
                Line::Cut(cut) => part.cut = Some(cut),
                Line::Event(event) if part.cut.is_none() => part.events.push(event),
                Line::Event(_) | Line::Unjudged(_) => {}
            }
        }
        part.broken_off = self.lines.broken_off();
        Ok(Some(part))
    }
}

impl Iterator for WholeParts {
    type Item = Result<WholePart, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let item = self.part().transpose();
        self.done = !matches!(item, Some(Ok(_)));
        item
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{WholePart, WholeParts};
    use crate::record::history::{Cut, Judged};

    /// Two results; the first is cut at 5, and has an attempt's rest behind it.
    fn text() -> String {
        let cut = serde_json::to_string(&Cut { t: 5, judged: Judged::default() }).unwrap();
        [
            "{\"result\":{\"backend\":\"a\",\"trial\":1,\"clients\":2,\"keys\":1,\"start\":0,\"measure\":1,\"end\":9}}\n",
            "{\"t\":1,\"c\":0,\"k\":0,\"e\":\"invoke\",\"due\":1}\n",
            &format!("{{\"cut\":{cut}}}\n"),
            "{\"t\":6,\"c\":0,\"k\":0,\"e\":\"refused\",\"requests\":1}\n",
            "{\"result\":{\"backend\":\"b\",\"trial\":1,\"clients\":2,\"keys\":1,\"start\":10,\"measure\":11,\"end\":19}}\n",
            "{\"t\":12,\"c\":1,\"k\":0,\"e\":\"invoke\",\"due\":12}\n",
            "{\"t\":13,\"c\":1,\"k\":0,\"e\":\"refused\",\"requests\":1}\n",
        ]
        .concat()
    }

    fn parts(text: &str) -> Vec<Result<WholePart, String>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(text.as_bytes()).unwrap();
        std::fs::write(file.path(), out.finish().unwrap()).unwrap();
        WholeParts::open(file.path()).unwrap().map(|part| part.map_err(|error| error.to_string())).collect()
    }

    #[test]
    fn each_result_ends_at_its_cut_or_where_the_next_begins() {
        let parts: Vec<WholePart> = parts(&text()).into_iter().map(Result::unwrap).collect();
        let told: Vec<_> =
            parts.iter().map(|p| (p.header.backend.as_str(), p.events.len(), p.cut.map(|cut| cut.t))).collect();
        assert_eq!(told, [("a", 1, Some(5)), ("b", 2, None)]);
        assert!(parts.iter().all(|part| !part.broken_off));
    }

    #[test]
    fn the_last_result_of_a_file_that_breaks_off_says_so() {
        let parts = parts(&(text() + "{\"t\":14,"));
        assert_eq!(parts.iter().map(|part| part.as_ref().unwrap().broken_off).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn a_line_that_makes_no_sense_ends_it_with_its_number() {
        let parts = parts(&(text() + "{}\n"));
        assert_eq!(parts.len(), 2);
        assert!(parts[1].as_ref().unwrap_err().contains("line 8"), "{parts:?}");
    }
}
