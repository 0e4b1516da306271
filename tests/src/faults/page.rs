//! The page that keeps the table: each row stays until its fault is run again.

use std::collections::BTreeMap;
use std::path::Path;

use super::catalogue::FAULTS;
use super::report::{Row, table};

const BEGINS: &str = "<!-- faults: begin -->";
const ENDS: &str = "<!-- faults: end -->";

/// Writes these rows into the page, each with its seed.
///
/// # Errors
/// What is wrong with the page.
pub fn write(path: &Path, rows: &[Row], seed: u64) -> Result<(), String> {
    let page = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    std::fs::write(path, with(&page, rows, seed)?).map_err(|error| error.to_string())
}

fn with(page: &str, rows: &[Row], seed: u64) -> Result<String, String> {
    let missing = |mark: &str| format!("the page has no line '{mark}'");
    let (before, rest) = page.split_once(BEGINS).ok_or_else(|| missing(BEGINS))?;
    let (old, after) = rest.split_once(ENDS).ok_or_else(|| missing(ENDS))?;
    let known = |name: &&str| FAULTS.iter().any(|fault| fault.name == *name);
    let mut lines: BTreeMap<String, Line> = BTreeMap::new();
    for line in old.lines() {
        let name = |text: &str| text.trim().split([' ', ':']).next().unwrap_or_default().to_owned();
        if let Some(rest) = line.strip_prefix("| ") {
            let name = name(rest);
            if known(&name.as_str()) {
                lines.entry(name).or_default().row = squeezed(line);
            }
        } else if let Some(rest) = line.strip_prefix("- ") {
            let name = name(rest);
            if known(&name.as_str()) {
                lines.entry(name).or_default().notes.push(line.to_owned());
            }
        }
    }
    let mut head = String::new();
    for row in rows {
        let text = table(std::slice::from_ref(row));
        let mut text = text.lines();
        let (named, rule) = (text.next().unwrap_or_default(), text.next().unwrap_or_default());
        head = format!("{} seed |\n{}---|\n", squeezed(named), squeezed_rule(rule));
        let cells = text.next().unwrap_or_default();
        let notes = text.filter(|line| line.starts_with("- ")).map(str::to_owned).collect();
        lines.insert(row.fault.clone(), Line { row: format!("{} {seed} |", squeezed(cells)), notes });
    }
    // In the catalogue's order.
    let mut body = head;
    let mut notes = String::new();
    let mut not_run = Vec::new();
    for fault in FAULTS.iter() {
        match lines.get(fault.name) {
            Some(line) => {
                body.push_str(&format!("{}\n", line.row));
                line.notes.iter().for_each(|note| notes.push_str(&format!("{note}\n")));
            }
            None => not_run.push(fault.name),
        }
    }
    let not_run = match not_run.as_slice() {
        [] => "Every fault in the list was run.".to_owned(),
        names => format!("Not run here: {}.", names.join(", ")),
    };
    Ok(format!("{before}{BEGINS}\n\n{body}\n{notes}\n{not_run}\n\n{ENDS}{after}"))
}

#[derive(Default)]
struct Line {
    row: String,
    notes: Vec<String>,
}

/// A table's line without what only aligns it.
fn squeezed(line: &str) -> String {
    let cells = line.trim().trim_matches('|').split('|').map(str::trim);
    format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
}

fn squeezed_rule(line: &str) -> String {
    format!("|{}", "---|".repeat(line.trim().trim_matches('|').split('|').count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fault: &str, requests: u64) -> Row {
        Row { fault: fault.to_owned(), requests, notes: vec!["seen".to_owned()], ..Row::default() }
    }

    #[test]
    fn a_row_stays_until_its_fault_is_run_again() {
        let [first, second] = [FAULTS[0].name, FAULTS[1].name];
        let page = format!("before\n{BEGINS}\n{ENDS}\nafter\n");
        let page = with(&page, &[row(second, 7)], 1).expect("a page with marks");
        let page = with(&page, &[row(first, 8)], 2).expect("a page with marks");
        let page = with(&page, &[row(second, 9)], 3).expect("a page with marks");
        let lines: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).collect();
        assert_eq!(lines.len(), 3, "{page}");
        assert!(lines[0].ends_with("| verdict | seed |"), "{page}");
        assert!(lines[1].starts_with(&format!("| {first} | 0 | 8 |")) && lines[1].ends_with("| 2 |"), "{page}");
        assert!(lines[2].starts_with(&format!("| {second} | 0 | 9 |")) && lines[2].ends_with("| 3 |"), "{page}");
        assert!(page.starts_with("before\n") && page.ends_with("after\n") && page.contains("Not run here: "));
        assert_eq!(page.lines().filter(|line| line.starts_with("- ")).count(), 2, "{page}");
    }

    #[test]
    fn a_page_without_marks_is_left_alone() {
        assert!(with("nothing", &[], 1).is_err_and(|told| told.contains("faults: begin")));
    }
}
