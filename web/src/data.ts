// The data in the page, as src/report/report_json.cc writes it.

export type Range = [number, number];

export interface Point {
  share: number; // target, in [0, 1]
  rule: string;
  threshold: number;
  percent: number; // of heads that were off
  value: number | null; // metric: percent, or a perplexity
  height: number; // metric in points, higher is better
  passes: number;
  off: number[]; // by head: percent of forward passes in which it was off
  interval?: Range | null;
  lost?: number;
  won?: number;
  mcnemar?: number | null;
  difference?: number;
  difference_interval?: Range;
}

export interface Score {
  slug: string;
  name: string;
  random: boolean;
  planned: number;
  inactive: number | null;
  area: number | null;
  proven: number | null;
  points: Point[];
  inactive_interval?: Range | null;
  confident?: number | null;
}

export interface Profile {
  slug: string;
  name: string;
  above: boolean; // inactive above the threshold
  overall: number[]; // quantiles at 0, 1, ..., 100 %
  mean: (number | null)[];
  deviation: (number | null)[];
  subject_deviation: (number | null)[];
  quantiles: number[][]; // by head, at 0, 10, ..., 100 %
}

export interface SubjectRow {
  name: string;
  depth: number;
  is_subject: boolean;
  n: number;
  value: number | null;
  error: number | null;
  under_rule?: number | null;
}

export interface Study {
  file: string;
  model: string;
  task: string;
  layers: number;
  heads: number;
  metric: string;
  is_share: boolean;
  documents: number;
  questions: number;
  samples: number;
  generates: boolean;
  chance: number | null;
  baseline: number | null;
  baseline_error: number | null;
  baseline_height: number | null;
  baseline_interval: Range | null;
  best: string | null;
  rows: number;
  rows_unshared: number;
  settings: Record<string, string>;
  scores: Score[];
  profiles: Profile[];
  attention: { first_weight: (number | null)[]; entropy: (number | null)[]; place: string[] } | null;
  by_layer: Record<string, (number | null)[]> | null;
  kv: { kv_heads: number; head_dim: number | null; mean_groups: number; always: Range[]; off: number[] } | null;
  agreement: { share: number; scores: string[]; iou: (number | null)[][] } | null;
  subjects: { rule: string; rows: SubjectRow[] };
  missing: { name: string; done: number; documents: number }[];
}

export interface Distance {
  ks: number | null;
  wasserstein: number | null;
}

export interface Comparison {
  models: [string, string];
  refused?: string;
  same_shape: boolean;
  documents: number;
  settings_that_differ: string[];
  scores: (Distance & {
    score: string;
    layers: Distance[];
    head_correlation: number | null;
    largest_inactive_percent: [number | null, number | null];
  })[];
  changed_heads: {
    rule: string;
    rules: [string, string];
    off_in_both: number;
    on_in_both: number;
    off_only_in_first: string[];
    off_only_in_second: string[];
  }[];
}

export interface PaperModel {
  model: string;
  baseline: number;
  awft: number | null;
  best_other: number | null;
  best: string;
  curves: Record<string, Range[]>;
}

export interface Report {
  tolerance: number;
  studies: Study[];
  comparisons: Comparison[];
  paper: PaperModel[];
}

export function readReport(): Report {
  return JSON.parse(document.getElementById("data")!.textContent!) as Report;
}

export function bestScore(study: Study): Score | undefined {
  return study.scores.find((score) => score.slug === study.best);
}

// The intervention that shows how many heads the best score can do without.
export function bestPoint(study: Study): Point | undefined {
  const best = bestScore(study);
  return best && best.proven !== null ? best.points[best.proven] : undefined;
}

export function headName(study: Study, index: number): string {
  return `L${Math.floor(index / study.heads)}H${index % study.heads}`;
}

export function studyName(study: Study): string {
  return `${study.model} on ${study.task}`;
}
