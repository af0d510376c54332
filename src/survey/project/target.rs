//! Where a repository is deployed to, as its files tell.

use super::is_plain;
use super::languages::scripts;
use crate::error::Result;
use crate::facts::Facts;

/// No file says how the app is called: a variable does. What is deployed is the commit of the version's tag, old ones too.
const HEROKU: &str = "git push --force \"https://git.heroku.com/${HEROKU_APP:?names the app}.git\" \"$COMMIT:refs/heads/main\"";

/// A way to deploy that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What it is: Helm, Terraform, …
    pub name: &'static str,
    /// The file by which it is known.
    pub file: String,
    /// Lines for a shell that deploy `$VERSION`, from the top of the repository.
    pub deploy: Vec<String>,
}

/// The first target that is known by a file; its commands are for a person to check.
pub fn target(facts: &Facts<'_>) -> Result<Option<Target>> {
    let tracked = facts.tracked()?;
    let scripts = scripts(facts, "")?;
    if let Some(name) =
        ["deploy:prod", "deploy:production", "deploy"].into_iter().find(|name| scripts[*name].is_string())
    {
        let deploy = vec![format!("npm run {name}")];
        return Ok(Some(Target { name: "npm script", file: "package.json".to_owned(), deploy }));
    }
    let first = |fits: &dyn Fn(&str, &str) -> bool| {
        let mut found = tracked.iter().filter(|path| {
            let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
            folder.split('/').count() <= 3 && is_plain(folder) && fits(folder, file)
        });
        found
            .next()
            .map(|path| (path.clone(), path.rsplit_once('/').map_or(".", |(folder, _)| folder).to_owned()))
    };
    let named =
        |name: &'static str, file: String, deploy: Vec<String>| Ok(Some(Target { name, file, deploy }));
    if let Some((file, folder)) = first(&|_, file| file == "Chart.yaml") {
        let name = folder.rsplit('/').next().filter(|name| *name != ".").unwrap_or("app").to_owned();
        let line = format!("helm upgrade --install --wait {name} {folder} --set image.tag=\"$VERSION\"");
        return named("Helm", file, vec![line]);
    }
    if let Some((file, folder)) = first(&|_, file| matches!(file, "kustomization.yaml" | "kustomization.yml"))
    {
        return named("Kustomize", file, vec![format!("kubectl apply --kustomize {folder}")]);
    }
    if let Some((file, folder)) = first(&|_, file| file.ends_with(".tf")) {
        let line = |what: &str| format!("terraform -chdir={folder} {what} -input=false");
        return named("Terraform", file, vec![line("init"), line("apply -auto-approve")]);
    }
    if first(&|folder, file| folder.is_empty() && file == "ansible.cfg").is_some()
        && let Some((file, _)) = first(&|folder, file| {
            folder.is_empty() && matches!(file, "site.yml" | "deploy.yml" | "playbook.yml")
        })
    {
        let line = format!("ansible-playbook {file} --extra-vars \"version=$VERSION\"");
        return named("Ansible", file, vec![line]);
    }
    if let Some((file, _)) = first(&|folder, file| {
        folder.is_empty()
            && matches!(file, "docker-stack.yml" | "docker-stack.yaml" | "stack.yml" | "stack.yaml")
    }) {
        return named(
            "Docker Swarm",
            file.clone(),
            vec![format!("docker stack deploy --compose-file {file} app")],
        );
    }
    if let Some((file, _)) = first(&|folder, file| folder.is_empty() && file == "Procfile") {
        return named("Heroku", file, vec![HEROKU.to_owned()]);
    }
    Ok(None)
}
