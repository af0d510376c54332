//! Several packages in one repository: which are released because others are.

use std::collections::BTreeMap;

use crate::rules::bump::Level;

/// A package, as far as the decision needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// How far its own commits raise it.
    pub level: Level,
    /// The packages of this repository that it is built or run with; not those that only its tests need.
    pub depends_on: Vec<String>,
}

/// Why a package is raised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// Its own commits.
    Commits,
    /// A package that it depends on is released.
    Dependency(String),
    /// A package that it is linked with is raised as far.
    Linked(String),
}

/// How far each package is raised, and why, in the order of `nodes`.
///
/// A package is released as a patch when one that it depends on is, since its manifest then names the new version (as
/// release-please's workspace plugins do,
/// <https://github.com/googleapis/release-please/blob/main/docs/manifest-releaser.md#plugins>). Linked packages are
/// raised together, as far as the furthest of them.
pub fn carry(nodes: &[Node], linked: &[Vec<String>]) -> Vec<(Level, Because)> {
    let index: BTreeMap<&str, usize> = nodes.iter().enumerate().map(|(i, n)| (n.name.as_str(), i)).collect();
    let mut result: Vec<(Level, Because)> = nodes.iter().map(|n| (n.level, Because::Commits)).collect();
    // Levels only ever rise, so this ends: at the latest when every package has the highest level.
    loop {
        let mut changed = false;
        for (i, node) in nodes.iter().enumerate() {
            let released = node
                .depends_on
                .iter()
                .find(|name| index.get(name.as_str()).is_some_and(|d| *d != i && result[*d].0 > Level::None));
            if let Some(name) = released
                && result[i].0 == Level::None
            {
                result[i] = (Level::Patch, Because::Dependency(name.clone()));
                changed = true;
            }
        }
        for group in linked {
            let members: Vec<usize> =
                group.iter().filter_map(|name| index.get(name.as_str()).copied()).collect();
            let Some(furthest) =
                members.iter().copied().max_by_key(|m| (result[*m].0, std::cmp::Reverse(*m)))
            else {
                continue;
            };
            for member in members {
                if result[member].0 < result[furthest].0 {
                    result[member] = (result[furthest].0, Because::Linked(nodes[furthest].name.clone()));
                    changed = true;
                }
            }
        }
        if !changed {
            return result;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, level: Level, depends_on: &[&str]) -> Node {
        Node {
            name: name.to_owned(),
            level,
            depends_on: depends_on.iter().map(|d| (*d).to_owned()).collect(),
        }
    }

    fn levels(nodes: &[Node], linked: &[&[&str]]) -> Vec<Level> {
        let linked: Vec<Vec<String>> =
            linked.iter().map(|g| g.iter().map(|n| (*n).to_owned()).collect()).collect();
        carry(nodes, &linked).into_iter().map(|(level, _)| level).collect()
    }

    #[test]
    fn bumps_are_carried_along_chains() {
        let nodes = [
            node("app", Level::None, &["lib"]),
            node("lib", Level::None, &["core"]),
            node("core", Level::Major, &[]),
            node("other", Level::None, &[]),
        ];
        assert_eq!(levels(&nodes, &[]), [Level::Patch, Level::Patch, Level::Major, Level::None]);
        assert_eq!(carry(&nodes, &[])[0].1, Because::Dependency("lib".to_owned()));
    }

    #[test]
    fn linked_packages_rise_together_and_carry_on() {
        let nodes =
            [node("a", Level::Minor, &[]), node("b", Level::None, &[]), node("c", Level::None, &["b"])];
        assert_eq!(levels(&nodes, &[&["a", "b"]]), [Level::Minor, Level::Minor, Level::Patch]);
    }

    #[test]
    fn circles_end() {
        let nodes = [node("a", Level::None, &["b"]), node("b", Level::Minor, &["a", "b"])];
        assert_eq!(levels(&nodes, &[]), [Level::Patch, Level::Minor]);
    }

    #[test]
    fn nothing_changed_means_nothing() {
        let nodes = [node("a", Level::None, &["b"]), node("b", Level::None, &["a"])];
        assert_eq!(levels(&nodes, &[&["a", "b"]]), [Level::None, Level::None]);
    }
}
