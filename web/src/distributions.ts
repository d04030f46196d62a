// How each score is distributed over all samples and heads, in all studies of the page.
import { Chart, Ink, markLine, numberAxis, Option, strokes, tooltip } from "./chart";
import { lineStyle } from "./colors";
import { downloadName, firstProfile, infoOf, Profile, Report, scoreChoices, shortName, Study } from "./data";
import { details, section, select, tools } from "./dom";
import { fixed, share, short, significant } from "./format";
import { Column, DataTable } from "./table";

function series(report: Report, slug: string, i: number, colors: Ink): Option {
  const study = report.studies[i];
  const profile = study.profiles.find((p) => p.slug === slug);
  const data = (profile?.overall ?? []).map((value, percent) => [value, percent]);
  return { name: shortName(report, study), type: "line", data, ...strokes(lineStyle(study.style, colors.dark)), showSymbol: false, symbol: "circle", symbolSize: 8 };
}

function thresholds(study: Study, slug: string, colors: Ink): Option {
  const points = study.scores.find((s) => s.slug === slug)?.points ?? [];
  const tested = points.filter((p) => p.share > 0);
  // Those in between have no room.
  const data = tested.map((p, i) => ({ xAxis: p.threshold, label: { show: i === 0 || i === tested.length - 1, formatter: share(p.share), color: colors.text } }));
  return markLine(colors, data);
}

// From the 1 % to the 99 % quantile: single far values would flatten the rest.
function bounds(studies: Study[], slug: string): Option {
  const profiles = studies.flatMap((study) => study.profiles.filter((p) => p.slug === slug && p.overall.length));
  if (!profiles.length) return {};
  return { min: Math.min(...profiles.map((p) => p.overall[1])), max: Math.max(...profiles.map((p) => p.overall[99])) };
}

// All studies in one figure.
export function cdfOption(report: Report, slug: string, colors: Ink, study?: Study): Option {
  const lines = report.studies.map((_, i) => series(report, slug, i, colors));
  if (study) lines[report.studies.indexOf(study)].markLine = thresholds(study, slug, colors);
  const several = lines.length > 1;
  const room = colors.narrow ? 36 + 24 * lines.length : 60;
  return {
    legend: { show: several, top: 0, left: 0, textStyle: { color: colors.text } },
    grid: { left: 56, right: 24, top: several ? room : 28, bottom: 46 },
    xAxis: numberAxis(slug, colors, { ...bounds(report.studies, slug), axisLabel: { color: colors.text, formatter: short, showMinLabel: false, showMaxLabel: false } }),
    yAxis: numberAxis("samples × heads at or below (%)", colors, { min: 0, max: 100, nameGap: 38 }),
    tooltip: tooltip(colors, { trigger: "item", formatter: (p: { seriesName: string; value: [number, number] }) => `${p.seriesName}\n${fixed(p.value[1], 0)} % at or below ${significant(p.value[0])}` }),
    series: lines.map((line) => ({ ...line, clip: true, triggerLineEvent: true })),
  };
}

function quantilesTable(study: Study): HTMLElement {
  const columns: Column<Profile>[] = [
    { title: "score", value: (p) => p.slug },
    { title: "inactive if", value: (p) => (infoOf(p).above ? "above" : "below") },
    ...[0, 1, 5, 25, 50, 75, 95, 99, 100].map((at): Column<Profile> => ({ title: `${at} %`, value: (p) => p.overall[at], text: (p) => significant(p.overall[at]) })),
  ];
  return new DataTable(columns, study.profiles, { name: downloadName(study, "quantiles"), caption: "Quantiles over all samples and heads" }).element;
}

export function distributionsSection(report: Report, study: Study): HTMLElement | null {
  if (!study.profiles.length) return null;
  let slug = firstProfile(study).slug;
  const chart = new Chart(downloadName(study, "distributions"), "Distribution function of a score over all samples and heads", (colors) => cdfOption(report, slug, colors, study), { height: 360 });
  const choose = (value: string) => {
    slug = value;
    chart.draw();
  };
  return section(
    "distributions",
    "Distributions",
    "The share of (sample, head) pairs whose score is at or below a value, from the 1 % to the 99 % quantile. Upright dashed lines: this study's thresholds, with the target share of the first and the last.",
    tools(select("Score", scoreChoices(study.profiles), slug, choose)),
    chart.element,
    details("Quantiles of all scores", quantilesTable(study)),
  );
}
