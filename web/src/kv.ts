// Key and value heads whose query heads are all off, and what that saves of the KV cache.
import { bestPoint, downloadName, headName, Study } from "./data";
import { h, section } from "./dom";
import { fixed, percent } from "./format";
import { Column, DataTable } from "./table";

export function kvSection(study: Study): HTMLElement | null {
  const kv = study.kv;
  const point = bestPoint(study);
  if (!kv || !point) return null;
  const groups = kv.off.flatMap((off, i) => (off === null ? [] : [i]));
  const each = kv.bytes ? kv.bytes.all / groups.length : null; // bytes a token
  const size = study.heads / kv.kv_heads;
  const bytes = (count: number) => Math.round(count).toLocaleString("en");
  const saved = kv.bytes
    ? ` Of the KV cache these are ${bytes(kv.bytes.mean_off)} of ${bytes(kv.bytes.all)} bytes a token (2 bytes a number); those that are off for every input, and could be left out for good, are ${bytes(kv.bytes.always_off)}.`
    : "";
  const absent = new Set(study.absent);
  const members = (i: number) => Array.from({ length: size }, (_, k) => i * size + k).filter((head) => !absent.has(head)).map((head) => headName(study, head)).join(" ");
  const columns: Column<number>[] = [
    { title: "layer", value: (i) => Math.floor(i / kv.kv_heads) },
    { title: "KV head", value: (i) => i % kv.kv_heads },
    { title: "query heads", value: members },
    { title: "all off", value: (i) => kv.off[i], text: (i) => percent(kv.off[i], 0), help: "share of forward passes" },
  ];
  const saving = (i: number, bytes: number) => ((kv.off[i] ?? 0) / 100) * bytes;
  if (each) columns.push({ title: "bytes a token saved", value: (i) => saving(i, each), text: (i) => fixed(saving(i, each), 0), help: "mean over the passes" });
  const table = new DataTable(columns, groups, {
    name: downloadName(study, "kv"),
    caption: `Key and value heads, each shared by ${absent.size ? "up to " : ""}${size} query heads`,
    filter: "L5H0",
    limit: 10,
    sort: { column: 3, descending: true },
  });
  return section(
    "kv",
    "KV cache",
    `Under ${point.rule}.`,
    h("p", {}, `On average ${fixed(kv.mean_groups)} of ${groups.length} key and value heads had all their query heads off at a time, ${kv.always.length} of them for every input.${saved}`),
    table.element,
  );
}
