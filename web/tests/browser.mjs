// A headless Chromium for all tests of a file, and pages that remember what must not happen.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { after, before } from "node:test";
import { chromium } from "playwright-core";

const reports = process.env.REPORTS ?? fileURLToPath(new URL("../../build/web_test", import.meta.url));
const executablePath = process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/google-chrome"].find(existsSync);
// Without what the browser itself fetches in the background.
const quiet = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];

let browser;
before(async () => {
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox", ...quiet] });
});
after(() => browser.close());

export const dataOf = (name) => JSON.parse(readFileSync(reportPath(name), "utf8").match(/id="data">(.*?)<\/script>/s)[1]);
export const reportPath = (name) => path.join(reports, name);

// The page, and what went wrong in it so far: errors in the console, exceptions, requests for anything but the file itself.
export async function open(name, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`exception: ${error.message}`));
  page.on("dialog", (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  const own = pathToFileURL(reportPath(name)).href;
  page.on("request", (request) => {
    const url = request.url();
    if (url.split("#")[0] !== own && !/^(data|blob):/.test(url)) problems.push(`request: ${url}`);
  });
  await page.goto(own);
  await page.waitForSelector("main section");
  return { page, problems, data: await page.evaluate(() => JSON.parse(document.getElementById("data").textContent)), close: () => context.close() };
}

// Opens a report, tests it, and checks that nothing went wrong meanwhile.
export async function onPage(name, run, options) {
  const { page, problems, data, close } = await open(name, options);
  try {
    await run(page, data);
    assert.deepEqual(problems, []);
  } finally {
    await close();
  }
}

// Waits for what the page does with its next frame, as a chart that dims lines.
export async function until(condition) {
  const end = Date.now() + 5000;
  while (!(await condition())) {
    assert.ok(Date.now() < end, `still not so after 5 s: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// The texts of a column of a table, from the top.
export function column(table, number) {
  return table.locator(`tbody tr > :nth-child(${number})`).allTextContents();
}

// The row of a table that a name stands before, and not one that only mentions it.
export const row = (place, name) => place.locator(`tr:has(> :nth-child(1):text-is("${name}"))`);

// How a page shows a number: −3.5 as -3.5; NaN for "–".
export const shown = (text) => parseFloat(text.replace("−", "-"));

export const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
