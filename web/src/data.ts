// The data in the page, as src/report/page/report_json.cc writes it. report.schema.json is made of these types
// (`npm run schema`), and the data of every test page is held against it.

export type Range = [number, number];
export type Matrix = (number | null)[][];

// A row of the table of scores (include/idleheads/heads/score.h).
export interface ScoreInfo {
  slug: string;
  name: string; // in the paper
  meaning: string; // one sentence
  above: boolean; // inactive above the threshold
  relative_to: "none" | "layer" | "head"; // what it is divided by
  random: boolean;
  in_paper: boolean;
  style: Style;
}

// How a line is told apart (src/report/figures/strokes.h): colours that need no red and green, with a contrast of at least 3 to 1
// to the page.
export interface Style {
  light: string; // colour, on a light page and on a dark one
  dark: string;
  mark: string; // an SVG path in a box of 10 x 10
  dash: number[]; // strokes and gaps in points, as in printed figures; empty: solid
}

// Of a change from all heads on to some off, over documents.
export interface Spread {
  mean: number | null;
  interval: Range | null;
  p5: number | null;
  median: number | null;
  p95: number | null;
}

export interface Point {
  share: number; // target, in [0, 1]
  rule: string;
  threshold: number;
  percent: number; // of heads that were off
  value: number | null; // metric: percent, or a perplexity
  height: number | null; // metric in points, higher is better
  passes: number;
  off: (number | null)[]; // by head: percent of forward passes in which it was off; null: the head is absent
  interval?: Range | null;
  changed: number | null; // answers; null for perplexities
  lost: number | null;
  won: number | null;
  loss_bound: number | null; // the most that other questions like these lose, in points; null: unknown
  log_likelihood_change: Spread | null; // nats
  probability_change: Spread | null; // points
  kl: Spread | null; // nats, of the choices' distributions
  kl_bound: number | null;
  mcnemar?: number | null;
  difference?: number | null;
  difference_interval?: Range | null;
}

// The heads that a score had off in at least this share of the inputs, off for every input.
export interface StaticPoint {
  share: number; // of the score's intervention that they are from
  at_least: number; // in (0, 1]
  heads: string; // "L0H1,L5H3"
  percent: number; // of all heads
  value: number | null;
  changed: number | null;
  lost: number | null;
  won: number | null;
  loss_bound: number | null;
  log_likelihood_change: Spread | null;
  probability_change: Spread | null;
  kl: Spread | null;
  kl_bound: number | null;
}

export interface Score {
  slug: string;
  inactive: number | null;
  area: number | null;
  proven: number | null;
  points: Point[];
  static: StaticPoint[];
  inactive_interval?: Range | null;
  sure: number; // percent of the heads that can be off on other questions like these; 0: nothing is sure
  sure_point: number | null;
  first_crossing: number | null; // below `inactive` where the curve dips
}

