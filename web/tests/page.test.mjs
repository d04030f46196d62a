// The page of one finished study as a whole: it loads, asks for nothing, and can be read anywhere.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { test } from "node:test";
import { load } from "./pure.mjs";
import { dataOf, onPage, open, overflow, reportPath, shown, until } from "./browser.mjs";

const SECTIONS = ["summary", "scores", "curves", "heatmap", "heads", "attention", "layers", "kv", "distributions", "agreement", "subjects", "paper", "settings", "next", "glossary", "citation"];

test("every section is there, in the menu too, without errors or requests", () =>
  onPage("plain.html", async (page, data) => {
    assert.deepEqual(await page.locator("main > section").evaluateAll((all) => all.map((part) => part.id)), SECTIONS);
    assert.deepEqual(await page.locator("nav a").evaluateAll((all) => all.map((a) => a.getAttribute("href").slice(1))), SECTIONS);
    assert.match(await page.title(), new RegExp(data.studies[0].model));
    // Every chart has been drawn, and choosing something else draws it again.
    for (const chart of await page.locator(".chart").all()) assert.ok((await chart.locator("svg path").count()) > 5);
    for (const list of await page.locator("select").all()) await list.selectOption({ index: (await list.locator("option").count()) - 1 });
    await page.waitForTimeout(100);
  }));

test("the page may load nothing: its policy blocks a request", async () => {
  const { page, problems, close } = await open("plain.html");
  try {
    const blocked = await page.evaluate(
      () =>
        new Promise((resolve) => {
          addEventListener("securitypolicyviolation", (event) => resolve(event.violatedDirective));
          const image = new Image();
          image.src = "https://example.invalid/x.png";
          document.body.append(image);
          setTimeout(() => resolve("not blocked"), 2000);
        }),
    );
    assert.equal(blocked, "img-src");
    const policy = await page.locator("meta[http-equiv=Content-Security-Policy]").getAttribute("content");
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /https?:|\*|unsafe-eval|connect-src/);
    // So the other tests would notice a request, even one that is blocked.
    assert.deepEqual(problems.map((problem) => problem.split(":")[0]), ["console", "request"]);
  } finally {
    await close();
  }
});

test("the summary says how many heads can be off, by what, and against which controls", () =>
  onPage("plain.html", async (page, data) => {
    const study = data.studies[0];
    const best = study.scores.find((s) => s.slug === study.best);
    const text = await page.locator("#summary").innerText();
    const off = Math.floor((best.inactive / 100) * 270 + 1e-6);
    assert.ok(text.includes(`${off} of 270 heads (${best.inactive.toFixed(1)}\u00a0%)`), text);
    for (const expected of [data.scores.find((s) => s.slug === best.slug).name, "awft", "at random", "by guessing", `${study.questions} documents`]) assert.ok(text.includes(expected), expected);
  }));

