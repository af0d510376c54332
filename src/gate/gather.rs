//! The facts of checks, each read only when its check is asked. A fact that cannot be read is unknown, with its reason.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, SpanRelativeTo, Timestamp, Zoned};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::backups;
use crate::data::{CommitId, Lapse};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::rules::commit::parse;
use crate::rules::gate::approvals::{self, Approval, Approvals, ApprovalsConfig};
use crate::rules::gate::checklist::{Checklist, ChecklistConfig, tasks};
use crate::rules::gate::freeze::Freeze;
use crate::rules::gate::measure::{
    self, Coverage, CoverageConfig, HeaderText, Health, PrometheusConfig, Samples,
};
use crate::rules::gate::proof::{self, Artifact, Backup, BackupConfig, Branch, Output};
use crate::rules::gate::runs::{Runs, RunsConfig};
use crate::rules::gate::window::WindowConfig;
use crate::rules::gate::{Answer, Fact, Kind, brief};
use crate::rules::scan::Coverage as Lines;
use crate::rules::scan::read::Reader;
use crate::survey::branches::{Trunks, calendar, releases};
use crate::world::forge::{Request, RequestState, View};
use crate::world::http::Failure;
use crate::world::http::Headers;

/// Reads facts for the checks of one gate.
pub struct Gather<'f> {
    /// The world.
    pub facts: &'f Facts<'f>,
    /// The environment.
    pub environment: &'f str,
    /// The time that the gate answers for; it goes on while the gate waits.
    pub at: Zoned,
    /// When the gate looked first.
    pub looked: Timestamp,
    /// How long is waited, instead of what each check says.
    pub ends: Option<SignedDuration>,
    /// The commit that is let through.
    pub commit: CommitId,
    /// The digest of the plan that is let through.
    pub plan: Option<String>,
}

/// A check's answer with the facts that it rests on.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The answer.
    pub answer: Answer,
    /// The facts; none when they could not be read.
    pub facts: Option<Value>,
}

/// Judges a fact, when it is known.
fn asked<T: Serialize>(fact: Fact<T>, judge: impl FnOnce(&T) -> Answer) -> Asked {
    match fact {
        Ok(fact) => Asked { answer: judge(&fact), facts: serde_json::to_value(&fact).ok() },
        Err(why) => Asked { answer: Answer::unknown(why), facts: None },
    }
}

/// Why a forge did not answer.
fn failed(failure: Failure) -> String {
    why(failure.into())
}

/// Why a fact could not be read.
fn why(error: Error) -> String {
    match &error.detail {
        Some(detail) => format!("{error}: {}", detail.lines().next().unwrap_or_default()),
        None => error.to_string(),
    }
}

