//! What there is an action and a component for, and what each puts out.

use clap::{Arg, CommandFactory as _};
use release_steps::cli::Cli;
use release_steps::inputs;

/// An output with what it says.
pub type Output = (&'static str, &'static str);

/// A step that people use from a pipeline.
pub struct Part {
    /// Its command, and the folder of its action.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// The commands below it, the default first; none where it has none.
    pub commands: &'static [&'static str],
    /// What it puts out besides [`COMMON`].
    pub outputs: &'static [Output],
}

/// What every step puts out.
pub const COMMON: [Output; 4] = [
    ("outcome", "planned, done, nothing-to-do, answered or refused"),
    ("summary", "What it did or found, in a line"),
    ("json", "All outputs as one JSON object"),
    ("json_file", "The path of a file with that object, where it is too long for an output"),
];

const VERSION: Output = ("version", "The version, such as 1.3.0");
const TAG: Output = ("tag", "The tag of the version, such as v1.3.0");
const RELEASED: Output = ("released", "true when there is something to release");
const PREVIOUS: Output = ("previous", "The version before");
const PREVIOUS_TAG: Output = ("previous_tag", "The tag before");
const LEVEL: Output = ("level", "major, minor, patch or none");
const PRERELEASE: Output = ("prerelease", "true for a pre-release");
const PACKAGES: Output = ("packages", "With several packages: what is known of each, as JSON");
const OK: Output = ("ok", "true when nothing was found wrong");
const BRANCH: Output = ("branch", "The branch that was made or merged");
const VERDICT: Output = ("verdict", "pass, fail or unknown");
const NOTES: Output = ("notes", "The release notes in Markdown");

/// All of them, in the order of a pipeline.
pub const PARTS: [Part; 10] = [
    Part {
        name: "version",
        description: "The next version from Conventional Commits, the files that carry it, and checks of messages",
        commands: &["next", "bump", "check", "replay"],
        outputs: &[VERSION, TAG, RELEASED, PREVIOUS, PREVIOUS_TAG, LEVEL, PRERELEASE, PACKAGES, OK],
    },
    Part {
        name: "changelog",
        description: "The changelog, from the same commits as the version",
        commands: &[],
        outputs: &[
            ("changelog", "The text"),
            ("changelog_file", "The path of a file with the text, where it is too long for an output"),
            ("file", "The file that was written"),
        ],
    },
    Part {
        name: "branch",
        description: "Branches of GitFlow, trunk-based development and GitHub flow",
        commands: &["check", "cut", "hotfix", "merge-back", "backport", "calendar"],
        outputs: &[
            BRANCH,
            VERSION,
            ("base", "The branch it was cut from"),
            ("commit", "The commit it starts at"),
            OK,
        ],
    },
    Part {
        name: "scan",
        description: "What scanners, tests and coverage report: merged, waived, compared with a baseline, judged",
        commands: &[],
        outputs: &[
            VERDICT,
            ("total", "How many findings there are"),
            ("new", "How many are new"),
            ("waived", "How many are waived"),
            ("blocking", "How many stop the pipeline"),
        ],
    },
    Part {
        name: "gate",
        description: "The checks before a deployment: pass, fail or unknown, each with a reason",
        commands: &[],
        outputs: &[
            VERDICT,
            ("checks", "Every check with its answer, as JSON"),
            ("evidence", "The file of evidence"),
        ],
    },
    Part {
        name: "release",
        description: "A whole release: version files, changelog, commit, tag, push, and the release at the forge",
        commands: &[],
        outputs: &[
            VERSION,
            TAG,
            RELEASED,
            PREVIOUS,
            PREVIOUS_TAG,
            LEVEL,
            PRERELEASE,
            PACKAGES,
            NOTES,
            ("notes_file", "The path of a file with the notes, where they are too long for an output"),
        ],
    },
    Part {
        name: "notify",
        description: "Tells people about a release: Slack, Teams, Discord, e-mail, webhooks, PagerDuty, Statuspage, comments",
        commands: &[],
        outputs: &[("messages", "How many messages were planned")],
    },
    Part {
        name: "timeline",
        description: "Tells what is due now, from two days before a release to an hour after it",
        commands: &[],
        outputs: &[
            ("start", "When the release starts"),
            ("due", "What is due now and since when, as JSON"),
            ("next", "What comes next and when, as JSON"),
        ],
    },
    Part {
        name: "build",
        description: "Starts a workflow or pipeline on a ref, follows it, and ends with its result",
        commands: &["dispatch"],
        outputs: &[("correlation", "The text by which the run is found again")],
    },
    Part {
        name: "run",
        description: "A chain of steps by its name in the configuration; `release` is always there",
        commands: &[],
        outputs: &[VERSION, TAG, RELEASED, PREVIOUS, PREVIOUS_TAG, LEVEL, PRERELEASE, PACKAGES, NOTES],
    },
];

