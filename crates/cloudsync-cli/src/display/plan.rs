//! What a run would do, for people.

use cloudsync::{Plan, PlannedOperation, Side, SkipReason, Status};

use super::event::{arrow, is_planned_conflict};
use super::text::{Mood, count, number, shown, size};
use super::{Level, Setting, summary};

/// Lines of a plan before the rest is only counted.
const FEW: usize = 200;

/// Returns the lines of a plan: the totals, then what would be done, in its order, then what could not be done.
pub(crate) fn lines(setting: &Setting, plan: &Plan, status: &Status) -> Vec<(Mood, String)> {
    let mut lines = Vec::new();
    let (local, remote) = (&setting.locations.local, &setting.locations.remote);
    let is_excluded =
        |(_, path, reason): &(Side, String, SkipReason)| setting.exclude.covers(path, *reason);
    let skipped = status.skipped.iter().filter(|at| !is_excluded(at));
    let skipped: Vec<_> = skipped.cloned().collect();
    let mut failures = summary::failures(setting, &status.troubles, &skipped);
    if plan.totals.is_empty()
        && status.held.is_empty()
        && status.conflicts.is_empty()
        && failures.is_empty()
    {
        let text = format!(
            "✓ Nothing to do between {} and {}",
            local.label, remote.label
        );
        return vec![(Mood::Good, text)];
    }
    for side in [Side::Remote, Side::Local] {
        let (from, to) = (
            &setting.locations[side.other()].label,
            &setting.locations[side].label,
        );
        if let Some(total) = total(plan, side) {
            lines.push((Mood::Aside, format!("{from} {} {to}   {total}", '→')));
        }
    }
    let few = if setting.level == Level::Verbose {
        usize::MAX
    } else {
        FEW
    };
    for operation in plan.operations.iter().take(few) {
        lines.push((mood(operation), line(operation)));
    }
    let all: usize = plan.totals.values().sum();
    let shown_lines = plan.operations.len().min(few);
    if all > shown_lines {
        let text = format!("  … and {} more", number(all - shown_lines));
        lines.push((Mood::Aside, text));
    }
    for conflict in &plan.conflicts {
        let ends = match (conflict.waits, setting.on_conflict.name()) {
            (true, _) => "waits for you".to_owned(),
            // The renaming of the version that loses says it already.
            (false, "keep-both") => continue,
            (false, winner) => format!("the {winner} one wins"),
        };
        let text = format!("  ! {}   edited on both: {ends}", shown(&conflict.path));
        lines.push((Mood::Warning, text));
    }
    for held in &status.held {
        let from = &setting.locations[held.side.other()].label;
        let text = format!(
            "✗ {} would be held: vanished from {from}",
            count(held.count, "deletion", "deletions")
        );
        lines.push((Mood::Bad, text));
    }
    let more = failures.len().saturating_sub(few);
    failures.truncate(few);
    lines.append(&mut failures);
    if more > 0 {
        lines.push((Mood::Aside, format!("  … and {} more", number(more))));
    }
    lines
}

fn total(plan: &Plan, side: Side) -> Option<String> {
    let words = [
        ("copy", "copied"),
        ("create_folder", "folders made"),
        ("rename", "renamed"),
        ("delete", "deleted"),
        ("set_attributes", "times or modes set"),
    ];
    let parts: Vec<_> = words
        .into_iter()
        .filter_map(|(name, word)| {
            let total = plan.totals.get(&(name, side))?;
            Some(format!("{} {word}", number(*total)))
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn mood(operation: &PlannedOperation) -> Mood {
    if is_planned_conflict(operation) {
        Mood::Warning
    } else {
        Mood::Aside
    }
}

fn line(operation: &PlannedOperation) -> String {
    let arrow = arrow(operation.side);
    let path = shown(&operation.path);
    match (operation.operation, &operation.from) {
        ("copy", _) if operation.replaces => {
            format!("  {arrow} ~ {path}   edited, {}", size(operation.size))
        }
        ("copy", _) => format!("  {arrow} + {path}   {}", size(operation.size)),
        ("create_folder", _) => format!("  {arrow} + {path}/"),
        ("rename", Some(from)) if is_planned_conflict(operation) => {
            format!("  ! {}   edited on both: kept as {path}", shown(from))
        }
        ("rename", Some(from)) => format!("  {arrow} » {} → {path}", shown(from)),
        ("delete", _) => format!("  {arrow} - {path}"),
        ("set_attributes", _) => format!("  {arrow} ~ {path}   times or mode"),
        (other, _) => format!("  {arrow} {other} {path}"),
    }
}
