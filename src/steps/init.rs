//! `init`: the configuration and the pipeline for a repository as it stands.

use crate::config::{ForgeConfig, Model};
use crate::effect::Effect;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::{Answer, Finding, Plan};
use crate::rules::commit::parse;
use crate::rules::pipeline::{Job, Pipeline};
use crate::steps::Step;
use crate::survey::branches::{main_branch, model, names};
use crate::survey::files::{Edits, Source, written_versions};
use crate::survey::project::{Target, is_plain, languages, scanners, target};
use crate::survey::{Line, packages};
use crate::world::forge::{Kind, Place, detect};

/// `init`
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// The forge whose pipeline is written [default: the one of the remote]
    #[arg(long)]
    forge: Option<Forge>,
    /// The branching model [default: GitFlow where there is a develop branch, otherwise GitHub flow]
    #[arg(long)]
    model: Option<Branching>,
    /// The branch of production [default: what the remote's HEAD names, main or master]
    #[arg(long, value_name = "BRANCH")]
    main: Option<String>,
    /// A report that scanners, tests or coverage write, for the scan
    #[arg(long = "report", value_name = "FILE")]
    reports: Vec<String>,
    /// The environment that a release is deployed to, behind its gate [default: nothing is deployed]
    #[arg(long, value_name = "ENV")]
    environment: Option<String>,
    /// A line for a shell that deploys $VERSION to the environment [default: what the repository's files tell]
    #[arg(long, value_name = "COMMAND", requires = "environment")]
    deploy: Vec<String>,
    /// The tag or commit of release-steps that the pipeline uses; a commit cannot be moved by others
    #[arg(long, value_name = "REF", default_value = "v1")]
    pin: String,
    /// The version of release-steps that the pipeline installs [default: the last that the pin knows]
    #[arg(long, value_name = "VERSION")]
    tool_version: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Forge {
    #[value(name = "github")]
    GitHub,
    #[value(name = "gitlab")]
    GitLab,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Branching {
    Gitflow,
    Trunk,
    GithubFlow,
}

/// Asks a person, and says what was answered, empty for the usual answer; none where nobody is there.
pub type Asker<'a> = &'a dyn Fn(&str) -> Result<Option<String>>;

/// The configuration.
const CONFIGURATION: &str = "release-steps.yml";

/// Plans the files. What is there already stays as it is.
pub fn plan(args: &Args, facts: &Facts<'_>, ask: Asker<'_>) -> Result<Step> {
    let target = target(facts)?;
    let found = facts.forge()?.map(|found| found.place.clone());
    let forge = forge(args, found.as_ref(), ask)?;
    let told = if found.is_none() { told(facts, forge)? } else { None };
    let (main, detected) = main(args, facts, ask)?;
    let model = chosen_model(args, facts)?;
    let (environment, deploys) = deployment(args, target.as_ref(), ask)?;
    plain(args)?;
    let mut branches = vec![main.clone()];
    if model == Model::Gitflow {
        branches.push(facts.config.branch.develop.clone());
    }
    if let Some(odd) = branches.iter().find(|branch| !is_plain(branch)) {
        return Err(Error::usage(format!("a pattern of branches would take `{odd}` for something else"))
            .at("--main")
            .hint("letters, digits, `-`, `_`, `.` and `/` are written into a pipeline"));
    }
    let (languages, odd) = languages(facts)?;
    let mut plan = Plan::new("init", facts.now.timestamp());
    for language in &languages {
        let within =
            if language.folder.is_empty() { String::new() } else { format!(" in {}", language.folder) };
        let message = format!("{}{within}", language.kind.name());
        plan.findings.push(Finding::new(Answer::Note, "language", message));
    }
    tell(facts, languages.is_empty(), &odd, &mut plan)?;
    tell_target(target.as_ref(), environment.as_deref(), &mut plan);
    let place = found.filter(|place| place.kind == kind(forge)).or_else(|| told.clone());
    let pipeline = Pipeline {
        model: name_of(model),
        main: (!detected).then_some(main),
        forge_kind: told.map(|_| name_of_forge(forge)),
        host: place.as_ref().map_or("gitlab.com", host).to_owned(),
        branches,
        jobs: languages
            .into_iter()
            .map(|l| Job {
                kind: l.kind.name(),
                image: l.kind.image(),
                folder: l.folder,
                build: l.build,
                test: l.test,
            })
            .collect(),
        reports: args.reports.clone(),
        legacy: legacy(facts)?,
        environment,
        deploys,
        pin: args.pin.clone(),
        tool_version: args.tool_version.clone(),
    };
    let (path, text) = match forge {
        Forge::GitHub => (".github/workflows/release-steps.yml", pipeline.github()?),
        Forge::GitLab => (".gitlab-ci.yml", pipeline.gitlab()?),
    };
    let mut edits = Edits::new(facts, Source::WorkTree);
    for (path, text, why) in
        [(CONFIGURATION, pipeline.configuration()?, "configuration"), (path, text, "pipeline")]
    {
        match edits.read(path)? {
            None => edits.put(path, text, why.to_owned())?,
            Some(there) if there == text => {}
            Some(_) => plan.findings.push(
                Finding::new(Answer::Note, "kept", format!("the {why} is there already and stays as it is"))
                    .at(path)
                    .hint("move it away and run `init` again to see what would be written"),
            ),
        }
    }
    if edits.read(CONFIGURATION)?.as_ref() != Some(&pipeline.configuration()?)
        && let Some(environment) = &pipeline.environment
    {
        missing(facts, environment, &mut plan);
    }
    plan.output("forge", name_of_forge(forge));
    plan.output("languages", pipeline.jobs.iter().map(|job| job.kind).collect::<Vec<_>>());
    plan.output("pipeline", path);
    let effects: Vec<Effect> = edits.into_files().into_iter().map(Effect::WriteFile).collect();
    plan.summary = match effects.as_slice() {
        [] => "nothing to write".to_owned(),
        [only] => only.to_string(),
        _ => "the configuration and the pipeline".to_owned(),
    };
    if !effects.is_empty() {
        plan.wave(effects);
    }
    Ok(plan.into())
}

fn kind(forge: Forge) -> Kind {
    match forge {
        Forge::GitHub => Kind::GitHub,
        Forge::GitLab => Kind::GitLab,
    }
}

fn name_of_forge(forge: Forge) -> &'static str {
    match forge {
        Forge::GitHub => "github",
        Forge::GitLab => "gitlab",
    }
}

