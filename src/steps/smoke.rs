//! `smoke`: whether what was deployed answers.

use serde_json::json;

use crate::data::Period;
use crate::deploy;
use crate::effect::{Effect, Smoke as Look};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::Plan;
use crate::rules::smoke::config::{AT_ONCE, Check, Kind, Smoke, WITHIN};
use crate::rules::smoke::job;
use crate::steps::Step;
use crate::world::files;

/// `smoke`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The environment: a name in `smoke:` of the configuration [default: the only one]
    #[arg(value_name = "ENV")]
    environment: Option<String>,
    /// An address that must answer, instead of the configured checks; may be given several times
    #[arg(long, value_name = "URL")]
    url: Vec<String>,
    /// The status that the addresses must answer with: 200, 2xx, 200-204
    #[arg(long, value_name = "STATUS", requires = "url")]
    expect: Option<String>,
    /// A header to send, such as 'Authorization: Bearer ${TOKEN}'; ${NAME} is a variable
    #[arg(long, value_name = "NAME: VALUE", requires = "url")]
    header: Vec<String>,
    /// A value that the answers must have, such as $.status=ok
    #[arg(long, value_name = "JSONPATH=VALUE", requires = "url")]
    json_path: Vec<String>,
    /// A text that the answers must contain
    #[arg(long, value_name = "TEXT", requires = "url")]
    contains: Option<String>,
    /// Where the answers say their version, which must be the one deployed
    #[arg(long, value_name = "JSONPATH", requires = "url")]
    version_at: Option<String>,
    /// A port that must take connections
    #[arg(long, value_name = "HOST:PORT")]
    tcp: Vec<String>,
    /// A server whose certificate must be trusted and last for 14 days
    #[arg(long, value_name = "HOST:PORT")]
    tls: Vec<String>,
    /// A server that must say it is serving, by gRPC's health protocol
    #[arg(long, value_name = "HOST:PORT")]
    grpc: Vec<String>,
    /// The version that was deployed [default: the variable VERSION]
    #[arg(long, value_name = "VERSION")]
    deployed: Option<String>,
    /// How long all checks may take together, with everything that is tried again [default: 60s]
    #[arg(long, value_name = "TIME")]
    within: Option<Period>,
    /// Look once, and do not wait until all is well
    #[arg(long)]
    once: bool,
    /// How many checks look at the same time
    #[arg(long, value_name = "N", default_value_t = AT_ONCE, value_parser = at_once)]
    at_once: usize,
    /// Write JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<String>,
    /// Print a Kubernetes Job that runs the checks inside the cluster
    #[arg(long, requires = "image")]
    as_job: bool,
    /// The image of the Job, with release-steps in it
    #[arg(long, value_name = "IMAGE", requires = "as_job")]
    image: Option<String>,
    /// The namespace of the Job
    #[arg(long, value_name = "NAME", requires = "as_job")]
    namespace: Option<String>,
    /// The Secret that holds the variables which the checks name, for the Job
    #[arg(long, value_name = "NAME", requires = "as_job")]
    secret: Option<String>,
}

fn at_once(text: &str) -> std::result::Result<usize, String> {
    match text.parse() {
        Ok(n @ 1..=4096) => Ok(n),
        _ => Err("it is a number from 1 to 4096".to_owned()),
    }
}

/// Plans the looks.
pub fn plan(args: &Args, facts: &Facts<'_>) -> Result<Step> {
    let (environment, mut smoke) = chosen(args, facts)?;
    if let Some(within) = args.within {
        smoke.within = within;
    }
    if smoke.checks.is_empty() {
        return Err(Error::no(format!("smoke {environment} has no check"))
            .at("smoke")
            .hint("what looks at nothing says nothing: add checks to it"));
    }
    let version = args.deployed.clone().or_else(|| facts.env.get("VERSION").map(str::to_owned));
    let open = |check: &&Check| match &check.kind {
        Kind::Http(it) => it.version.as_ref().is_some_and(|v| v.equals.is_none()),
        _ => false,
    };
    if let (None, Some(check)) = (&version, smoke.checks.iter().find(open)) {
        return Err(Error::usage("which version was deployed?")
            .at(check.shown())
            .hint("say it with `--deployed 1.2.3`, with the variable VERSION, or as `equals` of the check"));
    }
    let look = Look {
        environment: environment.clone(),
        within: smoke.within,
        at_once: args.at_once.min(smoke.checks.len()),
        again: !args.once,
        version,
        junit: args.junit.clone(),
        checks: smoke.checks,
    };
    let mut plan = Plan::new("smoke", facts.now.timestamp());
    plan.summary = format!("smoke {environment}");
    if args.as_job {
        return job(args, look, plan);
    }
    if let Some(name) = look.variables().into_iter().find(|name| facts.env.get(name).is_none()) {
        let check = look.checks.iter().find(|check| check.kind.variables().contains(&name));
        return Err(Error::usage(format!("the variable {name} is not set"))
            .at(check.map(Check::shown).unwrap_or_default())
            .hint("set it in the environment"));
    }
    if let Some(path) = &args.junit {
        files::locate(&facts.root, path)?;
    }
    plan.deployments.extend(deploy::deployed(facts, &environment, look.version.as_deref())?);
    plan.output("environment", environment);
    plan.then(Effect::Smoke(look));
    Ok(plan.into())
}

