// The pictures of docs/: of the demo's page those of docs/tutorial.md; of a page with one study of piqa, and of one with several
// studies, those of docs/report.md. What is named is made:
//
//   build/idleheads report build/demo.db --within-kl 0.1 -o report.html
//   node web/screenshots.mjs docs/images demo=report.html piqa=piqa.html studies=studies.html
import { chromium } from "playwright-core";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, ...named] = process.argv.slice(2);
if (!named.length) throw new Error("usage: node screenshots.mjs FOLDER [demo=PAGE.html] [piqa=PAGE.html] [studies=PAGE.html]");

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

async function open(page, width) {
  const tab = await browser.newPage({ viewport: { width, height: 12000 }, colorScheme: "light" });
  await tab.goto(pathToFileURL(resolve(page)).href);
  return tab;
}

const choice = (section, label) => section.locator(`label:has-text("${label}") select`).first();

// A section from its heading down to what is named of it.
async function picture(tab, section, last, name) {
  const top = await tab.locator(`#${section}`).boundingBox();
  const end = await tab.locator(`#${section}`).locator(last).boundingBox();
  const clip = { x: top.x - 8, y: top.y, width: top.width + 16, height: end.y + end.height - top.y + 8 };
  await tab.screenshot({ path: `${folder}/${name}.png`, clip, animations: "disabled" });
}

const pages = {
  async demo(page) {
    const tab = await open(page, 860);
    const map = tab.locator("#heatmap");
    await choice(map, "Score").selectOption("ahon_ln");
    await map.getByRole("button", { name: "20 %" }).click();
    await picture(tab, "summary", "p:last-of-type", "tutorial_summary");
    await picture(tab, "curves", "svg >> nth=-1", "tutorial_curves");
    await picture(tab, "heatmap", ".legend >> nth=-1", "tutorial_heatmap");
  },
  async piqa(page) {
    const tab = await open(page, 1320);
    await tab.screenshot({ path: `${folder}/report_top.png`, clip: { x: 0, y: 0, width: 1320, height: 1500 }, animations: "disabled" });
    await choice(tab.locator("#heatmap"), "Beside it").selectOption("score ahon_ln");
    await picture(tab, "heatmap", ".legend >> nth=-1", "report_heatmap");
  },
  async studies(page) {
    await picture(await open(page, 1320), "studies", "svg >> nth=1", "report_studies");
  },
};
for (const each of named) {
  const [kind, page] = each.split("=");
  if (!pages[kind] || !page) throw new Error(`${each}: not one of ${Object.keys(pages).join(", ")}, with its page`);
  await pages[kind](page);
}
await browser.close();
