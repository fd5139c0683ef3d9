//! Grants of each client as bars. Of many clients the most and the least served ones.

use std::cmp::Reverse;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::state::SystemState;
use crate::theme::Ink;
use crate::view::plot::bar::{bar, length};
use crate::view::subject::{drawn_subject, explained, heading, order, sentence, subject, without_grants};
use crate::view::{Panel, View};
use lockbench_core::units::grouped;

pub static PANEL: Panel = Panel {
    name: "Grants per client",
    about: "Grants of each client in the measure phase, and its longest wait",
    draw,
    rows: |view| subject(view).map_or(0, |system| clients(view, system).len()),
    sorts: &["most grants first", "fewest grants first", "longest wait first", "number"],
    explain: |view| explained(view, explain),
    hit,
    ..Panel::PLAIN
};

/// Columns that a client needs at least: pointer, name, bar, count; and the longest wait.
const CLIENT: u16 = 35;
const NAME: u16 = 14;
const COUNT: u16 = 9;
const WAIT: u16 = 10;

/// A client.
struct Client {
    number: usize,
    grants: u64,
    longest_wait_ns: u64,
}

fn clients(view: &View<'_>, system: &SystemState) -> Vec<Client> {
    let waits = system.longest_wait_of();
    let all = system.grants_of().iter().enumerate().map(|(number, grants)| Client {
        number,
        grants: *grants,
        longest_wait_ns: waits.get(number).copied().unwrap_or(0),
    });
    let mut clients: Vec<Client> = all.filter(|client| view.look.lists(&name(client.number))).collect();
    match view.selection().sort {
        0 => clients.sort_by_key(|client| (Reverse(client.grants), client.number)),
        1 => clients.sort_by_key(|client| (client.grants, client.number)),
        2 => clients.sort_by_key(|client| (Reverse(client.longest_wait_ns), client.number)),
        _ => {}
    }
    clients
}

fn name(client: usize) -> String {
    format!("client {client}")
}

/// Where the clients are: blocks side by side, filled from the top.
struct Layout {
    inside: Rect,
    blocks: u16,
    width: u16,
    /// Whether there is room for the longest wait.
    waits: bool,
    /// Rows of a block; the one below is for what is left out.
    rows: u16,
    /// First and last clients that are shown: `..head.1` from `head.0`, and from `tail` on.
    head: (usize, usize),
    tail: usize,
}

impl Layout {
    fn new(inside: Rect, clients: usize, selected: usize) -> Self {
        let inside = Rect { y: inside.y + 1, height: inside.height.saturating_sub(1), ..inside };
        let fitting = |width: u16| (inside.width / width).clamp(1, 4);
        let room = |blocks: u16| usize::from(blocks * inside.height);
        // Every client is worth more than its longest wait.
        let waits = room(fitting(CLIENT + WAIT)) >= clients || fitting(CLIENT) == 1;
        let blocks = fitting(if waits { CLIENT + WAIT } else { CLIENT });
        let all = room(blocks) >= clients;
        let rows = if all { inside.height } else { inside.height.saturating_sub(1) }.max(1);
        // No more blocks than are needed, so that bars are as long as can be.
        let blocks = blocks.min((clients as u16).div_ceil(rows)).max(1);
        let places = usize::from(blocks * rows);
        let (head, tail) = if clients <= places {
            ((0, clients), clients)
        } else {
            let last = places / 2;
            let first = places - last;
            let tail = clients - last;
            let from = (selected + 1).saturating_sub(first).min(tail - first);
            ((if selected >= tail { 0 } else { from }, first), tail)
        };
        let width = inside.width / blocks;
        Self { inside, blocks, width, rows, waits: width >= CLIENT + WAIT, head, tail }
    }

    /// Clients that are shown, by their places in the order.
    fn shown(&self, clients: usize) -> impl Iterator<Item = usize> {
        (self.head.0..self.head.0 + self.head.1).chain(self.tail..clients)
    }

    fn area(&self, place: usize) -> Rect {
        let (block, row) = (place as u16 / self.rows, place as u16 % self.rows);
        let x = self.inside.x + block * self.width;
        Rect { x, y: self.inside.y + row, width: self.width - u16::from(self.blocks > 1) * 2, height: 1 }
    }
}

