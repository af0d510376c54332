// Extracts what the tests need of GitHub's published GraphQL schema into `graphql.json` beside this file.
//
//   npm pack @octokit/graphql-schema@15.26.1 && tar xzf octokit-graphql-schema-*.tgz
//   node graphql.mjs package
//
// Kept: of the named types the named fields, with their types and arguments; of inputs and enumerations everything. The
// schema is GitHub's (https://docs.github.com/graphql/overview/public-schema), the package is MIT.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const wanted = {
  Query: ["repository"],
  Mutation: ["createCommitOnBranch"],
  CreateCommitOnBranchPayload: ["commit"],
  CreateCommitOnBranchInput: null,
  CommittableBranch: null,
  CommitMessage: null,
  FileChanges: null,
  FileAddition: null,
  FileDeletion: null,
  Repository: ["object", "nameWithOwner"],
  GitObject: ["oid"],
  Commit: ["oid", "associatedPullRequests"],
  PullRequestConnection: ["nodes"],
  PullRequest: [
    "number", "title", "body", "state", "url", "headRefOid", "headRefName", "baseRefName", "author", "labels",
    "closingIssuesReferences",
  ],
  PullRequestState: null,
  Actor: ["login"],
  LabelConnection: ["nodes"],
  Label: ["name"],
  IssueConnection: ["nodes"],
  Issue: ["number", "repository"],
};

const folder = process.argv[2];
const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
const schema = JSON.parse(readFileSync(join(folder, "schema.json"), "utf8"));
const types = (schema.data ?? schema).__schema.types;
const text = (type) =>
  type.kind === "NON_NULL" ? `${text(type.ofType)}!` : type.kind === "LIST" ? `[${text(type.ofType)}]` : type.name;
const named = (list) => Object.fromEntries(list.map((one) => [one.name, text(one.type)]));

const out = {};
for (const [name, fields] of Object.entries(wanted)) {
  const type = types.find((type) => type.name === name);
  if (!type) throw new Error(`no type ${name}`);
  out[name] = { kind: type.kind };
  if (type.enumValues) out[name].values = type.enumValues.map((value) => value.name);
  if (type.inputFields) out[name].inputs = named(type.inputFields);
  if (type.kind === "INTERFACE") out[name].possible = type.possibleTypes.map((type) => type.name);
  if (fields) {
    out[name].fields = {};
    for (const field of fields) {
      const found = type.fields.find((one) => one.name === field);
      if (!found) throw new Error(`no field ${name}.${field}`);
      out[name].fields[field] = { type: text(found.type), args: named(found.args) };
    }
  }
}
const here = dirname(fileURLToPath(import.meta.url));
const said = { version: `@octokit/graphql-schema ${version}`, types: out };
writeFileSync(join(here, "graphql.json"), JSON.stringify(said, null, 1) + "\n");
