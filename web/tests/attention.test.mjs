// The page of attention patterns: its numbers are those of its data, by pointer and by keys; tokens are text; long prompts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { onPage, overflow, until } from "./browser.mjs";
import { load } from "./pure.mjs";

// The rows of a short prompt's pattern, unpacked here once more.
function rowsOf(head, tokens) {
  const weights = Buffer.from(head.weights, "base64");
  const largest = new Float32Array(new Uint8Array(Buffer.from(head.largest, "base64")).buffer);
  const rows = [];
  for (let t = 0, at = 0; t < tokens; at += ++t) rows.push([...weights.subarray(at, at + t + 1)].map((w) => (w * largest[t]) / 255));
  return rows;
}

const isDrawn = (page) =>
  page.locator("canvas.pattern").evaluate((canvas) => {
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
    const colors = new Set();
    for (let i = 0; i < data.length; i += 4) colors.add(`${data[i]},${data[i + 1]},${data[i + 2]},${data[i + 3]}`);
    return colors.size > 3;
  });
const readout = (page) => page.locator(".readout > p").innerText();
const choice = (page, label) => page.locator("label.field", { hasText: label }).locator("select");
const token = (page, number) => page.locator(`.tokens [data-token="${number}"]`);

test("all parts are there, for every head, prompt and rule", () =>
  onPage("attention.html", async (page, data) => {
    assert.match(await page.title(), /Attention patterns of .*SmolLM2/);
    assert.deepEqual(await page.locator("main > section").evaluateAll((all) => all.map((part) => part.id)), ["head", "pattern", "text", "received"]);
    for (let prompt = 0; prompt < 2; ++prompt) {
      await choice(page, "Prompt").selectOption(String(prompt));
      assert.equal(await page.locator(".tokens span").count(), data.prompts[prompt].tokens.length);
      for (let run = 0; run < 3; ++run) {
        await choice(page, "Switched off").selectOption(String(run));
        const heads = data.prompts[prompt].runs[run].heads;
        for (let head = 0; head < 3; ++head) {
          await page.locator(".heads button").nth(head).click();
          const { name, off } = heads[head];
          assert.equal(await page.locator(".heads button[aria-pressed=true]").innerText(), off ? `${name} × off` : name);
          const lead = await page.locator("#head .lead").innerText();
          const byRule = data.prompts[prompt].runs[1].heads[head].off;
          assert.ok(lead.startsWith(`${name}: ${byRule ? "flagged by" : "not flagged by"} ahon_ln<0.6`), lead);
          assert.ok(lead.includes(name === "L5H3" ? "off in L5H3" : "on in L5H3"), lead);
          assert.ok(await isDrawn(page));
        }
      }
    }
  }));

test("a token shows where it looks and who looks at it", () =>
  onPage("attention.html", async (page, data) => {
    const { tokens, runs } = data.prompts[0];
    const rows = rowsOf(runs[0].heads[0], tokens.length);
    const chosen = 6;
    await token(page, chosen).click();
    const best = rows[chosen].indexOf(Math.max(...rows[chosen]));
    assert.ok((await readout(page)).startsWith(`Token ${chosen} “${tokens[chosen]}” looks at ${best} “${tokens[best]}” with ${rows[chosen][best].toFixed(3)}`), await readout(page));
    const lists = await page.locator(".readout ol").evaluateAll((all) => all.map((list) => [...list.children].map((item) => item.textContent)));
    const listed = (weights) => weights.filter(([, weight]) => weight > 0).sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, 8).map(([i, weight]) => `${weight.toFixed(3)} ${i} “${tokens[i]}”`);
    assert.deepEqual(lists[0], listed(rows[chosen].map((weight, k) => [k, weight])));
    assert.deepEqual(lists[1], listed(rows.slice(chosen + 1).map((row, i) => [chosen + 1 + i, row[chosen]])));
    assert.equal(await page.locator(".tokens .current").getAttribute("data-token"), String(chosen));
    const looked = await page.locator(".tokens .looked").evaluateAll((all) => all.map((span) => Number(span.dataset.token)));
    assert.deepEqual(looked, rows[chosen].flatMap((weight, k) => (weight >= 0.005 ? [k] : [])));
    const looks = await page.locator(".tokens .looks").evaluateAll((all) => all.map((span) => Number(span.dataset.token)));
    assert.deepEqual(looks, rows.flatMap((row, t) => (t > chosen && row[chosen] >= 0.005 ? [t] : [])));
    // Under the pointer for as long as it is there.
    await token(page, 2).hover();
    assert.match(await readout(page), /^Token 2 /);
    await page.mouse.move(2, 2);
    await until(async () => (await readout(page)).startsWith(`Token ${chosen} `));
  }));

