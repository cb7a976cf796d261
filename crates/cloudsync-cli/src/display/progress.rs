//! Progress on a terminal: three lines that stay where they are, drawn a few times a second.

use std::fmt;
use std::time::{Duration, Instant};

use cloudsync::Status;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Setting;
use super::text::{clock, number, size};

/// A run that ends sooner shows none.
const PATIENCE: Duration = Duration::from_millis(150);
/// How often the lines are drawn in a second.
const RATE: u8 = 5;
/// Letters of the bar.
const WIDTH: usize = 20;

/// The lines.
pub(crate) struct Progress {
    all: MultiProgress,
    lines: [ProgressBar; 3],
    begun: Instant,
    is_shown: bool,
    items_done: usize,
    items_total: usize,
    bytes_done: u64,
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}

impl Progress {
    /// Shows nothing yet.
    pub(crate) fn new() -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(RATE));
        let style = ProgressStyle::with_template("{wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let lines = [(); 3].map(|()| ProgressBar::hidden().with_style(style.clone()));
        Self {
            all,
            lines,
            begun: Instant::now(),
            is_shown: false,
            items_done: 0,
            items_total: 0,
            bytes_done: 0,
        }
    }

    /// Something was done.
    pub(crate) fn done(&mut self, bytes: u64) {
        self.items_done += 1;
        self.bytes_done += bytes;
    }

    /// Draws the lines.
    pub(crate) fn tick(&mut self, setting: &Setting, status: &Status) {
        let time = self.begun.elapsed();
        if time < PATIENCE {
            return;
        }
        if !self.is_shown {
            self.is_shown = true;
            for line in &mut self.lines {
                *line = self.all.add(line.clone());
            }
        }
        let (local, remote) = (&setting.locations.local, &setting.locations.remote);
        let head = format!("{} ⇄ {}   {}", local.label, remote.label, clock(time));
        let seen = if status.complete { " ✓" } else { "" };
        let scan = format!(
            "  scan      {} {}   {} {}{seen}",
            local.label,
            number(status.objects.local),
            remote.label,
            number(status.objects.remote),
        );
        // What is under way is neither: the total only grows, for that it does not flicker.
        self.items_total = self.items_total.max(self.items_done + status.pending);
        let total = self.items_total;
        let filled = (self.items_done * WIDTH).checked_div(total).unwrap_or(0);
        let bar: String = (0..WIDTH)
            .map(|at| if at < filled { '█' } else { '░' })
            .collect();
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = self.bytes_done as f64 / time.as_secs_f64().max(0.1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and not that fast"
        )]
        let rate = size(rate as u64);
        let mut transfer = format!(
            "  transfer  {bar} {}   {rate}/s   {}/{}",
            size(self.bytes_done),
            number(self.items_done),
            number(total),
        );
        let counts = [
            (status.conflicts.len(), "conflicts"),
            (status.troubles.len(), "errors"),
        ];
        for (count, what) in counts.into_iter().filter(|at| at.0 > 0) {
            transfer = format!("{transfer}   {} {what}", number(count));
        }
        for (line, text) in self.lines.iter().zip([head, scan, transfer]) {
            line.set_message(text);
        }
    }

    /// Calls `write` with the lines out of the way.
    pub(crate) fn suspend(&self, write: impl FnOnce()) {
        self.all.suspend(write);
    }

    /// Takes the lines away.
    pub(crate) fn clear(&self) {
        for line in &self.lines {
            line.finish_and_clear();
        }
        // A terminal that is gone shows nothing anyway.
        let _ = self.all.clear();
    }
}
