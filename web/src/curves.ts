// The metric over the share of heads that are off: all scores with random as control, and the paper's models.
import { roundLimits } from "./axis";
import { band, Chart, Ink, markLine, numberAxis, Option, strokes, tooltip } from "./chart";
import { lineStyle } from "./colors";
import { downloadName, infoOf, PaperModel, Range, Report, Score, Study } from "./data";
import { section, select, tools } from "./dom";
import { fixed, metricName, metricValue, percent, range, share } from "./format";
import { Legend } from "./legend";
import { Column, DataTable, intervalColumn } from "./table";

const HEIGHT = 460;
const TOP = 12;
const BOTTOM = 46;

interface Row {
  score: Score;
  index: number;
}

const point = (row: Row) => row.score.points[row.index];

// What lines are drawn at: percent of right answers; of perplexities points, which are higher where the model is better.
function baselineHeight(study: Study): number | null {
  return study.is_share ? study.baseline : study.baseline_height;
}

function studyLine(study: Study, score: Score, zero: number, width: number, colors: Ink): Option {
  const style = strokes(lineStyle(infoOf(score).style, colors.dark), width);
  const data = score.points.filter((p) => p.height !== null).map((p) => ({
    value: [p.percent, p.height! - zero],
    told: `${score.slug}, target ${share(p.share)}\n${metricName(study.metric)} ${metricValue(study.is_share, p.value)}${p.interval ? ` (${range(p.interval)})` : ""}\n${percent(p.percent)} of heads off`,
  }));
  const baseline = baselineHeight(study);
  if (score.points.length && score.points[0].share > 0 && baseline !== null)
    data.unshift({ value: [0, baseline - zero], told: "all heads on" });
  data.sort((a, b) => a.value[0] - b.value[0]);
  return { name: score.slug, type: "line", data, symbolSize: width > 2 ? 10 : 7, ...style, emphasis: { focus: "series" }, z: width > 2 ? 5 : 3 };
}

// The interval of each point; none of perplexities, and of studies without one.
function studyBand(study: Study, score: Score, colors: Ink): Option | null {
  const known = score.points.filter((p) => p.interval).map((p): [number, number, number] => [p.percent, ...p.interval!]);
  if (!known.length) return null;
  if (score.points[0].share > 0 && study.baseline_interval) known.unshift([0, ...study.baseline_interval]);
  return band(score.slug, known.sort((a, b) => a[0] - b[0]), lineStyle(infoOf(score).style, colors.dark).color);
}

// Of several lines the areas would cover each other.
const MOST_BANDS = 3;

function withBands(study: Study, scores: Score[]): Score[] {
  return scores.length <= MOST_BANDS ? scores : scores.filter((s) => s.slug === study.best);
}

function bands(study: Study, scores: Score[], colors: Ink): Option[] {
  return withBands(study, scores).map((s) => studyBand(study, s, colors)).filter((area) => area !== null);
}

// Of the vertical axis: all that is drawn, guessing too, with room for a label below the lowest line.
function limits(study: Study, scores: Score[]): { min?: number; max?: number; interval?: number } {
  const baseline = baselineHeight(study);
  const values = scores.flatMap((s) => s.points.flatMap((p) => (p.height === null ? [] : [p.height])));
  for (const level of [baseline, study.chance]) if (level !== null) values.push(level);
  for (const score of withBands(study, scores)) values.push(...score.points.flatMap((p) => p.interval ?? []));
  if (!study.is_share || !values.length) return {};
  return roundLimits(values, 0, 100);
}

// A model's curve as differences to all heads on.
function differences(model: PaperModel, slug: string): Range[] {
  return (model.curves[slug] ?? []).map(([x, y]): Range => [x, y - model.baseline]).sort((a, b) => a[0] - b[0]);
}

// How far down the label at each line's end must move, in pixels, to stay clear of the one above.
function labelShifts(ends: number[], pixelsPerPoint: number): number[] {
  const shifts: number[] = [];
  let free = -Infinity;
  for (const i of ends.map((_, k) => k).sort((a, b) => ends[b] - ends[a])) {
    const place = -ends[i] * pixelsPerPoint;
    shifts[i] = Math.max(place, free) - place;
    free = place + shifts[i] + 13;
  }
  return shifts;
}

function paperLines(models: PaperModel[], slug: string, least: number, most: number, colors: Ink): Option[] {
  const known = models.filter((model) => model.curves[slug]?.length);
  const shifts = labelShifts(known.map((model) => differences(model, slug).at(-1)![1]), (HEIGHT - TOP - BOTTOM) / (most - least));
  return known.map((model, i) => paperLine(model, slug, shifts[i], colors));
}

// One look for each family of the paper's models.
function paperColor(model: string, dark: boolean): string {
  const family = model.startsWith("Llama") ? "lthon" : model.startsWith("OLMo") ? "ftvvn" : "avvn";
  return lineStyle(infoOf(family).style, dark).color;
}

function paperLine(model: PaperModel, slug: string, shift: number, colors: Ink): Option {
  const color = paperColor(model.model, colors.dark);
  return {
    name: model.model,
    type: "line",
    data: differences(model, slug).map(([x, y]) => ({ value: [x, y], told: `${model.model} (paper)\n${fixed(y)} points with ${percent(x)} of heads off` })),
    symbol: "circle",
    symbolSize: 4,
    lineStyle: { width: 1, color },
    itemStyle: { color },
    emphasis: { focus: "series", lineStyle: { width: 3 } },
    endLabel: { show: !colors.narrow, formatter: "{a}", color: colors.text, textBorderColor: colors.paper, textBorderWidth: 2, fontSize: 11, offset: [0, shift] },
    z: 1,
  };
}