/// An input: an argument of one or more commands.
pub struct Input {
    /// Its name.
    pub name: String,
    /// What it says.
    pub help: String,
    /// Whether it is true or false.
    pub flag: bool,
    /// Whether every command needs it.
    pub required: bool,
    /// The values that it may have, where there are few.
    pub values: Vec<String>,
}

/// Options that a pipeline has no use for: nobody can be asked there, and outputs are written anyway.
const LEFT_OUT: [&str; 2] = ["yes", "json"];

/// Commands below a command that no action has yet.
const NOT_YET: [(&str, &str); 1] = [("release", "verify")];

/// What a part takes, asked of the command line; the global options last.
pub fn inputs_of(part: Option<&Part>) -> Vec<Input> {
    let mut program = Cli::command();
    program.build();
    let mut found: Vec<(Input, Vec<&str>)> = Vec::new();
    let commands: Vec<(&str, &clap::Command)> = match part {
        None => Vec::new(),
        Some(part) => {
            let command = program.find_subcommand(part.name).expect("there is such a command");
            let below: Vec<&str> = command
                .get_subcommands()
                .map(clap::Command::get_name)
                .filter(|name| *name != "help" && !NOT_YET.contains(&(part.name, *name)))
                .collect();
            let mut listed = part.commands.to_vec();
            let mut there = below.clone();
            listed.sort_unstable();
            there.sort_unstable();
            assert_eq!(listed, there, "the commands of {}", part.name);
            match part.commands {
                [] => vec![("", command)],
                some => some
                    .iter()
                    .map(|name| (*name, command.find_subcommand(name).expect("there is such a command")))
                    .collect(),
            }
        }
    };
    let several = commands.len() > 1;
    for (name, command) in &commands {
        for arg in inputs::taken(&program, command).into_iter().filter(|arg| !arg.is_global_set()) {
            let input = input(arg, !several);
            match found.iter_mut().find(|(there, _)| there.name == input.name) {
                Some((there, of)) => {
                    assert_eq!(there.flag, input.flag, "{} is one thing for one command only", input.name);
                    of.push(name);
                }
                None => found.push((input, vec![name])),
            }
        }
    }
    let mut out: Vec<Input> = found
        .into_iter()
        .map(|(mut input, of)| {
            if several && of.len() < commands.len() {
                input.help = format!("{}: {}", of.join(", "), input.help);
            }
            input
        })
        .collect();
    let program_args = program.get_arguments().filter(|arg| arg.is_global_set());
    out.extend(
        program_args.map(|arg| input(arg, true)).filter(|input| !LEFT_OUT.contains(&input.name.as_str())),
    );
    out
}

fn input(arg: &Arg, only: bool) -> Input {
    let mut help = arg.get_help().expect("every argument has help").to_string().replace('\n', " ");
    if inputs::is_list(arg) {
        help.push_str("; one a line");
    }
    let flag = inputs::is_flag(arg);
    let values: Vec<String> = arg.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect();
    if !flag && !values.is_empty() {
        help = format!("{help}: {}", values.join(", "));
    }
    Input { name: inputs::name(arg), help, flag, required: only && arg.is_required_set(), values }
}