fn draw(view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let Some(system) = drawn_subject(view, PANEL.name, area, buffer) else { return };
    let order = order(view, PANEL.sorts);
    let what = without_grants(system).unwrap_or_else(|| format!("grants per client, {order}"));
    let inside = view.frame(&heading(system, &what), area, buffer);
    let clients = clients(view, system);
    if clients.is_empty() || inside.height < 3 {
        let none = system.grants_of().is_empty();
        let text = if none { "Nothing is known of single clients." } else { "No client has the text of the filter." };
        return sentence(view, text, inside, buffer);
    }
    let selected = view.row(clients.len());
    let layout = Layout::new(inside, clients.len(), selected);
    let high = clients.iter().map(|client| client.grants).max().unwrap_or(0);
    let mut shown = 0;
    for (place, at) in layout.shown(clients.len()).enumerate() {
        let area = layout.area(place);
        if place % usize::from(layout.rows) == 0 {
            head(view, layout.waits, Rect { y: inside.y, ..area }, buffer);
        }
        client(view, &clients[at], (high, layout.waits, view.focused() && at == selected), area, buffer);
        shown += 1;
    }
    let left_out = clients.len() - shown;
    if left_out > 0 {
        let text = format!("{} clients between the first and the last ones are left out", grouped(left_out as u64));
        buffer.set_stringn(inside.x, inside.bottom() - 1, text, usize::from(inside.width), view.ink(Ink::Soft));
    }
}

/// Columns of a bar.
fn room(width: u16, waits: bool) -> u16 {
    width.saturating_sub(NAME + COUNT + if waits { WAIT } else { 0 })
}

fn head(view: &View<'_>, waits: bool, area: Rect, buffer: &mut Buffer) {
    let room = usize::from(room(area.width, waits));
    let text = format!("  {:<12}{:room$}{:>9}{:>10}", "client", "", "grants", if waits { "max wait" } else { "" });
    buffer.set_stringn(area.x, area.y, text.trim_end(), usize::from(area.width), view.ink(Ink::Soft));
}

fn client(view: &View<'_>, client: &Client, (high, waits, picked): (u64, bool, bool), area: Rect, buffer: &mut Buffer) {
    let pointer = if picked { view.glyphs().pointer } else { " " };
    let ink = if picked { Ink::Selected } else { Ink::Text };
    buffer.set_string(area.x, area.y, format!("{pointer} {}", name(client.number)), view.ink(ink));
    let room = room(area.width, waits);
    let at = Position::new(area.x + NAME, area.y);
    bar(view, at, room, (client.grants, high), Ink::First, buffer);
    let wait = match client.longest_wait_ns {
        _ if !waits => String::new(),
        0 => format!("{:>10}", view.glyphs().none),
        ns => format!("{:>10}", length(view, Some(ns), usize::from(WAIT))),
    };
    let text = format!("{:>9}{wait}", grouped(client.grants));
    buffer.set_string(area.x + NAME + room, area.y, text, view.ink(Ink::Text));
}

fn hit(view: &View<'_>, area: Rect, at: Position) -> Option<(usize, usize)> {
    let clients = clients(view, subject(view).ok()?).len();
    let inside = Rect::new(area.x + 1, area.y + 1, area.width.saturating_sub(2), area.height.saturating_sub(2));
    let layout = Layout::new(inside, clients, view.row(clients));
    let mut shown = layout.shown(clients).enumerate();
    shown.find(|(place, _)| layout.area(*place).contains(at)).map(|(_, row)| (row, 0))
}

fn explain(view: &View<'_>, system: &SystemState) -> String {
    let clients = clients(view, system);
    let Some(client) = clients.get(view.row(clients.len())) else {
        return format!("{}: nothing is known of single clients.", system.name);
    };
    let all: u64 = system.grants_of().iter().sum();
    let share =
        if all == 0 { String::new() } else { format!(" ({:.1} % of all)", client.grants as f64 / all as f64 * 100.0) };
    let phase = system.so_far();
    let wait = match client.longest_wait_ns {
        0 => "no wait of it has ended".to_owned(),
        ns => format!("its longest wait, granted or not, was {}", view.duration(ns)),
    };
    format!(
        "{}, client {}: {} grants{share} in the measure phase{phase}; {wait}.",
        system.name,
        client.number,
        grouped(client.grants)
    )
}
