// One head: what it does, and each score's mean, its spread, and how often the score flags the head.
import { bestPoint, downloadName, headName, MaskSample, Profile, stateOf, Study } from "./data";
import { h } from "./dom";
import { count, percent, share, significant } from "./format";
import { Column, DataTable } from "./table";

// How often each score switched a head off at the target share that the scores are compared at.
export function flaggedColumn(study: Study, profile: Profile, head: number): number | null | undefined {
  const target = study.agreement?.share;
  const score = study.scores.find((s) => s.slug === profile.slug);
  return score?.points.find((p) => p.share === target)?.off[head];
}

// With one subject nothing is spread between them.
export function hasSubjects(study: Study): boolean {
  return study.profiles.some((profile) => profile.subject_deviation.some((value) => value !== null));
}

export function headSentence(study: Study, head: number): string {
  const { attention, kv } = study;
  const point = bestPoint(study);
  const parts: string[] = [];
  if (point) parts.push(`${stateOf(point.off[head] ?? 0)} (${percent(point.off[head], 0)} of the passes of ${point.rule})`);
  if (attention) parts.push(`attends to ${attention.place[head]} (first-token weight ${significant(attention.first_weight[head])}, entropy ${significant(attention.entropy[head])} nats)`);
  if (kv) parts.push(`in KV group ${Math.floor((head % study.heads) / (study.heads / kv.kv_heads))}`);
  return `: ${parts.join("; ")}.`;
}

export function headTable(study: Study, head: number, chosen: Profile): HTMLElement {
  const name = headName(study, head);
  const target = study.agreement?.share;
  const columns: Column<Profile>[] = [
    { title: "score", value: (p) => p.slug },
    { title: "mean", value: (p) => p.mean[head], text: (p) => significant(p.mean[head]) },
    { title: "± samples", value: (p) => p.deviation[head], text: (p) => significant(p.deviation[head]), help: "standard deviation over samples" },
  ];
  if (hasSubjects(study)) columns.push({ title: "± subjects", value: (p) => p.subject_deviation[head], text: (p) => significant(p.subject_deviation[head]), help: "standard deviation of the subjects' means" });
  if (target) columns.push({ title: `off at target ${share(target)}`, value: (p) => flaggedColumn(study, p, head), text: (p) => percent(flaggedColumn(study, p, head), 0), help: "share of forward passes in which the score had it off" });
  return new DataTable(columns, study.profiles, {
    name: downloadName(study, name),
    caption: `All scores of ${name}`,
    highlight: (profile) => profile === chosen,
  }).element;
}

const MOST_NAMED = 5;

// Documents by their numbers among those of the masks.
function named(masks: MaskSample, title: string, numbers: number[]): HTMLElement | null {
  if (!numbers.length) return null;
  const heading = h("strong", {}, `${title} (${numbers.length})`);
  const shown = numbers.slice(0, MOST_NAMED);
  const rest = numbers.length - shown.length;
  if (!masks.excerpts.length) return h("p", {}, heading, `: ${shown.map((i) => masks.documents[i]).join(", ")}${rest ? ` and ${rest} more` : ""}`);
  const items = shown.map((i) => h("li", {}, h("span", { class: "note" }, `${masks.documents[i]}:`), ` ${masks.excerpts[i]}`));
  if (rest) items.push(h("li", {}, h("span", { class: "note" }, `and ${rest} more`)));
  return h("div", {}, heading, h("ul", {}, ...items));
}

// On which documents the head is on, and on which off.
export function headDocuments(study: Study, head: number): HTMLElement | null {
  const { masks } = study;
  if (!masks) return null;
  const of = (digit: string) => masks.heads.flatMap((heads, i) => (heads[head] === digit ? [i] : []));
  return h(
    "div",
    { class: "documents" },
    h("p", { class: "note" }, `Under ${masks.rule}, among ${count(masks.documents.length, "document")} of this study, each by its subject and number${masks.excerpts.length ? ", with how its question begins" : ""}:`),
    named(masks, "off", of("2")),
    named(masks, "off in a part of its forward passes", of("1")),
    named(masks, "on", of("0")),
  );
}

// The head to begin with: the one that depends most on the input, else the one most often off.
export function firstHead(study: Study, heads: number[]): number {
  const off = bestPoint(study)?.off;
  if (!off) return heads[0];
  const depends = heads.filter((i) => off[i] !== null && off[i] > 0 && off[i] < 100);
  const distance = (i: number) => Math.abs((off[i] ?? 0) - 50);
  if (depends.length) return depends.reduce((a, b) => (distance(b) < distance(a) ? b : a));
  return heads.reduce((a, b) => ((off[b] ?? 0) > (off[a] ?? 0) ? b : a));
}
