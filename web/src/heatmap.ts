// Layers x heads for any score, with a threshold that flags heads and tells the accuracy to expect from the curve.
import { RAMP_GRADIENT } from "./colors";
import { bestPoint, chosenPoint, downloadName, firstProfile, headName, headsOf, infoOf, Profile, profileOf, Score, Report, scoreChoices, shortName, Study } from "./data";
import { button, h, section, select, tools } from "./dom";
import { expectedAt, flaggedShare, shareBelow, thresholdFor } from "./flagging";
import { metricName, metricValue, percent, share, short, significant } from "./format";
import { Cell, HeadGrid } from "./headgrid";
import { firstHead, headDocuments, headSentence, headTable } from "./headpanel";
import { saveButtons } from "./save";
import { cueScrolling } from "./table";

const STEPS = 1000;

export class HeatMap {
  readonly element: HTMLElement;
  private profile: Profile;
  private threshold = 0;
  private readonly grid: HeadGrid;
  private readonly slider: HTMLInputElement;
  private readonly marks = h("div", { class: "marks", role: "group", "aria-label": "Tested target shares" });
  private readonly outcome = h("p", { class: "outcome", "aria-live": "polite" });
  private readonly detail = h("p", { class: "detail", "aria-live": "polite" });
  private readonly documents = h("div");
  private readonly table = h("div");
  private readonly legend = h("div", { class: "legend" });

  // `moved` is called with the head that the reader goes to.
  constructor(
    private readonly study: Study,
    slug: string,
    private readonly moved: (head: number) => void = () => {},
  ) {
    this.profile = profileOf(study, slug);
    this.grid = new HeadGrid(study, (head) => this.go(head), firstHead(study, headsOf(study)));
    this.slider = h("input", { type: "range", min: 0, max: STEPS, step: 1, input: () => this.slide() });
    const threshold = h("label", { class: "field wide" }, h("span", {}, "Threshold (none to all)"), this.slider);
    const scores = select("Score", scoreChoices(study.profiles), this.profile.slug, (slug) => this.choose(slug));
    const name = () => downloadName(study, `heatmap-${this.profile.slug}`);
    const scroll = h("div", { class: "scroll" }, this.grid.map);
    cueScrolling(scroll);
    const map = h("div", { class: "figure fitting" }, saveButtons(name, () => this.grid.map), scroll);
    this.element = h("div", {}, tools(scores, threshold, this.marks), this.outcome, h("div", { class: "split" }, h("div", { class: "map" }, map, this.legend), h("div", { class: "beside" }, this.detail, this.documents, this.table)));
    this.choose(this.profile.slug);
  }

  get score(): string {
    return this.profile.slug;
  }

  // Shows a head of the same place.
  follow(head: number): void {
    if (this.grid.show(head)) this.showHead();
  }

  private go(head: number): void {
    this.showHead();
    this.moved(head);
  }

  private above(): boolean {
    return infoOf(this.profile).above;
  }

  private tested(): Score | undefined {
    return this.study.scores.find((score) => score.slug === this.profile.slug);
  }

  private choose(slug: string): void {
    this.profile = profileOf(this.study, slug);
    const tested = (this.tested()?.points ?? []).filter((p) => p.share > 0);
    const chosen = chosenPoint(this.tested());
    this.marks.replaceChildren(...tested.map((p) => button(share(p.share), () => this.setThreshold(p.threshold))));
    this.setThreshold(((chosen?.share ?? 0) > 0 ? chosen : tested[0])?.threshold ?? thresholdFor(this.above(), this.profile.overall, 0.15));
    this.showHead();
  }

  // The slider runs over the share of (sample, head) pairs that are flagged, so that each step flags as many more.
  private slide(): void {
    this.threshold = thresholdFor(this.above(), this.profile.overall, Number(this.slider.value) / STEPS);
    this.draw();
  }

  private setThreshold(threshold: number): void {
    this.threshold = threshold;
    const below = shareBelow(this.profile.overall, threshold);
    this.slider.value = String(Math.round(STEPS * (this.above() ? 1 - below : below)));
    this.draw();
  }

  private showHead(): void {
    const head = this.grid.cursor;
    this.detail.replaceChildren(h("strong", {}, headName(this.study, head)), headSentence(this.study, head));
    this.documents.replaceChildren(headDocuments(this.study, head) ?? "");
    this.table.replaceChildren(headTable(this.study, head, this.profile));
  }

  private draw(): void {
    const flagged = this.profile.quantiles.map((quantiles) => flaggedShare(this.above(), quantiles, this.threshold));
    const [low, high] = this.bounds();
    const absent = new Set(this.study.absent);
    this.grid.draw(flagged.map((value, i) => (absent.has(i) ? null : this.cell(i, value, low, high))));
    this.legend.replaceChildren(
      h("span", {}, `mean ${this.profile.slug}: ${short(low)} or less`),
      h("span", { class: "ramp", role: "presentation", style: `background: ${RAMP_GRADIENT}` }),
      h("span", {}, `${short(high)} or more`),
      h("span", {}, "Cross: flagged for at least half of the samples; dot: for some"),
    );
    this.tell(headsOf(this.study).map((i) => flagged[i]));
  }

