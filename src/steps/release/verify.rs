//! `release verify`: whether files are what a release recorded, and who signed them.

use std::time::Duration;

use crate::config::{AttestationConfig, CosignConfig};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::plan::{Answer, Finding, Plan};
use crate::rules::artifacts::{FILE, Recorded, Verdict};
use crate::steps::Step;
use crate::survey::artifacts::{Records, at_forge, in_file};
use crate::world::files;

/// `release verify`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The tag of the release, then files [default: the tag of HEAD, and the files of its release]
    #[arg(value_name = "TAG|FILE")]
    what: Vec<String>,
    /// Read the digests from this file instead of the forge's release: artifacts.json or a list of sha256sum
    #[arg(long, value_name = "FILE")]
    record: Option<String>,
}

/// How long a program that verifies a signature may take: it may have to fetch keys and logs.
const LONGEST: Duration = Duration::from_secs(120);

/// Plans nothing: its findings are the answer.
pub fn plan(args: &Args, facts: &Facts<'_>) -> Result<Step> {
    let (tag, named) = tag_and_files(args, facts)?;
    let mut plan = Plan::new("release verify", facts.now.timestamp());
    plan.summary = match &tag {
        Some(tag) => format!("verify what was released as {tag}"),
        None => "verify what was recorded".to_owned(),
    };
    plan.output("tag", tag.clone());
    let records = match (&args.record, &tag) {
        (Some(file), _) => in_file(facts, file)?,
        (None, Some(tag)) => at_forge(facts, tag)?,
        (None, None) => {
            return Err(Error::usage("HEAD has no tag, and no record is named").hint(
                "name the tag: `release verify v1.2.3 FILES…`, or a record: `--record artifacts.json`",
            ));
        }
    };
    let Records { recorded, release, from } = match records {
        Ok(records) => records,
        Err(why) => {
            plan.findings.push(Finding::new(Answer::Unknown, "record", why));
            return Ok(plan.into());
        }
    };
    same_release(facts, &recorded, tag.as_deref(), &from, &mut plan)?;
    if named.is_empty() {
        let Some(release) = release else {
            return Err(Error::usage("which files?")
                .hint("name them: `release verify --record artifacts.json FILES…`"));
        };
        released(facts, &recorded, &release, &mut plan)?;
    }
    for file in &named {
        here(facts, &recorded, file, &mut plan)?;
    }
    Ok(plan.into())
}

/// The first argument is the tag, unless there is no such tag and a file of that name.
fn tag_and_files(args: &Args, facts: &Facts<'_>) -> Result<(Option<String>, Vec<String>)> {
    let tags = facts.tags()?;
    let known = |name: &String| tags.iter().any(|tag| tag.name == *name);
    let mut files = args.what.clone();
    if let Some(first) = files.first()
        && (known(first) || (args.record.is_none() && !facts.root.join(first).exists()))
    {
        let tag = files.remove(0);
        return Ok((Some(tag), files));
    }
    let head = facts.head()?;
    let packages = crate::survey::packages(facts)?;
    let is_release = |name: &str| packages.iter().any(|package| package.tags.parse(name).is_some());
    let mut here = tags.iter().filter(|tag| tag.commit == head && is_release(&tag.name));
    let tag = here.next().map(|tag| tag.name.clone());
    if let (Some(one), Some(other), None) = (&tag, here.next(), &args.record) {
        return Err(Error::usage(format!(
            "HEAD has the tags {one} and {}: which release is meant?",
            other.name
        ))
        .hint(format!("name it first: `release verify {one}`")));
    }
    Ok((tag.filter(|_| args.record.is_none()), files))
}

/// A record of another release or of another commit proves nothing of this one.
fn same_release(
    facts: &Facts<'_>,
    recorded: &Recorded,
    tag: Option<&str>,
    from: &str,
    plan: &mut Plan,
) -> Result<()> {
    if let (Some(said), Some(tag)) = (&recorded.tag, tag)
        && said != tag
    {
        plan.findings.push(
            Finding::new(Answer::Fail, "record", format!("the record is one of {said}, not of {tag}"))
                .at(from),
        );
        return Ok(());
    }
    let Some(commit) = recorded.commit else { return Ok(()) };
    plan.output("commit", commit.to_string());
    let name = tag.or(recorded.tag.as_deref()).unwrap_or_default();
    let tags = facts.tags()?;
    let finding = match tags.iter().find(|known| known.name == name) {
        Some(known) if known.commit == commit => {
            Finding::new(Answer::Pass, "record", format!("{name} is {}", commit.short()))
        }
        Some(known) => Finding::new(
            Answer::Fail,
            "record",
            format!("the record is of commit {}, and {name} is {}", commit.short(), known.commit.short()),
        )
        .hint("the tag was moved, or the record is another's: release anew"),
        None => Finding::new(
            Answer::Note,
            "record",
            format!("{name} is not here: that it is {} was not compared", commit.short()),
        ),
    };
    plan.findings.push(finding.at(from));
    Ok(())
}

