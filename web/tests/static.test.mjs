// Static masks of a study: a table beside the heads that are off input by input.
import assert from "node:assert/strict";
import { test } from "node:test";
import { onPage } from "./browser.mjs";

test("every static mask is a row, with what the same score keeps input by input", () =>
  onPage("static.html", async (page, data) => {
    const masks = data.studies[0].scores.flatMap((score) => score.static.map((mask) => ({ score, mask })));
    assert.ok(masks.length >= 3);
    const rows = await page.locator("#static tbody tr").allInnerTexts();
    assert.equal(rows.length, masks.length);
    for (const { score, mask } of masks) {
      const off = mask.at_least === 1 ? "all inputs" : "50 % of the inputs";
      const input = score.points.find((point) => point.share === mask.share);
      const cells = [score.slug, off, mask.percent.toFixed(1), mask.value.toFixed(1), input.percent.toFixed(1)];
      assert.ok(rows.some((row) => cells.every((cell) => row.replaceAll("\u00a0", " ").includes(cell))), `${cells} in ${rows.join("\n")}`);
    }
    assert.equal(await page.locator("nav a[href='#static']").count(), 1);
  }));

test("a study without them has no such section", () =>
  onPage("plain.html", async (page) => {
    assert.equal(await page.locator("#static").count(), 0);
  }));
