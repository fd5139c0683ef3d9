//! As much of PromQL as tells which metrics an expression reads, which labels it names,
//! and which labels its result has. Whether it is valid at all, Prometheus says.

use std::collections::BTreeSet;

/// One selector of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// Name of the metric.
    pub metric: String,
    /// Labels that matchers, `by` and `on` around it name.
    pub labels: BTreeSet<String>,
    /// Labels that the result has at most; `None`: all of the metric's.
    pub kept: Option<BTreeSet<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text,
    Sign(char),
}

/// Reads an expression, or `label_values(selector, label)` of a variable.
///
/// # Errors
///
/// What it does not know: better a complaint than a metric that goes unseen.
pub fn selectors(expression: &str) -> Result<Vec<Selector>, String> {
    let inner = expression.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
    let (expression, wanted) = match inner.and_then(|inner| inner.rsplit_once(',')) {
        Some((selector, label)) => (selector, Some(label.trim().to_owned())),
        None => (expression, None),
    };
    let mut found = Vec::new();
    let scope = Scope { labels: wanted.into_iter().collect(), kept: None };
    walk(&tokens(expression)?, &scope, &mut found)?;
    Ok(found)
}

/// Labels of a legend such as `{{backend}} p99`.
pub fn legend(text: &str) -> BTreeSet<String> {
    text.split("{{")
        .skip(1)
        .filter_map(|rest| rest.split_once("}}"))
        .map(|(label, _)| label.trim().to_owned())
        .collect()
}

fn word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_:.$".contains(c)
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let (mut tokens, mut rest) = (Vec::new(), text);
    while let Some(c) = rest.chars().next() {
        if c.is_whitespace() {
            rest = &rest[c.len_utf8()..];
        } else if word(c) {
            let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        } else if c == '"' {
            let end = rest[1..].find('"').ok_or("a string has no end")?;
            tokens.push(Token::Text);
            rest = &rest[end + 2..];
        } else {
            tokens.push(Token::Sign(c));
            rest = &rest[c.len_utf8()..];
        }
    }
    Ok(tokens)
}

/// What stands around a part of an expression.
#[derive(Clone, Default)]
struct Scope {
    labels: BTreeSet<String>,
    kept: Option<BTreeSet<String>>,
}

/// The tokens between the bracket at `open` and its partner, and the place after it.
fn enclosed(tokens: &[Token], open: usize) -> Result<(&[Token], usize), String> {
    let mut depth = 0_usize;
    for (i, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::Sign('(' | '{' | '[') => depth += 1,
            Token::Sign(')' | '}' | ']') if depth == 1 => return Ok((&tokens[open + 1..i], i + 1)),
            Token::Sign(')' | '}' | ']') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Err("a bracket has no partner".to_owned())
}

fn words(tokens: &[Token]) -> BTreeSet<String> {
    let word = |token: &Token| if let Token::Word(word) = token { Some(word.clone()) } else { None };
    tokens.iter().filter_map(word).collect()
}

fn walk(tokens: &[Token], scope: &Scope, found: &mut Vec<Selector>) -> Result<(), String> {
    let opens = |at: usize, sign: char| tokens.get(at) == Some(&Token::Sign(sign));
    let (first, mut matched, mut at) = (found.len(), BTreeSet::new(), 0);
    while at < tokens.len() {
        match &tokens[at] {
            Token::Word(word) => match word.as_str() {
                "by" => {
                    let (list, after) = enclosed(tokens, at + 1)?;
                    if !opens(after, '(') {
                        return Err("write `by (…)` before what it is about".to_owned());
                    }
                    let (body, after) = enclosed(tokens, after)?;
                    let list = words(list);
                    let kept = scope.kept.clone().unwrap_or_else(|| list.clone());
                    let labels = scope.labels.union(&list).chain(&matched).cloned().collect();
                    matched.clear();
                    walk(body, &Scope { labels, kept: Some(kept) }, found)?;
                    at = after;
                }
                // Both sides have these labels. The left side is what the part began
                // with: `and` and `unless` keep its labels.
                "on" => {
                    let (list, after) = enclosed(tokens, at + 1)?;
                    matched = words(list);
                    found.get_mut(first).ok_or("`on` without a left side")?.labels.extend(matched.clone());
                    at = after;
                }
                "without" | "ignoring" | "group_left" | "group_right" => {
                    return Err(format!("`{word}` is not read here"));
                }
                "and" | "or" | "unless" | "offset" | "bool" => at += 1,
                "sum" | "min" | "max" | "avg" | "count" if opens(at + 1, '(') => {
                    // Without `by` nothing is kept.
                    let (body, after) = enclosed(tokens, at + 1)?;
                    let kept = Some(scope.kept.clone().unwrap_or_default());
                    walk(body, &Scope { kept, ..scope.clone() }, found)?;
                    at = after;
                }
                _ if opens(at + 1, '(') => at += 1, // a function: its arguments are read as they come
                _ if word.starts_with(|c: char| c.is_ascii_digit() || c == '$') => at += 1,
                "sum" | "min" | "max" | "avg" | "count" => at += 1,
                metric => {
                    let mut labels: BTreeSet<String> = scope.labels.union(&matched).cloned().collect();
                    matched.clear();
                    at += 1;
                    if opens(at, '{') {
                        let (matchers, after) = enclosed(tokens, at)?;
                        labels.extend(words(matchers));
                        at = after;
                    }
                    found.push(Selector { metric: metric.to_owned(), labels, kept: scope.kept.clone() });
                }
            },
            Token::Sign('[') => at = enclosed(tokens, at)?.1,
            Token::Sign('(') => {
                let (body, after) = enclosed(tokens, at)?;
                walk(body, scope, found)?;
                at = after;
            }
            Token::Sign(_) | Token::Text => at += 1,
        }
    }
    Ok(())
}
