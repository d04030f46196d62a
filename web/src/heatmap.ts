// Layers x heads for any score, with a threshold that flags heads and tells the accuracy to expect from the curve.
import { rampColor } from "./colors";
import { headName, Profile, Score, Study } from "./data";
import { h, section, select, svg } from "./dom";
import { fixed, metricName, metricValue, significant } from "./format";

const CELL = 22;
const LEFT = 34;
const TOP = 22;

// Share of a sample that lies below `x`, from its quantiles at even steps; linear between them.
export function shareBelow(quantiles: number[], x: number): number {
  const last = quantiles.length - 1;
  if (last < 0 || x <= quantiles[0]) return 0;
  if (x > quantiles[last]) return 1;
  let i = quantiles.findIndex((q) => q >= x);
  if (i <= 0) i = 1;
  const width = quantiles[i] - quantiles[i - 1];
  return (i - 1 + (width > 0 ? (x - quantiles[i - 1]) / width : 1)) / last;
}

export function flaggedShare(profile: Profile, quantiles: number[], threshold: number): number {
  const below = shareBelow(quantiles, threshold);
  return profile.above ? 1 - below : below;
}

// Percent of heads off and metric at a threshold: linear between the tested ones, null beyond them.
export function expectedAt(score: Score | undefined, threshold: number): { percent: number; value: number } | null {
  const points = (score?.points ?? []).filter((p) => p.value !== null).sort((a, b) => a.threshold - b.threshold);
  for (let i = 1; i < points.length; ++i) {
    const [a, b] = [points[i - 1], points[i]];
    if (threshold < a.threshold || threshold > b.threshold) continue;
    const part = b.threshold > a.threshold ? (threshold - a.threshold) / (b.threshold - a.threshold) : 0;
    return { percent: a.percent + part * (b.percent - a.percent), value: a.value! + part * (b.value! - a.value!) };
  }
  const only = points.find((p) => p.threshold === threshold);
  return only ? { percent: only.percent, value: only.value! } : null;
}

export class HeatMap {
  readonly element: HTMLElement;
  private profile: Profile;
  private threshold = 0;
  private cursor = 0;
  private readonly map = svg("svg", { class: "heatmap", tabindex: 0, role: "application", "aria-roledescription": "heat map", "aria-label": "Heads by layer; arrow keys move between heads" });
  private readonly slider: HTMLInputElement;
  private readonly marks = h("div", { class: "marks" });
  private readonly outcome = h("p", { class: "outcome", "aria-live": "polite" });
  private readonly detail = h("p", { class: "detail", "aria-live": "polite" });
  private readonly legend = h("div", { class: "legend" });

  constructor(private readonly study: Study) {
    const wanted = study.best ?? "ahon_ln";
    this.profile = study.profiles.find((p) => p.slug === wanted) ?? study.profiles[0];
    this.slider = h("input", { type: "range", min: 0, max: 1000, step: 1, id: "threshold", input: () => this.slide() });
    const scores = study.profiles.map((p) => ({ value: p.slug, label: `${p.slug}: ${p.name}` }));
    this.map.addEventListener("keydown", (event) => this.key(event as KeyboardEvent));
    this.map.addEventListener("focus", () => this.showCursor(true));
    this.map.addEventListener("blur", () => this.showCursor(false));
    this.element = h(
      "div",
      {},
      h(
        "div",
        { class: "tools" },
        select("Score", scores, this.profile.slug, (slug) => this.choose(slug)),
        h("label", { class: "field wide", for: "threshold" }, h("span", {}, "Threshold"), this.slider),
        this.marks,
      ),
      this.outcome,
      h("div", { class: "scroll" }, this.map),
      this.legend,
      this.detail,
    );
    this.choose(this.profile.slug);
  }

  private score(): Score | undefined {
    return this.study.scores.find((score) => score.slug === this.profile.slug);
  }

  private choose(slug: string): void {
    this.profile = this.study.profiles.find((p) => p.slug === slug)!;
    const score = this.score();
    const chosen = score?.points[score.proven ?? -1] ?? score?.points.find((p) => p.share > 0);
    this.marks.replaceChildren(
      ...(score?.points ?? [])
        .filter((p) => p.share > 0)
        .map((p) => h("button", { type: "button", click: () => this.setThreshold(p.threshold) }, `${+(100 * p.share).toFixed(2)} %`)),
    );
    this.setThreshold(chosen?.threshold ?? this.profile.overall[this.profile.above ? 85 : 15] ?? 0);
  }

  // The slider runs over the quantiles of the score, so that each step is as many (sample, head) pairs.
  private slide(): void {
    const place = (Number(this.slider.value) / 1000) * (this.profile.overall.length - 1);
    const below = Math.min(Math.floor(place), this.profile.overall.length - 2);
    const [a, b] = [this.profile.overall[below], this.profile.overall[below + 1]];
    this.threshold = a + (place - below) * (b - a);
    this.draw();
  }

  setThreshold(threshold: number): void {
    this.threshold = threshold;
    this.slider.value = String(Math.round(1000 * shareBelow(this.profile.overall, threshold)));
    this.draw();
  }

  private flagged(i: number): number {
    return flaggedShare(this.profile, this.profile.quantiles[i], this.threshold);
  }

  private bounds(): [number, number] {
    const means = this.profile.mean.filter((value): value is number => value !== null).sort((a, b) => a - b);
    return [means[0] ?? 0, means[means.length - 1] ?? 1];
  }

