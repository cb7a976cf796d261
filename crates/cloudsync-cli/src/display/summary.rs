//! The end of a run in at most eight lines.

use std::time::Duration;

use cloudsync::{Side, SkipReason, SyncReport, Trouble};

use super::event::{hint, why_skipped};
use super::text::{self, Mood, count, number, shown, size};
use super::{Level, Setting};
use crate::exit::{Exit, is_left_out};

/// Lines of one kind before the rest is only counted.
const FEW: usize = 2;

/// A line, and how it is meant.
pub(crate) type Line = (Mood, String);

/// Returns the summary of a run.
pub(crate) fn lines(setting: &Setting, report: &SyncReport, exit: Exit) -> Vec<Line> {
    let mut lines = vec![headline(setting, report, exit)];
    if setting.level == Level::Quiet && exit == Exit::Ok {
        return lines;
    }
    // All of it for who wants it, and for who has no other way to look.
    let few = if setting.level == Level::Verbose {
        usize::MAX
    } else {
        FEW
    };
    lines.extend(conflicts(report, few));
    lines.extend(held(setting, report));
    let down = Side::BOTH.into_iter().filter_map(|side| {
        let what = report.down[side].as_ref()?.to_string();
        let label = &setting.locations[side].label;
        Some((Mood::Bad, format!("  ✗ {label}: {}", shown(&what))))
    });
    let mut failed: Vec<Line> = down.collect();
    failed.extend(failures(setting, &report.failed, &report.skipped));
    let more = failed.len().saturating_sub(few);
    failed.truncate(few);
    lines.extend(failed);
    let by_rule = report
        .skipped
        .iter()
        .filter(|at| !is_left_out(at.2))
        .count();
    let mut rest = Vec::new();
    if more > 0 {
        rest.push(format!("{} more failed", number(more)));
    }
    if setting.level == Level::Verbose {
        for (side, path, reason) in &report.skipped {
            if !is_left_out(*reason) {
                let label = &setting.locations[*side].label;
                let why = why_skipped(*reason);
                lines.push((Mood::Aside, format!("  - {}   {label}: {why}", shown(path))));
            }
        }
    } else if by_rule > 0 && setting.level > Level::Quiet {
        let what = skipped_kinds(report);
        rest.push(format!("{} never synced ({what})", number(by_rule)));
    }
    let told_elsewhere = [Exit::Interrupted, Exit::Terminated].contains(&exit);
    let left = report.pending.saturating_sub(report.failed.len());
    if left > 0 && !told_elsewhere && !report.in_sync() && report.failed.is_empty() {
        rest.push(format!("{} not settled", number(left)));
    }
    if more > 0 || (by_rule > 0 && setting.level == Level::Usual) {
        rest.push("all of them: -v".to_owned());
    }
    if exit != Exit::Ok {
        rest.push(format!("exit {}", exit.code()));
    }
    if !rest.is_empty() {
        lines.push((Mood::Aside, format!("  {}", rest.join(" · "))));
    }
    lines
}

/// Says in one line how it went.
fn headline(setting: &Setting, report: &SyncReport, exit: Exit) -> Line {
    let time = took(report.elapsed);
    let done = done(report);
    if matches!(exit, Exit::Interrupted | Exit::Terminated) {
        let done = done.unwrap_or_else(|| "nothing done yet".to_owned());
        let text = format!("! Stopped after {time} — {done}; run again to go on");
        return (Mood::Warning, text);
    }
    if !report.in_sync() || exit != Exit::Ok {
        let done = done.unwrap_or_else(|| "all else was in sync".to_owned());
        let text = format!("✗ Not fully in sync after {time} — {done}");
        return (Mood::Bad, text);
    }
    let text = if let Some(done) = done {
        format!("✓ In sync in {time} — {done}")
    } else {
        let first = if setting.first_meeting {
            "first meeting, all equal; "
        } else {
            ""
        };
        let (local, remote) = (number(report.objects.local), number(report.objects.remote));
        format!("✓ In sync ({first}checked {local} + {remote} items in {time})")
    };
    (Mood::Good, text)
}

fn took(time: Duration) -> String {
    text::duration(time)
}