/// The manifest of a Job, which is the whole answer.
fn job(args: &Args, look: Look, mut plan: Plan) -> Result<Step> {
    let variables: Vec<String> = look.variables().into_iter().collect();
    if let (None, [first, ..]) = (&args.secret, variables.as_slice()) {
        return Err(Error::usage(format!(
            "the checks name the variable {first}, and the Job would not have it"
        ))
        .at("--secret")
        .hint("name the Secret that holds it: `--secret smoke-secrets`"));
    }
    let mut smoke = Smoke { within: look.within, checks: look.checks };
    for check in &mut smoke.checks {
        match &mut check.kind {
            Kind::Http(it) => {
                if let Some(open) = it.version.as_mut().filter(|v| v.equals.is_none()) {
                    open.equals.clone_from(&look.version);
                }
            }
            Kind::Command(_) | Kind::Hurl(_) => {
                return Err(Error::usage(format!(
                    "{} needs files and programs of this machine",
                    check.shown()
                ))
                .at("--as-job")
                .hint("a Job runs http, tcp, tls, dns and grpc"));
            }
            _ => {}
        }
    }
    let terms = job::Terms {
        name: job::name(&look.environment),
        image: args.image.clone().unwrap_or_default(),
        namespace: args.namespace.clone(),
        secret: args.secret.clone(),
        variables,
    };
    let manifest = job::manifest(&smoke, &terms);
    plan.output("manifest", json!(manifest));
    Ok(Step { plan, text: Some(manifest) })
}

/// The checks: those of the command line, otherwise those of the environment.
fn chosen(args: &Args, facts: &Facts<'_>) -> Result<(String, Smoke)> {
    let named = named(args)?;
    let all = &facts.config.smoke;
    if !named.is_empty() {
        let environment = args.environment.clone().unwrap_or_else(|| "checks".to_owned());
        let smoke = Smoke::new(WITHIN, named).map_err(Error::usage)?;
        return Ok((environment, smoke));
    }
    let names: Vec<&str> = all.keys().map(String::as_str).collect();
    let found = match (&args.environment, names.as_slice()) {
        (Some(name), _) => all.get_key_value(name),
        (None, [_]) => all.first_key_value(),
        (None, _) => None,
    };
    if let Some((name, smoke)) = found {
        return Ok((name.clone(), smoke.clone()));
    }
    let hint = match names.as_slice() {
        [] => "name an address, `--url https://…/health`, or write `smoke: {production: [{http: {url: …}}]}`"
            .to_owned(),
        names => format!("there are checks for {}", names.join(", ")),
    };
    Err(match &args.environment {
        Some(name) => Error::usage(format!("there are no checks for `{name}`")),
        None => Error::usage("which checks?"),
    }
    .at("smoke")
    .hint(hint))
}

/// The checks that the command line names. They are read as those of the configuration are.
fn named(args: &Args) -> Result<Vec<Check>> {
    let mut all = Vec::new();
    let pair = |text: &str, by: char, option: &str| match text.split_once(by) {
        Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
        None => Err(Error::usage(format!("`{text}` has no `{by}`")).at(option.to_owned())),
    };
    for url in &args.url {
        let mut http = json!({ "url": url });
        if let Some(status) = &args.expect {
            http["status"] = status.split(',').collect();
        }
        for header in &args.header {
            let (name, value) = pair(header, ':', "--header")?;
            http["headers"][name] = value.into();
        }
        for value in &args.json_path {
            let (path, value) = pair(value, '=', "--json-path")?;
            http["json"][path] = serde_json::from_str(&value).unwrap_or(json!(value));
        }
        if let Some(text) = &args.contains {
            http["contains"] = text.as_str().into();
        }
        if let Some(path) = &args.version_at {
            http["version"] = json!({ "json": path });
        }
        all.push(("--url", json!({ "http": http })));
    }
    let addresses =
        [("--tcp", "tcp", &args.tcp), ("--tls", "tls", &args.tls), ("--grpc", "grpc", &args.grpc)];
    for (option, kind, list) in addresses {
        all.extend(list.iter().map(|address| (option, json!({ kind: { "address": address } }))));
    }
    all.into_iter()
        .map(|(option, check)| {
            serde_json::from_value(check).map_err(|e| Error::usage(e.to_string()).at(option))
        })
        .collect()
}
