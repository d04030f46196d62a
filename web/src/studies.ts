// All studies of the page side by side, in words first.
import { band, Chart, Ink, numberAxis, Option, strokes, tooltip } from "./chart";
import { lineStyle } from "./colors";
import { Across, bestScore, chosenPoint, infoOf, isRelative, Report, Score, scoreChoices, shortName, Study } from "./data";
import { cdfOption } from "./distributions";
import { details, h, section, select, tools } from "./dom";
import { fixed, metricName, metricValue, percent, range, short } from "./format";
import { matrixFigure } from "./matrix";
import { Column, DataTable, intervalColumn } from "./table";

const scoreOf = (study: Study, slug: string): Score | undefined => study.scores.find((s) => s.slug === slug);

const number = (report: Report, study: Study) => report.studies.indexOf(study) + 1;
const nameOf = (report: Report, study: Study) => shortName(report, study).replace(/^\d+ /, "");
const listed = (parts: string[]) => (parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`);

// The studies from the one that can do without most heads by the shared score.
function inOrder(report: Report, best: string): [Study, Score][] {
  const pairs = report.studies.map((study): [Study, Score] => [study, scoreOf(study, best)!]);
  return pairs.sort(([, a], [, b]) => (b.inactive ?? -1) - (a.inactive ?? -1));
}

function leadSentence(report: Report, across: Across): string {
  if (!across.best) return "No score was tested in all of these studies, so that they cannot be compared by what can be off.";
  const parts = inOrder(report, across.best).map(([study, score], i) => {
    const some = score.inactive === null ? "no heads" : `${percent(score.inactive)}${i ? "" : " of its heads at a time"}`;
    return `study ${number(report, study)} (${nameOf(report, study)})${i ? "" : " can do without"} ${some}`;
  });
  return `By ${across.best}, of the shared scores the one that serves them best, ${listed(parts)}.`;
}

function certaintySentence(report: Report, best: string): string {
  const confidence = `with ${short(100 * report.terms.confidence)}\u00a0% confidence within each study`;
  const sure = inOrder(report, best).filter(([, score]) => score.sure > 0);
  if (!sure.length) return `Of other documents like these nothing is sure, ${confidence}.`;
  const none = sure.length < report.studies.length ? ", and of the others nothing" : "";
  return `On other documents like these this is sure, ${confidence}, of ${listed(sure.map(([study, score]) => `${percent(score.sure)} (study ${number(report, study)})`))}${none}.`;
}

// What says where and when, and differs between any two.
const isOfFile = (name: string) => name.startsWith("info.") || name.endsWith("fingerprint");

function differing(report: Report): string[] {
  const names = new Set(report.studies.flatMap((study) => Object.keys(study.settings)));
  return [...names].filter((name) => new Set(report.studies.map((study) => study.settings[name])).size > 1).sort();
}

function settingsSentence(report: Report): string {
  const tasks = [...new Set(report.studies.map((study) => study.task))];
  const names = differing(report).filter((name) => !isOfFile(name));
  const shown = names.slice(0, 6).join(", ") + (names.length > 6 ? ` and ${names.length - 6} more` : "");
  const same = names.length ? `What differs in the settings: ${shown}.` : "All settings that decide results are the same.";
  return tasks.length > 1 ? `The studies are of different tasks (${tasks.join(", ")}): shares of heads can be compared, ${metricName(report.studies[0].metric)} cannot. ${same}` : same;
}

function studiesTable(report: Report): HTMLElement {
  const sure = (study: Study) => bestScore(study)?.sure ?? 0;
  const columns: Column<Study>[] = [
    { title: "study", value: (s) => number(report, s) },
    { title: "can be off %", value: (s) => bestScore(s)?.inactive, text: (s) => fixed(bestScore(s)?.inactive), help: "by the best score, on these questions" },
    { title: "sure %", value: sure, text: (s) => (sure(s) > 0 ? fixed(sure(s)) : "–"), help: "by the best score, for other questions like these" },
    { title: "best score", value: (s) => s.best },
    { title: "model", value: (s) => s.model },
    { title: "task", value: (s) => s.task },
    { title: "file", value: (s) => s.file },
    { title: "documents", value: (s) => s.questions },
    { title: "heads", value: (s) => s.layers * s.heads, text: (s) => `${s.layers} × ${s.heads}` },
    { title: "all heads on", value: (s) => s.baseline, text: (s) => metricValue(s.is_share, s.baseline), help: "the metric" },
    { title: "random %", value: (s) => scoreOf(s, "random")?.inactive, text: (s) => fixed(scoreOf(s, "random")?.inactive), help: "of heads drawn at random" },
  ];
  return new DataTable(columns, report.studies, { name: "studies", caption: "All studies of this page, each by its own best score" }).element;
}

function settingsTable(report: Report): HTMLElement {
  const columns: Column<string>[] = [
    { title: "setting", value: (name) => name },
    ...report.studies.map((study, i): Column<string> => ({ title: `study ${i + 1}`, value: (name) => study.settings[name] })),
  ];
  const names = differing(report);
  return new DataTable(columns, names, { name: "settings-that-differ", caption: names.length ? "Settings that differ" : "No settings differ", limit: 12 }).element;
}

interface Row {
  slug: string;
  study: Study;
  score: Score;
}

function sharesTable(report: Report, across: Across): HTMLElement {
  const rows: Row[] = across.scores.flatMap((slug) => report.studies.map((study) => ({ slug, study, score: scoreOf(study, slug)! })));
  const tested = (row: Row) => chosenPoint(row.score)?.percent;
  const columns: Column<Row>[] = [
    { title: "score", value: (r) => r.slug },
    { title: "study", value: (r) => number(report, r.study) },
    { title: "can be off %", value: (r) => r.score.inactive, text: (r) => fixed(r.score.inactive) },
    intervalColumn("its 95 % interval", (r) => r.score.inactive_interval, { help: "bootstrap over documents" }),
    { title: "sure %", value: (r) => r.score.sure, text: (r) => (r.score.sure > 0 ? fixed(r.score.sure) : "–") },
    { title: "sure or tested %", value: tested, text: (r) => fixed(tested(r)), help: "heads off in the largest run that is sure, else within the tolerance" },
    { title: "area", value: (r) => r.score.area, text: (r) => fixed(r.score.area), help: "normalised area under the curve" },
    { title: "model", value: (r) => nameOf(report, r.study) },
  ];
  return new DataTable(columns, rows, {
    name: "can-be-off",
    caption: "Heads that can be off, by model, for the scores that all studies tested; those relative to the layer or head first, as they mean the same in every model",
    highlight: (row) => row.slug === across.best,
    filter: "a score or model",
    limit: 4 * report.studies.length,
  }).element;
}

const ROW = 18; // pixels of one study's interval

// A row a score, and in it an interval a study.
function sharesChart(report: Report, across: Across): HTMLElement {
  const studies = report.studies;
  const slugs = [...across.scores].reverse(); // the axis goes upwards
  const mark = (study: Study, i: number, colors: Ink): Option => {
    const style = lineStyle(study.style, colors.dark);
    const shift = (i - (studies.length - 1) / 2) * ROW * 0.9;
    const data = slugs.flatMap((slug, row) => {
      const score = scoreOf(study, slug)!;
      return score.inactive === null ? [] : [[score.inactive, row, ...(score.inactive_interval ?? [score.inactive, score.inactive])]];
    });
    const renderItem = (_: unknown, api: { value: (dimension: number) => number; coord: (at: number[]) => [number, number] }) => {
      const [x, low, high] = [0, 2, 3].map((d) => api.coord([api.value(d), api.value(1)])[0]);
      const y = api.coord([0, api.value(1)])[1] + shift;
      const line = (x1: number, y1: number, x2: number, y2: number) => ({ type: "line", shape: { x1, y1, x2, y2 }, style: { stroke: style.color, lineWidth: 1.6 } });
      const dot = { type: "path", shape: { pathData: style.mark, x: x - 5, y: y - 5, width: 10, height: 10 }, style: { fill: style.color } };
      return { type: "group", children: [line(low, y, high, y), line(low, y - 4, low, y + 4), line(high, y - 4, high, y + 4), dot] };
    };
    return { type: "custom", name: shortName(report, study), data, encode: { x: [0, 2, 3], y: 1 }, renderItem, itemStyle: { color: style.color }, clip: true };
  };
  return new Chart("can-be-off", "Heads that can be off by each score and model, with 95 % intervals; the table has the numbers", (colors) => ({
    legend: legendOf(report, colors),
    grid: { left: 84, right: 24, top: legendRoom(report, colors), bottom: 46 },
    xAxis: numberAxis("heads that can be off (%)", colors, { min: 0 }),
    yAxis: { type: "category", data: slugs, axisLabel: { color: colors.text }, axisLine: { lineStyle: { color: colors.line } }, splitLine: { show: true, lineStyle: { color: colors.line, opacity: 0.5 } } },
    tooltip: tooltip(colors, { trigger: "item", formatter: (p: { seriesName: string; value: number[] }) => `${p.seriesName}, ${slugs[p.value[1]]}\n${percent(p.value[0])} can be off (${range([p.value[2], p.value[3]])})` }),
    series: studies.map((study, i) => mark(study, i, colors)),
  }), { height: 110 + slugs.length * (ROW * studies.length + 12) }).element;
}

const legendOf = (report: Report, colors: Ink): Option => ({ data: report.studies.map((study) => ({ name: shortName(report, study), icon: `path://${study.style.mark}` })), top: 0, left: 0, textStyle: { color: colors.text, width: colors.narrow ? 300 : undefined, overflow: "truncate" }, itemWidth: 12, itemHeight: 12 });
// Narrow: a line of the legend each.
const legendRoom = (report: Report, colors: Ink) => (colors.narrow ? 14 + 24 * report.studies.length : 44);

function curvesChart(report: Report, across: Across): HTMLElement {
  let slug = across.best ?? across.scores[0];
  const { is_share, metric } = report.studies[0];
  const alike = report.studies.every((s) => s.metric === metric && s.task === report.studies[0].task);
  const line = (study: Study, colors: Ink): Option[] => {
    const style = lineStyle(study.style, colors.dark);
    const zero = study.baseline_height ?? 0;
    const points = scoreOf(study, slug)!.points.filter((p) => p.height !== null).sort((a, b) => a.percent - b.percent);
    const data = points.map((p) => ({ value: [p.percent, p.height! - zero], told: `${metricValue(study.is_share, p.value)}, ${fixed(p.height! - zero)} points` }));
    if (!points.some((p) => p.percent === 0)) data.unshift({ value: [0, 0], told: `all heads on, ${metricValue(study.is_share, study.baseline)}` });
    const known = points.filter((p) => p.difference_interval).map((p): [number, number, number] => [p.percent, ...p.difference_interval!]);
    const name = shortName(report, study);
    const area = known.length ? [band(name, [[0, 0, 0], ...known.filter((k) => k[0] > 0)], style.color)] : [];
    return [{ name, type: "line", data, symbolSize: 9, ...strokes(style), z: 3 }, ...area]; // a legend has the look of the first
  };
  const chart = new Chart("curves-by-model", "The curves of one score in all studies, as differences to all heads on; each study's own table has the numbers", (colors) => ({
    legend: legendOf(report, colors),
    grid: { left: 56, right: 20, top: legendRoom(report, colors), bottom: 46 },
    xAxis: numberAxis("heads off (%)", colors, { min: 0 }),
    yAxis: numberAxis("difference to all heads on (points)", colors, { scale: true, nameGap: 40 }),
    tooltip: tooltip(colors, { trigger: "item", formatter: (p: { seriesName: string; value: [number, number]; data: { told: string } }) => `${p.seriesName}\n${p.data.told}, with ${percent(p.value[0])} off` }),
    series: report.studies.flatMap((study) => line(study, colors)),
  }), { height: 360 });
  const choose = (value: string) => {
    slug = value;
    chart.draw();
  };
  const note = `${is_share ? "Differences in points" : "In points of the metric's logarithm"}, so that models of unlike ${metricName(metric)} can stand in one figure${alike ? "" : "; the tasks differ"}. Areas: 95\u00a0% intervals of the difference.`;
  return h("div", {}, h("h3", {}, "Curves of all studies"), h("p", { class: "note" }, note), tools(select("Score of the curves", scoreChoices(across.scores.map((s) => ({ slug: s }))), slug, choose)), chart.element);
}

function cdfChart(report: Report): HTMLElement | null {
  const common = report.studies[0].profiles.filter((p) => report.studies.every((s) => s.profiles.some((o) => o.slug === p.slug)));
  if (!common.length) return null;
  const choices = [...common].sort((a, b) => Number(isRelative(b.slug)) - Number(isRelative(a.slug)));
  const wanted = report.across?.best;
  let slug = (choices.find((p) => p.slug === wanted && isRelative(p.slug)) ?? choices.find((p) => p.slug === "ahon_ln") ?? choices[0]).slug;
  const chart = new Chart("distributions-by-model", "Distribution functions of one score in all studies; each study's own table has quantiles", (colors) => ({ ...cdfOption(report, slug, colors), legend: legendOf(report, colors) }), { height: 360 });
  const choose = (value: string) => {
    slug = value;
    chart.draw();
  };
  return h(
    "div",
    {},
    h("h3", {}, "Distributions of all studies"),
    h("p", { class: "note" }, "The share of (sample, head) pairs whose score is at or below a value. Only scores that are relative to the layer or head have the same unit in every model; they come first in the list."),
    tools(select("Score of the distributions", scoreChoices(choices), slug, choose)),
    chart.element,
  );
}

function matrices(report: Report, across: Across): HTMLElement | null {
  const known = (m: (number | null)[][]) => m.some((row, i) => row.some((value, j) => i !== j && value !== null));
  if (!known(across.rank_correlation) && !known(across.top_overlap)) return null;
  const rows = report.studies.map((study) => shortName(report, study));
  const shared = across.scores.filter((slug) => !infoOf(slug).random).length;
  const columns = report.studies.map((_, i) => String(i + 1));
  const figure = (title: string, note: string, values: (number | null)[][], name: string, low: number) =>
    h("div", {}, h("h3", {}, title), h("p", { class: "note" }, note), matrixFigure(rows, columns, values, { name, label: `${title}, all studies with each other`, low }));
  return h(
    "div",
    { class: "pair" },
    figure("Do models rank the scores alike?", `Spearman's correlation of the areas under the scores' curves, over the scores that two studies share, without random; ${shared} of them are shared by all${shared < 5 ? ", which is few" : ""}.`, across.rank_correlation, "score-ranks", -1),
    figure("Do they have the same best scores?", "Of the five best scores by that area: those in common over those of either (IoU).", across.top_overlap, "score-overlap", 0),
  );
}

export function studiesSection(report: Report): HTMLElement | null {
  const across = report.across;
  if (!across) return null;
  return section(
    "studies",
    "The studies side by side",
    "",
    h("p", { class: "lead" }, leadSentence(report, across)),
    h("p", {}, [across.best ? `${certaintySentence(report, across.best)} ${across.best}: ${infoOf(across.best).meaning}` : "", settingsSentence(report)].join(" ").trim()),
    studiesTable(report),
    ...(across.scores.length ? [sharesTable(report, across), sharesChart(report, across), curvesChart(report, across)] : []),
    cdfChart(report),
    matrices(report, across),
    details("Settings that differ", settingsTable(report)),
  );
}