// Of the vertical axis, in steps of five points.
function paperLimits(models: PaperModel[], slug: string, score: Score, zero: number): { min?: number; max?: number } {
  const values = [...models.flatMap((model) => differences(model, slug).map((p) => p[1])), ...score.points.flatMap((p) => (p.height === null ? [] : [p.height - zero])), 0];
  return { min: 5 * Math.floor(Math.min(...values) / 5), max: 5 * Math.ceil((Math.max(...values) + 0.5) / 5) };
}

function levels(report: Report, study: Study, relative: boolean): Option[] {
  const baseline = relative ? 0 : baselineHeight(study);
  if (baseline === null) return [];
  const label = (formatter: string) => ({ formatter, position: relative ? "insideStartBottom" : "insideEndBottom" });
  const lines: Option[] = [{ yAxis: baseline - report.terms.tolerance, label: label(`all heads on − ${report.terms.tolerance}`) }];
  if (!relative && study.chance !== null) lines.push({ yAxis: study.chance, label: label("guessing") });
  return lines;
}

function lineWidth(study: Study, score: Score): number {
  return score.slug === study.best || infoOf(score).random ? 3.5 : 1.6;
}

// Without a score: all lines of the legend. With one: that score's line beside the paper's models, as differences.
function option(report: Report, study: Study, paperScore: string, legend: Legend, colors: Ink): Option {
  const relative = paperScore !== "";
  const scores = study.scores.filter((s) => (relative ? s.slug === paperScore : legend.has(s.slug)));
  const zero = relative ? (baselineHeight(study) ?? 0) : 0;
  const series: Option[] = scores.map((s) => studyLine(study, s, zero, relative ? 3.5 : lineWidth(study, s), colors));
  const axis = relative ? paperLimits(report.paper, paperScore, scores[0], zero) : limits(study, scores);
  if (relative) series.push(...paperLines(report.paper, paperScore, axis.min!, axis.max!, colors));
  else series.push(...bands(study, scores, colors));
  // In a series of its own, the lines across stay whatever else is shown.
  series.push({ type: "line", name: "levels", data: [], markLine: markLine(colors, levels(report, study, relative)) });
  const unit = study.is_share ? " (%)" : " (−100 ln)";
  return {
    grid: { left: 56, right: relative && !colors.narrow ? 200 : 16, top: TOP, bottom: BOTTOM },
    xAxis: numberAxis("heads off (%)", colors, { min: 0 }),
    yAxis: numberAxis(relative ? "difference to all heads on (points)" : metricName(study.metric) + unit, colors, { nameGap: 38, scale: true, ...axis }),
    tooltip: tooltip(colors, { trigger: "item", formatter: (p: { data: { told: string } }) => p.data.told }),
    series,
  };
}

function interventionsTable(study: Study): HTMLElement {
  const rows: Row[] = study.scores.flatMap((score) => score.points.map((_, index) => ({ score, index })));
  const columns: Column<Row>[] = [
    { title: "score", value: (r) => r.score.slug },
    { title: "target %", value: (r) => point(r).share * 100, text: (r) => fixed(point(r).share * 100), help: "share of heads the threshold was chosen for" },
    { title: "rule", value: (r) => point(r).rule },
    { title: "heads off %", value: (r) => point(r).percent, text: (r) => fixed(point(r).percent) },
    { title: metricName(study.metric), value: (r) => point(r).value, text: (r) => metricValue(study.is_share, point(r).value) },
    intervalColumn("95 % interval", (r) => point(r).interval),
    { title: "difference", value: (r) => point(r).difference, text: (r) => fixed(point(r).difference), help: "to all heads on, in points" },
    intervalColumn("difference 95 % interval", (r) => point(r).difference_interval),
  ];
  return new DataTable(columns, rows, { name: downloadName(study, "curves"), caption: "Every intervention", filter: "a score", limit: 10 }).element;
}

function bandNote(study: Study): string {
  const lines = "Solid lines: scores relative to their layer (LN); dashed: as they are; dotted: relative to the head's own mean (HN), and random heads, the control. The best score and the control are thick.";
  const bands = study.scores.some((s) => s.points.some((p) => p.interval)) ? ` Areas: 95\u00a0% intervals, of the best score, or of all lines where no more than ${MOST_BANDS} are shown.` : "";
  return lines + bands;
}

export function curvesSection(report: Report, study: Study): HTMLElement | null {
  const scores = study.scores.filter((score) => score.points.length);
  if (!scores.length) return null;
  let paperScore = "";
  const few = scores.filter((s) => s.slug === study.best || s.slug === "awft" || infoOf(s).random).map((s) => s.slug);
  const legend = new Legend(scores, few, () => chart.draw(), (slug) => chart.highlight(slug));
  const chart = new Chart(downloadName(study, "curves"), "Metric over the share of heads off, a line a score; the table below has the numbers", (colors) => {
    legend.followScheme();
    return option(report, study, paperScore, legend, colors);
  }, { height: HEIGHT, legend: () => (paperScore ? [] : legend.entries()) });
  const known = scores.filter((s) => report.paper.some((m) => m.curves[s.slug]));
  const choices = [
    { value: "", label: "all scores of this study" },
    ...known.map((s) => ({ value: s.slug, label: `${s.slug} beside the paper's ${report.paper.length} models` })),
  ];
  const choose = (slug: string) => {
    paperScore = slug;
    legend.element.hidden = slug !== "";
    chart.draw();
  };
  return section(
    "curves",
    `${study.is_share ? "Accuracy" : "Metric"} with heads off`,
    bandNote(study),
    tools(select("Lines", choices, "", choose)),
    legend.element,
    chart.element,
    interventionsTable(study),
  );
}