export interface Profile {
  slug: string;
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

export interface KvProfile {
  kv_heads: number; // a layer
  head_dim: number | null;
  mean_groups: number;
  always: Range[]; // layer and number of KV heads whose query heads were always off
  off: (number | null)[]; // by KV head: percent of forward passes; null: it is absent
  bytes: { all: number; mean_off: number; always_off: number } | null; // of the cache, a token
}

// Which heads were off on some of the documents, under the rule of bestPoint().
export interface MaskSample {
  rule: string;
  documents: string[];
  excerpts: string[]; // by document, how its question begins; empty: the study keeps none
  heads: string[]; // by document a digit a head: 0 on, 1 off in some of its forward passes, 2 off in all
}

// What is decided of one intervention. Losses are in points of the metric.
export interface DecidedPoint {
  share: number; // target, in [0, 1]
  percent: number; // of heads that were off
  generation: number; // 0: planned beforehand
  decision: "holds" | "fails" | "open";
  exact: boolean; // all questions were asked
  questions: number; // of the rounds that are complete
  loss: number | null; // on these
  low: number; // on all questions, at least and at most
  high: number;
}

// Shares in percent of the heads.
export interface DecidedScore {
  score: string;
  holds: number | null;
  fails: number | null;
  crosses: number | null;
  open: number[];
  points: DecidedPoint[];
}

export interface Decisions {
  tolerance: number; // points
  confidence: number;
  stops: boolean; // a study that stops when it knows; else one that is running
  pairs: number; // of question and intervention: all, with results, what the open ones can still take
  asked: number;
  left: number;
  holds: number;
  fails: number;
  open: number;
  scores: DecidedScore[];
  best: Point | null;
}

export interface Study {
  file: string;
  model: string;
  task: string;
  layers: number;
  heads: number; // a layer
  absent: number[]; // heads that were cut from the model, numbered layer by layer
  metric: string;
  is_share: boolean;
  documents: number;
  questions: number;
  unlike_paper: string; // why it cannot stand beside the paper's models; empty if it can
  fewest_questions: number; // for anything to be sure of other questions, where no answer changes
  samples: number;
  chance: number | null;
  baseline: number | null;
  baseline_error: number | null;
  only_guesses: boolean; // so that there is nothing to lose
  baseline_height: number | null;
  baseline_interval: Range | null;
  best: string | null;
  rows: number;
  rows_unshared: number;
  settings: Record<string, string>;
  scores: Score[];
  profiles: Profile[];
  attention: { first_weight: (number | null)[]; entropy: (number | null)[]; place: (string | null)[] } | null;
  by_layer: Record<string, (number | null)[]> | null;
  kv: KvProfile | null;
  ranks: Matrix | null; // of the profiles: rank correlation of the heads' means, inactive heads first
  agreement: { share: number; scores: string[]; iou: Matrix } | null;
  masks: MaskSample | null;
  subjects: { rule: string; rows: SubjectRow[] };
  progress: { done: number; all: number; is_whole: boolean }; // pairs of document and intervention
  missing: { name: string; done: number; documents: number }[];
  decisions: Decisions | null; // in place of finished curves
  style: Style; // among the report's studies
}

export interface Distance {
  ks: number | null;
  wasserstein: number | null;
}

export interface ComparedScore extends Distance {
  score: string;
  layers: Distance[];
  head_correlation: number | null;
  largest_inactive_percent: [number | null, number | null];
}

export interface ChangedHeads {
  rule: string;
  rules: [string, string];
  off_in_both: number;
  on_in_both: number;
  off_only_in_first: string[];
  off_only_in_second: string[];
}

export interface Refused {
  models: [string, string];
  refused: string;
}

export interface Comparison {
  files: [string, string];
  models: [string, string];
  baseline: { n: number; value: number; stderr: number | null }[];
  settings_that_differ: string[];
  same_shape: boolean;
  documents: number;
  scores: ComparedScore[];
  changed_heads: ChangedHeads[];
}

export interface PaperModel {
  model: string;
  baseline: number;
  awft: number | null;
  best_other: number | null;
  best: string;
  curves: Record<string, Range[]>;
}

// Of several studies.
export interface Across {
  scores: string[]; // that all of them tested: those that are relative to the layer or head first, random last
  best: string | null; // of these, by which the study that can do without the fewest heads can do without most
  rank_correlation: Matrix; // by study: of the areas under the scores' curves
  top_overlap: Matrix; // by study: of the five scores with the largest areas
}

export interface Report {
  version: string;
  commit: string;
  written: string | null; // when, of studies that may still grow
  refresh: number | null; // seconds until the page loads itself again
  terms: { tolerance: number; confidence: number; within_kl: number | null };
  scores: ScoreInfo[];
  statistics: Record<string, string>; // what each is, in words (include/idleheads/heads/stats.h)
  studies: Study[];
  comparisons: (Comparison | Refused)[]; // of the first study with each other one
  across: Across | null;
  paper: PaperModel[];
}

const infos = new Map<string, ScoreInfo>();
let statistics: Record<string, string> = {};

export function readReport(): Report {
  const report = JSON.parse(document.getElementById("data")!.textContent!) as Report;
  for (const info of report.scores) infos.set(info.slug, info);
  statistics = report.statistics;
  return report;
}

export function infoOf(score: { slug: string } | string): ScoreInfo {
  return infos.get(typeof score === "string" ? score : score.slug)!;
}

export function statisticName(name: string): string {
  return statistics[name] ?? name;
}

export function bestScore(study: Study): Score | undefined {
  return study.scores.find((score) => score.slug === study.best);
}

// The intervention that shows how many heads a score can do without: the last one that is sure, else the proven one.
export function chosenPoint(score: Score | undefined): Point | undefined {
  const place = score && score.sure > 0 ? score.sure_point : score?.proven;
  return score?.points[place ?? -1];
}

export function bestPoint(study: Study): Point | undefined {
  return study.decisions ? (study.decisions.best ?? undefined) : chosenPoint(bestScore(study));
}

export function toleranceText(study: Study, report: Report): string {
  const tolerance = report.terms.tolerance;
  return study.is_share ? `${tolerance} point${tolerance === 1 ? "" : "s"}` : `${tolerance}\u00a0%`;
}

export function headName(study: Study, index: number): string {
  return `L${Math.floor(index / study.heads)}H${index % study.heads}`;
}

// The heads that there are, numbered layer by layer.
export function headsOf(study: Study): number[] {
  const absent = new Set(study.absent);
  return Array.from({ length: study.layers * study.heads }, (_, i) => i).filter((i) => !absent.has(i));
}

export function studyName(study: Study): string {
  return `${study.model} on ${study.task}`;
}

// Of one study among several; their models may be the same.
export function numberedName(report: Report, study: Study): string {
  return `${report.studies.indexOf(study) + 1} ${study.model} (${study.file})`;
}

// The same where there is little room.
export function shortName(report: Report, study: Study): string {
  const model = study.model.replace(/\.gguf$/, "");
  const tasks = new Set(report.studies.map((s) => s.task));
  return `${report.studies.indexOf(study) + 1} ${model}${tasks.size > 1 ? `, ${study.task}` : ""}`;
}

// Of a downloaded table: that of the study's file and the table's own.
export function downloadName(study: Study, table: string): string {
  return `${study.file.replace(/\.db$/, "")}-${table}`;
}

// The scores that can be chosen from.
export function scoreChoices(scores: { slug: string }[]): { value: string; label: string }[] {
  return scores.map(({ slug }) => ({ value: slug, label: `${slug}: ${infoOf(slug).name}` }));
}

// Can be compared between models of other sizes.
export function isRelative(slug: string): boolean {
  return infoOf(slug).relative_to !== "none";
}

// The profile to show first: that of the best score.
export function firstProfile(study: Study): Profile {
  return study.profiles.find((p) => p.slug === (study.best ?? "ahon_ln")) ?? study.profiles[0];
}

export function profileOf(study: Study, slug: string): Profile {
  return study.profiles.find((p) => p.slug === slug)!;
}

// What became of a head over all inputs.
export type State = "always off" | "mostly off" | "depends on the input" | "never off";

export function stateOf(off: number): State {
  if (off === 100) return "always off";
  if (off === 0) return "never off";
  return off >= 90 ? "mostly off" : "depends on the input";
}
