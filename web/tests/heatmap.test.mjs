// The heat map: its threshold flags heads and tells what to expect, by mouse and by keyboard.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./pure.mjs";
import { onPage } from "./browser.mjs";

const { flaggedShare } = await load("flagging");
const slider = (page) => page.locator("#heatmap input[type=range]");
const flagged = (page) => page.locator('#heatmap [data-flagged="yes"]').count();
const outcome = (page) => page.locator("#heatmap .outcome").innerText();

async function drag(page, value) {
  await slider(page).evaluate((input, to) => {
    input.value = String(to);
    input.dispatchEvent(new Event("input"));
  }, value);
}

test("the slider flags from no head to all, and the text counts them", () =>
  onPage("plain.html", async (page) => {
    let before = -1;
    for (const value of [0, 50, 200, 500, 1000]) {
      await drag(page, value);
      const count = await flagged(page);
      assert.ok(count > before, `${count} heads at ${value}`);
      assert.match(await outcome(page), new RegExp(`flags ${count} of 270 heads`));
      before = count;
    }
    await drag(page, 0);
    assert.equal(await flagged(page), 0);
    assert.match(await outcome(page), /Nothing off/);
    await drag(page, 1000);
    assert.match(await outcome(page), /Not tested so far out/);
  }));

test("documents are shown with how their questions begin", () =>
  onPage("plain.html", async (page, data) => {
    const { documents, excerpts } = data.studies[0].masks;
    assert.equal(excerpts.length, documents.length);
    const items = (await page.locator("#heatmap .documents li").allInnerTexts()).filter((text) => !text.startsWith("and "));
    assert.ok(items.length > 1);
    for (const item of items) {
      const d = documents.findIndex((document, i) => item === `${document}: ${excerpts[i]}`);
      assert.ok(d >= 0 && excerpts[d].length > 15, item);
    }
  }));

test("documents of a study that keeps no excerpts are numbers", () =>
  onPage("static.html", async (page, data) => {
    assert.deepEqual(data.studies[0].masks.excerpts, []);
    assert.equal(await page.locator("#heatmap .documents li").count(), 0);
    assert.match(await page.locator("#heatmap .documents").innerText(), /(on|off) \(\d+\): \S+/);
  }));

test("the first head is one that depends on the input, and its documents are named", () =>
  onPage("plain.html", async (page, data) => {
    const study = data.studies[0];
    const head = await page.locator("#heatmap .detail strong").innerText();
    const [, layer, number] = head.match(/L(\d+)H(\d+)/).map(Number);
    const i = 9 * layer + number;
    const { documents, heads, rule } = study.masks;
    assert.equal(documents.length, study.documents);
    const states = new Set(heads.map((digits) => digits[i]));
    assert.ok(states.size > 1, "it is on for some and off for others");
    const text = await page.locator("#heatmap .documents").innerText();
    assert.ok(text.includes(`Under ${rule}, among ${documents.length} documents`));
    for (const [digit, name] of [["0", "on"], ["1", "off in a part of its forward passes"], ["2", "off"]]) {
      const wanted = documents.filter((_, d) => heads[d][i] === digit);
      assert.equal(text.includes(`${name} (${wanted.length})`), wanted.length > 0, text);
      for (const document of wanted.slice(0, 5)) assert.ok(text.includes(document), document);
    }
    // What single documents say is what the sums over all of them say.
    const score = study.scores.find((s) => s.slug === study.best);
    const point = score.points.find((p) => p.rule === rule);
    point.off.forEach((off, k) => {
      if (off === 100) assert.ok(heads.every((digits) => digits[k] === "2"));
      if (off === 0) assert.ok(heads.every((digits) => digits[k] === "0"));
    });
  }));