/// Compares what the release has with what it recorded.
fn released(
    facts: &Facts<'_>,
    recorded: &Recorded,
    release: &crate::survey::artifacts::Release,
    plan: &mut Plan,
) -> Result<()> {
    let view = facts.forge_view(&release.place)?;
    for name in recorded.artifacts.keys() {
        let Some(asset) = release.release.assets.iter().find(|asset| asset.name == *name) else {
            let missing = format!("{name} was recorded, and the release does not have it");
            plan.findings
                .push(Finding::new(Answer::Unknown, "digest", missing).at(release.release.url.clone()));
            continue;
        };
        let sha256 = match &asset.sha256 {
            Some(sha256) => sha256.clone(),
            None => view.asset_sha256(asset)?,
        };
        plan.findings.push(judged(recorded, name, asset.size, &sha256).at(release.release.url.clone()));
    }
    let own = [FILE, crate::rules::artifacts::SUMS];
    for asset in release.release.assets.iter().filter(|asset| !own.contains(&asset.name.as_str())) {
        if !recorded.artifacts.contains_key(&asset.name) {
            let extra = format!("the release has {}, which was not recorded", asset.name);
            plan.findings
                .push(Finding::new(Answer::Warning, "digest", extra).at(release.release.url.clone()));
        }
    }
    let signatures = &facts.config.release.signatures;
    if signatures.cosign.is_some() || signatures.attestation.is_some() {
        plan.findings.push(
            Finding::new(Answer::Unknown, "signature", "signatures are verified on files that are here")
                .hint("fetch them and name them: `release verify TAG FILES…`"),
        );
    }
    Ok(())
}

/// Compares a file that is here, and asks who signed it.
fn here(facts: &Facts<'_>, recorded: &Recorded, file: &str, plan: &mut Plan) -> Result<()> {
    let path = facts.root.join(file);
    let (size, sha256) = match files::digest(&path) {
        Ok(found) => found,
        Err(e) => {
            plan.findings
                .push(Finding::new(Answer::Unknown, "digest", format!("cannot be read: {e}")).at(file));
            return Ok(());
        }
    };
    plan.findings.push(judged(recorded, file, Some(size), &sha256));
    let path = path.display().to_string();
    let signatures = &facts.config.release.signatures;
    if let Some(cosign) = &signatures.cosign {
        plan.findings.push(by_cosign(facts, cosign, &path)?.at(file));
    }
    if let Some(attestation) = &signatures.attestation {
        plan.findings.push(by_gh(facts, attestation, &path)?.at(file));
    }
    Ok(())
}

fn judged(recorded: &Recorded, name: &str, size: Option<u64>, sha256: &str) -> Finding {
    let short = |digest: &str| digest.chars().take(12).collect::<String>();
    match recorded.judge(name, size, sha256) {
        Verdict::Same => {
            Finding::new(Answer::Pass, "digest", format!("{name} is the recorded sha256:{}", short(sha256)))
        }
        Verdict::Other { recorded, found } => Finding::new(
            Answer::Fail,
            "digest",
            format!("{name} is sha256:{}, recorded is sha256:{}", short(&found), short(&recorded)),
        )
        .hint("use what was built and recorded, nothing else"),
        Verdict::Unrecorded => {
            Finding::new(Answer::Fail, "digest", format!("no digest of {name} was recorded"))
                .hint("use what was built and recorded, nothing else")
        }
    }
}

/// <https://github.com/sigstore/cosign/blob/main/doc/cosign_verify-blob.md>
fn by_cosign(facts: &Facts<'_>, config: &CosignConfig, file: &str) -> Result<Finding> {
    let bundle = config.bundle.replace("{file}", file);
    if !facts.root.join(&bundle).is_file() {
        return Ok(Finding::new(Answer::Unknown, "signature", "there is no signature beside it")
            .hint(format!("fetch it too: {bundle}")));
    }
    let mut arguments = vec!["verify-blob".to_owned(), "--bundle".to_owned(), bundle];
    for (name, value) in [
        ("--key", &config.key),
        ("--certificate-identity", &config.identity),
        ("--certificate-identity-regexp", &config.identity_regexp),
        ("--certificate-oidc-issuer", &config.issuer),
    ] {
        arguments.extend(value.iter().map(|value| format!("{name}={value}")));
    }
    arguments.extend(["--".to_owned(), file.to_owned()]);
    let output = facts.tool("cosign", &arguments, LONGEST);
    Ok(said("cosign", "its signature", output, &[]))
}

/// <https://cli.github.com/manual/gh_attestation_verify>; 2 is "cancelled", 4 "not logged in"
/// (<https://cli.github.com/manual/gh_help_exit-codes>).
fn by_gh(facts: &Facts<'_>, config: &AttestationConfig, file: &str) -> Result<Finding> {
    let repository = match (&config.repository, facts.forge()?) {
        (Some(repository), _) => repository.clone(),
        (None, Some(found)) => found.place.repository.clone(),
        (None, None) => {
            return Err(Error::usage("whose attestation?")
                .at("release.signatures.attestation.repository")
                .hint("name the repository whose workflow built it: `owner/name`"));
        }
    };
    let mut arguments: Vec<String> = ["attestation", "verify"].map(str::to_owned).into();
    arguments.push(format!("--repo={repository}"));
    arguments.extend(config.workflow.iter().map(|workflow| format!("--signer-workflow={workflow}")));
    arguments.extend(["--".to_owned(), file.to_owned()]);
    let output = facts.tool("gh", &arguments, LONGEST);
    Ok(said("gh", "its attestation", output, &[2, 4]))
}

/// What a program that verifies says. One that is not there, does not end or could not look says nothing.
fn said(tool: &str, what: &str, said: Result<Option<(Option<i32>, String)>>, cannot: &[i32]) -> Finding {
    let unknown = |why: String| Finding::new(Answer::Unknown, "signature", why);
    let (code, text) = match said {
        Ok(Some(said)) => said,
        Ok(None) => {
            return unknown(format!("{what} was not verified: there is no `{tool}` here"))
                .hint(format!("install {tool}"));
        }
        Err(error) => return unknown(format!("{what} was not verified: {}", error.message)),
    };
    match code {
        Some(0) => Finding::new(Answer::Pass, "signature", format!("{tool} verified {what}")),
        Some(code) if !cannot.contains(&code) => {
            Finding::new(Answer::Fail, "signature", format!("{tool} did not accept {what}: {text}"))
        }
        _ => unknown(format!("{what} was not verified: {text}")),
    }
}
