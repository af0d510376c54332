//! `gates:` of the configuration: the checks of each environment by their names.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::rules::gate::approvals::ApprovalsConfig;
use crate::rules::gate::checklist::ChecklistConfig;
use crate::rules::gate::expression::Expression;
use crate::rules::gate::measure::{CoverageConfig, HealthConfig, PrometheusConfig, ScanConfig};
use crate::rules::gate::proof::{
    ArtifactConfig, BackupConfig, BranchCheckConfig, CommandConfig, MigrationsConfig, OnCallConfig,
    RollbackPlanConfig,
};
use crate::rules::gate::runs::RunsConfig;
use crate::rules::gate::window::WindowConfig;
use crate::rules::yaml::{Place, Placed};

/// The checks of one environment. All must pass.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(from = "Vec<Placed<Check>>")]
#[cfg_attr(test, schemars(with = "Vec<Entry>"))]
pub struct Gate(pub Vec<Check>);

/// What is wrong with checks that do not fit together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// Line and column of the check that is wrong, counted from 1.
    pub place: Place,
    /// Why.
    pub why: String,
}

/// A named check.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Entry")]
pub struct Check {
    /// Its name: as given, or that of its kind.
    pub name: String,
    /// What it checks.
    pub kind: Kind,
    named: bool,
    /// Its line and column in the configuration.
    place: Place,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $key:ident $text:literal $variant:ident($config:ty),)*) => {
        /// What a check checks.
        #[derive(Debug, Clone)]
        #[allow(clippy::large_enum_variant, reason = "there are few, and they are read once")]
        pub enum Kind {
            $($(#[$doc])* $variant($config),)*
        }

        /// One check: exactly one of the kinds, and perhaps a name.
        #[derive(Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        struct Entry {
            /// The name, for `--only`, `--override` and other checks. Default: that of the kind.
            name: Option<String>,
            $($(#[$doc])* $key: Option<$config>,)*
        }

        impl Kind {
            /// The name of the kind, as in the configuration.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Kind::$variant(_) => $text,)*
                }
            }
        }

        impl Entry {
            fn kinds(self) -> (Option<String>, Vec<Kind>) {
                (self.name, [$(self.$key.map(Kind::$variant),)*].into_iter().flatten().collect())
            }
        }

        const KINDS: &[&str] = &[$($text,)*];
    };
}

kinds! {
    /// When it may be done: weekly hours, holidays, freezes, the time before a release.
    window "window" Window(WindowConfig),
    /// Checks of CI that must be green on the exact commit.
    checks "checks" Checks(RunsConfig),
    /// Approvals by people.
    approvals "approvals" Approvals(ApprovalsConfig),
    /// Items that must be ticked, or proved by other checks.
    checklist "checklist" Checklist(ChecklistConfig),
    /// The result of `release-steps scan`.
    scan "scan" Scan(ScanConfig),
    /// How much of the code the tests reach.
    coverage "coverage" Coverage(CoverageConfig),
    /// An address that must answer well.
    health "health" Health(HealthConfig),
    /// A Prometheus query against a threshold.
    prometheus "prometheus" Prometheus(PrometheusConfig),
    /// An artifact that must be the recorded one.
    artifact "artifact" Artifact(ArtifactConfig),
    /// The age of the branch, and the code freeze.
    branch "branch" Branch(BranchCheckConfig),
    /// Migrations that wait to be run.
    migrations "migrations" Migrations(MigrationsConfig),
    /// A backup that must be there, recent and large enough.
    backup "backup" Backup(BackupConfig),
    /// A plan for the way back that must be written.
    rollback_plan "rollback_plan" RollbackPlan(RollbackPlanConfig),
    /// The record that the person on call was told.
    on_call "on_call" OnCall(OnCallConfig),
    /// A command that says yes or no.
    command "command" Command(CommandConfig),
    /// A minijinja expression over the facts of the other checks: `coverage.percent > 80 and answers.window == "pass"`.
    expression "expression" Expression(Expression),
}

impl TryFrom<Entry> for Check {
    type Error = String;

    fn try_from(entry: Entry) -> Result<Self, String> {
        let (name, mut kinds) = entry.kinds();
        let kind = match (kinds.pop(), kinds.pop()) {
            (Some(kind), None) => kind,
            (None, _) => return Err(format!("a check needs one of {}", KINDS.join(", "))),
            (Some(two), Some(one)) => {
                return Err(format!(
                    "`{}` and `{}` are two checks: write each as an entry of its own",
                    one.name(),
                    two.name()
                ));
            }
        };
        let wrong = match &kind {
            Kind::Window(it) => it.refused(),
            Kind::Checks(it) => it.refused(),
            Kind::Approvals(it) => it.refused(),
            Kind::Checklist(it) => it.refused(),
            Kind::Coverage(it) => it.refused(),
            Kind::Prometheus(it) => it.refused(),
            Kind::Branch(it) => it.refused(),
            Kind::Migrations(it) => it.refused(),
            Kind::Backup(it) => it.refused(),
            Kind::Command(it) => it.refused(),
            Kind::Scan(_)
            | Kind::Health(_)
            | Kind::Artifact(_)
            | Kind::RollbackPlan(_)
            | Kind::OnCall(_)
            | Kind::Expression(_) => None,
        };
        if let Some(wrong) = wrong {
            return Err(format!("{}: {wrong}", kind.name()));
        }
        let fit = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        };
        match name {
            Some(name) if fit(&name) => Ok(Check { name, kind, named: true, place: (0, 0) }),
            Some(name) => Err(format!("`{name}` is no name of a check: write letters, digits, `-` and `_`")),
            None => Ok(Check { name: kind.name().to_owned(), kind, named: false, place: (0, 0) }),
        }
    }
}