fn name_of(model: Model) -> &'static str {
    match model {
        Model::Gitflow => "gitflow",
        Model::Trunk => "trunk",
        Model::GithubFlow => "github-flow",
    }
}

fn host(place: &Place) -> &str {
    let host = place.web.split_once("://").map_or(place.web.as_str(), |(_, rest)| rest);
    host.split('/').next().unwrap_or(host)
}

fn forge(args: &Args, found: Option<&Place>, ask: Asker<'_>) -> Result<Forge> {
    if let Some(forge) = args
        .forge
        .or_else(|| found.map(|place| if place.kind == Kind::GitHub { Forge::GitHub } else { Forge::GitLab }))
    {
        return Ok(forge);
    }
    match ask("No remote says which forge the pipeline is for. github or gitlab?")?.as_deref() {
        Some("github") => Ok(Forge::GitHub),
        Some("gitlab") => Ok(Forge::GitLab),
        Some(other) => Err(Error::usage(format!("`{other}` is neither github nor gitlab")).at("--forge")),
        None => Err(Error::usage("no remote says which forge the pipeline is for")
            .at("--forge")
            .hint("`--forge github` or `--forge gitlab`")),
    }
}

/// The place of a remote at a host whose kind nothing but the configuration can tell.
fn told(facts: &Facts<'_>, forge: Forge) -> Result<Option<Place>> {
    let told = ForgeConfig { kind: Some(kind(forge)), ..facts.config.forge.clone() };
    Ok(detect(&told, &facts.env, facts.remote_url()?.as_deref())?.map(|found| found.place))
}

/// The branch of production, and whether it would be found without being named.
fn main(args: &Args, facts: &Facts<'_>, ask: Asker<'_>) -> Result<(String, bool)> {
    let found = main_branch(facts)?;
    if let Some(main) = &args.main {
        return Ok((main.clone(), found.as_ref() == Some(main)));
    }
    if let Some(main) = found {
        return Ok((main, true));
    }
    // Before the first commit there are no branches, and the one that it will be on is the only one.
    if names(facts)?.is_empty()
        && let Some(branch) = facts.branch()?
    {
        return Ok((branch, true));
    }
    match ask("Which branch is the one of production?")? {
        Some(branch) if !branch.is_empty() => Ok((branch, false)),
        _ => Err(Error::usage("which branch is the one of production?").at("--main").hint("`--main BRANCH`")),
    }
}

fn chosen_model(args: &Args, facts: &Facts<'_>) -> Result<Model> {
    Ok(match args.model {
        Some(Branching::Gitflow) => Model::Gitflow,
        Some(Branching::Trunk) => Model::Trunk,
        Some(Branching::GithubFlow) => Model::GithubFlow,
        None => model(facts)?,
    })
}

