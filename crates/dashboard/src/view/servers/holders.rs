//! The panel of the holders of each key now, as the server itself sees it.

use std::cmp::Reverse;

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Position, Rect};

use super::{ago, look, nobody_asked};
use crate::text::fit;
use crate::theme::Ink;
use crate::view::{Panel, View};
use lockbench_core::units::{MILLISECOND, grouped};
use lockbench_report::live::{KeyLook, ServerLook};

/// The panel.
pub static PANEL: Panel = Panel {
    name: "Who holds which key",
    about: "Key, holder, fencing token and what is left of its lease, as the server sees it now",
    draw,
    rows: |view| look(view).map_or(0, |look| listed(view, look).len()),
    sorts: &["key", "holder", "token"],
    explain,
    hit,
    ..Panel::PLAIN
};

/// The keys that are listed, in order.
fn listed<'a>(view: &View<'_>, look: &'a ServerLook) -> Vec<&'a KeyLook> {
    let holder = |key: &KeyLook| key.holder.as_ref().map(|holder| holder.identity.clone()).unwrap_or_default();
    let matches = |key: &&KeyLook| view.look.lists(&key.name) || view.look.lists(&holder(key));
    let mut keys: Vec<&KeyLook> = look.keys.iter().filter(matches).collect();
    match view.selection().sort {
        1 => keys.sort_by_key(|key| (key.holder.is_none(), holder(key))),
        2 => keys.sort_by_key(|key| Reverse(key.holder.as_ref().and_then(|holder| holder.token))),
        _ => {}
    }
    keys
}

/// Widest column of holders.
const HOLDER: u16 = 64;

/// Columns: key, token, lease left, name on the server; the holder has the rest.
fn columns(inside: Rect) -> [(u16, u16); 5] {
    let name = (inside.width / 4).clamp(18, 44);
    let widths = [5, name, 0, 12, 11];
    let taken: u16 = widths.iter().sum::<u16>() + 1 + 4 * 2;
    let mut x = inside.x + 1;
    widths.map(|width| {
        let width = if width == 0 { inside.width.saturating_sub(taken).min(HOLDER) } else { width };
        let column = (x, width);
        x += width + 2;
        column
    })
}

fn cells(view: &View<'_>, key: &KeyLook) -> [String; 5] {
    let none = || view.glyphs().none.to_owned();
    let (holder, token, left) = match &key.holder {
        Some(holder) => (
            holder.identity.clone(),
            holder.token.map_or_else(none, grouped),
            holder.ttl_ms.map_or_else(none, |ms| view.duration(ms.saturating_mul(MILLISECOND))),
        ),
        None => ("no holder".to_owned(), none(), none()),
    };
    [key.key.to_string(), key.name.clone(), holder, token, left]
}

fn explain(view: &View<'_>) -> String {
    let Some(look) = look(view) else { return nobody_asked(view) };
    let keys = listed(view, look);
    let Some(key) = keys.get(view.row(keys.len())) else {
        return look.problem.clone().unwrap_or_else(|| "No key is listed.".to_owned());
    };
    let (name, on_server) = (&look.backend, &key.name);
    let Some(holder) = &key.holder else {
        return format!(
            "{name}, key {} (\"{on_server}\" on the server): no client held it when the server was asked.",
            key.key
        );
    };
    let token = holder.token.map_or_else(|| "no fencing token".to_owned(), |token| format!("token {}", grouped(token)));
    let left = holder.ttl_ms.map_or_else(
        || "the server does not say how long for".to_owned(),
        |ms| format!("its lease had {} left", view.duration(ms.saturating_mul(MILLISECOND))),
    );
    format!(
        "{name}, key {} (\"{on_server}\" on the server): held by {} with {token}; {left}.",
        key.key, holder.identity
    )
}

fn title(view: &View<'_>) -> String {
    let mut title = "Who holds which key, as the server sees it".to_owned();
    let Some(look) = look(view) else { return title };
    if let Some(ago) = ago(view, look) {
        title.push_str(&format!(", {ago}"));
    }
    if look.more_keys > 0 {
        title.push_str(&format!("; {} keys more", grouped(u64::from(look.more_keys))));
    }
    title
}

/// First row shown, and rows that have room.
fn scroll(view: &View<'_>, rows: usize, inside: Rect) -> (usize, usize) {
    let room = usize::from(inside.height.saturating_sub(1));
    ((view.row(rows) + 1).saturating_sub(room), room)
}

fn draw(view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let inside = view.frame(&title(view), area, buffer);
    if inside.is_empty() {
        return;
    }
    let (glyphs, soft) = (view.glyphs(), view.ink(Ink::Soft));
    let mut say = |text: &str, ink: Ink| {
        let text = fit(text, usize::from(inside.width - 1), glyphs.more);
        buffer.set_string(inside.x + 1, inside.y, text, view.ink(ink));
    };
    let Some(look) = look(view) else { return say(&nobody_asked(view), Ink::Soft) };
    if let Some(problem) = &look.problem {
        return say(&format!("{} no answer: {problem}", glyphs.alarm), Ink::Warn);
    }
    let keys = listed(view, look);
    if keys.is_empty() {
        return say("No key and no holder is named so; Esc clears the filter.", Ink::Soft);
    }
    let columns = columns(inside);
    for (heading, (x, width)) in ["key", "name on the server", "holder", "token", "lease left"].iter().zip(columns) {
        let right = matches!(*heading, "key" | "token" | "lease left");
        let indent = if right { width.saturating_sub(heading.len() as u16) } else { 0 };
        buffer.set_stringn(x + indent, inside.y, heading, width.into(), soft);
    }
    let selected = view.row(keys.len());
    let (first, room) = scroll(view, keys.len(), inside);
    for (i, key) in keys.iter().enumerate().skip(first).take(room) {
        let y = inside.y + 1 + (i - first) as u16;
        let marked = i == selected && view.focused();
        if marked {
            buffer.set_string(inside.x, y, glyphs.pointer, view.ink(Ink::Focus));
        }
        let ink = if key.holder.is_some() { Ink::Text } else { Ink::Soft };
        let style = view.ink(if marked { Ink::Selected } else { ink });
        for (place, (text, (x, width))) in cells(view, key).iter().zip(columns).enumerate() {
            let text = fit(text, width.into(), glyphs.more);
            let indent = if matches!(place, 0 | 3 | 4) { width - text.chars().count() as u16 } else { 0 };
            buffer.set_string(x + indent, y, text, style);
        }
    }
}

fn hit(view: &View<'_>, area: Rect, at: Position) -> Option<(usize, usize)> {
    let inside = area.inner(Margin::new(1, 1));
    let rows = look(view).map_or(0, |look| listed(view, look).len());
    let (first, _) = scroll(view, rows, inside);
    let row = usize::from(at.y.checked_sub(inside.y + 1)?) + first;
    (inside.contains(at) && row < rows).then_some((row, 0))
}
