// Several studies on a page, studies with parts missing, and names that are not what names should be.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { column, onPage, reportPath, row } from "./browser.mjs";

test("two studies: a table of both, a choice of one, and what differs", () =>
  onPage("two.html", async (page, data) => {
    assert.deepEqual(await column(page.locator("#studies table").first(), 7), ["plain.db", "other.db"]);
    const settings = page.locator("#studies details table");
    await page.locator("#studies summary").click();
    assert.deepEqual(await row(settings, "seed").locator("td").allTextContents(), data.studies.map((s) => s.settings.seed));
    const comparison = page.locator("#comparison-1");
    const scores = await column(comparison.locator("table").first(), 1);
    assert.equal(scores.length, 15);
    const relative = scores.map((slug) => data.scores.find((s) => s.slug === slug).relative_to !== "none");
    assert.deepEqual(relative, [...relative].sort((a, b) => b - a), "scores that mean the same in every model come first");
    const ks = comparison.locator("table").first().locator("tr", { hasText: "ahon_ln" }).locator("td").first();
    assert.equal(await ks.innerText(), data.comparisons[0].scores.find((s) => s.score === "ahon_ln").ks.toFixed(3));
    assert.equal(await comparison.locator("table").nth(1).locator("tbody tr").count(), data.comparisons[0].changed_heads.length);
    for (const chart of await comparison.locator(".chart").all()) assert.ok((await chart.locator("svg path").count()) > 5);

    assert.match(await page.locator("#settings").innerText(), /plain\.db/);
    const choice = page.locator("header select");
    await choice.selectOption({ index: 1 });
    assert.match(await page.locator("#settings").innerText(), /other\.db/);
    assert.equal(await row(page.locator("#settings"), "dtype").locator("td").innerText(), data.studies[1].settings.dtype);
    assert.ok(await choice.evaluate((e) => e === document.activeElement || document.activeElement === document.body));
    assert.equal(await page.locator("#comparison-1 .chart svg").count(), 1);
  }));

test("several studies: the comparison comes first, in words, for the scores that all tested", () =>
  onPage("three.html", async (page, data) => {
    assert.deepEqual((await page.locator("main > section").evaluateAll((all) => all.map((part) => part.id))).slice(0, 3), ["studies", "comparison-1", "comparison-2"]);
    const { scores, best } = data.across;
    assert.ok(scores.length >= 3 && scores.includes(best));
    const tested = (study) => study.scores.filter((s) => s.points.length).map((s) => s.slug);
    for (const slug of scores) for (const study of data.studies) assert.ok(tested(study).includes(slug), slug);
    const lead = await page.locator("#studies .lead").innerText();
    assert.ok(lead.startsWith(`By ${best}, `), lead);
    const found = data.studies.map((study) => study.scores.find((s) => s.slug === best).inactive);
    found.forEach((inactive, i) => {
      assert.ok(lead.includes(`study ${i + 1} (`), lead);
      if (inactive !== null) assert.ok(lead.includes(`${inactive.toFixed(1)}\u00a0%`), lead);
    });
    assert.match(await page.locator("#studies .lead + p").innerText(), /nothing is sure|this is sure.*What differs in the settings:/s);
    const table = page.locator("#studies .table").nth(1);
    await table.locator("button", { hasText: "Show all" }).click({ timeout: 1000 }).catch(() => {});
    assert.deepEqual([...new Set(await column(table.locator("table"), 1))], scores);
    assert.equal(await table.locator("tbody tr").count(), 3 * scores.length);
    for (const chart of await page.locator("#studies .chart").all()) assert.ok((await chart.locator("svg path").count()) > 8);
    // All three studies are in the figures of curves and of distributions.
    for (const chart of (await page.locator("#studies .chart").all()).slice(1)) {
      const text = await chart.locator("svg").textContent();
      for (const number of [1, 2, 3]) assert.match(text, new RegExp(`${number} \\S*(SmolLM2|cut)`));
    }
  }));

