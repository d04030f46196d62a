// Bundles src/ into dist/report.js and dist/report.css, which the program carries. `--check`: tells whether dist/ is what
// src/ gives, and changes nothing.
import { build } from "esbuild";
import { readFile } from "node:fs/promises";

const check = process.argv.includes("--check");
const result = await build({
  entryPoints: { report: "src/main.ts" },
  outdir: "dist",
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  banner: { js: "/* idleheads report; contains Apache ECharts (Apache-2.0) and zrender (BSD-3-Clause) */" },
  write: !check,
});
for (const file of check ? result.outputFiles : []) {
  const name = file.path.split("/").pop();
  const stored = await readFile(`dist/${name}`, "utf8").catch(() => "");
  if (stored !== file.text) {
    console.error(`web/dist/${name} is not what web/src gives; run: npm --prefix web ci && npm --prefix web run build`);
    process.exitCode = 1;
  }
}
const script = await readFile("dist/report.js", "utf8");
if (/<\/script/i.test(script) || script.includes("<!--")) throw new Error("dist/report.js would end the script element");
