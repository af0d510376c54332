//! The command line: parse → plan → print or apply. The only place that knows of `--dry-run`.

mod earlier;
mod line;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;

use self::earlier::{refuse_pending, settle};
use self::line::{parse, wants_json};
use crate::apply::{Report, Tools, apply, look, still_holds};
use crate::ask;
use crate::config;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::event::{Event, Sink};
use crate::facts::{Facts, Given};
use crate::journal::{self, Journal, Lock};
use crate::plan::Plan;
use crate::redact::{Redactor, Runner};
use crate::report::{self, Ending};
use crate::steps::{self, Step};

/// Composable steps of a release: each shows its whole plan before anything happens, can be run twice without harm, and
/// goes on after a crash.
///
/// Exit codes: 0 done, or nothing to do; 1 the answer is no; 2 wrong usage or configuration; 3 the outside failed;
/// 4 unknown, or still pending.
#[derive(Debug, Parser)]
#[command(name = "release-steps", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
struct Global {
    /// Work in this folder instead of the current one
    #[arg(short = 'C', long = "dir", global = true, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The configuration [default: release-steps.yml at the top of the repository, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The repository at the forge, such as https://gitlab.example.org/group/name [default: the configuration's, the remote's
    /// or the CI job's]
    #[arg(long, global = true, value_name = "URL")]
    repository: Option<String>,
    /// Show every effect and cause none
    #[arg(long, global = true)]
    dry_run: bool,
    /// Write the plan to a file, for `release-steps apply FILE`
    #[arg(long, global = true, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Do not ask before effects that leave this machine
    #[arg(short, long, global = true)]
    yes: bool,
    /// One JSON document on standard output, events as JSON lines on standard error
    #[arg(long, global = true)]
    json: bool,
    /// Say more: how long things took
    #[arg(short, long, global = true)]
    verbose: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The next version, and the files that carry it
    #[command(subcommand)]
    Version(steps::version::Command),
    /// The changelog, from the same commits as the version
    Changelog(steps::changelog::Args),
    /// Branches of GitFlow, trunk and GitHub flow
    #[command(subcommand)]
    Branch(steps::branch::Command),
    /// The checks of an environment: windows, approvals, required checks, proofs
    Gate(steps::gate::Args),
    /// What scanners, tests and coverage report: merged, waived, compared with a baseline, judged
    Scan(steps::scan::Args),
    /// Whether what was deployed answers: HTTP, TCP, TLS, DNS, gRPC, commands; until all do, within one deadline
    Smoke(steps::smoke::Args),
    /// Watches metrics after a deployment: thresholds, baselines, canaries, error budgets
    Verify(steps::verify::Args),
    /// A version to an environment: gate, artifacts, the deployment, the looks after it, and the way back
    Deploy(steps::deploy::Args),
    /// An environment back to the last version that was verified there
    Rollback(steps::rollback::Args),
    /// What was deployed: pages, a report, a list for auditors
    #[command(subcommand)]
    Log(steps::log::Command),
    /// Incidents: the issue with its timeline and the draft of the post-mortem
    #[command(subcommand)]
    Incident(steps::incident::Command),
    /// Environments: the variables that they must have
    #[command(subcommand)]
    Env(steps::env::Command),
    /// A whole release: version, files, changelog, commit, tag, push
    Release(steps::release::Args),
    /// Tells people about a release: Slack, Teams, Discord, e-mail, webhooks, PagerDuty, Statuspage, comments
    Notify(steps::notify::Args),
    /// Tells what is due now, from two days before a release to an hour after it
    Timeline(steps::timeline::Args),
    /// Runs of workflows and pipelines
    #[command(subcommand)]
    Build(steps::build::Command),
    /// The configuration and the pipeline for this repository; what is there stays as it is
    Init(steps::init::Args),
    /// What is known of the forge, and what its token can and cannot do
    Doctor,
    /// A chain of steps by its name in the configuration; `release` is always there
    Run(steps::run::Args),
    /// Apply a plan that `--plan FILE` wrote
    Apply {
        /// The plan
        file: PathBuf,
    },
    /// Go on with a run that did not come to its end
    Resume {
        /// Close the run without doing what is left of it
        #[arg(long)]
        abandon: bool,
    },
    /// A command whose options are in variables, as the actions and components give them
    #[command(hide = true)]
    FromInputs {
        /// The command
        words: Vec<String>,
    },
    /// Print the JSON Schema of release-steps.yml
    Schema,
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// A plan that people have seen, and what became of it.
type Shown = (Plan, Option<Report>);

/// What came of a command.
struct Answer {
    plan: Option<Plan>,
    report: Option<Report>,
    /// What people get on standard output.
    text: String,
}

/// Runs the program; returns its exit code.
pub fn main() -> u8 {
    let env = Env::of_process();
    let runner = Runner::detect(&env);
    let redactor = Redactor::from_env(env.iter().map(|(n, v)| (n.to_owned(), v.to_owned()))).on(runner);
    let cli = match parse(&env) {
        Ok(cli) => cli,
        Err(unread) => return unread.tell(wants_json(&env), &redactor),
    };
    report::masks(runner, &env, &redactor);
    let sink: Box<dyn Sink> = if cli.global.json {
        Box::new(report::Json::new(redactor.clone()))
    } else {
        Box::new(report::Terminal::new(redactor.clone(), cli.global.verbose, runner))
    };
    let mut shown = None;
    let result = run(&cli, &redactor, sink.as_ref(), &mut shown);
    drop(sink);
    let published = tell_runner((runner, cli.global.json), &env, &redactor, &result, shown.as_ref());
    let code = finish(cli.global.json, &redactor, result, shown);
    match published {
        Err(error) => {
            drop(anstream::stderr().write_all(redactor.clean(&report::error(&error)).as_bytes()));
            // What was done is done, but the next job would not know.
            if code == 0 { error.kind.exit_code() } else { code }
        }
        Ok(()) => code,
    }
}

/// Outputs, summary and annotations for the runner. A command that came to no plan and no error, such as `schema`, has
/// nothing to say.
fn tell_runner(
    (runner, json): (Runner, bool),
    env: &Env,
    redactor: &Redactor,
    result: &Result<Answer>,
    shown: Option<&Shown>,
) -> Result<()> {
    let ending = match result {
        Ok(Answer { plan: None, .. }) => return Ok(()),
        Ok(answer) => Ending { plan: answer.plan.as_ref(), report: answer.report.as_ref(), error: None },
        Err(error) => Ending {
            plan: shown.map(|(plan, _)| plan),
            report: shown.and_then(|(_, report)| report.as_ref()),
            error: Some(error),
        },
    };
    report::publish(runner, env, redactor, ending, json)
}

/// Prints the answer or the error, and says the exit code.
fn finish(json: bool, redactor: &Redactor, result: Result<Answer>, shown: Option<Shown>) -> u8 {
    let (code, out, err) = match (result, json) {
        (Ok(answer), true) if answer.plan.is_some() => {
            let document = report::document(answer.plan.as_ref(), answer.report.as_ref(), None);
            (0, format!("{document:#}\n"), String::new())
        }
        (Ok(answer), _) => (0, answer.text, String::new()),
        (Err(error), true) => {
            let (plan, report) = shown.unzip();
            let document = report::document(plan.as_ref(), report.flatten().as_ref(), Some(&error));
            (error.kind.exit_code(), format!("{document:#}\n"), String::new())
        }
        (Err(error), false) => (error.kind.exit_code(), String::new(), report::error(&error)),
    };
    // A reader that went away (`| head`) is no failure of the release.
    drop(anstream::stderr().write_all(redactor.clean(&err).as_bytes()));
    let out = if json { redactor.clean_json(&out).into() } else { redactor.clean(&out) };
    let written = if out.contains('\u{1b}') {
        let mut stdout = anstream::stdout();
        stdout.write_all(out.as_bytes()).and_then(|()| stdout.flush())
    } else {
        // Nothing to take colours out of, however long it is.
        let mut stdout = std::io::stdout();
        stdout.write_all(out.as_bytes()).and_then(|()| stdout.flush())
    };
    drop(written);
    code
}

fn run(cli: &Cli, redactor: &Redactor, sink: &dyn Sink, shown: &mut Option<Shown>) -> Result<Answer> {
    let text = |text: String| Ok(Answer { plan: None, report: None, text });
    match &cli.command {
        Command::Schema => return text(config::SCHEMA.to_owned()),
        Command::Completions { shell } => {
            let mut out = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "release-steps", &mut out);
            return text(String::from_utf8_lossy(&out).into_owned());
        }
        _ => {}
    }
    let dir = cli.global.dir.clone().unwrap_or_else(|| PathBuf::from("."));
    let gather = match &cli.command {
        Command::Smoke(_) | Command::Verify(_) => Facts::anywhere,
        _ => Facts::gather,
    };
    let given = Given { config: cli.global.config.as_deref(), repository: cli.global.repository.as_deref() };
    let facts = gather(&dir, given, Env::of_process(), sink)?;
    facts.learn(redactor);
    let step = match &cli.command {
        Command::Version(command) => steps::version::plan(command, &facts)?,
        Command::Changelog(args) => steps::changelog::plan(args, &facts)?,
        Command::Branch(command) => steps::branch::plan(command, &facts)?,
        Command::Gate(args) => steps::gate::plan(args, &facts)?,
        Command::Scan(args) => steps::scan::plan(args, &facts)?,
        Command::Smoke(args) => steps::smoke::plan(args, &facts)?,
        Command::Verify(args) => steps::verify::plan(args, &facts)?,
        Command::Deploy(args) => steps::deploy::plan(args, &facts)?,
        Command::Rollback(args) => steps::rollback::plan(args, &facts)?,
        Command::Log(command) => steps::log::plan(command, &facts)?,
        Command::Incident(command) => steps::incident::plan(command, &facts)?,
        Command::Env(command) => steps::env::plan(command, &facts)?,
        Command::Release(args) => steps::release::plan(args, &facts)?,
        Command::Notify(args) => steps::notify::plan(args, &facts)?,
        Command::Timeline(args) => steps::timeline::plan(args, &facts)?,
        Command::Build(command) => steps::build::plan(command, &facts)?,
        Command::Init(args) => {
            steps::init::plan(args, &facts, &|question| question_of_init(cli, &facts, question))?
        }
        Command::Doctor => steps::doctor::plan(&facts)?,
        Command::Run(args) => steps::run::plan(args, &facts)?,
        Command::Apply { file } => Step::from(read_plan(file)?),
        Command::Resume { abandon } => {
            let answer = resume(cli, redactor, &facts, *abandon, sink, shown);
            tell_traffic(cli, &facts, sink);
            return answer;
        }
        Command::FromInputs { .. } | Command::Schema | Command::Completions { .. } => {
            return text(String::new());
        }
    };
    learn(redactor, &facts, &step.plan);
    *shown = Some((step.plan.clone(), None));
    let answer = act(cli, redactor, &facts, step, sink, shown);
    tell_traffic(cli, &facts, sink);
    answer
}

