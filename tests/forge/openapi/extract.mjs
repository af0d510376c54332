// Extracts what the tests need of GitHub's published OpenAPI description (npm: @octokit/openapi, 385 MB) into two small
// files beside this one: github.com's and one Enterprise Server's.
//
//   npm i --prefix /some/folder @octokit/openapi@23
//   node extract.mjs /some/folder/node_modules/@octokit/openapi/generated
//
// Kept: of each operation below its query's names, its request's and its answers' schemas, with everything these refer
// to. Written as JSON Schema: OpenAPI 3.0's `nullable` becomes a type; texts and examples go.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const repo = "/repos/{owner}/{repo}";
const wanted = [
  ["get", ""],
  ["get", "/git/ref/{ref}"],
  ["get", "/releases"],
  ["get", "/releases/tags/{tag}"],
  ["post", "/releases"],
  ["patch", "/releases/{release_id}"],
  ["post", "/releases/{release_id}/assets"],
  ["delete", "/releases/{release_id}"],
  ["get", "/releases/assets/{asset_id}"],
  ["delete", "/releases/assets/{asset_id}"],
  ["post", "/git/trees"],
  ["post", "/git/commits"],
  ["post", "/git/refs"],
  ["patch", "/git/refs/{ref}"],
  ["delete", "/git/refs/{ref}"],
  ["get", "/commits/{ref}/check-runs"],
  ["get", "/commits/{ref}/statuses"],
  ["get", "/pulls/{pull_number}/reviews"],
  ["get", "/issues"],
  ["post", "/issues"],
  ["get", "/issues/{issue_number}"],
  ["get", "/environments/{environment_name}/variables"],
  ["get", "/environments/{environment_name}/secrets"],
  ["get", "/actions/variables"],
  ["get", "/actions/secrets"],
  ["get", "/actions/organization-variables"],
  ["get", "/actions/organization-secrets"],
  ["get", "/rules/branches/{branch}"],
  ["get", "/branches/{branch}"],
  ["get", "/branches/{branch}/protection"],
  ["get", "/rulesets"],
  ["get", "/rulesets/{ruleset_id}"],
  ["get", "/actions/jobs/{job_id}/logs"],
  ["get", "/pulls"],
  ["post", "/pulls"],
  ["patch", "/pulls/{pull_number}"],
  ["post", "/pulls/{pull_number}/requested_reviewers"],
  ["post", "/issues/{issue_number}/labels"],
  ["get", "/issues/{issue_number}/comments"],
  ["post", "/issues/{issue_number}/comments"],
  ["patch", "/issues/comments/{comment_id}"],
  ["get", "/commits/{commit_sha}/comments"],
  ["post", "/commits/{commit_sha}/comments"],
  ["patch", "/comments/{comment_id}"],
  ["get", "/commits/{ref}/status"],
  ["post", "/statuses/{sha}"],
  ["post", "/actions/workflows/{workflow_id}/dispatches"],
  ["get", "/actions/workflows/{workflow_id}/runs"],
  ["get", "/actions/runs/{run_id}"],
  ["get", "/actions/runs/{run_id}/jobs"],
];

const texts = new Set(["description", "title", "example", "examples", "externalDocs", "default", "deprecated", "xml"]);

function clean(schema, inProperties = false) {
  if (Array.isArray(schema)) return schema.map((s) => clean(s));
  if (schema === null || typeof schema !== "object") return schema;
  const out = {};
  for (const [key, value] of Object.entries(schema)) {
    if (!inProperties && (texts.has(key) || key.startsWith("x-") || key === "nullable" || key === "format")) continue;
    out[key] = clean(value, key === "properties" && !inProperties);
  }
  if (inProperties || schema.nullable !== true) return out;
  if (typeof out.type === "string" && !out.enum) return { ...out, type: [out.type, "null"] };
  return { anyOf: [out, { type: "null" }] };
}

function extract(folder, name) {
  const api = JSON.parse(readFileSync(join(folder, name), "utf8"));
  const resolve = (node) =>
    node && node.$ref ? node.$ref.slice(2).split("/").reduce((at, part) => at[part], api) : node;
  const operations = {};
  const definitions = {};
  const keep = (node) => {
    if (Array.isArray(node)) return node.forEach(keep);
    if (node === null || typeof node !== "object") return;
    if (typeof node.$ref === "string") {
      const schema = node.$ref.split("/").pop();
      node.$ref = `#/definitions/${schema}`;
      if (!(schema in definitions)) {
        definitions[schema] = null;
        const found = clean(api.components.schemas[schema]);
        definitions[schema] = found;
        keep(found);
      }
    }
    for (const [key, value] of Object.entries(node)) if (key !== "$ref") keep(value);
  };
  for (const [method, path] of wanted) {
    const item = api.paths[repo + path];
    const operation = item?.[method];
    if (!operation) throw new Error(`${name}: no ${method} ${path}`);
    const query = [...(item.parameters ?? []), ...(operation.parameters ?? [])]
      .map(resolve)
      .filter((p) => p.in === "query")
      .map((p) => p.name);
    const request = clean(resolve(operation.requestBody)?.content?.["application/json"]?.schema);
    const answers = {};
    for (const [status, answer] of Object.entries(operation.responses)) {
      const schema = clean(resolve(answer).content?.["application/json"]?.schema) ?? null;
      if (status.startsWith("2") || schema) answers[status] = schema;
    }
    keep(request ?? null);
    keep(answers);
    operations[`${method.toUpperCase()} ${repo}${path}`] = { query, request: request ?? null, answers };
  }
  return { version: `${name} of @octokit/openapi, ${api.info.version}`, operations, definitions };
}

const here = dirname(fileURLToPath(import.meta.url));
for (const [from, to] of [["api.github.com.json", "github.json"], ["ghes-3.17.json", "ghes.json"]]) {
  writeFileSync(join(here, to), JSON.stringify(extract(process.argv[2], from), null, 0) + "\n");
}