test("how models rank the scores is a map with the program's numbers", () =>
  onPage("three.html", async (page, data) => {
    const maps = page.locator("#studies svg.cells");
    assert.equal(await maps.count(), 2);
    for (const [i, matrix] of [data.across.rank_correlation, data.across.top_overlap].entries()) {
      const cells = await maps.nth(i).locator("g text").allTextContents();
      assert.deepEqual(cells, matrix.flat().map((value) => (value === null ? "–" : value.toFixed(2).replace("-", "−").replace(/^−0\.00$/, "0.00"))));
    }
    const own = page.locator("#agreement svg.cells");
    assert.equal(await own.count(), 2);
    assert.equal(await own.nth(1).locator("g").count(), data.studies[0].profiles.length ** 2);
  }));

test("layers: the bars of always, mostly, sometimes and never off heads add up", () =>
  onPage("plain.html", async (page) => {
    const text = await page.locator("#layers .chart").first().locator("svg").textContent();
    for (const state of ["never off", "depends on the input", "mostly off", "always off"]) assert.ok(text.includes(state), state);
    assert.ok((await page.locator("#layers .chart").first().locator("svg path").count()) > 30);
  }));

test("a page that is being written again keeps what the reader chose, and says how far the study is", () =>
  onPage("watched.html", async (page, data) => {
    const { done, all } = data.studies[0].progress;
    const note = await page.locator(".running").innerText();
    assert.ok(note.includes(`${done.toLocaleString("en")} of ${all.toLocaleString("en")} results`), note);
    assert.ok(note.includes(`Written ${data.written}`), note);
    assert.match(note, /loads itself again every second\./);
    await page.locator("#distributions select").selectOption("aeqd_ln");
    await page.locator("#distributions summary").click();
    await page.evaluate(() => {
      window.before = true;
      scrollTo(0, 1500);
    });
    await page.waitForFunction(() => window.before === undefined && document.querySelector("main section"), null, { timeout: 20_000 });
    assert.equal(await page.locator("#distributions select").inputValue(), "aeqd_ln");
    assert.equal(await page.locator("#distributions details").first().getAttribute("open"), "");
    await page.waitForFunction(() => Math.abs(scrollY - 1500) < 200, null, { timeout: 5000 });
  }));

test("a finished page neither says that it runs nor loads itself again", () =>
  onPage("plain.html", async (page, data) => {
    assert.equal(data.refresh, null);
    assert.equal(await page.locator(".running").count(), 0);
    assert.equal(await page.locator("meta[http-equiv=refresh]").count(), 0);
  }));

test("studies that cannot be compared are both shown, with the reason", () =>
  onPage("refused.html", async (page, data) => {
    const text = await page.locator("#comparison-1").innerText();
    assert.ok(text.includes(`Not compared: ${data.comparisons[0].refused}`));
    assert.match(text, /different tasks/);
    await page.locator("header select").selectOption({ index: 1 });
    assert.match(await page.locator("#settings").innerText(), new RegExp(data.studies[1].file));
  }));

test("an unfinished study says what is missing, and shows the rest", () =>
  onPage("unfinished.html", async (page, data) => {
    const missing = data.studies[0].missing;
    assert.ok(missing.length > 0);
    const text = await page.locator("#summary .warning").innerText();
    assert.match(text, /not finished/);
    for (const part of missing.slice(0, 5)) assert.ok(text.includes(`${part.name} (${part.done} of ${part.documents} documents)`), text);
    assert.equal(await page.locator("#heatmap [data-head]").count(), 270);
    assert.ok((await page.locator("#scores tbody tr").count()) > 0);
  }));