/// With `-v`, how much was asked of the forge: calls are what its limits count.
fn tell_traffic(cli: &Cli, facts: &Facts<'_>, sink: &dyn Sink) {
    let traffic = facts.forges().traffic();
    if cli.global.verbose && traffic.calls > 0 {
        let text = format!(
            "{} calls to the forge, {} of them answered \"unchanged\"",
            traffic.calls, traffic.unchanged
        );
        sink.event(&Event::Note { text: &text });
    }
}

fn read_plan(file: &Path) -> Result<Plan> {
    let shown = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|e| Error::usage(format!("the plan cannot be read: {e}")).at(shown.clone()))?;
    Plan::from_json(&text, &shown)
}

/// Prints a plan, or shows it and applies it.
fn act(
    cli: &Cli,
    redactor: &Redactor,
    facts: &Facts<'_>,
    step: Step,
    sink: &dyn Sink,
    shown: &mut Option<Shown>,
) -> Result<Answer> {
    let Step { plan, text } = step;
    sink.event(&Event::planned(&plan));
    if let Some(file) = &cli.global.plan {
        std::fs::write(file, plan.to_json()).map_err(|e| {
            Error::outside(format!("the plan cannot be written: {e}")).at(file.display().to_string())
        })?;
    }
    // Pages for people fit their terminal; what is for a file or a program stays as it is.
    let page = matches!(cli.command, Command::Log(steps::log::Command::Show(_)));
    let text = if page { text.map(report::fitted) } else { text };
    let as_text = || text.unwrap_or_else(|| report::plan(&plan));
    if cli.global.dry_run || plan.is_empty() {
        if let Err(error) = plan.verdict() {
            show(cli, redactor, &as_text());
            return Err(error);
        }
        if plan.is_empty() {
            refuse_pending(facts, redactor, &plan)?;
        } else if matches!(cli.command, Command::Apply { .. }) {
            // It may be an old plan: say now what applying it would say.
            still_holds(&plan, &tools(facts, redactor)?)?;
        }
        if !cli.global.dry_run {
            settle(facts, redactor, &plan.step)?;
        }
        return Ok(Answer { text: as_text(), plan: Some(plan), report: None });
    }
    if plan.only_looks() {
        return watch(cli, redactor, facts, plan, sink, shown);
    }
    show(cli, redactor, &report::plan(&plan));
    if !plan.regardless {
        plan.verdict()?;
    }
    let _lock = Lock::take(&facts.git_dir, &plan.step)?;
    for run in journal::unfinished(&facts.git_dir)? {
        if run.plan.digest() != plan.digest() {
            sink.event(&Event::Note {
                text: &format!(
                    "an earlier run did not come to its end: {} (`release-steps resume` would go on with it)",
                    run.plan.summary
                ),
            });
        }
    }
    ask(cli, facts, &plan)?;
    let mut journal = Journal::open(&facts.git_dir, &plan)?;
    let tools = tools(facts, redactor)?;
    let applied = apply(&plan, &tools, &mut journal, sink);
    let (plan, report) = told(&tools, plan, applied, shown)?;
    for mut run in journal::unfinished(&facts.git_dir)? {
        if run.plan.step == plan.step {
            run.journal.finish("superseded")?;
        }
    }
    settle(facts, redactor, &plan.step)?;
    answer(plan, report, shown)
}

