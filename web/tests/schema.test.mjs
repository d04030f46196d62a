// The data of every report is what report.schema.json says, and nothing else: so that what C++ writes and what TypeScript
// reads cannot part.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import Ajv from "ajv";
import { dataOf, reportPath } from "./browser.mjs";

const schema = JSON.parse(readFileSync(new URL("../report.schema.json", import.meta.url), "utf8"));
const validate = new Ajv({ strict: true, allowUnionTypes: true, allErrors: true }).compile(schema);
const wrong = (data) => (validate(data) ? [] : validate.errors.slice(0, 5).map((e) => `${e.instancePath} ${e.message} ${JSON.stringify(e.params)}`));

test("the data of every report holds to the schema", () => {
  const pages = readdirSync(reportPath(".")).filter((name) => name.endsWith(".html") && !name.startsWith("attention"));
  assert.ok(pages.length >= 10);
  for (const name of pages) assert.deepEqual(wrong(dataOf(name)), [], name);
});

test("a field more, one less, or one of another type does not", () => {
  const changes = [
    (data) => (data.more = 1),
    (data) => (data.studies[0].scores[0].points[0].more = 1),
    (data) => delete data.studies[0].scores[0].points[0].percent,
    (data) => delete data.scores[0].meaning,
    (data) => (data.studies[0].layers = "30"),
    (data) => (data.scores[0].relative_to = "model"),
  ];
  for (const change of changes) {
    const data = dataOf("plain.html");
    change(data);
    assert.notDeepEqual(wrong(data), [], String(change));
  }
});
