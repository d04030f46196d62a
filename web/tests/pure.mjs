// The modules of src/ that touch no page, for tests without a browser.
import { build } from "esbuild";
import { fileURLToPath } from "node:url";

export async function load(module) {
  const entry = fileURLToPath(new URL(`../src/${module}.ts`, import.meta.url));
  const result = await build({ entryPoints: [entry], bundle: true, write: false, format: "esm" });
  return import(`data:text/javascript,${encodeURIComponent(result.outputFiles[0].text)}`);
}
