// Single heads, layers and subjects: tables and the profile of the layers.
import { Chart, numberAxis, tooltip } from "./chart";
import { scoreColor } from "./colors";
import { bestPoint, headName, Study } from "./data";
import { h, section, select } from "./dom";
import { fixed, metricName, metricValue, significant } from "./format";
import { Column, DataTable } from "./table";

function state(off: number | undefined): string {
  if (off === undefined) return "–";
  return off === 100 ? "always off" : off === 0 ? "never off" : off >= 90 ? "mostly off" : "depends on the input";
}

export function headsSection(study: Study): HTMLElement | null {
  if (!study.profiles.length || !study.attention) return null;
  const attention = study.attention;
  const off = bestPoint(study)?.off;
  let profile = study.profiles.find((p) => p.slug === (study.best ?? "ahon_ln")) ?? study.profiles[0];
  const heads = Array.from({ length: study.layers * study.heads }, (_, i) => i);
  const columns: Column<number>[] = [
    { title: "head", value: (i) => headName(study, i) },
    { title: "off %", value: (i) => off?.[i], text: (i) => fixed(off?.[i], 0), help: "share of forward passes in which it was off" },
    { title: "state", value: (i) => state(off?.[i]) },
    { title: "attends to", value: (i) => attention.place[i], help: "by its mean weight on the first token and its entropy" },
    { title: "first-token weight", value: (i) => attention.first_weight[i], text: (i) => significant(attention.first_weight[i]) },
    { title: "entropy (nats)", value: (i) => attention.entropy[i], text: (i) => significant(attention.entropy[i]) },
    { title: "score, mean", value: (i) => profile.mean[i], text: (i) => significant(profile.mean[i]) },
    { title: "spread over samples", value: (i) => profile.deviation[i], text: (i) => significant(profile.deviation[i]), help: "standard deviation" },
    { title: "between subjects", value: (i) => profile.subject_deviation[i], text: (i) => significant(profile.subject_deviation[i]), help: "standard deviation of the subjects' means" },
  ];
  const table = new DataTable(columns, heads, { name: "heads", caption: "All heads", filter: true, limit: 20, sort: { column: 1, descending: true } });
  return section(
    "heads",
    "Head by head",
    `“off” is under the best score's largest harmless intervention${bestPoint(study) ? ` (${bestPoint(study)!.rule})` : ""}. “Attends to”: the first token if it has at least half of the weight, else few other tokens or many, by whether the entropy is below half of what even weights would have.`,
    h("div", { class: "tools" }, select("Score of the last columns", study.profiles.map((p) => ({ value: p.slug, label: `${p.slug}: ${p.name}` })), profile.slug, (slug) => {
      profile = study.profiles.find((p) => p.slug === slug)!;
      table.setRows(heads);
    })),
    table.element,
  );
}

const LAYER_NAMES: Record<string, string> = {
  off: "heads off (%)",
  first_weight: "weight on the first token",
  entropy: "entropy of attention (nats)",
  first_value_norm: "norm of the first token's value vector",
  value_norm: "norm of value vectors",
  last_output_norm: "norm of the last token's head output",
  output_norm: "norm of head outputs",
  projected_norm: "norm of head outputs after the output projection",
};

export function layersSection(study: Study): HTMLElement | null {
  const layers = study.by_layer;
  if (!layers) return null;
  let chosen = bestPoint(study) ? "off" : "first_weight";
  const names = Object.keys(layers).filter((name) => name !== "off" || bestPoint(study));
  const chart = new Chart("A mean over the heads of each layer", (colors) => ({
    grid: { left: 60, right: 20, top: 20, bottom: 50 },
    xAxis: numberAxis("layer", colors, { min: 0, max: study.layers - 1, minInterval: 1 }),
    yAxis: numberAxis(LAYER_NAMES[chosen] ?? chosen, colors, { nameGap: 45 }),
    tooltip: tooltip(colors, { trigger: "axis" }),
    series: [{ type: "line", name: LAYER_NAMES[chosen] ?? chosen, data: layers[chosen].map((value, i) => [i, value]), symbolSize: 6, lineStyle: { color: scoreColor("awft") }, itemStyle: { color: scoreColor("awft") } }],
  }), 300);
  return section("layers", "Layer by layer", "Means over the heads of a layer and all samples.", h("div", { class: "tools" }, select("Number", names.map((name) => ({ value: name, label: LAYER_NAMES[name] ?? name })), chosen, (value) => { chosen = value; chart.draw(); })), chart.element);
}

export function subjectsSection(study: Study): HTMLElement | null {
  const rows = study.subjects.rows;
  if (!rows.length || study.baseline === null) return null;
  const rule = study.subjects.rule;
  const columns: Column<(typeof rows)[number]>[] = [
    { title: "subject", value: (r) => r.name, text: (r) => " ".repeat(4 * r.depth) + r.name },
    { title: "documents", value: (r) => r.n },
    { title: metricName(study.metric), value: (r) => r.value, text: (r) => metricValue(study.is_share, r.value) },
    { title: "± standard error", value: (r) => r.error, text: (r) => fixed(r.error) },
  ];
  if (rule) {
    columns.push({ title: `under ${rule}`, value: (r) => r.under_rule, text: (r) => metricValue(study.is_share, r.under_rule ?? null) });
    const difference = (r: (typeof rows)[number]) => (r.value === null || r.under_rule == null ? null : r.under_rule - r.value);
    columns.push({ title: "difference", value: difference, text: (r) => fixed(difference(r)) });
  }
  const table = new DataTable(columns, rows, { name: "subjects", caption: "By subject", filter: rows.length > 10, limit: 30 });
  return section("subjects", "Subjects", "", table.element);
}

export function agreementSection(study: Study): HTMLElement | null {
  const agreement = study.agreement;
  if (!agreement) return null;
  const columns: Column<number>[] = [
    { title: "score", value: (i) => agreement.scores[i] },
    ...agreement.scores.map((slug, j): Column<number> => ({ title: slug, value: (i) => agreement.iou[i][j], text: (i) => fixed(agreement.iou[i][j], 2) })),
  ];
  const table = new DataTable(columns, agreement.scores.map((_, i) => i), { name: "agreement", caption: `Common heads at a target share of ${+(100 * agreement.share).toFixed(2)} %` });
  return section(
    "agreement",
    "Do the scores mean the same heads?",
    "Of the (forward pass, head) pairs that two scores switched off: those that both did, over those that at least one did. 1: the same heads; 0: none in common.",
    table.element,
  );
}
