// The pictures of docs/tutorial.md, from the demo's page:
//
//   build/idleheads report build/demo.db --within-kl 0.1 -o report.html
//   node web/screenshots.mjs report.html docs/images
import { chromium } from "playwright-core";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [page, folder] = process.argv.slice(2);
if (!folder) throw new Error("usage: node screenshots.mjs REPORT.html FOLDER");

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const tab = await browser.newPage({ viewport: { width: 860, height: 12000 }, colorScheme: "light" });
await tab.goto(pathToFileURL(resolve(page)).href);
await tab.locator("#heatmap select").first().selectOption({ label: "ahon_ln: Avg Head Output Norm (LN)" });
await tab.locator("#heatmap").getByRole("button", { name: "20 %" }).click();

// Each from its heading down to what is named here.
const pictures = { summary: "p:last-of-type", curves: "svg >> nth=-1", heatmap: "svg >> nth=-1" };
for (const [section, last] of Object.entries(pictures)) {
  const top = await tab.locator(`#${section}`).boundingBox();
  const end = await tab.locator(`#${section}`).locator(last).boundingBox();
  const clip = { x: top.x - 8, y: top.y, width: top.width + 16, height: end.y + end.height - top.y + 8 };
  await tab.screenshot({ path: `${folder}/tutorial_${section}.png`, clip, animations: "disabled" });
}
await browser.close();