  // Without the farthest 2 % at both ends: a few far heads would leave the others one colour.
  private bounds(): [number, number] {
    const means = this.profile.mean.filter((value): value is number => value !== null).sort((a, b) => a - b);
    if (!means.length) return [0, 1];
    const cut = Math.floor(0.02 * means.length);
    return [means[cut], means[means.length - 1 - cut]];
  }

  private cell(i: number, flagged: number, low: number, high: number): Cell {
    const mean = this.profile.mean[i];
    const tone = mean === null ? null : high > low ? (mean - low) / (high - low) : 0.5;
    const title = `${headName(this.study, i)}: ${this.profile.slug} ${significant(mean)} (± ${significant(this.profile.deviation[i])} over samples), flagged for ${percent(100 * flagged, 0)} of them`;
    return { tone, flagged, title };
  }

  private tell(flagged: number[]): void {
    const all = flagged.length;
    const mean = flagged.reduce((sum, value) => sum + value, 0) / all;
    const mostly = flagged.filter((value) => value >= 0.5).length;
    const rule = `${this.profile.slug} ${this.above() ? ">" : "<"} ${short(this.threshold)}`;
    this.slider.setAttribute("aria-valuetext", `${rule}, ${mostly} heads flagged`);
    this.outcome.replaceChildren(
      h("strong", {}, rule),
      " flags ",
      h("strong", {}, `${mostly} of ${all} heads`),
      ` for at least half of the samples (${percent(100 * mean)} of all samples × heads, as scored with all heads on). `,
      this.expectation(mean),
    );
  }

  private expectation(flagged: number): string {
    const { is_share, metric, baseline } = this.study;
    const name = metricName(metric);
    if (!this.tested()) return "";
    if (flagged === 0) return baseline === null ? "" : `Nothing off: ${name} ${metricValue(is_share, baseline)}.`;
    const expected = expectedAt(this.tested(), this.threshold);
    if (!expected) return `Not tested so far out: nothing is known about the ${name}.`;
    const before = baseline === null ? "" : ` (${metricValue(is_share, baseline)} with all heads on)`;
    return `Expected from the curve: ${percent(expected.percent)} off, ${name} ${metricValue(is_share, expected.value)}${before}.`;
  }
}

// The same heads under another score, or those of another study under the same one.
interface Other {
  value: string;
  label: string;
  study: Study;
  slug: string;
}

function others(report: Report, study: Study): Other[] {
  const scores = study.profiles.map(({ slug }) => ({ value: `score ${slug}`, label: slug, study, slug }));
  const studies = report.studies.filter((s) => s !== study && s.profiles.length).map((s) => ({ value: `study ${report.studies.indexOf(s)}`, label: shortName(report, s), study: s, slug: "" }));
  return [...studies, ...scores];
}

// The headline counts heads at a time, the map heads that are flagged for most samples, the summary heads over all inputs.
function reconciled(study: Study): string {
  const point = bestPoint(study);
  if (!point || point.share === 0) return "";
  return ` Three numbers that need not be the same: the share in the summary is how many heads are off at a time, on average (${percent(point.percent)} under ${point.rule}); the crosses in the map are heads that the score flags for at least half of the samples, as scored with all heads on; “always”, “for some” and “never” tell what becomes of single heads over all inputs while others are off.`;
}

export function heatMapSection(report: Report, study: Study): HTMLElement | null {
  if (!study.profiles.length) return null;
  let second: HeatMap | null = null;
  const first = new HeatMap(study, firstProfile(study).slug, (head) => second?.follow(head));
  const place = h("div", { class: "second" });
  const choices = others(report, study);
  const title = h("h3", { hidden: true }, report.studies.length > 1 ? shortName(report, study) : "");
  const both = h("div", { class: "maps" }, h("div", {}, title, first.element), place);
  const choose = (value: string) => {
    const other = choices.find((choice) => choice.value === value);
    const slug = other && (other.slug || (other.study.profiles.some((p) => p.slug === first.score) ? first.score : firstProfile(other.study).slug));
    second = other ? new HeatMap(other.study, slug!) : null;
    both.classList.toggle("two", second !== null);
    const isSame = other?.study === study;
    title.hidden = !other || isSame;
    place.classList.toggle("same", isSame); // what is known of a head stands beside the first map
    place.replaceChildren(...(second ? [...(isSame ? [] : [h("h3", {}, shortName(report, other!.study))]), second.element] : []));
  };
  const options = [{ value: "", label: "nothing" }, ...choices.map(({ value, label }) => ({ value, label }))];
  return section(
    "heatmap",
    "Heat map",
    `Layers downwards, heads across. Move the threshold to see which heads it flags and what to expect of switching them off; choose a head by a click or the arrow keys.${reconciled(study)}`,
    tools(select("Beside it", options, "", choose)),
    both,
  );
}
