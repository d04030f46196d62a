// Numbers as readers see them.

export function fixed(value: number | null | undefined, digits = 1): string {
  return value === null || value === undefined ? "–" : value.toFixed(digits);
}

export function percent(value: number | null | undefined, digits = 1): string {
  return value === null || value === undefined ? "–" : `${value.toFixed(digits)} %`;
}

export function range(value: [number, number] | null | undefined, digits = 1): string {
  return value ? `${value[0].toFixed(digits)} to ${value[1].toFixed(digits)}` : "–";
}

// Four significant digits, without noise behind them.
export function significant(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : String(Number(value.toPrecision(4)));
}

export function probability(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  return value < 0.001 ? "< 0.001" : value.toFixed(3);
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
export function metricValue(isShare: boolean, value: number | null): string {
  return isShare ? percent(value) : significant(value);
}