/// Says what was done; `None`: nothing.
fn done(report: &SyncReport) -> Option<String> {
    let total = report.total();
    let mut parts = Vec::new();
    if total.copied > 0 {
        let (to_remote, to_local) = (report.changed.remote.copied, report.changed.local.copied);
        let ways = [(to_remote, '→'), (to_local, '←')]
            .into_iter()
            .filter(|(copied, _)| *copied > 0)
            .map(|(copied, arrow)| format!("{} {arrow}, ", number(copied)));
        let ways: String = ways.collect();
        parts.push(format!(
            "{} copied ({ways}{})",
            number(total.copied),
            size(total.bytes)
        ));
    }
    if total.folders > 0 {
        parts.push(count(total.folders, "folder made", "folders made"));
    }
    if total.renamed > 0 {
        parts.push(format!("{} renamed", number(total.renamed)));
    }
    if total.deleted > 0 {
        parts.push(format!("{} deleted", number(total.deleted)));
    }
    if total.attributes > 0 {
        parts.push(count(
            total.attributes,
            "time or mode set",
            "times or modes set",
        ));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn conflicts(report: &SyncReport, few: usize) -> Vec<Line> {
    let (waiting, decided): (Vec<_>, Vec<_>) =
        report.conflicts.iter().partition(|conflict| conflict.waits);
    let names = |conflicts: &[&cloudsync::Conflicted]| {
        let names = conflicts.iter().take(few.min(20)).map(|at| shown(&at.path));
        let mut names = names.collect::<Vec<_>>().join(", ");
        if conflicts.len() > few.min(20) {
            names.push_str(", …");
        }
        names
    };
    let mut lines = Vec::new();
    let kept: Vec<_> = decided
        .into_iter()
        .filter(|at| at.kept_as.is_some())
        .collect();
    if !kept.is_empty() {
        let what = count(kept.len(), "conflict", "conflicts");
        lines.push((
            Mood::Warning,
            format!("! {what} kept both:  {}", names(&kept)),
        ));
    }
    if !waiting.is_empty() {
        let what = count(waiting.len(), "conflict waits", "conflicts wait");
        let names = names(&waiting);
        let text = format!("! {what} for you:  {names}   again with --on-conflict newer, …");
        lines.push((Mood::Warning, text));
    }
    lines
}

fn held(setting: &Setting, report: &SyncReport) -> Vec<Line> {
    let lines = report.held.iter().flat_map(|held| {
        let gone = &setting.locations[held.side.other()];
        let total = held.total.max(report.objects[held.side]).max(held.count);
        let (count, share) = (number(held.count), held.count * 100 / total.max(1));
        let total = number(total);
        [
            format!(
                "✗ Deletions held: {count} of {total} items ({share} %) vanished from {} ({gone}).",
                gone.label
            ),
            "  Everything else was synced. Is a disk not mounted? Mount it and run again. \
             Was it you? --allow-deletes"
                .to_owned(),
        ]
    });
    lines.map(|line| (Mood::Bad, line)).collect()
}

/// Says what could not be synced, a line for each: what failed, and what was left out although nobody wished for that.
pub(super) fn failures(
    setting: &Setting,
    failed: &[Trouble],
    skipped: &[(Side, String, SkipReason)],
) -> Vec<Line> {
    let label = |side: Side| &setting.locations[side].label;
    let failed = failed.iter().map(|trouble| {
        let what = shown(&trouble.failure.to_string()).into_owned();
        let mut text = format!(
            "  ✗ {}   {}: {what}",
            shown(&trouble.path),
            label(trouble.side)
        );
        if let Some(hint) = hint(trouble.failure.kind()) {
            text = format!("{text}   {hint}");
        }
        (Mood::Bad, text)
    });
    let skipped = skipped
        .iter()
        .filter(|(_, _, reason)| is_left_out(*reason))
        .map(|(side, path, reason)| {
            let why = why_skipped(*reason);
            (
                Mood::Bad,
                format!("  ✗ {}   {}: {why}", shown(path), label(*side)),
            )
        });
    failed.chain(skipped).collect()
}

/// Says what kinds of objects were left alone by rule.
fn skipped_kinds(report: &SyncReport) -> String {
    let kinds = [
        (SkipReason::Symlink, "links"),
        (SkipReason::Special, "pipes, sockets or devices"),
        (SkipReason::MountPoint, "mounts"),
    ];
    let met = |reason| report.skipped.iter().any(|skipped| skipped.2 == reason);
    let met = kinds.into_iter().filter(|(reason, _)| met(*reason));
    met.map(|(_, name)| name).collect::<Vec<_>>().join(", ")
}
