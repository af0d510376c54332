//! A Kubernetes Job that runs the same checks inside the cluster.

use serde_json::{Value, json};

use super::config::Smoke;

/// What the manifest needs to know besides the checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The name of the Job and of its ConfigMap.
    pub name: String,
    /// The image that has release-steps in it.
    pub image: String,
    /// The namespace.
    pub namespace: Option<String>,
    /// The Secret that holds the variables which the checks name.
    pub secret: Option<String>,
    /// The variables that the checks name.
    pub variables: Vec<String>,
}

/// A name that Kubernetes takes (RFC 1123): small letters, digits and `-`, at most 52, so that pods can add to it.
pub fn name(environment: &str) -> String {
    let text: String = environment
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect();
    let text: String = format!("smoke-{text}").chars().take(52).collect();
    text.trim_matches('-').to_owned()
}

/// The manifest: a ConfigMap with the checks, and a Job that is not tried again
/// (<https://kubernetes.io/docs/concepts/workloads/controllers/job/>). JSON is YAML, and needs no quoting of its own.
pub fn manifest(smoke: &Smoke, terms: &Terms) -> String {
    let mut meta = json!({ "name": terms.name, "labels": { "app.kubernetes.io/name": terms.name, "app.kubernetes.io/managed-by": "release-steps" } });
    if let (Some(namespace), Some(map)) = (&terms.namespace, meta.as_object_mut()) {
        map.insert("namespace".to_owned(), namespace.as_str().into());
    }
    let checks = json!({ "smoke": { "cluster": { "within": smoke.within, "checks": smoke.checks } } });
    let environment: Vec<Value> = match &terms.secret {
        Some(secret) => terms
            .variables
            .iter()
            .map(|name| json!({ "name": name, "valueFrom": { "secretKeyRef": { "name": secret, "key": name } } }))
            .collect(),
        None => Vec::new(),
    };
    // A little longer than the checks, so that they say themselves what did not answer.
    let deadline = smoke.within.0.as_secs().saturating_add(30);
    let map = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": meta,
        "data": { "release-steps.yml": format!("{checks:#}\n") },
    });
    let job = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": meta,
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": deadline,
            "ttlSecondsAfterFinished": 3600,
            "template": {
                "metadata": { "labels": { "app.kubernetes.io/name": terms.name } },
                "spec": {
                    "restartPolicy": "Never",
                    "automountServiceAccountToken": false,
                    "securityContext": {
                        "runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": { "type": "RuntimeDefault" },
                    },
                    "containers": [{
                        "name": "smoke",
                        "image": terms.image,
                        "command": ["release-steps"],
                        "args": ["--config", "/checks/release-steps.yml", "-C", "/checks", "smoke", "cluster"],
                        "env": environment,
                        "securityContext": {
                            "allowPrivilegeEscalation": false,
                            "readOnlyRootFilesystem": true,
                            "capabilities": { "drop": ["ALL"] },
                        },
                        "volumeMounts": [{ "name": "checks", "mountPath": "/checks", "readOnly": true }],
                    }],
                    "volumes": [{ "name": "checks", "configMap": { "name": terms.name } }],
                },
            },
        },
    });
    format!("{map:#}\n---\n{job:#}\n")
}