  private draw(): void {
    const { layers, heads } = this.study;
    const [low, high] = this.bounds();
    const width = LEFT + heads * CELL + 4;
    const height = TOP + layers * CELL + 4;
    this.map.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.map.setAttribute("width", String(width));
    this.map.setAttribute("height", String(height));
    const parts: SVGElement[] = [];
    for (let head = 0; head < heads; ++head)
      parts.push(svg("text", { x: LEFT + (head + 0.5) * CELL, y: TOP - 7, "text-anchor": "middle" }, String(head)));
    for (let layer = 0; layer < layers; ++layer)
      parts.push(svg("text", { x: LEFT - 6, y: TOP + (layer + 0.68) * CELL, "text-anchor": "end" }, String(layer)));
    for (let i = 0; i < layers * heads; ++i) parts.push(this.cell(i, low, high));
    this.map.replaceChildren(...parts);
    this.legend.replaceChildren(
      h("span", {}, `mean ${this.profile.slug} from ${significant(low)}`),
      h("span", { class: "ramp", role: "presentation" }),
      h("span", {}, `to ${significant(high)}; a cross: flagged for at least half of the samples, a dot: for some`),
    );
    this.tell();
    this.showCursor(document.activeElement === this.map);
  }

  private cell(i: number, low: number, high: number): SVGElement {
    const x = LEFT + (i % this.study.heads) * CELL;
    const y = TOP + Math.floor(i / this.study.heads) * CELL;
    const mean = this.profile.mean[i];
    const share = this.flagged(i);
    const group = svg("g", { "data-head": headName(this.study, i), "data-flagged": share >= 0.5 ? "yes" : "no" });
    const tone = mean === null || high === low ? 0 : (mean - low) / (high - low);
    group.append(svg("rect", { x, y, width: CELL - 1, height: CELL - 1, fill: mean === null ? "none" : rampColor(tone), stroke: mean === null ? "currentColor" : "none" }));
    const mark = tone > 0.6 ? "#000" : "#fff";
    const [cx, cy] = [x + CELL / 2 - 0.5, y + CELL / 2 - 0.5];
    if (share >= 0.5) group.append(svg("path", { d: `M${cx - 5} ${cy - 5}l10 10m0 -10l-10 10`, stroke: mark, "stroke-width": 2, fill: "none" }));
    else if (share > 0.005) group.append(svg("circle", { cx, cy, r: 2, fill: mark }));
    group.append(svg("title", {}, this.describe(i)));
    group.addEventListener("pointerenter", () => (this.detail.textContent = this.describe(i)));
    return group;
  }

  private describe(i: number): string {
    const { profile, study } = this;
    const tested = study.scores.flatMap((s) => (s.slug === profile.slug && s.proven !== null ? [s.points[s.proven]] : []))[0];
    let text = `${headName(study, i)}: ${profile.slug} ${significant(profile.mean[i])} on average (± ${significant(profile.deviation[i])} over samples), flagged for ${fixed(100 * this.flagged(i), 0)} % of them`;
    if (tested) text += `; off in ${fixed(tested.off[i], 0)} % of the passes of ${tested.rule}`;
    return text + ".";
  }

  private tell(): void {
    const { profile, study } = this;
    const all = study.layers * study.heads;
    const share = Array.from({ length: all }, (_, i) => this.flagged(i)).reduce((a, b) => a + b, 0) / all;
    const mostly = Array.from({ length: all }, (_, i) => this.flagged(i)).filter((value) => value >= 0.5).length;
    let text = `${profile.slug} ${profile.above ? ">" : "<"} ${significant(this.threshold)} flags ${fixed(100 * share)} % of the heads before any is off; ${mostly} heads for at least half of the samples.`;
    const expected = expectedAt(this.score(), this.threshold);
    if (expected) {
      text += ` Expected from the curve: ${fixed(expected.percent)} % off and ${metricName(study.metric)} ${metricValue(study.is_share, expected.value)}`;
      if (study.baseline !== null) text += ` (${metricValue(study.is_share, study.baseline)} with all heads on)`;
      text += ".";
    } else if (this.score()) {
      text += ` Beyond the tested thresholds: nothing is known about the ${metricName(study.metric)}.`;
    }
    this.outcome.textContent = text;
  }

  private key(event: KeyboardEvent): void {
    const { heads, layers } = this.study;
    const steps: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: heads, ArrowUp: -heads };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = this.cursor + step;
    if (next >= 0 && next < heads * layers) this.cursor = next;
    this.showCursor(true);
  }

  private showCursor(on: boolean): void {
    this.map.querySelector(".cursor")?.remove();
    if (!on) return;
    const x = LEFT + (this.cursor % this.study.heads) * CELL;
    const y = TOP + Math.floor(this.cursor / this.study.heads) * CELL;
    this.map.append(svg("rect", { class: "cursor", x: x - 1, y: y - 1, width: CELL + 1, height: CELL + 1, fill: "none" }));
    this.detail.textContent = this.describe(this.cursor);
  }
}

export function heatMapSection(study: Study): HTMLElement | null {
  if (!study.profiles.length) return null;
  return section(
    "heatmap",
    "Heads",
    "Every head by layer (down) and number (across). Move the threshold to see which heads it flags, and what the tested interventions let expect of them.",
    new HeatMap(study).element,
  );
}
