//! GitHub Actions: annotations at the lines that a scan objects to
//! (<https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message>).

use std::fmt::Write as _;

use crate::plan::Plan;
use crate::rules::text::{Newlines, inert};

/// The text of a command. The runner undoes this
/// (<https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts>).
fn data(text: &str) -> String {
    inert(text, Newlines::Keep).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a command, in which colons and commas end something.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The commands for the annotations among a plan's outputs; nothing where there are none.
pub fn annotations(plan: &Plan) -> String {
    let mut out = String::new();
    let Some(annotations) = plan.outputs.get("annotations") else { return out };
    for one in annotations["worst"].as_array().into_iter().flatten() {
        let text = |key: &str| one[key].as_str().unwrap_or_default();
        let level = if text("level") == "error" { "error" } else { "warning" };
        let mut properties = Vec::new();
        if let Some(path) = one["path"].as_str() {
            properties.push(format!("file={}", property(path)));
            properties.extend(one["line"].as_u64().map(|line| format!("line={line}")));
        }
        properties.push(format!("title={}", property(text("title"))));
        let _ = writeln!(out, "::{level} {}::{}", properties.join(","), data(text("message")));
    }
    match annotations["more"].as_u64() {
        None | Some(0) => {}
        Some(more) => {
            let s = if more == 1 { "" } else { "s" };
            let _ =
                writeln!(out, "::notice title=scan::and {more} more finding{s} that the policy objects to");
        }
    }
    out
}

/// Whether this process runs in GitHub Actions
/// (<https://docs.github.com/actions/reference/workflows-and-actions/variables>).
pub fn is_here(variable: Option<&str>) -> bool {
    variable == Some("true")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn nothing_breaks_out_of_a_command() {
        let mut plan = Plan::new("scan", jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(annotations(&plan), "");
        let one = |level: &str, path: Value, line: Value| {
            serde_json::json!({ "level": level, "path": path, "line": line, "title": "high: a,b",
                "message": "100 %\n::error::x\r\u{1b}[31m,:" })
        };
        let worst = [one("error", "a,b:c%0A.py".into(), 7.into()), one("odd", Value::Null, Value::Null)];
        plan.output("annotations", serde_json::json!({ "worst": worst, "more": 3 }));
        assert_eq!(
            annotations(&plan),
            "::error file=a%2Cb%3Ac%250A.py,line=7,title=high%3A a%2Cb::100 %25%0A::error::x%0A,:\n\
             ::warning title=high%3A a%2Cb::100 %25%0A::error::x%0A,:\n\
             ::notice title=scan::and 3 more findings that the policy objects to\n"
        );
    }
}
