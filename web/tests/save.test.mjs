// Figures as files: SVG and PNG, as they look on the page.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { onPage } from "./browser.mjs";

async function saved(page, figure, kind) {
  const waiting = page.waitForEvent("download");
  await figure.locator(".save button", { hasText: kind }).click();
  const file = await waiting;
  await page.waitForTimeout(150); // Chromium drops the eleventh within a second
  return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) };
}

// Width and height from the header of a PNG file.
const pngSize = (bytes) => [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];

// How the file looks to a browser: is it well-formed, how large, what colour is its corner?
const look = (page, bytes, type) =>
  page.evaluate(async ([text, kind]) => {
    const image = new Image();
    image.src = `data:${kind};base64,${text}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
    const colors = new Set();
    for (let i = 0; i < pixels.length; i += 4) colors.add(pixels[i] * 65536 + pixels[i + 1] * 256 + pixels[i + 2]);
    return { size: [canvas.width, canvas.height], corner: [...pixels.slice(0, 4)], colors: colors.size };
  }, [bytes.toString("base64"), type]);

for (const [scheme, paper] of [["light", [255, 255, 255, 255]], ["dark", [0x16, 0x18, 0x1c, 255]]]) {
  test(`every figure is saved as SVG and, twice as large, as PNG: ${scheme}`, () =>
    onPage("three.html", async (page) => {
      await page.locator("#heatmap select").first().selectOption({ index: 1 });
      const figures = await page.locator(".figure:has(svg)").all();
      assert.ok(figures.length >= 14, `${figures.length}`);
      const names = new Set();
      for (const figure of figures) {
        const [svg, png] = [await saved(page, figure, "SVG"), await saved(page, figure, "PNG")];
        assert.match(svg.name, /^[\w.-]+\.svg$/);
        assert.equal(png.name, svg.name.replace(".svg", ".png"));
        names.add(svg.name);
        const [drawn, painted] = [await look(page, svg.bytes, "image/svg+xml"), await look(page, png.bytes, "image/png")];
        for (const { corner, colors } of [drawn, painted]) {
          assert.deepEqual(corner, paper, svg.name);
          assert.ok(colors > 8, `${svg.name}: ${colors} colours`);
        }
        pngSize(png.bytes).forEach((pixels, i) => assert.ok(Math.abs(pixels - 2 * drawn.size[i]) <= 2, svg.name));
        const text = svg.bytes.toString("utf8");
        assert.doesNotMatch(text, /var\(--|class="cursor"|href="http/);
        assert.match(text, /font-family/);
      }
      assert.equal(names.size, figures.length, [...names].join(" "));
    }, { colorScheme: scheme }));
}

test("what stands in the page's own legend is in the file, as far as its line is shown", () =>
  onPage("plain.html", async (page, data) => {
    const figure = page.locator("#curves .figure");
    const slugs = data.studies[0].scores.map((score) => score.slug);
    const texts = async () => [...(await saved(page, figure, "SVG")).bytes.toString("utf8").matchAll(/>(\w+)<\/text>/g)].map((match) => match[1]).filter((text) => slugs.includes(text));
    assert.deepEqual((await texts()).sort(), [...slugs].sort());
    await page.getByRole("button", { name: "Best, awft, random" }).click();
    const few = await texts();
    assert.ok(few.length <= 3 && few.includes("random"), few.join(" "));
  }));