/// The values that a plan's effects use as secrets appear in no output from here on.
fn learn(redactor: &Redactor, facts: &Facts<'_>, plan: &Plan) {
    for name in plan.all_effects().flat_map(|(_, effect)| effect.secrets()) {
        facts.env.get(&name).into_iter().for_each(|value| redactor.learn(value));
    }
}

/// Applies a plan that only looks: without lock and journal, for nothing of it could be left half done.
fn watch(
    cli: &Cli,
    redactor: &Redactor,
    facts: &Facts<'_>,
    plan: Plan,
    sink: &dyn Sink,
    shown: &mut Option<Shown>,
) -> Result<Answer> {
    if cli.global.verbose {
        show(cli, redactor, &report::plan(&plan));
    }
    let tools = tools(facts, redactor)?;
    let looked = look(&plan, &tools, sink);
    let (plan, report) = told(&tools, plan, looked, shown)?;
    answer(plan, report, shown)
}

/// The write side of the world, for effects that name variables and write reports.
fn tools(facts: &Facts<'_>, redactor: &Redactor) -> Result<Tools> {
    let tools = Tools::new(&facts.root, facts.forges(), facts.store()?, facts.local_store());
    Ok(tools.with(facts.env.clone(), redactor.clone()))
}

/// The plan with what its effects found out, which people see also when one of them failed.
fn told(
    tools: &Tools,
    plan: Plan,
    applied: Result<Report>,
    shown: &mut Option<Shown>,
) -> Result<(Plan, Report)> {
    let plan = tools.told().into_plan(plan);
    *shown = Some((plan.clone(), None));
    Ok((plan, applied?))
}