test("two maps side by side: another score of the study, or another study", () =>
  onPage("two.html", async (page) => {
    const beside = page.locator("#heatmap select").first();
    const maps = page.locator("#heatmap svg.heatmap");
    assert.equal(await maps.count(), 1);
    await beside.selectOption("score aeqd");
    assert.equal(await maps.count(), 2);
    const [left, right] = [await maps.nth(0).boundingBox(), await maps.nth(1).boundingBox()];
    assert.ok(Math.abs(left.y - right.y) < 120 && right.x > left.x + 300, JSON.stringify([left, right]));
    const titles = (map) => maps.nth(map).locator("[data-head] title").first().textContent();
    assert.match(await titles(1), /aeqd/);
    await maps.nth(0).locator('[data-head="L7H3"] rect').click({ force: true });
    assert.deepEqual(await page.locator("#heatmap .detail:visible strong").allInnerTexts(), ["L7H3"]);
    assert.match(await maps.nth(1).locator(".cursor").getAttribute("y"), new RegExp(await maps.nth(0).locator(".cursor").getAttribute("y")));
    await beside.selectOption("study 1");
    assert.deepEqual((await page.locator("#heatmap .maps h3").allInnerTexts()).map((text) => text[0]), ["1", "2"]);
    await maps.nth(0).locator('[data-head="L8H2"] rect').click({ force: true });
    assert.deepEqual(await page.locator("#heatmap .detail:visible strong").allInnerTexts(), ["L8H2", "L8H2"]);
    await beside.selectOption("");
    assert.equal(await maps.count(), 1);
  }, { viewport: { width: 1400, height: 900 } }));

test("the keys move the slider, and it says what it does", () =>
  onPage("plain.html", async (page) => {
    await slider(page).focus();
    const [count, text] = [await flagged(page), await slider(page).getAttribute("aria-valuetext")];
    for (let i = 0; i < 60; ++i) await page.keyboard.press("ArrowRight");
    assert.ok((await flagged(page)) > count);
    assert.notEqual(await slider(page).getAttribute("aria-valuetext"), text);
    await page.keyboard.press("Home");
    assert.equal(await flagged(page), 0);
  }));

test("at a tested share the flags are those of its threshold, and the expectation what was measured", () =>
  onPage("plain.html", async (page, data) => {
    const study = data.studies[0];
    for (const slug of ["ahon_ln", "awft"]) { // inactive below the threshold, and above it
      await page.locator("#heatmap select").nth(1).selectOption(slug);
      await page.locator("#heatmap .marks button", { hasText: "20" }).click();
      const point = study.scores.find((s) => s.slug === slug).points.find((p) => p.share === 0.2);
      const profile = study.profiles.find((p) => p.slug === slug);
      const { above } = data.scores.find((s) => s.slug === slug);
      const wanted = profile.quantiles.flatMap((q, i) => (flaggedShare(above, q, point.threshold) >= 0.5 ? [`L${Math.floor(i / 9)}H${i % 9}`] : []));
      assert.ok(wanted.length > 20);
      assert.deepEqual(await page.locator('#heatmap [data-flagged="yes"]').evaluateAll((all) => all.map((e) => e.dataset.head)), wanted);
      assert.ok((await outcome(page)).includes(`${point.percent.toFixed(1)}\u00a0% off, accuracy ${point.value.toFixed(1)}\u00a0%`), await outcome(page));
    }
  }));

test("arrow keys walk over the heads and stop at the edges; a click chooses one", () =>
  onPage("plain.html", async (page, data) => {
    const head = () => page.locator("#heatmap .detail strong").innerText();
    const map = page.locator("svg.heatmap");
    await map.focus();
    await page.locator('[data-head="L0H0"] rect').click({ force: true });
    for (const [key, expected] of [["ArrowLeft", "L0H0"], ["ArrowDown", "L1H0"], ["ArrowRight", "L1H1"], ["End", "L1H8"], ["ArrowRight", "L1H8"], ["ArrowUp", "L0H8"], ["ArrowUp", "L0H8"], ["Home", "L0H0"]]) {
      await page.keyboard.press(key);
      assert.equal(await head(), expected, key);
    }
    assert.equal(await page.locator("svg.heatmap .cursor").count(), 1);
    await page.locator('[data-head="L29H8"] rect').click({ force: true });
    assert.equal(await head(), "L29H8");
    const study = data.studies[0];
    const cells = await page.locator("#heatmap tbody tr", { hasText: "ahon_ln" }).locator("td").allTextContents();
    const profile = study.profiles.find((p) => p.slug === "ahon_ln");
    for (const [cell, values] of [[0, profile.mean], [1, profile.deviation], [2, profile.subject_deviation]])
      assert.ok(Math.abs(parseFloat(cells[cell]) - values[269]) < 1e-3, cells[cell]);
    const off = study.scores.find((s) => s.slug === "ahon_ln").points.find((p) => p.share === 0.2).off[269];
    assert.equal(parseFloat(cells[3]), Math.round(off));
  }));
