// One head: what it does, and each score's mean, its spread, and how often the score flags the head.
import { bestPoint, downloadName, headName, Profile, stateOf, Study } from "./data";
import { percent, share, significant } from "./format";
import { Column, DataTable } from "./table";

// How often each score switched a head off at the target share that the scores are compared at.
export function flaggedColumn(study: Study, profile: Profile, head: number): number | null | undefined {
  const target = study.agreement?.share;
  const score = study.scores.find((s) => s.slug === profile.slug);
  return score?.points.find((p) => p.share === target)?.off[head];
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
    { title: "± subjects", value: (p) => p.subject_deviation[head], text: (p) => significant(p.subject_deviation[head]), help: "standard deviation of the subjects' means" },
  ];
  if (target) columns.push({ title: `off at target ${share(target)}`, value: (p) => flaggedColumn(study, p, head), text: (p) => percent(flaggedColumn(study, p, head), 0), help: "share of forward passes in which the score had it off" });
  return new DataTable(columns, study.profiles, {
    name: downloadName(study, name),
    caption: `All scores of ${name}`,
    highlight: (profile) => profile === chosen,
  }).element;
}
