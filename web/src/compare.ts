// How the first study's heads differ from another's.
import { Chart, numberAxis, tooltip } from "./chart";
import { scoreColor, STUDY_COLORS, STUDY_DASHES } from "./colors";
import { Comparison, Report, Study } from "./data";
import { h, section, select } from "./dom";
import { fixed, metricName, metricValue } from "./format";
import { Column, DataTable } from "./table";

function scoresTable(comparison: Comparison, name: string): HTMLElement {
  type Row = Comparison["scores"][number];
  const columns: Column<Row>[] = [
    { title: "score", value: (r) => r.score },
    { title: "KS", value: (r) => r.ks, text: (r) => fixed(r.ks, 3), help: "Kolmogorov-Smirnov distance of the distributions, 0 to 1" },
    { title: "Wasserstein", value: (r) => r.wasserstein, text: (r) => (r.wasserstein === null ? "–" : r.wasserstein.toPrecision(3)), help: "in units of the score" },
    { title: "rank correlation of heads", value: (r) => r.head_correlation, text: (r) => fixed(r.head_correlation, 3), help: "Spearman, of the heads' means" },
    { title: "can be off %, first", value: (r) => r.largest_inactive_percent[0], text: (r) => fixed(r.largest_inactive_percent[0]) },
    { title: "second", value: (r) => r.largest_inactive_percent[1], text: (r) => fixed(r.largest_inactive_percent[1]) },
  ];
  return new DataTable(columns, comparison.scores, { name: `${name}-scores`, caption: "Distances of the scores" }).element;
}

function layersChart(comparison: Comparison): HTMLElement | null {
  if (!comparison.scores[0]?.layers.length) return null;
  let slug = "ahon_ln";
  const chart = new Chart("Kolmogorov-Smirnov distance by layer", (colors) => ({
    grid: { left: 60, right: 20, top: 20, bottom: 50 },
    xAxis: numberAxis("layer", colors, { min: 0, max: comparison.scores[0].layers.length - 1, minInterval: 1 }),
    yAxis: numberAxis(`KS distance of ${slug}`, colors, { min: 0, nameGap: 45 }),
    tooltip: tooltip(colors, { trigger: "axis" }),
    series: [{ type: "line", name: slug, data: comparison.scores.find((s) => s.score === slug)!.layers.map((layer, i) => [i, layer.ks]), lineStyle: { color: scoreColor(slug) }, itemStyle: { color: scoreColor(slug) } }],
  }), 280);
  const choices = comparison.scores.map((s) => ({ value: s.score, label: s.score }));
  return h("div", {}, h("div", { class: "tools" }, select("Score by layer", choices, slug, (value) => { slug = value; chart.draw(); })), chart.element);
}

function curvesChart(studies: [Study, Study]): HTMLElement | null {
  const common = studies[0].scores.filter((s) => s.points.length && studies[1].scores.some((o) => o.slug === s.slug && o.points.length));
  if (!common.length) return null;
  let slug = common.find((s) => s.slug === studies[0].best)?.slug ?? common[0].slug;
  const chart = new Chart("The curves of one score side by side", (colors) => ({
    legend: { top: 0, textStyle: { color: colors.text } },
    grid: { left: 60, right: 20, top: 40, bottom: 50 },
    xAxis: numberAxis("heads off (%)", colors, { min: 0 }),
    yAxis: numberAxis(metricName(studies[0].metric), colors, { scale: true, nameGap: 40 }),
    tooltip: tooltip(colors, { trigger: "item", formatter: (p: { seriesName: string; value: [number, number] }) => `${p.seriesName}: ${metricValue(studies[0].is_share, p.value[1])} with ${fixed(p.value[0])} % off` }),
    series: studies.map((study, i) => {
      const points = study.scores.find((s) => s.slug === slug)!.points.map((p) => [p.percent, p.value]);
      return { name: `${i + 1} ${study.model}`, type: "line", data: points.sort((a, b) => a[0]! - b[0]!), symbolSize: 7, lineStyle: { color: STUDY_COLORS[i], type: STUDY_DASHES[i], width: 2 }, itemStyle: { color: STUDY_COLORS[i] } };
    }),
  }), 320);
  return h("div", {}, h("div", { class: "tools" }, select("Curves of", common.map((s) => ({ value: s.slug, label: s.slug })), slug, (value) => { slug = value; chart.draw(); })), chart.element);
}

function changedTable(comparison: Comparison, name: string): HTMLElement | null {
  if (!comparison.changed_heads.length) return null;
  type Row = Comparison["changed_heads"][number];
  const columns: Column<Row>[] = [
    { title: "rule", value: (r) => r.rule },
    { title: "off in both", value: (r) => r.off_in_both },
    { title: "only in the first", value: (r) => r.off_only_in_first.length },
    { title: "only in the second", value: (r) => r.off_only_in_second.length },
    { title: "on in both", value: (r) => r.on_in_both },
    { title: "heads off only in the first", value: (r) => r.off_only_in_first.join(" ") },
    { title: "heads off only in the second", value: (r) => r.off_only_in_second.join(" ") },
  ];
  return new DataTable(columns, comparison.changed_heads, { name: `${name}-heads`, caption: "Heads that are off in at least half of the passes, each study by its own threshold for the share" }).element;
}

export function comparisonSection(report: Report, comparison: Comparison, index: number): HTMLElement {
  const id = `comparison-${index + 1}`;
  const title = `${comparison.models[0]} and ${comparison.models[1]}`;
  if (comparison.refused) return section(id, title, "", h("p", { class: "warning", role: "note" }, `Not compared: ${comparison.refused}`));
  const note = `Over the ${comparison.documents} documents that both studies have. ${comparison.same_shape ? "" : "The models are of different shapes: distributions and curves are compared, single heads are not."}`;
  return section(
    id,
    title,
    note,
    scoresTable(comparison, id),
    layersChart(comparison),
    curvesChart([report.studies[0], report.studies[index + 1]]),
    changedTable(comparison, id),
    h("details", {}, h("summary", {}, "Settings that differ"), h("ul", {}, ...comparison.settings_that_differ.map((text) => h("li", {}, text)))),
  );
}
