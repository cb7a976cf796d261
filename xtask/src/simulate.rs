//! `cargo xtask simulate`: random worlds, or all small ones, for as long as one likes; of the engine
//! alone, or of the whole.

use std::env;
use std::process::Command;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use cloudsync_core::side::BySide;
use cloudsync_core::testing::exhaustive::{self, Bound, Tally};
use cloudsync_core::testing::{SideSetup, Situations, Swarm};

const USAGE: &str = "cargo xtask simulate [--runs N] [--seed S] [--threads N] [--show N]: random worlds, and the first N that fail
cargo xtask simulate --exhaustive [--threads N] [--bound N]: all small worlds
cargo xtask simulate --interleaved [--threads N] [--bound N]: few acts, and all orders of what happens
    of both, all bounds, or the Nth of them
cargo xtask simulate --planner [--crowded] [--runs N] [--seed S] [--threads N] [--show N] [--replay S]: the planner
    alone, and much that both users did
cargo xtask simulate --replay S: one random world, made as small as it still fails, line by line
of random worlds, those in which a side cannot move folders (--by-parts), an application is asked about
conflicts (--asking), a side does not want a name for a while (--choosing), nobody wants hidden names (--hiding), what is
in one folder (--emptying), or one path (--barring; these three are named last), answers come late (--late), calls are
carried out after a kill (--outliving), one user moves folders about (--inside-out), both do, each their own way
(--crossed), users are at work on one side only (--one-sided), or paths are translated (--translating); some of these
can be named together
cargo xtask simulate --whole [--runs N] [--seed S] [--threads N] [--shrink N] [--keep FOLDER]:
    the facade, its store and two services, among faults
cargo xtask simulate --whole --replay FILE: one run, line by line; FILE can be the number of a seed";

struct Options {
    runs: u64,
    seed: u64,
    threads: usize,
    exhaustive: bool,
    interleaved: bool,
    /// Only this one of the bounds of `exhaustive` or `interleaved`.
    bound: Option<u64>,
    planner: bool,
    crowded: bool,
    worlds: Worlds,
    /// How many failures are told.
    show: usize,
    replay: Option<u64>,
}

/// Draws the world of a seed.
type Draw = fn(u64) -> Swarm;
/// Does something to a world.
type Twist = fn(Swarm) -> Swarm;

/// Where random worlds come from: a kind of them, and what is done to each.
struct Worlds {
    flags: Vec<&'static str>,
    draw: Draw,
    twists: Vec<Twist>,
}

impl Default for Worlds {
    fn default() -> Self {
        Self {
            flags: Vec::new(),
            draw: Swarm::new,
            twists: Vec::new(),
        }
    }
}

impl Worlds {
    fn world(&self, seed: u64) -> Swarm {
        let twists = self.twists.iter();
        twists.fold((self.draw)(seed), |world, twist| twist(world))
    }

    /// Takes a flag. Returns false if it is none of these.
    fn take(&mut self, flag: &str) -> bool {
        if let Some((flag, draw)) = KINDS.iter().find(|kind| kind.0 == flag) {
            self.flags.push(flag);
            self.draw = *draw;
        } else if let Some((flag, twist)) = TWISTS.iter().find(|twist| twist.0 == flag) {
            self.flags.push(flag);
            self.twists.push(*twist);
        } else {
            return false;
        }
        true
    }
}

const KINDS: [(&str, Draw); 3] = [
    ("--crossed", Swarm::crossed),
    ("--inside-out", Swarm::inside_out),
    ("--one-sided", Swarm::one_sided),
];

const TWISTS: [(&str, Twist); 9] = [
    ("--asking", Swarm::asking),
    ("--barring", Swarm::barring),
    ("--by-parts", Swarm::by_parts),
    ("--choosing", Swarm::choosing),
    ("--emptying", Swarm::emptying),
    ("--hiding", Swarm::hiding),
    ("--late", Swarm::late),
    ("--outliving", Swarm::outliving),
    ("--translating", Swarm::translating),
];

fn options(arguments: &[String]) -> Result<Options> {
    let mut options = Options {
        runs: 100_000,
        seed: 1,
        threads: thread::available_parallelism().map_or(1, usize::from),
        exhaustive: false,
        interleaved: false,
        bound: None,
        planner: false,
        crowded: false,
        worlds: Worlds::default(),
        show: 20,
        replay: None,
    };
    let mut rest = arguments.iter();
    while let Some(name) = rest.next() {
        let mut number = || -> Result<u64> {
            let text = rest.next().with_context(|| format!("{name} N"))?;
            text.parse().with_context(|| format!("{name} {text}"))
        };
        match name.as_str() {
            "--runs" => options.runs = number()?,
            "--seed" => options.seed = number()?,
            "--threads" => options.threads = usize::try_from(number()?)?.max(1),
            "--show" => options.show = usize::try_from(number()?)?,
            "--replay" => options.replay = Some(number()?),
            "--exhaustive" => options.exhaustive = true,
            "--interleaved" => options.interleaved = true,
            "--bound" => options.bound = Some(number()?),
            "--planner" => options.planner = true,
            "--crowded" => options.crowded = true,
            flag => ensure!(options.worlds.take(flag), USAGE),
        }
    }
    Ok(options)
}

