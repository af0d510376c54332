//! Inputs of an action or a GitLab component, which come as variables, as the arguments of a command.
//!
//! Nothing of them passes through a shell, and there is no second list of options: what a command takes is asked of the
//! command line's own definition.

use std::collections::BTreeMap;

use clap::{Arg, ArgAction, Command};

use crate::env::Env;
use crate::error::{Error, Result};

/// What the variable of an input begins with; the rest is the option's name in upper case, with `_` for `-`.
pub const PREFIX: &str = "RELEASE_STEPS_INPUT_";
/// The input with words of the command, such as `next` for `version`.
pub const COMMAND: &str = "COMMAND";
/// The input with further arguments, one a line.
pub const ARGS: &str = "ARGS";

/// The name of an argument's input: its long option, or its own name where it has none.
pub fn name(arg: &Arg) -> String {
    arg.get_long().map_or_else(|| arg.get_id().as_str().replace('_', "-"), str::to_owned)
}

/// The name of an input's variable after [`PREFIX`].
pub fn variable(input: &str) -> String {
    input.to_ascii_uppercase().replace('-', "_")
}

/// Whether the input of a flag says yes; for who must know before the inputs can be read.
pub fn wants(env: &Env, flag: &str) -> bool {
    let name = format!("{PREFIX}{}", variable(flag));
    env.get(&name).is_some_and(|value| value.trim() == "true")
}

/// Whether an argument takes `true` and `false` as an input.
pub fn is_flag(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue)
}

/// Whether an argument can be given several times: its input then has a line for each.
pub fn is_list(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

/// What a command of `program` takes: its own arguments, then the global ones.
pub fn taken<'a>(program: &'a Command, command: &'a Command) -> Vec<&'a Arg> {
    let own: Vec<&Arg> = command.get_arguments().filter(|arg| !arg.is_global_set()).collect();
    let global = program.get_arguments().filter(|arg| arg.is_global_set());
    own.into_iter()
        .chain(global)
        .filter(|arg| {
            use ArgAction::{Help, HelpLong, HelpShort, Version};
            !matches!(arg.get_action(), Help | HelpLong | HelpShort | Version)
        })
        .collect()
}

/// The arguments of `program`, its name first, for the command that `words` and the input `command` name, with the
/// values of the inputs.
pub fn arguments(program: &Command, words: &[String], env: &Env) -> Result<Vec<String>> {
    let mut inputs: BTreeMap<&str, &str> =
        env.iter().filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?, value))).collect();
    inputs.retain(|_, value| !value.trim().is_empty());
    let more = inputs.remove(COMMAND).unwrap_or_default();
    let words: Vec<String> =
        words.iter().cloned().chain(more.split_whitespace().map(str::to_owned)).collect();
    if words.is_empty() {
        return Err(Error::usage("no command is named").at("input `command`").hint("such as `version next`"));
    }
    if let Some(option) = words.iter().find(|word| word.starts_with('-')) {
        return Err(Error::usage(format!("`{option}` is no command"))
            .at("input `command`")
            .hint("options have inputs of their own; others go into `args`, one a line"));
    }
    let mut leaf = program;
    for word in &words {
        match leaf.find_subcommand(word) {
            Some(command) if !command.is_hide_set() => leaf = command,
            // An argument of the command, or a mistake, of which the command line tells.
            _ => break,
        }
    }
    let mut out = vec![program.get_name().to_owned()];
    out.extend(words.iter().cloned());
    let args = inputs.remove(ARGS).unwrap_or_default();
    let mut positional = Vec::new();
    let known: Vec<&Arg> = taken(program, leaf);
    for arg in &known {
        let input = name(arg);
        let Some(value) = inputs.remove(variable(&input).as_str()) else { continue };
        let values: Vec<&str> = match is_list(arg) {
            true => value.lines().map(str::trim).filter(|line| !line.is_empty()).collect(),
            false => vec![value],
        };
        for value in values {
            match arg.get_long() {
                None => positional.push(value.to_owned()),
                Some(long) if is_flag(arg) => match value.trim() {
                    "true" => out.push(format!("--{long}")),
                    "false" => {}
                    other => {
                        return Err(Error::usage(format!("`{other}` is neither true nor false"))
                            .at(format!("input `{input}`")));
                    }
                },
                Some(long) => out.push(format!("--{long}={value}")),
            }
        }
    }
    // An action gives every flag of its commands, those of others as `false`.
    inputs.retain(|_, value| value.trim() != "false");
    if let Some((input, _)) = inputs.first_key_value() {
        let input = input.to_ascii_lowercase().replace('_', "-");
        let names: Vec<String> = known.iter().map(|arg| name(arg)).collect();
        return Err(Error::usage(format!("`{}` takes no such input", words.join(" ")))
            .at(format!("input `{input}`"))
            .hint(format!("it takes {}", names.join(", "))));
    }
    out.extend(args.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
    if !positional.is_empty() {
        out.push("--".to_owned());
        out.append(&mut positional);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program() -> Command {
        Command::new("p")
            .arg(Arg::new("dry-run").long("dry-run").global(true).action(ArgAction::SetTrue))
            .subcommand(Command::new("version").subcommand(
                Command::new("next").arg(Arg::new("channel").long("channel")).arg(Arg::new("to")),
            ))
            .subcommand(Command::new("scan").arg(Arg::new("reports").action(ArgAction::Append)))
    }

    fn read(words: &[&str], inputs: &[(&str, &str)]) -> std::result::Result<Vec<String>, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let env: Env = inputs.iter().map(|(n, v)| (format!("{PREFIX}{n}"), (*v).to_owned())).collect();
        arguments(&program(), &words, &env).map(|found| found[1..].to_vec()).map_err(|e| e.to_string())
    }

    #[test]
    fn inputs_become_arguments_and_stay_single() {
        let hostile = "rc --yes; $(id) `id` \" ' \n--config=/etc/passwd";
        assert_eq!(
            read(&["version"], &[("COMMAND", "next"), ("CHANNEL", hostile), ("DRY_RUN", "true")]),
            Ok(vec!["version".into(), "next".into(), format!("--channel={hostile}"), "--dry-run".into()])
        );
        let positional = ["version", "next", "--explain", "--", "--yes"].map(str::to_owned).to_vec();
        assert_eq!(
            read(&["version", "next"], &[("TO", "--yes"), ("ARGS", "\n --explain \n")]),
            Ok(positional)
        );
        let list = ["scan", "--", "a b", "c"].map(str::to_owned).to_vec();
        assert_eq!(read(&["scan"], &[("REPORTS", "a b\n\n c"), ("DRY_RUN", "false")]), Ok(list));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let refused = |words: &[&str], input| read(words, &[input]).expect_err("it is refused");
        assert_eq!(refused(&["scan"], ("CHANNEL", "rc")), "`scan` takes no such input (input `channel`)");
        assert_eq!(
            refused(&["scan"], ("DRY_RUN", "yes")),
            "`yes` is neither true nor false (input `dry-run`)"
        );
        assert_eq!(refused(&[], ("COMMAND", " ")), "no command is named (input `command`)");
        assert_eq!(refused(&[], ("COMMAND", "scan --yes")), "`--yes` is no command (input `command`)");
        // An empty input is none, and so is a flag of another command that is not set.
        assert_eq!(read(&["scan"], &[("CHANNEL", ""), ("ALL", "false")]), Ok(vec!["scan".to_owned()]));
    }
}
