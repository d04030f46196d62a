// All heads in one table: how often each was off, what it attends to, and a score.
import { bestPoint, downloadName, firstProfile, headName, headsOf, profileOf, scoreChoices, stateOf, Study } from "./data";
import { section, select, tools } from "./dom";
import { fixed, percent, significant } from "./format";
import { flaggedColumn, hasSubjects } from "./headpanel";
import { Cell, Column, DataTable } from "./table";

// A file has all scores of each head, not the chosen one alone.
function allScores(study: Study): [string, (head: number) => Cell][] {
  return study.profiles.flatMap((profile): [string, (head: number) => Cell][] => [
    [`${profile.slug} mean`, (i) => profile.mean[i]],
    [`${profile.slug} deviation over samples`, (i) => profile.deviation[i]],
    [`${profile.slug} deviation between subjects`, (i) => profile.subject_deviation[i]],
    [`${profile.slug} off % at target ${100 * (study.agreement?.share ?? 0)} %`, (i) => flaggedColumn(study, profile, i)],
  ]);
}

export function headsSection(study: Study): HTMLElement | null {
  const attention = study.attention;
  if (!study.profiles.length || !attention) return null;
  const point = bestPoint(study);
  let profile = firstProfile(study);
  const heads = headsOf(study);
  const columns: Column<number>[] = [{ title: "head", value: (i) => headName(study, i), parts: [["layer", (i) => Math.floor(i / study.heads)], ["head", (i) => i % study.heads]] }];
  if (point) {
    columns.push(
      { title: "off", value: (i) => point.off[i], text: (i) => percent(point.off[i], 0), help: "share of forward passes in which it was off" },
      { title: "state", value: (i) => stateOf(point.off[i] ?? 0), help: "mostly: in at least 90 % of the passes" },
    );
  }
  columns.push(
    { title: "attends to", value: (i) => attention.place[i], help: "by its mean weight on the first token and its entropy" },
    { title: "first-token weight", value: (i) => attention.first_weight[i], text: (i) => fixed(attention.first_weight[i], 3) },
    { title: "entropy (nats)", value: (i) => attention.entropy[i], text: (i) => fixed(attention.entropy[i], 3) },
    { title: "score mean", value: (i) => profile.mean[i], text: (i) => significant(profile.mean[i]), parts: [] },
    { title: "± over samples", value: (i) => profile.deviation[i], text: (i) => significant(profile.deviation[i]), help: "standard deviation", parts: [] },
  );
  if (hasSubjects(study)) columns.push({ title: "± between subjects", value: (i) => profile.subject_deviation[i], text: (i) => significant(profile.subject_deviation[i]), help: "standard deviation of the subjects' means", parts: [] });
  const table = new DataTable(columns, heads, {
    name: downloadName(study, "heads"),
    caption: "All heads; the CSV has every score of each",
    filter: point ? "L5 or always off" : "L5 or few",
    limit: 20,
    sort: point ? { column: 1, descending: true } : undefined,
    more: allScores(study),
  });
  const choose = (slug: string) => {
    profile = profileOf(study, slug);
    table.setRows(heads);
  };
  return section(
    "heads",
    "Heads",
    point ? `“Off” is under the best score's largest harmless rule, ${point.rule}.` : "",
    tools(select("Score of the last columns", scoreChoices(study.profiles), profile.slug, choose)),
    table.element,
  );
}