/// The environment and the lines that deploy to it.
fn deployment(args: &Args, target: Option<&Target>, ask: Asker<'_>) -> Result<(Option<String>, Vec<String>)> {
    let environment = match &args.environment {
        Some(environment) => Some(environment.clone()),
        None => ask("To which environment is a release deployed, such as production? Empty for none:")?
            .filter(|answer| !answer.is_empty()),
    };
    let Some(environment) = environment else { return Ok((None, Vec::new())) };
    if !is_plain(&environment) || environment.is_empty() || environment.contains('/') {
        return Err(Error::usage(format!("`{environment}` is no name of an environment"))
            .at("--environment")
            .hint("letters, digits, `-`, `_` and `.`"));
    }
    if !args.deploy.is_empty() {
        return Ok((Some(environment), args.deploy.clone()));
    }
    let found = target.map(|target| target.deploy.clone());
    let usual = found.as_ref().map_or_else(String::new, |lines| format!(" [{}]", lines.join("; ")));
    let answer =
        ask(&format!("The command that deploys $VERSION{usual}:"))?.filter(|answer| !answer.is_empty());
    match answer.map(|line| vec![line]).or(found) {
        Some(lines) => Ok((Some(environment), lines)),
        None => Err(Error::usage("no file here says how it is deployed")
            .at("--deploy")
            .hint("`--deploy COMMAND`, once for each line")),
    }
}

/// Flags that stand in texts as they are.
fn plain(args: &Args) -> Result<()> {
    let control = |text: &String| text.chars().any(char::is_control);
    if let Some(line) = args.deploy.iter().chain(&args.reports).find(|line| control(line)) {
        return Err(Error::usage(format!("`{}` is not one line", line.escape_debug())));
    }
    if args.pin.is_empty() || !is_plain(&args.pin) {
        return Err(
            Error::usage(format!("`{}` is neither a tag nor a commit", args.pin.escape_debug())).at("--pin")
        );
    }
    match &args.tool_version {
        Some(version) if !is_plain(version) => {
            Err(Error::usage(format!("`{}` is no version", version.escape_debug())).at("--tool-version"))
        }
        _ => Ok(()),
    }
}

/// Whether commits since the last release keep to no convention: `version check` would fail for what nobody knew then.
fn legacy(facts: &Facts<'_>) -> Result<bool> {
    let Ok(head) = facts.head() else { return Ok(false) };
    let packages = packages(facts)?;
    let [package] = packages.as_slice() else { return Ok(false) };
    let line = Line::read(facts, package, head)?;
    let conventional =
        |message: &str| parse(message).changes.first().is_some_and(|change| change.type_.is_some());
    Ok(line.since_stable.iter().any(|text| !text.merge && !conventional(&text.message)))
}

/// What was found, for a person to check.
fn tell(facts: &Facts<'_>, nothing: bool, odd: &[String], plan: &mut Plan) -> Result<()> {
    let mut note = |check: &str, message: String, hint: &str| {
        let finding = Finding::new(Answer::Note, check, message);
        plan.findings.push(if hint.is_empty() { finding } else { finding.hint(hint) });
    };
    if nothing {
        let message = "no build is known for what is committed here";
        note("language", message.to_owned(), "write the commands into the pipeline");
    }
    for folder in odd {
        let message =
            format!("the folder `{}` has a name that is not written into a command", folder.escape_debug());
        note("language", message, "add its build to the pipeline yourself");
    }
    if facts.head().is_ok() {
        for package in packages(facts)? {
            let files: Vec<String> = written_versions(facts, &package)?
                .into_iter()
                .map(|(path, version)| format!("{path} ({version})"))
                .collect();
            let name = if package.name.is_empty() { "the version" } else { &package.name };
            let files = if files.is_empty() { "tags only".to_owned() } else { files.join(", ") };
            note("version", format!("{name}: {files}"), "");
        }
    }
    for scanner in scanners(facts)? {
        let message = format!("{} is set up in {}", scanner.name, scanner.file);
        note(
            "scanner",
            message,
            &format!("have `{}` run with the tests, and name its report with `--report`", scanner.line),
        );
    }
    Ok(())
}

/// What a configuration that was there already does not say of the environment.
fn missing(facts: &Facts<'_>, environment: &str, plan: &mut Plan) {
    let mut warn = |check: &str, message: String, hint: String| {
        plan.findings.push(Finding::new(Answer::Warning, check, message).at(CONFIGURATION).hint(hint));
    };
    if !facts.config.gates.contains_key(environment) {
        warn(
            "gate",
            format!("the configuration has no gate for `{environment}`"),
            format!(
                "`gates: {{{environment}: [...]}}` asks for windows, approvals and checks before a deployment"
            ),
        );
    }
    if !facts.config.deploy.contains_key(environment) {
        warn(
            "deploy",
            format!("the configuration does not say how `{environment}` is deployed to"),
            format!(
                "`deploy: {{{environment}: {{command: {{deploy: ./deploy.sh}}}}}}` and `record: {{ref: true}}`"
            ),
        );
    }
}

fn tell_target(target: Option<&Target>, environment: Option<&str>, plan: &mut Plan) {
    let Some(target) = target else { return };
    let finding =
        Finding::new(Answer::Note, "deployment", format!("{} is known by {}", target.name, target.file));
    plan.findings.push(match environment {
        Some(_) => finding
            .hint("look over its commands in the pipeline: what credentials they need is not known here"),
        None => finding.hint("`--environment NAME` has releases deployed with it"),
    });
}