/// The answer of a plan that was applied: its verdict, by what was found before and after.
fn answer(plan: Plan, report: Report, shown: &mut Option<Shown>) -> Result<Answer> {
    *shown = Some((plan.clone(), Some(report.clone())));
    plan.verdict()?;
    Ok(Answer { text: report::result(&plan, &report), plan: Some(plan), report: Some(report) })
}

/// Goes on with the newest run that did not come to its end.
fn resume(
    cli: &Cli,
    redactor: &Redactor,
    facts: &Facts<'_>,
    abandon: bool,
    sink: &dyn Sink,
    shown: &mut Option<Shown>,
) -> Result<Answer> {
    let lock = Lock::take(&facts.git_dir, "resume")?;
    let Some(mut run) = journal::unfinished(&facts.git_dir)?.into_iter().next() else {
        let mut plan = Plan::new("resume", facts.now.timestamp());
        plan.summary = "nothing to resume: every run came to its end".to_owned();
        return Ok(Answer { text: report::plan(&plan), plan: Some(plan), report: None });
    };
    if abandon {
        let mut plan = Plan::new("resume", facts.now.timestamp());
        plan.summary = format!("abandoned: {}", run.plan.summary);
        if !cli.global.dry_run {
            run.journal.finish("abandoned")?;
        }
        return Ok(Answer { text: report::plan(&plan), plan: Some(plan), report: None });
    }
    *shown = Some((run.plan.clone(), None));
    sink.event(&Event::planned(&run.plan));
    if cli.global.dry_run {
        return Ok(Answer { text: report::plan(&run.plan), plan: Some(run.plan), report: None });
    }
    show(cli, redactor, &report::plan(&run.plan));
    ask(cli, facts, &run.plan)?;
    learn(redactor, facts, &run.plan);
    let tools = tools(facts, redactor)?;
    let applied = apply(&run.plan, &tools, &mut run.journal, sink);
    let (plan, report) = told(&tools, run.plan, applied, shown)?;
    drop(lock);
    answer(plan, report, shown)
}

/// Shows text to people, beside the document that machines get.
fn show(cli: &Cli, redactor: &Redactor, text: &str) {
    if !cli.global.json {
        drop(anstream::stderr().write_all(redactor.clean(text).as_bytes()));
    }
}

/// On a terminal, asks before anything leaves the machine; elsewhere, and in CI, nobody is there to answer.
fn ask(cli: &Cli, facts: &Facts<'_>, plan: &Plan) -> Result<()> {
    if !asks(cli, facts) || !plan.leaves_machine() {
        return Ok(());
    }
    match ask::line("\nApply this plan? Only `yes` is taken: ")?.as_str() {
        "yes" => Ok(()),
        _ => Err(Error::no("not applied: nothing was changed")),
    }
}

/// Whether questions are asked.
fn asks(cli: &Cli, facts: &Facts<'_>) -> bool {
    !cli.global.yes && !cli.global.json && ask::someone_there(&facts.env)
}

/// What a person answers to a question of `init`; none where nobody is asked.
fn question_of_init(cli: &Cli, facts: &Facts<'_>, question: &str) -> Result<Option<String>> {
    if asks(cli, facts) { ask::line(&format!("{question} ")).map(Some) } else { Ok(None) }
}