/// The names that expressions may use besides those of checks.
pub const NAMES: [&str; 7] = ["gate", "at", "weekday", "hour", "commit", "branch", "answers"];

impl From<Vec<Placed<Check>>> for Gate {
    fn from(checks: Vec<Placed<Check>>) -> Self {
        let located = |check: Placed<Check>| Check { place: check.place, ..check.value };
        let mut checks: Vec<Check> = checks.into_iter().map(located).collect();
        let mut taken: BTreeSet<String> =
            checks.iter().filter(|c| c.named).map(|c| identifier(&c.name)).collect();
        for check in checks.iter_mut().filter(|c| !c.named) {
            // `branch` is a name of its own in expressions, whose check is then only among the answers.
            let base = check.name.clone();
            let mut number = 1;
            while !taken.insert(identifier(&check.name)) {
                number += 1;
                check.name = format!("{base}-{number}");
            }
        }
        Gate(checks)
    }
}

impl Gate {
    /// What is wrong with the checks beside each other, if anything: names, and what one says of another.
    pub fn misfit(&self) -> Option<Misfit> {
        let checks = &self.0;
        let mut taken: BTreeSet<String> = BTreeSet::new();
        for check in checks {
            let wrong = |why: String| Some(Misfit { place: check.place, why });
            if check.named && NAMES.contains(&check.name.as_str()) {
                return wrong(format!(
                    "`{}` means something else in expressions: choose another name",
                    check.name
                ));
            }
            if !taken.insert(identifier(&check.name)) {
                return wrong(format!("two checks are named `{}`", check.name));
            }
            match &check.kind {
                Kind::Checklist(list) => {
                    for proof in list.proofs() {
                        let other = checks.iter().find(|c| c.name == proof);
                        if other.is_none_or(|c| matches!(c.kind, Kind::Checklist(_) | Kind::Expression(_))) {
                            return wrong(format!(
                                "{}: `{proof}` is no check of this gate that can prove an item",
                                check.name
                            ));
                        }
                    }
                }
                Kind::Expression(expression) => {
                    if let Some(stranger) = expression.names().find(|path| !known(checks, path)) {
                        let usable: Vec<String> = checks
                            .iter()
                            .filter(|c| fields(&c.kind).is_some())
                            .map(|c| identifier(&c.name))
                            .collect();
                        return wrong(format!(
                            "{}: `{stranger}` is not known in `{}`; known are {}",
                            check.name,
                            expression.source(),
                            usable.iter().map(String::as_str).chain(NAMES).collect::<Vec<_>>().join(", ")
                        ));
                    }
                }
                _ => {}
            }
        }
        None
    }
}

/// The name of a check in expressions, where `-` is minus.
pub fn identifier(name: &str) -> String {
    name.replace('-', "_")
}

/// Whether an expression may use a name with its fields.
fn known(checks: &[Check], path: &str) -> bool {
    let named = |name: &str| checks.iter().find(|c| identifier(&c.name) == name);
    match path.split_once('.') {
        Some(("answers", name)) => named(name).is_some_and(|c| !matches!(c.kind, Kind::Expression(_))),
        None if path == "answers" => false,
        Some((name, _)) if NAMES.contains(&name) => false,
        None if NAMES.contains(&path) => true,
        Some((name, field)) => {
            let field = field.split('.').next().unwrap_or_default();
            named(name).and_then(|c| fields(&c.kind)).is_some_and(|fields| fields.contains(&field))
        }
        None => named(path).is_some_and(|c| fields(&c.kind).is_some()),
    }
}

impl Gate {
    /// The checks that another one rests on: those that prove a checklist's items, those whose facts an expression uses.
    pub fn needs<'g>(&'g self, check: &'g Check) -> Vec<&'g Check> {
        match &check.kind {
            Kind::Checklist(list) => {
                list.proofs().filter_map(|proof| self.0.iter().find(|c| c.name == proof)).collect()
            }
            Kind::Expression(expression) => {
                let name = |path: &str| {
                    let mut parts = path.split('.').map(str::to_owned);
                    parts.next().and_then(|first| if first == "answers" { parts.next() } else { Some(first) })
                };
                let names: BTreeSet<String> = expression.names().filter_map(name).collect();
                self.0
                    .iter()
                    .filter(|c| {
                        names.contains(&identifier(&c.name)) && !matches!(c.kind, Kind::Expression(_))
                    })
                    .collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The fields that the facts of a kind have; none for kinds that expressions cannot use.
fn fields(kind: &Kind) -> Option<&'static [&'static str]> {
    Some(match kind {
        Kind::Checks(_) => &["commit", "appeared", "looked", "runs"],
        Kind::Approvals(_) => &["commit", "plan", "authors", "starters", "teams", "said"],
        Kind::Checklist(_) => &["source", "tasks"],
        Kind::Scan(_) => &["passed", "at", "commit", "critical", "high", "medium", "low", "unknown"],
        Kind::Coverage(_) => &["percent", "base"],
        Kind::Health(_) => &["status", "body"],
        Kind::Prometheus(_) => &["values"],
        Kind::Artifact(_) => &["sha256", "recorded"],
        Kind::Migrations(_) | Kind::Command(_) => &["code", "stdout", "stderr"],
        Kind::Backup(_) => &["name", "at", "bytes"],
        Kind::Window(_) | Kind::Branch(_) | Kind::RollbackPlan(_) | Kind::OnCall(_) | Kind::Expression(_) => {
            return None;
        }
    })
}
