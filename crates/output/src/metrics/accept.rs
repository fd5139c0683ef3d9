//! Which format a scraper gets: the one that its `Accept` header likes best (RFC 9110,
//! section 12.5.1), and plain text where it says nothing that we know.

/// A format of the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text of Prometheus, version 0.0.4.
    Plain,
    /// Text of OpenMetrics, version 1.0.0.
    OpenMetrics,
    /// Prometheus' messages: the only one with native histograms.
    Protobuf,
}

impl Format {
    /// What a scraper accepts best; the first of equals.
    #[must_use]
    pub fn accepted(header: Option<&str>) -> Self {
        let mut best = (Self::Plain, 0.0);
        for (format, quality) in header.unwrap_or_default().split(',').filter_map(offer) {
            if quality > best.1 {
                best = (format, quality);
            }
        }
        best.0
    }

    /// The `Content-Type`.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Plain => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }
}

/// A format that one part of the header means, and how much it is wanted.
fn offer(part: &str) -> Option<(Format, f64)> {
    let mut words = part.split(';').map(str::trim);
    let kind = words.next()?.to_ascii_lowercase();
    let parameters: Vec<(String, &str)> = words
        .filter_map(|word| word.split_once('='))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().trim_matches('"')))
        .collect();
    let parameter = |name: &str| parameters.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
    let is = |name: &str, wanted: &[&str]| parameter(name).is_none_or(|value| wanted.contains(&value));
    let format = match kind.as_str() {
        "application/openmetrics-text" if is("version", &["1.0.0", "0.0.1"]) => Format::OpenMetrics,
        "application/vnd.google.protobuf"
            if is("proto", &["io.prometheus.client.MetricFamily"]) && is("encoding", &["delimited"]) =>
        {
            Format::Protobuf
        }
        "text/plain" if is("version", &["0.0.4"]) => Format::Plain,
        "text/*" | "*/*" => Format::Plain,
        _ => return None,
    };
    let quality = parameter("q").map_or(Some(1.0), |text| text.parse().ok())?;
    Some((format, quality))
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn each_scraper_gets_what_it_asks_for() {
        let text = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                    text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let native = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,\
                      application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let third = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                     text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        for (header, format) in [
            (None, Format::Plain),
            (Some("*/*"), Format::Plain),
            (Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), Format::Plain),
            (Some("text/plain; version=0.0.4"), Format::Plain),
            (Some(text), Format::OpenMetrics),
            (Some(third), Format::OpenMetrics),
            (Some(native), Format::Protobuf),
            (Some("application/vnd.google.protobuf;encoding=text, text/plain;q=0.3"), Format::Plain),
            (Some("application/openmetrics-text;version=2.0.0"), Format::Plain),
            (Some("application/openmetrics-text;q=0,*/*;q=0.1"), Format::Plain),
            (Some("Application/OpenMetrics-Text; Version=\"1.0.0\""), Format::OpenMetrics),
            (Some(";;,q=x, ,"), Format::Plain),
        ] {
            assert_eq!(Format::accepted(header), format, "{header:?}");
        }
    }
}
