//! What there is an action and a component for, and what each puts out.

use clap::{Arg, CommandFactory as _};
use release_steps::cli::Cli;
use release_steps::inputs;

/// An output with what it says.
pub type Output = (&'static str, &'static str);

/// A step that people use from a pipeline.
pub struct Part {
    /// The folder of its action, and the name of its component.
    pub name: &'static str,
    /// Its command.
    pub words: &'static str,
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
const ENVIRONMENT: Output = ("environment", "The environment");
const NOTES: Output = ("notes", "The release notes in Markdown");

/// All of them, in the order of a pipeline.
pub const PARTS: [Part; 17] = [
    Part {
        name: "version",
        words: "version",
        description: "The next version from Conventional Commits, the files that carry it, and checks of messages",
        commands: &["next", "bump", "check", "replay"],
        outputs: &[VERSION, TAG, RELEASED, PREVIOUS, PREVIOUS_TAG, LEVEL, PRERELEASE, PACKAGES, OK],
    },
    Part {
        name: "changelog",
        words: "changelog",
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
        words: "branch",
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
        words: "scan",
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
        words: "gate",
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
        words: "release",
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
        name: "deploy",
        words: "deploy",
        description: "A version to an environment: gate, artifacts, the deployment, the looks after it, and the way back",
        commands: &[],
        outputs: &[
            ENVIRONMENT,
            VERSION,
            TAG,
            PREVIOUS,
            ("gate", "What the gate said: pass, fail or unknown"),
            ("rollback_to", "The version that is put back when something fails"),
            VERDICT,
            ("recovery_seconds", "How long the recovery took, where there was one"),
        ],
    },
    Part {
        name: "rollback",
        words: "rollback",
        description: "An environment back to the last version that was verified there",
        commands: &[],
        outputs: &[ENVIRONMENT, VERSION, PREVIOUS, ("recovery_seconds", "How long the recovery took")],
    },
    Part {
        name: "env-check",
        words: "env check",
        description: "Whether an environment has the variables that are required of it; names only",
        commands: &[],
        outputs: &[
            ENVIRONMENT,
            ("required", "The required names, as JSON"),
            ("missing", "Those that are missing, as JSON"),
        ],
    },
    Part {
        name: "log",
        words: "log",
        description: "What was deployed: pages, one HTML report, the list for auditors",
        commands: &["show", "report", "export"],
        outputs: &[("file", "The file that was written"), ("count", "How many records")],
    },
    Part {
        name: "notify",
        words: "notify",
        description: "Tells people about a release: Slack, Teams, Discord, e-mail, webhooks, PagerDuty, Statuspage, comments",
        commands: &[],
        outputs: &[("messages", "How many messages were planned")],
    },
    Part {
        name: "timeline",
        words: "timeline",
        description: "Tells what is due now, from two days before a release to an hour after it",
        commands: &[],
        outputs: &[
            ("start", "When the release starts"),
            ("due", "What is due now and since when, as JSON"),
            ("next", "What comes next and when, as JSON"),
        ],
    },
    Part {
        name: "release-verify",
        words: "release verify",
        description: "Refuses files, or what a release has now, that are not what the release recorded",
        commands: &[],
        outputs: &[TAG, ("commit", "The commit that the release was made of")],
    },
    Part {
        name: "smoke",
        words: "smoke",
        description: "Whether what was deployed answers: all checks at once, until they pass, within one deadline",
        commands: &[],
        outputs: &[ENVIRONMENT, VERDICT, ("checks", "Every check with its answer, as JSON")],
    },
    Part {
        name: "verify",
        words: "verify",
        description: "Watches metrics after a deployment: thresholds, baselines, canaries, error budgets",
        commands: &[],
        outputs: &[
            ENVIRONMENT,
            ("verdict", "pass, fail, no-data or provider-error"),
            ("metrics", "Every metric with its verdict, as JSON"),
        ],
    },
    Part {
        name: "build",
        words: "build",
        description: "Starts a workflow or pipeline on a ref, follows it, and ends with its result",
        commands: &["dispatch"],
        outputs: &[("correlation", "The text by which the run is found again")],
    },
    Part {
        name: "run",
        words: "run",
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

/// What a part takes, asked of the command line; the global options last.
pub fn inputs_of(part: Option<&Part>) -> Vec<Input> {
    let mut program = Cli::command();
    program.build();
    let mut found: Vec<(Input, Vec<&str>)> = Vec::new();
    let commands: Vec<(&str, &clap::Command)> = match part {
        None => Vec::new(),
        Some(part) => {
            let command = part.words.split(' ').fold(&program, |command, word| {
                command.find_subcommand(word).expect("there is such a command")
            });
            let elsewhere =
                |name: &str| PARTS.iter().any(|other| other.words == format!("{} {name}", part.words));
            let below: Vec<&str> = command
                .get_subcommands()
                .map(clap::Command::get_name)
                .filter(|name| *name != "help" && !elsewhere(name))
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

/// Commands that no pipeline has a step for: they are for people, or belong to the root action.
const FOR_PEOPLE: [&str; 7] = ["init", "incident", "doctor", "apply", "resume", "schema", "completions"];

#[test]
fn every_command_has_an_action() {
    let program = Cli::command();
    let mut without: Vec<&str> = program
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .map(clap::Command::get_name)
        .filter(|name| !PARTS.iter().any(|part| part.words.split(' ').next() == Some(*name)))
        .collect();
    without.sort_unstable();
    let mut expected = FOR_PEOPLE;
    expected.sort_unstable();
    assert_eq!(without, expected, "a command has no action, and is not said to be for people");
}
