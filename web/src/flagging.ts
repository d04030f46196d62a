// Which heads a threshold flags, and what the tested interventions let expect of it. Pure functions.
import { Score } from "./data";

// Share of a sample that lies below `x`, from its quantiles at even steps; linear between them.
export function shareBelow(quantiles: number[], x: number): number {
  const last = quantiles.length - 1;
  if (last < 0 || x <= quantiles[0]) return 0;
  if (x > quantiles[last]) return 1;
  const i = quantiles.findIndex((q) => q >= x);
  const width = quantiles[i] - quantiles[i - 1];
  return (i - 1 + (width > 0 ? (x - quantiles[i - 1]) / width : 1)) / last;
}

// The value that a share of the sample lies below: the inverse of shareBelow().
export function quantileAt(quantiles: number[], share: number): number {
  const place = share * (quantiles.length - 1);
  const below = Math.min(Math.floor(place), quantiles.length - 2);
  return quantiles[below] + (place - below) * (quantiles[below + 1] - quantiles[below]);
}

export function flaggedShare(above: boolean, quantiles: number[], threshold: number): number {
  if (!quantiles.length) return 0;
  const below = shareBelow(quantiles, threshold);
  return above ? 1 - below : below;
}

// The threshold that flags a share of all (sample, head) pairs.
export function thresholdFor(above: boolean, overall: number[], share: number): number {
  return quantileAt(overall, above ? 1 - share : share);
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
