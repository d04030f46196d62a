// Writes report.schema.json, the schema of the page's data, from the types in src/data.ts. `--check`: tells whether it is
// what they give, and changes nothing.
import { readFile, writeFile } from "node:fs/promises";
import { createGenerator } from "ts-json-schema-generator";

const FILE = "report.schema.json";
const schema = createGenerator({ path: "src/data.ts", tsconfig: "tsconfig.json", type: "Report", additionalProperties: false }).createSchema("Report");
const text = JSON.stringify(schema, null, 2) + "\n";
if (!process.argv.includes("--check")) {
  await writeFile(FILE, text);
} else if ((await readFile(FILE, "utf8").catch(() => "")) !== text) {
  console.error(`web/${FILE} is not what web/src/data.ts gives; run: npm --prefix web ci && npm --prefix web run schema`);
  process.exitCode = 1;
}
