// A model from which heads were cut (tests/data/cut_models): the page has those that are there alone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { onPage } from "./browser.mjs";

const present = ["L0H0", "L0H1", "L0H3", "L0H5", "L2H3", "L2H4", "L2H5"];

test("heads that were cut are named nowhere but in the settings", () =>
  onPage("cut.html", async (page) => {
    const texts = await page.locator("main section:not(#settings)").allInnerTexts();
    const named = new Set(texts.join("\n").match(/\bL\d+H\d+\b/g));
    assert.deepEqual([...named].filter((name) => !present.includes(name)), []);
  }));

test("the map has a cell for each head that is there, and the keys pass over the others", () =>
  onPage("cut.html", async (page) => {
    const cells = page.locator("#heatmap [data-head]");
    assert.deepEqual(await cells.evaluateAll((all) => all.map((cell) => cell.dataset.head)), present);
    assert.match(await page.locator("#heatmap .outcome").innerText(), /flags \d of 7 heads/);
    const shown = () => page.locator("#heatmap .detail strong").innerText();
    await page.locator('#heatmap [data-head="L0H0"] rect').click({ force: true });
    await page.locator("#heatmap svg.heatmap").focus();
    assert.equal(await shown(), "L0H0");
    const seen = [];
    for (const key of ["ArrowRight", "ArrowRight", "End", "ArrowDown", "Home", "ArrowLeft", "ArrowUp"]) {
      await page.keyboard.press(key);
      seen.push(await shown());
    }
    assert.deepEqual(seen, ["L0H1", "L0H3", "L0H5", "L2H5", "L2H3", "L2H3", "L0H3"]);
  }));

test("the table has them, and a layer without attention has no mean", () =>
  onPage("cut.html", async (page, data) => {
    assert.equal(await page.locator("#heads tbody tr").count(), 7);
    assert.equal(data.studies[0].by_layer.off[1], null);
  }));
