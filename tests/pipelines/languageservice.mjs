// Validates workflows and actions with GitHub's own language service (https://github.com/actions/languageservices), the
// inputs of this project's actions and reusable workflows too. Written for a bundler: `.ci/pipeline-tools.sh` makes one file.
//
//   node languageservice.mjs PROJECT FILE…
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { validate } from "@actions/languageservice";
import { TextDocument } from "vscode-languageserver-textdocument";
import { parse } from "yaml";

const [project, ...files] = process.argv.slice(2);
const own = (owner, name) => owner === "release-steps" && name === "release-steps";

const config = {
  actionsMetadataProvider: {
    async fetchActionMetadata({ owner, name, path }) {
      const file = join(project, path ?? "", "action.yml");
      return own(owner, name) && existsSync(file) ? parse(readFileSync(file, "utf8")) : undefined;
    },
  },
  fileProvider: {
    async getFileContent({ repository, owner, path }) {
      const file = repository === undefined || own(owner, repository) ? join(project, path) : undefined;
      if (file === undefined || !existsSync(file)) throw new Error(`there is no ${path} here`);
      return { name: path, content: readFileSync(file, "utf8") };
    },
  },
};

async function main() {
  let found = 0;
  for (const file of files) {
    // The service tells actions from workflows by their names.
    const document = TextDocument.create(`file://${file}`, "yaml", 1, readFileSync(file, "utf8"));
    for (const { range, message } of await validate(document, config)) {
      // What others' actions take is not known here.
      if (message.startsWith("Unable to resolve action `") && !message.includes("`release-steps/release-steps")) continue;
      console.log(`${file}:${range.start.line + 1}:${range.start.character + 1}: ${message}`);
      found += 1;
    }
  }
  console.log(`${files.length} files, ${found} findings`);
  process.exit(found === 0 && files.length > 0 ? 0 : 1);
}
main();