test("the drawing by pointer, keys and zoom", () =>
  onPage("attention.html", async (page, data) => {
    const tokens = data.prompts[0].tokens.length;
    const rows = rowsOf(data.prompts[0].runs[0].heads[0], tokens);
    const canvas = page.locator("canvas.pattern");
    await canvas.scrollIntoViewIfNeeded();
    const box = await canvas.boundingBox();
    const at = (t, k) => ({ x: ((k + 0.5) / tokens) * box.width, y: ((t + 0.5) / tokens) * box.height });
    await canvas.click({ position: at(9, 4) });
    await page.mouse.move(2, 2);
    await until(async () => (await readout(page)).includes(`looks at 4 `));
    assert.ok((await readout(page)).startsWith("Token 9 ") && (await readout(page)).includes(rows[9][4].toFixed(3)), await readout(page));
    await canvas.focus();
    await page.keyboard.press("ArrowRight");
    assert.match(await readout(page), /^Token 9 .* looks at 5 /);
    await page.keyboard.press("ArrowUp");
    assert.match(await readout(page), /^Token 8 .* looks at 5 /);
    for (let i = 0; i < 30; ++i) await page.keyboard.press("ArrowRight");
    assert.match(await readout(page), /^Token 8 .* looks at 8 /); // nothing behind itself
    await page.keyboard.press("+");
    assert.match(await page.locator("#pattern .status").innerText(), /^tokens \d+ to \d+ at/);
    await page.keyboard.press("0");
    assert.equal(await page.locator("#pattern .status").innerText(), "");
    await page.locator(".tokens").focus();
    await page.keyboard.press("ArrowLeft");
    assert.match(await readout(page), /^Token 7 /);
    await page.keyboard.press("Home");
    assert.match(await readout(page), /^Token 0 .*looks at 0 .*1\.000/);
    await page.keyboard.press("ArrowLeft");
    assert.match(await readout(page), /^Token 0 /);
  }));

test("tokens by the attention that they get", () =>
  onPage("attention.html", async (page, data) => {
    const { tokens, runs } = data.prompts[0];
    const rows = rowsOf(runs[0].heads[0], tokens.length);
    const received = tokens.map((_, k) => rows.reduce((sum, row) => sum + (row[k] ?? 0), 0) / tokens.length);
    const best = received.indexOf(Math.max(...received));
    const cells = await page.locator("#received tbody tr").first().locator("th, td").allInnerTexts();
    assert.equal(cells[0], String(best));
    assert.equal(cells[1], `“${tokens[best]}”`);
    assert.ok(Math.abs(Number(cells[2]) - received[best]) < 0.003, `${cells[2]} ${received[best]}`);
    assert.ok(Math.abs(Number(cells[2]) - runs[0].heads[0].statistics.top_weight) < 0.0002);
  }));

