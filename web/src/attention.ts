// Where attention goes, above all of heads that do not look at the first token; and a score over the first token's weight.
import { Chart, Ink, numberAxis, Option, strokes, tooltip } from "./chart";
import { lineStyle } from "./colors";
import { bestPoint, downloadName, firstProfile, headName, infoOf, Profile, profileOf, scoreChoices, State, stateOf, Study } from "./data";
import { h, section, select, tools } from "./dom";
import { count, fixed, short } from "./format";
import { Column, DataTable } from "./table";

const PLACES = ["first token", "few other tokens", "many tokens"];

interface Place {
  name: string;
  heads: number[];
}

function mean(values: (number | null)[]): number | null {
  const known = values.filter((value): value is number => value !== null);
  return known.length ? known.reduce((a, b) => a + b, 0) / known.length : null;
}

function sentence(places: Place[], states: State[]): string {
  const off = places.map((place) => place.heads.filter((i) => states[i] === "always off" || states[i] === "mostly off").length);
  const elsewhere = off[1] + off[2];
  return `Of the ${count(off[0] + elsewhere, "head")} that were off for at least 90\u00a0% of the inputs, ${off[0]} have most of their weight on the first token; ${elsewhere} do not and would be missed by a test of that weight (on few other tokens: ${off[1]}, on many: ${off[2]}).`;
}

function placesTable(study: Study, places: Place[], states: State[] | null): HTMLElement {
  const attention = study.attention!;
  const columns: Column<Place>[] = [
    { title: "most weight on", value: (p) => p.name },
    { title: "heads", value: (p) => p.heads.length },
  ];
  for (const state of states ? (["always off", "mostly off", "depends on the input", "never off"] as const) : [])
    columns.push({ title: state, value: (p) => p.heads.filter((i) => states![i] === state).length });
  columns.push(
    { title: "first-token weight", value: (p) => mean(p.heads.map((i) => attention.first_weight[i])), text: (p) => fixed(mean(p.heads.map((i) => attention.first_weight[i])), 3) },
    { title: "entropy (nats)", value: (p) => mean(p.heads.map((i) => attention.entropy[i])), text: (p) => fixed(mean(p.heads.map((i) => attention.entropy[i])), 3) },
  );
  return new DataTable(columns, places, { name: downloadName(study, "attention"), caption: "Heads by where their attention goes; the last two columns are means" }).element;
}

// A series for each state, so that the legend can tell them.
function scatter(study: Study, profile: Profile, states: State[] | null, colors: Ink): Option {
  const kinds: [string, string, (state?: State) => boolean][] = states
    ? [
        ["never off", "awft", (s) => s === "never off"],
        ["depends on the input", "aeqd", (s) => s === "depends on the input" || s === "mostly off"],
        ["always off", "ahon", (s) => s === "always off"],
      ]
    : [["heads", "awft", () => true]];
  const weight = study.attention!.first_weight;
  const heads = weight.map((_, i) => i).filter((i) => weight[i] !== null && profile.mean[i] !== null);
  const series = kinds.map(([name, style, holds]) => ({
    type: "scatter",
    name,
    symbolSize: 9,
    ...strokes(lineStyle(infoOf(style).style, colors.dark)),
    data: heads.filter((i) => holds(states?.[i])).map((i) => ({ value: [weight[i], profile.mean[i]], name: headName(study, i) })),
  }));
  return {
    legend: { show: kinds.length > 1, top: 0, textStyle: { color: colors.text } },
    grid: { left: 62, right: 16, top: 34, bottom: 46 },
    xAxis: numberAxis("mean weight on the first token", colors, { min: 0, max: 1 }),
    yAxis: numberAxis(`mean ${profile.slug}`, colors, { nameGap: 44, scale: true, axisLabel: { color: colors.text, formatter: short } }),
    tooltip: tooltip(colors, { trigger: "item", formatter: (p: { name: string; seriesName: string; value: [number, number] }) => `${p.name}, ${p.seriesName}\nfirst-token weight ${short(p.value[0])}\n${profile.slug} ${short(p.value[1])}` }),
    series,
  };
}

export function attentionSection(study: Study): HTMLElement | null {
  const attention = study.attention;
  if (!attention || !study.profiles.length) return null;
  const states = bestPoint(study)?.off.map((off) => stateOf(off ?? 0)) ?? null;
  const places = PLACES.map((name) => ({ name, heads: attention.place.flatMap((place, i) => (place === name ? [i] : [])) }));
  // The weight over itself would be a straight line.
  let profile = firstProfile(study).slug === "awft" ? (study.profiles.find((p) => p.slug === "ahon_ln") ?? firstProfile(study)) : firstProfile(study);
  const chart = new Chart(downloadName(study, "attention"), "A score of each head over its mean weight on the first token; the table of heads has the numbers", (colors) => scatter(study, profile, states, colors), { height: 360 });
  const choose = (slug: string) => {
    profile = profileOf(study, slug);
    chart.draw();
  };
  return section(
    "attention",
    "Where attention goes",
    "First token: at least half of the weight, on average. Otherwise few or many other tokens, by whether the entropy is below half of that of even weights.",
    states ? h("p", {}, sentence(places, states)) : null,
    placesTable(study, places, states),
    tools(select("Score", scoreChoices(study.profiles), profile.slug, choose)),
    chart.element,
  );
}
