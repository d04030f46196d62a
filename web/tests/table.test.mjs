// Tables: sorting both ways, filtering, downloading.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { column, onPage, shown } from "./browser.mjs";

async function csv(page, section) {
  const waiting = page.waitForEvent("download");
  await page.locator(`${section} button`, { hasText: "Download CSV" }).first().click();
  const file = await waiting;
  const text = await readFile(await file.path(), "utf8");
  assert.ok(text.endsWith("\n"));
  const rows = text.trimEnd().split("\n").map((line) => line.split(","));
  return { name: file.suggestedFilename(), titles: rows[0], rows: rows.slice(1) };
}

const isSorted = (values, before) => values.every((value, i) => i === 0 || !before(value, values[i - 1]));

test("a click on a column sorts, a second one the other way round", () =>
  onPage("plain.html", async (page) => {
    const table = page.locator("#heads table");
    await page.locator("#heads button", { hasText: "Show all" }).click();
    const header = table.locator("th", { hasText: "first-token weight" });
    const number = 1 + (await header.evaluate((th) => [...th.parentElement.children].indexOf(th)));
    const orders = [];
    for (let i = 0; i < 2; ++i) {
      await header.locator("button").focus();
      await page.keyboard.press("Enter");
      orders.push(await header.getAttribute("aria-sort"));
      const values = (await column(table, number)).map(shown);
      assert.equal(values.length, 270);
      assert.ok(new Set(values).size > 100);
      assert.ok(isSorted(values, orders[i] === "ascending" ? (a, b) => a < b : (a, b) => a > b), orders[i]);
    }
    assert.deepEqual(orders.sort(), ["ascending", "descending"]);
    // Names sort by their numbers: L2H0 before L10H0.
    await table.locator("th", { hasText: "head" }).first().locator("button").click();
    const names = await column(table, 1);
    assert.deepEqual(names.slice(0, 10), ["L0H0", "L0H1", "L0H2", "L0H3", "L0H4", "L0H5", "L0H6", "L0H7", "L0H8", "L1H0"]);
    assert.equal(names.at(-1), "L29H8");
    assert.equal(await table.locator("th[aria-sort=ascending], th[aria-sort=descending]").count(), 1);
  }));

test("values that are missing come last, whichever way it is sorted", () =>
  onPage("unfinished.html", async (page) => {
    const orders = [];
    for (let i = 0; i < 2; ++i) {
      await page.locator("#scores thead button", { hasText: "can be off" }).click();
      orders.push((await column(page.locator("#scores table"), 3)).map(shown));
    }
    assert.notDeepEqual(orders[0], orders[1]);
    for (const order of orders) {
      const missing = order.findIndex(Number.isNaN);
      assert.ok(missing > 0, order.join(" "));
      assert.ok(order.slice(missing).every(Number.isNaN), order.join(" "));
    }
  }));

test("a filter keeps the rows that have all its words", () =>
  onPage("plain.html", async (page, data) => {
    const off = (() => {
      const study = data.studies[0];
      const best = study.scores.find((s) => s.slug === study.best);
      return best.points[best.proven].off;
    })();
    const filter = page.locator("#heads input[type=search]");
    const rows = () => column(page.locator("#heads table"), 1);
    await filter.fill("L29");
    assert.deepEqual((await rows()).sort(), Array.from({ length: 9 }, (_, i) => `L29H${i}`));
    assert.match(await page.locator("#heads .status").innerText(), /9 of 270 rows/);
    await filter.fill("never l29");
    assert.equal((await rows()).length, off.slice(261).filter((value) => value === 0).length);
    await filter.fill("nothing like this");
    assert.equal((await rows()).length, 0);
    await filter.fill("");
    assert.equal((await rows()).length, 20);
  }));

test("the CSV of the heads has all of them with all scores, unrounded; a filter holds for it too", () =>
  onPage("plain.html", async (page, data) => {
    const study = data.studies[0];
    const { name, titles, rows } = await csv(page, "#heads");
    assert.equal(name, "plain-heads.csv");
    assert.equal(rows.length, 270);
    const place = (title) => {
      assert.ok(titles.includes(title), `${title} in ${titles}`);
      return titles.indexOf(title);
    };
    for (const row of rows) {
      const i = 9 * Number(row[place("layer")]) + Number(row[place("head")]);
      assert.equal(Number(row[place("first-token weight")]), study.attention.first_weight[i]);
      for (const profile of study.profiles) {
        assert.equal(Number(row[place(`${profile.slug} mean`)]), profile.mean[i]);
        assert.equal(Number(row[place(`${profile.slug} deviation between subjects`)]), profile.subject_deviation[i]);
      }
    }
    await page.locator("#heads input[type=search]").fill("L3H");
    assert.equal((await csv(page, "#heads")).rows.length, 9);
  }));

test("the CSV of the scores has both ends of every interval", () =>
  onPage("plain.html", async (page, data) => {
    const { titles, rows } = await csv(page, "#scores");
    assert.equal(rows.length, data.studies[0].scores.length);
    const ends = (row, title) => {
      const cells = ["low", "high"].map((end) => row[titles.indexOf(`${title} ${end}`)]);
      assert.ok(cells.every((cell) => cell !== undefined), titles.join("|"));
      return cells.includes("") ? null : cells.map(Number);
    };
    let differences = 0;
    for (const row of rows) {
      const score = data.studies[0].scores.find((s) => s.slug === row[0]);
      const point = score.points[score.sure > 0 ? score.sure_point : score.proven];
      assert.deepEqual(ends(row, "difference 95 % interval"), point?.difference_interval ?? null);
      assert.equal(ends(row, "its 95 % interval"), null); // of ten documents
      differences += point ? 1 : 0;
    }
    assert.ok(differences > 0);
  }));

test("every table can be downloaded", () =>
  onPage("two.html", async (page) => {
    for (const part of await page.locator("details").all()) await part.locator("summary").click();
    const tables = await page.locator(".table").all();
    assert.ok(tables.length > 15);
    const names = new Set();
    for (const table of tables) {
      const waiting = page.waitForEvent("download");
      await table.locator("button", { hasText: "Download CSV" }).click();
      const file = await waiting;
      names.add(file.suggestedFilename());
      await page.waitForTimeout(150); // Chromium drops the eleventh within a second
      const lines = (await readFile(await file.path(), "utf8")).trimEnd().split("\n");
      assert.ok(lines.length > 1, file.suggestedFilename());
      assert.ok((await table.locator("thead th").count()) <= lines[0].split(",").length + 3);
    }
    assert.equal(names.size, tables.length);
  }));