test("light and dark: by the system, by the button, and legible", async () => {
  const contrast = (page) =>
    page.evaluate(() => {
      const style = getComputedStyle(document.documentElement);
      const light = (name) => {
        const channels = style.getPropertyValue(name).trim().match(/[0-9a-f]{2}/gi).map((c) => parseInt(c, 16) / 255);
        const [r, g, b] = channels.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
      const texts = ["--text", "--faint", "--accent"].flatMap((ink) => ["--paper", "--band"].map((paper) => ratio(ink, paper)));
      return { text: Math.min(...texts, ratio("--text", "--warn")), edge: ratio("--edge", "--paper") };
    });
  for (const colorScheme of ["light", "dark"]) {
    await onPage("plain.html", async (page) => {
      const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const ink = () => page.locator("#curves .chart svg text").first().evaluate((text) => getComputedStyle(text).fill);
      const before = [await background(), await ink()];
      assert.equal(before[0] === "rgb(255, 255, 255)", colorScheme === "light");
      for (let i = 0; i < 2; ++i) {
        const { text, edge } = await contrast(page);
        assert.ok(text >= 4.5, `text ${text}`);
        assert.ok(edge >= 3, `edges ${edge}`);
        await page.locator("button.scheme").click();
        if (i === 0) assert.notDeepEqual([await background(), await ink()], before);
      }
      assert.deepEqual([await background(), await ink()], before);
    }, { colorScheme });
  }
});

test("the lines of all scores differ, and stand out from the page", async () => {
  const { lineStyle } = await load("colors");
  const { scores } = dataOf("plain.html");
  assert.equal(scores.length, 18);
  for (const dark of [false, true]) {
    const styles = scores.map((score) => lineStyle(score.style, dark));
    assert.equal(new Set(styles.map((s) => s.color + s.dash)).size, scores.length);
    assert.equal(new Set(styles.map((s) => s.mark + s.dash)).size, scores.length); // also without colours
    for (const { color } of styles) {
      const [r, g, b] = [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
      const light = 0.2126 * r + 0.7152 * g + 0.0722 * b;
      const ratio = dark ? (light + 0.05) / (0.0091 + 0.05) : 1.05 / (light + 0.05);
      assert.ok(ratio >= 3, `${color} ${ratio}`);
    }
  }
});

test("a phone's width is enough: only tables and maps scroll sideways", async () => {
  for (const name of ["plain.html", "two.html", "three.html", "hostile.html", "running.html", "unfinished.html", "static.html"])
    await onPage(name, async (page) => assert.equal(await overflow(page), 0, name), { viewport: { width: 390, height: 844 } });
});

test("paper: light, without buttons, and nothing wider than the sheet", () =>
  onPage("plain.html", async (page) => {
    await page.evaluate(() => addEventListener("beforeprint", () => (window.printed = document.documentElement.dataset.scheme)));
    const pdf = await page.pdf({ format: "A4" });
    assert.ok(pdf.length > 50000);
    assert.equal(await page.evaluate(() => window.printed), "light");
    assert.equal(await page.evaluate(() => document.documentElement.dataset.scheme), "dark");
    await page.emulateMedia({ media: "print" });
    await page.setViewportSize({ width: 718, height: 1000 }); // A4 without margins at 96 dpi
    for (const hidden of ["nav", ".tools", ".scheme"]) assert.equal(await page.locator(hidden).first().isVisible(), false, hidden);
    for (const drawing of await page.locator(".chart svg, svg.heatmap").all())
      assert.ok((await drawing.boundingBox()).width <= 718);
    assert.equal(await overflow(page), 0);
  }, { colorScheme: "dark" }));

test("what is wider than a phone says that it scrolls, until its end is seen", () =>
  onPage("plain.html", async (page) => {
    const scroll = page.locator("#scores .scroll").first();
    const fades = () => scroll.evaluate((e) => e.classList.contains("more-right"));
    await until(fades);
    await scroll.evaluate((e) => e.scrollTo(e.scrollWidth, 0));
    await until(async () => !(await fades()));
    const cue = page.locator("#scores .table .tools").first();
    assert.match(await cue.evaluate((e) => getComputedStyle(e, "::after").content), /scrolls sideways/);
    await page.setViewportSize({ width: 2000, height: 900 });
    await until(async () => (await cue.evaluate((e) => getComputedStyle(e, "::after").content)) === "none");
  }, { viewport: { width: 390, height: 844 } }));

test("on paper everything is unfolded, and a table says which rows it leaves out", () =>
  onPage("plain.html", async (page) => {
    const closed = await page.locator("details:not([open])").count();
    assert.ok(closed > 3);
    await page.evaluate(() => addEventListener("beforeprint", () => (window.folded = document.querySelectorAll("details:not([open])").length)));
    await page.pdf({ format: "A4" });
    assert.equal(await page.evaluate(() => window.folded), 0);
    assert.equal(await page.locator("details:not([open])").count(), closed, "folded again afterwards");
    const note = page.locator("#heads .printed");
    assert.equal(await note.isVisible(), false);
    await page.emulateMedia({ media: "print" });
    assert.match(await note.innerText(), /^20 of 270 rows/);
    for (const button of await page.locator("button:not(.entry):visible").all()) assert.ok(await button.evaluate((e) => e.closest("th") !== null), await button.innerText());
  }));

test("wide screens keep the contents in view", () =>
  onPage("plain.html", async (page) => {
    await page.locator("#settings").scrollIntoViewIfNeeded();
    assert.ok((await page.locator("nav").boundingBox()).y >= -1);
    await page.setViewportSize({ width: 900, height: 900 });
    await page.locator("#settings").scrollIntoViewIfNeeded();
    assert.ok((await page.locator("nav").boundingBox()).y < -100);
  }, { viewport: { width: 1400, height: 900 } }));

test("how the page was made, how it is cited, and no place of this machine", () =>
  onPage("plain.html", async (page, data) => {
    const study = data.studies[0];
    const text = await page.locator("#citation").innerText();
    for (const part of [data.version, data.commit, study.settings["info.date"], study.settings["info.command"], "2504.03889", "Identifying and Evaluating Inactive Heads in Pretrained LLMs"]) assert.ok(text.includes(part), `${part} in ${text}`);
    const html = readFileSync(reportPath("plain.html"), "utf8");
    for (const place of ["/work/", "/home/", "/root/", "/tmp/", process.cwd().slice(0, process.cwd().lastIndexOf("/"))]) assert.ok(!html.includes(place), place);
    assert.equal((await page.locator("#glossary dt").allInnerTexts()).includes("can be off"), true);
  }));

// Of the study alone: the others need the model.
test("the commands under “What now” work", () =>
  onPage("plain.html", async (page) => {
    const commands = await page.locator("#next code").allInnerTexts();
    const own = commands.filter((command) => /^idleheads (show|mask|export) /.test(command));
    assert.ok(own.length >= 4, commands.join("\n"));
    for (const command of own) {
      const words = command.split(" ").slice(1).map((word) => word.replace(/^(heads|tables)/, "next-$1"));
      await new Promise((resolve, reject) => execFile("../idleheads", words, { cwd: reportPath(".") }, (error, _, stderr) => (error ? reject(new Error(`${command}: ${stderr}`)) : resolve())));
    }
    for (const file of ["next-heads.json", "next-heads.py", "next-tables"]) assert.ok(readdirSync(reportPath(".")).includes(file), file);
  }));

test("by keyboard: a link to skip the menu, and a visible focus on every control", () =>
  onPage("plain.html", async (page) => {
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
    assert.ok((await page.locator(".skip").boundingBox()).x >= 0);
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "content");
    for (let i = 0; i < 40; ++i) {
      await page.keyboard.press("Tab");
      const outline = await page.evaluate(() => {
        const style = getComputedStyle(document.activeElement);
        return { name: document.activeElement.outerHTML.slice(0, 80), width: parseFloat(style.outlineWidth), kind: style.outlineStyle };
      });
      assert.ok(outline.width >= 2 && outline.kind !== "none", JSON.stringify(outline));
    }
  }));

test("every control has a name", () =>
  onPage("plain.html", async (page) => {
    const unnamed = await page.evaluate(() =>
      [...document.querySelectorAll("button, input, select, svg[tabindex], [role=img], [role=region]")]
        .filter((e) => !(e.getAttribute("aria-label") || e.labels?.[0]?.textContent.trim() || e.textContent.trim()))
        .map((e) => e.outerHTML.slice(0, 100)),
    );
    assert.deepEqual(unnamed, []);
  }));

test("the legend switches lines, and shows the few that matter", () =>
  onPage("plain.html", async (page) => {
    const lines = () => page.locator("#curves .chart svg path[fill=none][stroke-width]").count();
    const entry = page.locator('#curves [data-score="awft"]');
    const all = await lines();
    await entry.focus();
    await page.keyboard.press("Enter");
    assert.equal(await entry.getAttribute("aria-pressed"), "false");
    assert.ok(await entry.evaluate((e) => e === document.activeElement), "the focus stays");
    assert.equal(await lines(), all - 1);
    const faint = () => page.locator('#curves .chart svg').evaluate((e) => [...e.querySelectorAll("path")].filter((p) => ["opacity", "fill-opacity", "stroke-opacity"].some((name) => p.getAttribute(name) === "0.1")).length);
    await page.locator('#curves [data-score="ahon_ln"]').focus(); // dims the others
    await until(async () => (await faint()) > 10);
    await page.keyboard.press("Enter"); // the bright one goes
    await until(async () => (await faint()) === 0);
    await page.getByRole("button", { name: "Best, awft, random" }).click();
    await until(async () => (await faint()) === 0);
    assert.ok((await page.locator('#curves [aria-pressed="true"]').count()) <= 3);
    await page.getByRole("button", { name: "All", exact: true }).click();
    assert.equal(await lines(), all);
  }));

test("intervals are areas: the best score's, or those of the few lines that are shown", () =>
  onPage("plain.html", async (page) => {
    const areas = () => page.locator("#curves .chart svg path").evaluateAll((all) => all.filter((path) => ["opacity", "fill-opacity"].some((name) => path.getAttribute(name) === "0.12")).length);
    assert.equal(await areas(), 1);
    await page.getByRole("button", { name: "Best, awft, random" }).click();
    const shown = await page.locator('#curves [aria-pressed="true"]').count();
    assert.ok(shown > 1);
    assert.equal(await areas(), shown);
  }));

test("no label of the curves lies over another", async () => {
  for (const [name, width] of [["plain.html", 1400], ["plain.html", 390], ["static.html", 1400], ["static.html", 390]])
    await onPage(name, async (page) => {
      const boxes = await page.locator("#curves .chart svg text").evaluateAll((all) => all.map((text) => ({ text: text.textContent, ...text.getBoundingClientRect().toJSON() })));
      assert.ok(boxes.some((box) => box.text === "guessing"), "what guessing gives is in the picture");
      for (const a of boxes)
        for (const b of boxes)
          if (a !== b) assert.ok(a.right <= b.left + 1 || b.right <= a.left + 1 || a.bottom <= b.top + 3 || b.bottom <= a.top + 3, `${a.text} and ${b.text}`);
    }, { viewport: { width, height: 900 } });
});

test("the paper's 14 models can be drawn beside a score, and stand in a table", () =>
  onPage("plain.html", async (page, data) => {
    await page.locator("#curves select").selectOption("ahon_ln");
    const text = await page.locator("#curves .chart svg").textContent();
    const drawn = data.paper.filter((model) => model.curves.ahon_ln);
    assert.equal(data.paper.length, 14);
    for (const { model } of drawn) assert.ok(text.includes(model), model);
    assert.equal(await page.locator("#paper tbody tr").count(), 14);
    assert.match(await page.locator("#paper").textContent(), /not in the table, as it is not the paper.s experiment/);
  }));

test("the numbers of the subjects and the settings are those of the study", () =>
  onPage("plain.html", async (page, data) => {
    const study = data.studies[0];
    const rows = await page.locator("#subjects tbody tr").all();
    assert.equal(rows.length, study.subjects.rows.length);
    for (let i = 0; i < rows.length; ++i) {
      const cells = await rows[i].locator("th, td").allTextContents();
      assert.equal(cells[0].trim(), study.subjects.rows[i].name);
      assert.ok(Math.abs(shown(cells[2]) - study.subjects.rows[i].value) <= 0.05);
    }
    const settings = await page.locator("#settings tbody").innerText();
    for (const value of [study.settings["model.fingerprint"], study.settings["task.fingerprint"], study.settings.engine]) assert.ok(settings.includes(value), value);
  }));

test("the file is small", () => {
  // The statistics of a head are quantiles, so that more documents hardly make it larger.
  assert.ok(statSync(reportPath("plain.html")).size < 1.6e6);
});
