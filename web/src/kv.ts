// Key and value heads whose query heads are all off, and what that saves of the KV cache.
import { bestPoint, downloadName, Study } from "./data";
import { h, section } from "./dom";
import { fixed, percent } from "./format";
import { Column, DataTable } from "./table";

export function kvSection(study: Study): HTMLElement | null {
  const kv = study.kv;
  const point = bestPoint(study);
  if (!kv || !point) return null;
  const groups = study.layers * kv.kv_heads;
  const each = kv.bytes ? kv.bytes.all / groups : null; // bytes a token
  const size = study.heads / kv.kv_heads;
  const bytes = (count: number) => Math.round(count).toLocaleString("en");
  const saved = kv.bytes
    ? ` Of the KV cache these are ${bytes(kv.bytes.mean_off)} of ${bytes(kv.bytes.all)} bytes a token (2 bytes a number); those that are off for every input, and could be left out for good, are ${bytes(kv.bytes.always_off)}.`
    : "";
  const members = (i: number) => Array.from({ length: size }, (_, k) => `L${Math.floor(i / kv.kv_heads)}H${(i % kv.kv_heads) * size + k}`).join(" ");
  const columns: Column<number>[] = [
    { title: "layer", value: (i) => Math.floor(i / kv.kv_heads) },
    { title: "KV head", value: (i) => i % kv.kv_heads },
    { title: "query heads", value: members },
    { title: "all off", value: (i) => kv.off[i], text: (i) => percent(kv.off[i], 0), help: "share of forward passes" },
  ];
  if (each) columns.push({ title: "bytes a token saved", value: (i) => (kv.off[i] / 100) * each, text: (i) => fixed((kv.off[i] / 100) * each, 0), help: "mean over the passes" });
  const table = new DataTable(columns, Array.from({ length: groups }, (_, i) => i), {
    name: downloadName(study, "kv"),
    caption: `Key and value heads, each shared by ${size} query heads`,
    filter: "L5H0",
    limit: 10,
    sort: { column: 3, descending: true },
  });
  return section(
    "kv",
    "KV cache",
    `Under ${point.rule}.`,
    h("p", {}, `On average ${fixed(kv.mean_groups)} of ${groups} key and value heads had all their query heads off at a time, ${kv.always.length} of them for every input.${saved}`),
    table.element,
  );
}