impl Gather<'_> {
    /// Asks a check that rests on no other one. Only what is wrong in the configuration is an error.
    pub fn ask(&self, kind: &Kind) -> Result<Asked> {
        let at = &self.at;
        Ok(match kind {
            Kind::Window(window) => return self.window(window),
            Kind::Approvals(approvals) => {
                asked(self.approvals(approvals), |facts| approvals.answer(facts, at))
            }
            Kind::Coverage(coverage) => asked(self.coverage(coverage), |facts| coverage.answer(facts)),
            Kind::Artifact(artifact) => {
                asked(self.artifact(&artifact.file, &artifact.manifest), |facts| artifact.answer(facts))
            }
            Kind::Branch(branch) => asked(self.branch().map_err(why), |facts| branch.answer(facts, at)),
            Kind::Command(command) => {
                asked(self.output(&command.run, command.within), |output| command.answer(output))
            }
            Kind::Migrations(migrations) => {
                asked(self.output(&migrations.run, migrations.within), |output| migrations.answer(output))
            }
            Kind::Backup(backup) => {
                let found = self.backup(backup);
                asked(found, |found| backup.answer(found.as_ref(), at))
            }
            Kind::RollbackPlan(plan) => asked(self.text(&plan.file), |text| plan.answer(text.as_deref())),
            Kind::OnCall(record) => asked(self.text(&record.file), |text| record.answer(text.as_deref(), at)),
            Kind::Checks(checks) => {
                let config = RunsConfig { poll: self.ends.unwrap_or(checks.poll), ..checks.clone() };
                asked(self.runs(), |runs| config.answer(runs, at))
            }
            Kind::Scan(scan) => {
                let result = self.there(&scan.file).and_then(|text| measure::scan(&text));
                asked(result, |result| scan.answer(result, &self.commit.to_string(), at))
            }
            Kind::Health(health) => {
                let headers = self.headers(health.token_env.as_deref(), &health.headers);
                let answer = headers.and_then(|headers| self.fetch(&health.url, &headers, health.within));
                asked(answer.map(|(status, body)| Health { status, body }), |found| health.answer(found))
            }
            Kind::Prometheus(prometheus) => asked(self.samples(prometheus), |found| prometheus.answer(found)),
            Kind::Checklist(_) | Kind::Expression(_) => {
                Asked { answer: Answer::unknown("it rests on other checks"), facts: None }
            }
        })
    }

    /// A checklist, with the answers of the checks that prove items.
    pub fn checklist(&self, list: &ChecklistConfig, others: &BTreeMap<String, Answer>) -> Asked {
        let text = match (&list.file, list.issue) {
            _ if !list.needs_text() => Ok(None),
            (Some(file), _) => self.there(file).map(|text| Some((file.clone(), text))),
            (None, Some(number)) => self.issue(number).map(|text| Some((format!("issue {number}"), text))),
            (None, None) => self
                .request()
                .map(|request| Some((format!("the text of request {}", request.number), request.body))),
        };
        let fact = text.map(|text| match text {
            Some((source, text)) => Checklist { source: Some(source), tasks: tasks(&text) },
            None => Checklist::default(),
        });
        asked(fact, |facts| list.answer(facts, others))
    }

    /// The names that expressions may use besides those of checks.
    pub fn names(&self) -> Result<Map<String, Value>> {
        let names = json!({
            "gate": self.environment,
            "at": self.at.timestamp(),
            "weekday": self.at.strftime("%a").to_string().to_lowercase(),
            "hour": self.at.hour(),
            "commit": self.commit,
            "branch": self.facts.branch()?,
        });
        Ok(match names {
            Value::Object(map) => map,
            _ => Map::new(),
        })
    }

    /// Who started this run, or ran it again, as the CI names them
    /// (<https://docs.github.com/actions/reference/workflows-and-actions/variables>,
    /// <https://docs.gitlab.com/ci/variables/predefined_variables/>).
    pub fn starters(&self) -> Vec<String> {
        let mut names: Vec<String> = ["GITHUB_ACTOR", "GITHUB_TRIGGERING_ACTOR", "GITLAB_USER_LOGIN"]
            .iter()
            .filter_map(|name| self.facts.env.get(name).map(str::to_owned))
            .collect();
        names.dedup();
        names
    }

    fn text(&self, path: &str) -> Fact<Option<String>> {
        self.facts.read(path).map_err(why)
    }

    fn window(&self, window: &WindowConfig) -> Result<Asked> {
        let calendar = calendar(self.facts)?;
        if calendar.is_none() && window.needs_calendar() {
            return Err(Error::usage("`before_release` needs the release calendar, and there is none")
                .at("gates")
                .hint("set `branch: {calendar: {from: 2026-01-06, every: 2 weeks}}`"));
        }
        let periods = match window.freeze_periods {
            true => self.freezes(),
            false => Ok(Vec::new()),
        };
        let at = self.at.timestamp();
        let answer = window.answer(calendar.as_ref(), periods, at);
        let zone = window.zone.0.iana_name();
        let here = at.to_zoned(window.zone.0.clone());
        Ok(Asked { answer, facts: Some(json!({ "at": at, "zone": zone, "clock": here.datetime() })) })
    }

    fn approvals(&self, config: &ApprovalsConfig) -> Fact<Approvals> {
        let mut authors = match config.allow_author {
            true => Vec::new(),
            false => self.authors().map_err(why)?,
        };
        let said: Vec<Approval> = match &config.file {
            Some(file) => match self.text(file)? {
                None => Vec::new(),
                Some(text) => {
                    serde_json::from_str(&text).map_err(|e| format!("{file} is no list of approvals: {e}"))?
                }
            },
            None => {
                let request = self.request()?;
                let mut said = self.forge()?.reviews(&request).map_err(failed)?;
                authors.push(request.author.clone());
                if self.became(&request) {
                    for approval in &mut said {
                        if approval.commit.is_some_and(|c| c.to_string() == request.commit) {
                            approval.commit = Some(self.commit);
                        }
                    }
                }
                if config.plan && said.iter().any(|a| a.plan.is_none()) {
                    let remarks = self.forge()?.remarks(&request).map_err(failed)?;
                    approvals::bind(&mut said, &remarks, self.at.timestamp());
                }
                said
            }
        };
        let mut teams = BTreeMap::new();
        for team in config.forge_teams() {
            let members = self.forge()?.members(team.trim_start_matches('@')).map_err(failed)?;
            let members = members.ok_or_else(|| {
                format!(
                    "there is no {team}, or this token may not see who is in it: at GitHub it needs `read:org`, which the \
                     job's own token has not"
                )
            })?;
            teams.insert(team, members);
        }
        Ok(Approvals {
            commit: self.commit,
            plan: self.plan.clone(),
            authors,
            starters: self.starters(),
            teams,
            said,
        })
    }

    /// Whether what was approved of a request is what is let through: a merged request became this commit, unless this is
    /// one of the commits on the way to the request's head.
    fn became(&self, request: &Request) -> bool {
        let repo = self.facts.repo();
        let on_the_way = request.commit.parse().ok().is_some_and(|head: CommitId| {
            // Where the head is not here, the request was squashed or rebased, and this is what came of it.
            head != self.commit && repo.is_ancestor(self.commit, head).unwrap_or(false)
        });
        request.state == RequestState::Merged && !on_the_way
    }

    /// What the forge can be asked.
    fn forge(&self) -> Fact<Arc<dyn View>> {
        let detected = self.facts.forge().map_err(why)?;
        let detected =
            detected.ok_or("there is no forge: no remote, and no job's variables, speak of one")?;
        self.facts.forge_view(&detected.place).map_err(why)
    }

    /// The request that brought the commit. With several, the merged one that was made last.
    fn request(&self) -> Fact<Request> {
        let mut found = self.forge()?.requests_of(&[self.commit]).map_err(failed)?;
        let mut requests = found.remove(&self.commit).unwrap_or_default();
        requests.retain(|r| r.state != RequestState::Closed);
        requests.sort_by_key(|r| (r.state == RequestState::Merged, r.number));
        requests.pop().ok_or_else(|| format!("no request brought {}", self.commit.short()))
    }

    fn issue(&self, number: u64) -> Fact<String> {
        let text = self.forge()?.issue_text(number).map_err(failed)?;
        text.ok_or_else(|| format!("there is no issue {number}"))
    }

    fn runs(&self) -> Fact<Runs> {
        let runs = self.forge()?.check_runs(self.commit).map_err(failed)?;
        let repo = self.facts.repo();
        let alone = repo.history(&[self.commit], &self.parents()).map_err(|e| why(e.into()))?;
        let made = alone.iter().find(|c| c.id() == self.commit).map(|c| c.committer_seconds());
        let made =
            made.and_then(|s| Timestamp::from_second(s).ok()).ok_or("the commit's time is not known")?;
        let first = runs.iter().filter(|r| r.commit == self.commit).filter_map(|r| r.started).min();
        // A commit may be pushed long after it was made: what runs first is the better sign.
        Ok(Runs { commit: self.commit, appeared: first.unwrap_or(made), looked: self.looked, runs })
    }

    fn freezes(&self) -> Fact<Vec<Freeze>> {
        let periods = self.forge()?.freeze_periods().map_err(failed)?;
        periods.iter().map(Freeze::of_forge).collect()
    }

    /// The headers of a request, with what the environment holds for them.
    fn headers(&self, token: Option<&str>, headers: &BTreeMap<String, HeaderText>) -> Fact<Headers> {
        let held = |name: &str| {
            self.facts.env.get(name).map(str::trim).ok_or_else(|| format!("the variable {name} is not set"))
        };
        let mut all = Headers::default();
        if let Some(name) = token {
            let token = held(name)?;
            all.add("authorization", &format!("Bearer {token}"), Some(token)).map_err(why)?;
        }
        for (name, text) in headers {
            match text {
                HeaderText::Plain(text) => all.add(name, text, None).map_err(why)?,
                HeaderText::Variable(variable) => {
                    let value = held(&variable.env)?;
                    all.add(name, value, Some(value)).map_err(why)?;
                }
            }
        }
        Ok(all)
    }

    fn fetch(&self, url: &str, headers: &Headers, within: Lapse) -> Fact<(u16, String)> {
        self.facts.fetch(url, headers, self.duration(within)?).map_err(why)
    }

    fn samples(&self, config: &PrometheusConfig) -> Fact<Samples> {
        let base = config.url.trim_end_matches('/');
        let mut url =
            Url::parse(&format!("{base}/api/v1/query")).map_err(|e| format!("`{}`: {e}", config.url))?;
        url.query_pairs_mut().append_pair("query", &config.query);
        let headers = self.headers(config.token_env.as_deref(), &config.headers)?;
        let (status, body) = self.fetch(url.as_str(), &headers, config.within)?;
        match status {
            200 => measure::samples(&body),
            _ => Err(format!("{base} answers {status}: {}", brief(&body))),
        }
    }

    fn parents(&self) -> Vec<CommitId> {
        let repo = self.facts.repo();
        (1..=16).map_while(|n| repo.resolve(&format!("{}^{n}", self.commit)).ok()).collect()
    }

    /// A text that must be there to be a fact.
    fn there(&self, path: &str) -> Fact<String> {
        self.text(path)?.ok_or_else(|| format!("{path} is not there"))
    }

    /// Names and addresses of those who wrote the commit, or what it merges; also the names at GitHub and GitLab that their
    /// addresses tell (<https://docs.github.com/account-and-profile/reference/email-addresses-reference>,
    /// <https://docs.gitlab.com/user/profile/#use-an-automatically-generated-private-commit-email>).
    fn authors(&self) -> Result<Vec<String>> {
        let repo = self.facts.repo();
        let parents = self.parents();
        // Of a merge all that it brings.
        let base = if parents.len() > 1 { &parents[..1] } else { &parents[..] };
        let brought = repo.history(&[self.commit], base)?;
        if repo.shallow_boundary().any(|edge| edge == self.commit) && repo.is_merge(self.commit)? {
            return Err(Error::unknown("the clone is too shallow to tell who wrote what this commit merges")
                .hint("fetch the history, or set `allow_author`"));
        }
        let mut names = Vec::new();
        for commit in brought.iter() {
            let message = repo.message(commit.id())?;
            let parsed = parse(&message);
            let with = parsed.footers().iter().filter(|f| f.token.eq_ignore_ascii_case("co-authored-by"));
            let with: Vec<(String, String)> = with
                .filter_map(|f| f.value.trim().strip_suffix('>')?.split_once(" <"))
                .map(|(name, email)| (name.to_owned(), email.to_owned()))
                .collect();
            let own = (commit.author_name().into_owned(), commit.author_email().into_owned());
            for (name, email) in [own].into_iter().chain(with) {
                names.extend(approvals::login(&email));
                names.extend([name, email]);
            }
        }
        if names.is_empty() {
            return Err(Error::unknown("the author of the commit is not known"));
        }
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    fn coverage(&self, config: &CoverageConfig) -> Fact<Coverage> {
        let read = |path: &String| -> Fact<f64> {
            let text = self.there(path)?;
            let mut reader = Reader::new(None, "");
            reader.push(text.as_bytes());
            let (format, report) = reader.finish().map_err(|trouble| format!("{path}: {trouble}"))?;
            let percent = report.coverage.and_then(Lines::percent);
            percent.ok_or_else(|| format!("{path}: a report of {} has no coverage", format.writer()))
        };
        Ok(Coverage { percent: read(&config.file)?, base: config.base.as_ref().map(read).transpose()? })
    }

    fn artifact(&self, file: &str, manifest: &str) -> Fact<Artifact> {
        let list = self.there(manifest)?;
        let path = inside(&self.facts.root, file)?;
        let unreadable = |e: std::io::Error| format!("{file} cannot be read: {e}");
        let mut stream = std::fs::File::open(path).map_err(unreadable)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            match stream.read(&mut buffer).map_err(unreadable)? {
                0 => break,
                n => hash.update(&buffer[..n]),
            }
        }
        let sha256 = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
        Ok(Artifact { sha256, recorded: proof::recorded(&list, file) })
    }

    fn branch(&self) -> Result<Branch> {
        let facts = self.facts;
        let name =
            facts.branch()?.ok_or_else(|| Error::usage("HEAD is detached: no branch is checked out"))?;
        let trunks = Trunks::of(facts)?;
        let exempt = releases(facts, &name);
        let long_lived = trunks.long_lived(facts, &name);
        let first = trunks.first_of(facts, self.commit)?;
        let frozen = calendar(facts)?.and_then(|c| c.frozen(&self.at));
        let frozen = frozen.map(|r| (r.freeze.timestamp(), r.at.timestamp()));
        Ok(Branch { name, first, long_lived, frozen, exempt })
    }

    fn output(&self, line: &str, within: Lapse) -> Fact<Output> {
        let output = self.facts.ask(line, self.duration(within)?).map_err(why)?;
        Ok(Output {
            code: output.code,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: output.stderr,
        })
    }

    fn duration(&self, lapse: Lapse) -> Fact<Duration> {
        let relative = SpanRelativeTo::from(&self.facts.now);
        let duration = lapse.0.to_duration(relative).map_err(|e| e.to_string())?;
        Duration::try_from(duration).map_err(|e| e.to_string())
    }

    fn backup(&self, config: &BackupConfig) -> Fact<Option<Backup>> {
        if let Some(line) = &config.run {
            let minute = Lapse(jiff::Span::new().minutes(1));
            let output = self.output(line, config.within.unwrap_or(minute))?;
            return proof::backup(&output).map_err(|why| format!("`{line}`: {why}"));
        }
        let Some(pattern) = &config.files else { return Err("nothing says where backups are".to_owned()) };
        backups::newest(&self.facts.root, pattern)
    }
}

/// A file inside the repository, without links on the way.
fn inside(root: &Path, path: &str) -> Fact<PathBuf> {
    crate::world::files::locate(root, path).map_err(why)
}
