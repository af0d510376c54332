//! `action.yml` at the top and in a folder for each step.

use std::fmt::Write as _;

use release_steps::inputs;

use crate::parts::{COMMON, Input, Output, PARTS, Part, inputs_of};
use crate::{check, quoted};

#[test]
fn actions_say_what_the_command_line_says() {
    for part in &PARTS {
        check(&format!("{}/action.yml", part.name), &action(Some(part)));
    }
    check("action.yml", &action(None));
}

fn action(part: Option<&Part>) -> String {
    let mut out = String::from(
        "# Written by `UPDATE_PACKAGING=1 cargo test --test packaging` from the definition of the command line.\n",
    );
    let name = part.map_or("release-steps".to_owned(), |part| format!("release-steps {}", part.name));
    let description = part.map_or(
        "Steps of a release as plans: shown before anything happens, safe to run twice. Without a command, only installs",
        |part| part.description,
    );
    let _ = write!(
        out,
        "name: {name}\ndescription: {}\nauthor: release-steps\nbranding:\n  icon: package\n  color: blue\n\ninputs:\n",
        quoted(description)
    );
    let mut given: Vec<(String, String)> = Vec::new();
    let mut input = |out: &mut String, name: &str, help: &str, default: &str, required: bool| {
        let required = if required { "\n    required: true" } else { "" };
        let default =
            if required.is_empty() { format!("\n    default: {}", quoted(default)) } else { String::new() };
        let _ = writeln!(out, "  {name}:\n    description: {}{required}{default}", quoted(help));
        given.push((name.to_owned(), format!("{}{}", inputs::PREFIX, inputs::variable(name))));
    };
    let words: Vec<&str> = match part {
        None => {
            input(&mut out, "command", "The command, such as `version next`", "", false);
            Vec::new()
        }
        Some(Part { words, commands: [], .. }) => vec![words],
        Some(Part { words, commands: [only], .. }) => vec![words, only],
        Some(Part { words, commands, .. }) => {
            let help = format!("The command: {}", commands.join(", "));
            input(&mut out, "command", &help, commands[0], false);
            vec![words]
        }
    };
    for Input { name, help, flag, required, .. } in inputs_of(part) {
        input(&mut out, &name, &help, if flag { "false" } else { "" }, required);
    }
    input(&mut out, "args", "Further arguments, one a line", "", false);
    let of_tool = [
        ("token", "The token for the forge", "${{ github.token }}"),
        (
            "tool-version",
            "The version of release-steps, of those whose digests this commit holds [default: the last]; `local` builds the action's own checkout",
            "",
        ),
        (
            "attestation",
            "true: have `gh` check, besides the digest, that the binary was built by the release workflow of release-steps",
            "false",
        ),
    ];
    for (name, help, default) in of_tool {
        let _ =
            writeln!(out, "  {name}:\n    description: {}\n    default: {}", quoted(help), quoted(default));
    }
    let mut outputs: Vec<Output> = COMMON.to_vec();
    for part in PARTS.iter().filter(|p| part.is_none_or(|own| own.name == p.name)) {
        for output in part.outputs {
            if !outputs.iter().any(|(name, _)| *name == output.0) {
                outputs.push(*output);
            }
        }
    }
    out.push_str("\noutputs:\n");
    for (name, help) in outputs {
        let _ = writeln!(
            out,
            "  {name}:\n    description: {}\n    value: ${{{{ steps.run.outputs.{name} }}}}",
            quoted(help)
        );
    }
    let (up, on_path, condition) = match part {
        None => ("", "\n        RELEASE_STEPS_ON_PATH: 'true'", "\n      if: inputs.command != ''"),
        Some(_) => ("/..", "", ""),
    };
    let _ = write!(
        out,
        "\nruns:\n  using: composite\n  steps:\n    - name: Install release-steps\n      id: install\n      shell: bash\n      env:\n        \
         RELEASE_STEPS_VERSION: ${{{{ inputs.tool-version }}}}\n        RELEASE_STEPS_ATTESTATION: ${{{{ inputs.attestation }}}}\n        \
         GH_TOKEN: ${{{{ inputs.token }}}}{on_path}\n      run: sh \"$GITHUB_ACTION_PATH{up}/action/install-action.sh\"\n    \
         - name: Run\n      id: run{condition}\n      shell: bash\n      env:\n        \
         RELEASE_STEPS_BINARY: ${{{{ steps.install.outputs.binary }}}}\n        RELEASE_STEPS_MASK: 'true'\n        \
         GITHUB_TOKEN: ${{{{ inputs.token }}}}\n"
    );
    for (name, variable) in given {
        let _ = writeln!(out, "        {variable}: ${{{{ inputs.{name} }}}}");
    }
    let words: String = words.iter().map(|word| format!(" {word}")).collect();
    let _ = writeln!(out, "      run: '\"$RELEASE_STEPS_BINARY\" from-inputs{words}'");
    out
}