/// Runs the worlds that are asked for. Returns whether all is well.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    if let Some(("--whole", rest)) = arguments
        .split_first()
        .map(|(first, rest)| (first.as_str(), rest))
    {
        return whole(rest);
    }
    let options = options(arguments)?;
    if cfg!(debug_assertions) {
        return again_in_release("simulate", arguments);
    }
    if options.planner {
        return planner(&options);
    }
    if options.interleaved {
        return interleaved(&options);
    }
    if let Some(seed) = options.replay {
        return Ok(replay(&options.worlds.world(seed)));
    }
    // What panics is told at the end, with how to run it again.
    std::panic::set_hook(Box::new(|_| {}));
    if options.exhaustive {
        all_small_worlds(&options)
    } else {
        Ok(random_worlds(&options))
    }
}

/// Runs a task of this program again, built for speed.
pub(crate) fn again_in_release(task: &str, arguments: &[String]) -> Result<bool> {
    in_release("run", &["--package", "xtask", "--", task], arguments)
}

/// Simulates the whole, in a program of its own: this one needs no database to check files.
/// Kills processes. Returns whether all is well.
pub(crate) fn kill(arguments: &[String]) -> Result<bool> {
    with_victim("kill", arguments)
}

/// Runs the tests of real folders on file systems of all kinds. Returns whether all is well.
pub(crate) fn images(arguments: &[String]) -> Result<bool> {
    let package = ["--package", "cloudsync-tests", "--bin", "images"];
    let tests = ["--", "cargo", "test", "--all-features"];
    let packages = ["cloudsync-provider", "cloudsync-store", "cloudsync-cli"];
    let run = [&package[..], &tests].concat();
    let packages = packages.map(|name| format!("--package={name}")).to_vec();
    in_release("run", &run, &[&packages[..], arguments].concat())
}

/// Cuts the power. Returns whether all is well.
pub(crate) fn power(arguments: &[String]) -> Result<bool> {
    with_victim("power", arguments)
}

/// Runs a program that starts another one, which lies beside it.
fn with_victim(program: &str, arguments: &[String]) -> Result<bool> {
    let package = ["--package", "cloudsync-tests", "--all-features"];
    let are_built = in_release("build", &[&package[..], &["--bins"]].concat(), &[])?;
    let run = [&package[..], &["--bin", program, "--"]].concat();
    Ok(are_built && in_release("run", &run, arguments)?)
}

/// Plans cases, in a program with an allocator of its own.
fn planner(options: &Options) -> Result<bool> {
    let program = ["--package", "xtask", "--bin", "planner", "--"];
    let numbers = match options.replay {
        Some(seed) => vec![seed],
        None => vec![
            options.runs,
            options.seed,
            options.threads as u64,
            options.show as u64,
        ],
    };
    let crowded = options.crowded.then(|| "--crowded".to_owned());
    let arguments: Vec<String> = numbers.iter().map(u64::to_string).chain(crowded).collect();
    in_release("run", &program, &arguments)
}

/// Goes through all orders, in a program with an allocator of its own.
fn interleaved(options: &Options) -> Result<bool> {
    let program = ["--package", "xtask", "--bin", "interleaved", "--"];
    let numbers = [Some(options.threads as u64), options.bound];
    let numbers: Vec<String> = numbers.iter().flatten().map(u64::to_string).collect();
    in_release("run", &program, &numbers)
}

fn whole(arguments: &[String]) -> Result<bool> {
    let program = ["--package", "cloudsync-tests", "--bin", "simulate", "--"];
    in_release("run", &program, arguments)
}

/// Has cargo do something with a program in release, in its own process. Returns whether that went well.
pub(crate) fn in_release(command: &str, program: &[&str], arguments: &[String]) -> Result<bool> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args([command, "--quiet", "--release"])
        .args(program)
        .args(arguments)
        .status()?;
    Ok(status.success())
}

#[derive(Default)]
struct Seen {
    steps: u64,
    operations: u64,
    situations: Situations,
    failures: Vec<(u64, String)>,
}