test("tokens and names are text", () =>
  onPage("attention_hostile.html", async (page, data) => {
    await page.waitForTimeout(100);
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    assert.equal(await page.locator("main img, header img").count(), 0);
    const text = await page.locator(".tokens").evaluate((box) => box.textContent);
    assert.ok(text.includes("</script><script>window.hacked = 5</script>↵\n<img"), text);
    assert.ok((await page.locator(".subtitle").innerText()).includes("<img src=x"));
    for (let i = 0; i < data.prompts[0].tokens.length; i += 5) await token(page, i).click();
  }));

test("of a long prompt the largest weights, and a part of its text at a time", () =>
  onPage("attention_long.html", async (page, data) => {
    const count = data.prompts[0].tokens.length;
    assert.ok(count > data.whole_up_to, String(count));
    assert.match(await page.locator("#head .warning").innerText(), /more than 2,048 tokens: of each row the 64 largest weights/);
    assert.ok(await isDrawn(page));
    const picture = () => page.locator("canvas.pattern").evaluate((canvas) => canvas.toDataURL());
    const ofRows = await picture();
    await choice(page, "Colours").selectOption("weight");
    assert.notEqual(await picture(), ofRows);
    assert.match(await readout(page), new RegExp(`^Token ${count - 1} `));
    assert.equal(await page.locator(".tokens span").count(), 1024);
    await page.getByRole("button", { name: "Earlier tokens" }).click();
    await page.mouse.move(2, 2);
    assert.match(await readout(page), new RegExp(`^Token ${count - 2048} `));
    assert.ok((await page.locator("#text .status").innerText()).startsWith(`tokens ${count - 2048} to ${count - 1025} of`));
    assert.ok((await page.locator(".readout ol").first().locator("li").count()) > 1);
    await page.locator("canvas.pattern").focus();
    for (let i = 0; i < 3; ++i) await page.getByRole("button", { name: "Zoom in" }).click();
    assert.match(await page.locator("#pattern .status").innerText(), /^tokens \d{3,4} to \d{3,4} at \d+ to \d+$/);
    assert.ok(await isDrawn(page));
  }));

test("on a phone and in the dark nothing overflows, and a tap chooses", () =>
  onPage(
    "attention.html",
    async (page) => {
      assert.equal(await overflow(page), 0);
      assert.notEqual(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
      await token(page, 3).tap();
      assert.match(await readout(page), /^Token 3 /);
      assert.ok(await isDrawn(page));
      await page.locator("button.scheme").tap();
      assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
    },
    { viewport: { width: 390, height: 844 }, colorScheme: "dark", hasTouch: true, isMobile: true },
  ));

test("rows that kept their largest weights alone", async () => {
  const { Pattern, heaviest } = await load("pattern");
  const base64 = (numbers) => Buffer.from(numbers.buffer).toString("base64");
  // Five tokens, two weights a row.
  const head = {
    largest: base64(new Float32Array([1, 0.51, 0.255, 1, 0.5])),
    received: base64(new Float32Array([0.5, 0.2, 0.1, 0.1, 0.1])),
    weights: base64(new Uint8Array([255, 200, 255, 255, 100, 255, 0, 51, 255])),
    positions: base64(new Uint32Array([0, 0, 1, 0, 2, 1, 3, 0, 4])),
  };
  const pattern = new Pattern(head, 5, 2);
  const near = (got, want) => got.forEach((w, i) => assert.ok(w.token === want[i][0] && Math.abs(w.weight - want[i][1]) < 1e-6, JSON.stringify(got)));
  near(pattern.row(1), [[0, 0.4], [1, 0.51]]);
  near(pattern.row(2), [[0, 0.255], [2, 0.1]]);
  near(pattern.row(4), [[0, 0.1], [4, 0.5]]);
  near(pattern.column(0), [[1, 0.4], [2, 0.255], [4, 0.1]]);
  near(pattern.column(1), [[3, 1]]);
  assert.equal(pattern.column(4).length, 0);
  assert.equal(pattern.weight(2, 1), null);
  near(heaviest(pattern.row(3), 5), [[1, 1]]);
});
