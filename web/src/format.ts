// Numbers as readers see them. The space before "%" does not break.

export const NONE = "–";
const PERCENT = "\u00a0%";

type Maybe = number | null | undefined;

function minus(text: string): string {
  return /^-[0.]*$/.test(text) ? text.slice(1) : text.replace("-", "−");
}

export function fixed(value: Maybe, digits = 1): string {
  return value === null || value === undefined ? NONE : minus(value.toFixed(digits));
}

export function percent(value: Maybe, digits = 1): string {
  return value === null || value === undefined ? NONE : fixed(value, digits) + PERCENT;
}

export function range(value: [number, number] | null | undefined, digits = 1): string {
  return value ? `${fixed(value[0], digits)} to ${fixed(value[1], digits)}` : NONE;
}

export function percentRange(value: [number, number] | null | undefined): string {
  return value ? range(value) + PERCENT : NONE;
}

// 0.15 as "15 %", without noise in the last digits.
export function share(value: number): string {
  return +(100 * value).toFixed(2) + PERCENT;
}

// Four significant digits, zeros at the end kept so that columns line up.
export function significant(value: Maybe): string {
  if (value === null || value === undefined) return NONE;
  const size = Math.abs(value);
  if (value !== 0 && (size < 1e-4 || size >= 1e6)) return minus(value.toExponential(2));
  return minus(size >= 1000 ? value.toFixed(0) : value.toPrecision(4));
}

// The same for axes and sentences, without zeros at the end.
export function short(value: number): string {
  return minus(String(Number(value.toPrecision(3))));
}

export function probability(value: Maybe): string {
  if (value === null || value === undefined) return NONE;
  return value < 0.001 ? "< 0.001" : value.toFixed(3);
}

export function count(value: number, noun: string): string {
  return `${value.toLocaleString("en")} ${noun}${value === 1 ? "" : "s"}`;
}

export function metricName(metric: string): string {
  const names: Record<string, string> = {
    acc: "accuracy",
    acc_norm: "accuracy (by length)",
    "exact_match,strict-match": "right answers",
    "exact_match,flexible-extract": "right answers",
    word_perplexity: "word perplexity",
    byte_perplexity: "byte perplexity",
    bits_per_byte: "bits per byte",
  };
  return names[metric] ?? metric;
}

// A metric's value with its unit.
export function metricValue(isShare: boolean, value: Maybe): string {
  return isShare ? percent(value) : significant(value);
}