fn random_worlds(options: &Options) -> bool {
    let start = Instant::now();
    let threads = options.threads as u64;
    let part = |number: u64| {
        let mut seen = Seen::default();
        for seed in (options.seed + number..options.seed + options.runs).step_by(options.threads) {
            match options.worlds.world(seed).try_run() {
                Ok(pair) => {
                    seen.steps += pair.steps;
                    seen.operations += pair.performed.len() as u64;
                    seen.situations += &pair.situations;
                }
                Err(why) => seen.failures.push((seed, why)),
            }
        }
        seen
    };
    let all = thread::scope(|scope| {
        let parts: Vec<_> = (0..threads)
            .map(|at| scope.spawn(move || part(at)))
            .collect();
        let ended = parts.into_iter().map(|part| part.join().expect("a worker"));
        ended.fold(Seen::default(), |mut all, seen| {
            all.steps += seen.steps;
            all.operations += seen.operations;
            all.situations += &seen.situations;
            all.failures.extend(seen.failures);
            all
        })
    });
    print!("{}", all.situations);
    let took = start.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "for show")]
    let speed = options.runs as f64 / took;
    println!(
        "{} worlds, {} steps, {} operations, {took:.1} s, {speed:.0} worlds/s",
        options.runs, all.steps, all.operations
    );
    let mut failures = all.failures;
    failures.sort();
    for (seed, why) in failures.iter().take(options.show) {
        let why: String = why.chars().take(200).collect();
        let flags = options.worlds.flags.join(" ");
        println!("seed {seed}: {why}\n  again: cargo xtask simulate --replay {seed} {flags}");
    }
    println!("{} worlds failed", failures.len());
    // Only all that can go wrong reaches all situations.
    let mut missing = all.situations.missing();
    missing.retain(|_| options.worlds.flags.is_empty());
    if !missing.is_empty() {
        println!("never reached: {}", missing.join(", "));
    }
    failures.is_empty() && missing.is_empty()
}

/// Runs one random world; if it fails, shows the smallest world that is left of it.
fn replay(world: &Swarm) -> bool {
    std::panic::set_hook(Box::new(|_| {}));
    if world.try_run().is_ok() {
        println!("seed {}: all holds", world.seed);
        return true;
    }
    let small = world.clone().shrink();
    let (lines, why) = small.trace();
    for line in lines {
        println!("{line}");
    }
    println!("{small:#?}\n{}", why.unwrap_or_default());
    false
}

/// Nodes of the base, and acts on each side.
const SMALL: [(usize, usize, usize); 9] = [
    (0, 2, 2),
    (1, 2, 2),
    (2, 2, 1),
    (2, 1, 2),
    (3, 1, 1),
    (3, 2, 0),
    (3, 0, 2),
    (2, 2, 2),
    (3, 2, 2),
];

fn all_small_worlds(options: &Options) -> Result<bool> {
    let threads = options.threads;
    let bounds = match options.bound {
        Some(number) => {
            let at = usize::try_from(number)?.wrapping_sub(1);
            let bound = SMALL.get(at).context("no bound of that number")?;
            std::slice::from_ref(bound)
        }
        None => &SMALL,
    };
    let disk = SideSetup::default();
    let no_moves = SideSetup {
        folder_move: false,
        ..SideSetup::service()
    };
    let pairs = [
        ("two disks", disk, disk),
        (
            "without ids",
            SideSetup::without_ids(),
            SideSetup::without_ids(),
        ),
        ("disk and service", disk, SideSetup::service()),
        ("disk and object store", disk, SideSetup::without_ids()),
        ("disk, and service without moves of folders", disk, no_moves),
    ];
    let mut is_well = true;
    for (name, local, remote) in pairs {
        for &(nodes, here, there) in bounds {
            let start = Instant::now();
            let bound = Bound {
                nodes,
                acts: BySide::new(here, there),
                setup: BySide::new(local, remote),
                unwanted: BySide::default(),
            };
            let tallies: Vec<Tally> = thread::scope(|scope| {
                let parts = (0..threads)
                    .map(|part| scope.spawn(move || exhaustive::run(&bound, part, threads)));
                let parts: Vec<_> = parts.collect();
                parts
                    .into_iter()
                    .map(|part| part.join().expect("a worker"))
                    .collect()
            });
            let worlds: u64 = tallies.iter().map(|tally| tally.worlds).sum();
            let foretold: u64 = tallies.iter().map(|tally| tally.foretold).sum();
            println!(
                "{name}: {nodes} nodes, {here} and {there} acts: {worlds} worlds, the end of {foretold} foretold, {:.1} s",
                start.elapsed().as_secs_f64()
            );
            for failure in tallies.iter().flat_map(|tally| &tally.failures) {
                if env::var_os("TRACE").is_some() {
                    println!("{}", failure.trace.join("\n"));
                }
                println!("  {failure}");
                is_well = false;
            }
        }
    }
    Ok(is_well)
}