test("a running study says what is known so far, with intervals", () =>
  onPage("running.html", async (page, data) => {
    const { decisions } = data.studies[0];
    assert.ok(decisions.open > 0 && decisions.holds + decisions.fails > 0);
    const text = await page.locator("#summary").innerText();
    assert.match(text, new RegExp(`${decisions.holds} hold, ${decisions.fails} fail, ${decisions.open} open`));
    assert.doesNotMatch(text, /Missing:/);
    for (const gone of ["#scores", "#curves"]) assert.equal(await page.locator(gone).count(), 0, gone);
    const tables = page.locator("#decisions table");
    assert.equal(await tables.first().locator("tbody tr").count(), decisions.scores.length);
    const areas = await page.locator('#decisions .chart svg path[fill-opacity="0.12"], #decisions .chart svg path[opacity="0.12"]').count();
    assert.ok(areas > 0, "intervals are drawn as areas");
    for (const score of decisions.scores) {
      for (const point of score.points) {
        assert.ok(point.low <= point.high);
        if (point.decision === "holds") assert.ok(point.high <= decisions.tolerance + 1e-9);
        if (point.decision === "fails") assert.ok(point.low > decisions.tolerance);
      }
    }
  }));

test("an interrupted baseline has no results yet, and says so", () =>
  onPage("empty.html", async (page, data) => {
    assert.match(await page.locator("#summary").innerText(), /not finished.*baseline \(0 of/s);
    assert.match(await page.locator("#summary").innerText(), /no measured results/);
    assert.equal(data.studies[0].profiles.length, 0);
    assert.equal(await page.locator("#heatmap").count(), 0);
    assert.ok((await page.locator("#settings tbody tr").count()) > 10);
  }));

test("a study of scores alone shows them without curves", () =>
  onPage("scores_only.html", async (page) => {
    assert.match(await page.locator("#summary .lead").innerText(), /No head was switched off/);
    assert.equal(await page.locator("#agreement svg.cells").count(), 1, "ranks alone");
    for (const gone of ["#scores", "#curves", "#kv"]) assert.equal(await page.locator(gone).count(), 0, gone);
    assert.equal(await page.locator("#heatmap [data-head]").count(), 270);
    const state = await page.locator("#heads thead").innerText();
    assert.ok(!state.includes("state"));
    await page.locator("#heatmap input[type=range]").focus();
    await page.keyboard.press("End");
    assert.equal(await page.locator('#heatmap [data-flagged="yes"]').count(), 270);
  }));

test("names are text, whatever they hold", () =>
  onPage("hostile.html", async (page, data) => {
    const study = data.studies[0];
    const names = study.subjects.rows.map((row) => row.name);
    for (const evil of ["</script><script>window.hacked = 1</script>", "<img src=x onerror=\"window.hacked = 2\">", "\"quotes' & <!-- &lt;b&gt;"])
      assert.ok(names.includes(evil), `${evil} in ${names}`);
    assert.deepEqual((await column(page.locator("#subjects table"), 1)).map((name) => name.trim()), names.map((name) => name.trim()));
    for (const text of [study.model, study.task]) assert.match(text, /<img/);
    assert.ok((await page.locator("header").innerText()).includes(study.model));
    assert.ok((await page.locator("#summary").innerText()).includes(study.task));
    assert.ok((await page.title()).includes(study.task));
    assert.ok((await page.locator("#heatmap .documents").innerText()).includes("<img src=x onerror=\"window.hacked = 7\">"));
    assert.equal(await page.locator("img").count(), 0);
    // One script holds the data, one the program.
    assert.equal(await page.locator("script").count(), 2);
    // Charts show names in their tips, too.
    for (const chart of await page.locator(".chart").all()) {
      await chart.scrollIntoViewIfNeeded();
      const box = await chart.boundingBox();
      for (let x = 0.1; x < 1; x += 0.1) await page.mouse.move(box.x + x * box.width, box.y + box.height / 2);
    }
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    // The same with a second study: names in the choice and in the legends of charts.
    const text = await readFile(reportPath("hostile.html"), "utf8");
    assert.equal(text.split("</script>").length, 3);
    assert.ok(!text.includes("<img src=x"));
  }));

test("hostile names among several studies", () =>
  onPage("refused.html", async (page) => {
    assert.equal(await page.locator("img").count(), 0);
    assert.match(await page.locator("header select").innerText(), /<img/);
    await page.locator("header select").selectOption({ index: 1 });
    assert.equal(await page.evaluate(() => window.hacked), undefined);
  }));
