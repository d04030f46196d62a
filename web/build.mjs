// Bundles src/ into dist/: of each page NAME.js and NAME.css, which the program carries. `--check`: tells whether dist/ is what
// src/ gives, and changes nothing.
import { build } from "esbuild";
import { readFile } from "node:fs/promises";

const PAGES = {
  report: { entry: "src/main.ts", banner: "/* idleheads report; contains Apache ECharts (Apache-2.0) and zrender (BSD-3-Clause) */" },
  attention: { entry: "src/attention_page.ts", banner: "/* idleheads probe --attention */" },
};
const check = process.argv.includes("--check");

async function bundle(name, { entry, banner }) {
  const result = await build({
    entryPoints: { [name]: entry },
    outdir: "dist",
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    banner: { js: banner },
    write: !check,
  });
  for (const file of check ? result.outputFiles : []) {
    const stored = await readFile(`dist/${file.path.split("/").pop()}`, "utf8").catch(() => "");
    if (stored !== file.text) {
      console.error(`web/dist/${file.path.split("/").pop()} is not what web/src gives; run: npm --prefix web ci && npm --prefix web run build`);
      process.exitCode = 1;
    }
  }
  const script = await readFile(`dist/${name}.js`, "utf8");
  if (/<\/script/i.test(script) || script.includes("<!--")) throw new Error(`dist/${name}.js would end the script element`);
}

for (const [name, page] of Object.entries(PAGES)) await bundle(name, page);
