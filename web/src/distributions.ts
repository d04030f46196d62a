// How each score is distributed over all samples and heads, in all studies of the page.
import { Chart, Ink, numberAxis, Option, tooltip } from "./chart";
import { STUDY_COLORS, STUDY_DASHES } from "./colors";
import { Report, Study } from "./data";
import { h, section, select } from "./dom";
import { fixed, significant } from "./format";

function series(study: Study, slug: string, i: number): Option {
  const profile = study.profiles.find((p) => p.slug === slug);
  return {
    name: `${i + 1} ${study.model}`,
    type: "line",
    symbol: "none",
    data: (profile?.overall ?? []).map((value, percent) => [value, percent]),
    lineStyle: { color: STUDY_COLORS[i % STUDY_COLORS.length], type: STUDY_DASHES[i % STUDY_DASHES.length], width: 2 },
    itemStyle: { color: STUDY_COLORS[i % STUDY_COLORS.length] },
  };
}

function thresholds(study: Study, slug: string, colors: Ink): Option {
  const points = study.scores.find((s) => s.slug === slug)?.points ?? [];
  const tested = points.filter((p) => p.share > 0);
  const data = tested.map((p, i) => ({
    xAxis: p.threshold,
    // Those in between have no room.
    label: { show: i === 0 || i === tested.length - 1, formatter: `${+(100 * p.share).toFixed(2)} %`, color: colors.text },
  }));
  return { silent: true, symbol: "none", lineStyle: { color: colors.faint, type: "dotted" }, data };
}

// From the 1 % to the 99 % quantile: single far values would flatten the rest.
function bounds(studies: Study[], slug: string): Option {
  const values = studies.flatMap((study) => study.profiles.filter((p) => p.slug === slug && p.overall.length).map((p) => [p.overall[1], p.overall[99]]));
  if (!values.length) return {};
  return { min: Math.min(...values.map((v) => v[0])), max: Math.max(...values.map((v) => v[1])) };
}

export function distributionsSection(report: Report, study: Study): HTMLElement | null {
  if (!study.profiles.length) return null;
  let slug = study.best ?? "ahon_ln";
  const chart = new Chart("Distribution function of a score over all samples and heads", (colors) => {
    const lines = report.studies.map((s, i) => series(s, slug, i));
    (lines[report.studies.indexOf(study)] as Option).markLine = thresholds(study, slug, colors);
    return {
      legend: { top: 0, textStyle: { color: colors.text } },
      grid: { left: 60, right: 20, top: 50, bottom: 50 },
      xAxis: numberAxis(slug, colors, { ...bounds(report.studies, slug), axisLabel: { color: colors.text, formatter: (v: number) => significant(v) } }),
      yAxis: numberAxis("samples × heads at or below (%)", colors, { min: 0, max: 100, nameGap: 40 }),
      tooltip: tooltip(colors, {
        trigger: "item",
        formatter: (p: { seriesName: string; value: [number, number] }) => `${p.seriesName}: ${fixed(p.value[1], 0)} % at or below ${significant(p.value[0])}`,
      }),
      series: lines.map((line) => ({ ...line, clip: true, triggerLineEvent: true })),
    };
  });
  return section(
    "distributions",
    "Distributions",
    "The share of (sample, head) pairs whose score is at or below a value, from the 1 % to the 99 % quantile. Dotted lines: the thresholds of this study's target shares.",
    h("div", { class: "tools" }, select("Score", study.profiles.map((p) => ({ value: p.slug, label: `${p.slug}: ${p.name}` })), slug, (value) => { slug = value; chart.draw(); })),
    chart.element,
  );
}
