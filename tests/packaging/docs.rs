//! `docs/`: a page for each step, whose end is written from the command line, and the reference of all commands.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use clap::{Arg, Command, CommandFactory as _};
use release_steps::cli::Cli;
use release_steps::inputs::{self, PREFIX, variable};

use crate::check;
use crate::gitlab::JOB_INPUTS;
use crate::parts::{COMMON, PARTS, Part, inputs_of};

/// Where a page's own text ends.
const FROM_HERE: &str =
    "<!-- From here on written from the command line: UPDATE_PACKAGING=1 cargo test --test packaging -->\n";

#[test]
fn every_step_has_a_page() {
    for part in &PARTS {
        let path = format!("docs/{}.md", part.name);
        let there = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path));
        let there = there.unwrap_or_else(|e| panic!("{path}: {e}"));
        let own = there.split(FROM_HERE).next().unwrap_or_default().trim_end();
        for what in ["# release-steps.yml\n", "At GitHub:\n", "At GitLab:\n"] {
            assert!(own.contains(what), "{path} has no example: `{what}`");
        }
        check(&path, &format!("{own}\n\n{FROM_HERE}{}", facts(part)));
    }
    let mut index = String::from(
        "# Steps\n\nEach page has what a step is for, a configuration, and an example for GitHub and for GitLab, which the tests run or\ncheck. [cli.md](cli.md) lists all commands.\n\n",
    );
    for part in &PARTS {
        let _ = writeln!(index, "- [{}]({}.md): {}", part.words, part.name, part.description);
    }
    check("docs/README.md", &index);
}

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "\\<")
}

fn facts(part: &Part) -> String {
    let mut out = format!(
        "\n## Inputs\n\nOf `release-steps/release-steps/{0}@v1` and of the component `{0}`; a job that extends `.release-steps:{0}` takes them as\nvariables, `{PREFIX}…`.\n\n| input | |\n| --- | --- |\n",
        part.name
    );
    if let [default, _, ..] = part.commands {
        let _ = writeln!(out, "| `command` | {} [default: {default}] |", part.commands.join(", "));
    }
    for input in inputs_of(Some(part)) {
        let required = if input.required { " (required)" } else { "" };
        let elsewhere = match JOB_INPUTS.contains(&input.name.as_str()) {
            true => format!(" (`{}-{}` of the component)", part.name, input.name),
            false => String::new(),
        };
        let _ = writeln!(out, "| `{}` | {}{required}{elsewhere} |", input.name, cell(&input.help));
    }
    let _ = write!(
        out,
        "\n## Outputs\n\nAt GitLab, variables of later jobs that begin with `{}_`.\n\n| output | |\n| --- | --- |\n",
        variable(part.name)
    );
    for (name, help) in part.outputs.iter().chain(&COMMON) {
        let _ = writeln!(out, "| `{name}` | {} |", cell(help));
    }
    out
}

#[test]
fn the_reference_says_what_the_command_line_says() {
    let mut program = Cli::command();
    program.build();
    let mut out = format!(
        "# Commands\n\n<!-- Written from the command line: UPDATE_PACKAGING=1 cargo test --test packaging -->\n\n{}\n\nEvery command takes:\n\n",
        program.get_long_about().or(program.get_about()).expect("the program says what it is")
    );
    program.get_arguments().filter(|arg| arg.is_global_set()).for_each(|arg| line(&mut out, arg));
    for command in program.get_subcommands() {
        reference(&mut out, "release-steps", &program, command);
    }
    check("docs/cli.md", &out);
}

fn reference(out: &mut String, above: &str, program: &Command, command: &Command) {
    if command.is_hide_set() || command.get_name() == "help" {
        return;
    }
    let name = format!("{above} {}", command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let _ = write!(out, "\n## {name}\n\n{about}\n");
    let own: Vec<&Arg> = inputs::taken(program, command)
        .into_iter()
        .filter(|arg| !arg.is_global_set() && !arg.is_hide_set())
        .collect();
    if !own.is_empty() {
        out.push('\n');
    }
    own.into_iter().for_each(|arg| line(out, arg));
    command.get_subcommands().for_each(|below| reference(out, &name, program, below));
}

fn line(out: &mut String, arg: &Arg) {
    let short = arg.get_short().map_or_else(String::new, |short| format!("-{short}, "));
    let value = || {
        let names: Vec<String> =
            arg.get_value_names().unwrap_or_default().iter().map(|n| format!("<{n}>")).collect();
        names.join(" ")
    };
    let name = match arg.get_long() {
        Some(long) if inputs::is_flag(arg) => format!("{short}--{long}"),
        Some(long) => format!("{short}--{long} {}", value()),
        None => value(),
    };
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default().replace('\n', " ");
    let values: Vec<String> = arg.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect();
    let values = if inputs::is_flag(arg) || values.is_empty() {
        String::new()
    } else {
        format!(": {}", values.join(", "))
    };
    let _ = writeln!(out, "- `{name}`: {}{values}", help.replace('<', "\\<"));
}
