// Attention patterns in the page's data (src/report/page/attention_page.cc, packed_pattern.h), unpacked where they are looked at.

export interface HeadData {
  name: string;
  off: boolean;
  distance: number | null;
  statistics: Record<string, number | null>;
  scores: Record<string, number | null>;
  largest: string;
  weights: string;
  received: string;
  positions?: string;
}

export interface RunData {
  rule: string; // the first: "all heads on"
  by_score: boolean;
  off: number;
  heads: HeadData[];
}

export interface PromptData {
  tokens: string[];
  runs: RunData[];
}

export interface PageData {
  model: string;
  all_heads: number;
  whole_up_to: number;
  kept: number;
  statistics: Record<string, string>; // what each is, in words
  prompts: PromptData[];
}

export interface Weight {
  token: number;
  weight: number;
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

export class Pattern {
  readonly received: Float32Array;
  readonly largest: Float32Array; // of each row
  private readonly weights: Uint8Array; // in units of largest / 255
  private readonly positions: Uint32Array | null; // of the weights that rows kept; null: rows are whole

  constructor(
    head: HeadData,
    readonly tokens: number,
    private readonly kept: number,
  ) {
    this.received = new Float32Array(bytesOf(head.received).buffer);
    this.largest = new Float32Array(bytesOf(head.largest).buffer);
    this.weights = bytesOf(head.weights);
    this.positions = head.positions === undefined ? null : new Uint32Array(bytesOf(head.positions).buffer);
  }

  // Calls use(k, weight) for what row t has, in order of k.
  eachOfRow(t: number, use: (k: number, weight: number) => void): void {
    const begin = this.begin(t);
    const unit = this.largest[t] / 255;
    for (let i = begin; i < this.begin(t + 1); ++i) use(this.positions ? this.positions[i] : i - begin, this.weights[i] * unit);
  }

  // Null where the row did not keep it.
  weight(t: number, k: number): number | null {
    const begin = this.begin(t);
    const place = this.positions ? this.placeOf(k, begin, this.begin(t + 1)) : begin + k;
    return place < 0 ? null : (this.weights[place] * this.largest[t]) / 255;
  }

  row(t: number): Weight[] {
    const out: Weight[] = [];
    this.eachOfRow(t, (token, weight) => out.push({ token, weight }));
    return out;
  }

  // The tokens behind k that look at it.
  column(k: number): Weight[] {
    const out: Weight[] = [];
    for (let t = k + 1; t < this.tokens; ++t) {
      const weight = this.weight(t, k);
      if (weight) out.push({ token: t, weight });
    }
    return out;
  }

  private begin(t: number): number {
    const whole = this.positions ? Math.min(t, this.kept) : t;
    return (whole * (whole + 1)) / 2 + (t - whole) * this.kept;
  }

  private placeOf(k: number, begin: number, end: number): number {
    const positions = this.positions!;
    let low = begin;
    let high = end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (positions[middle] < k) low = middle + 1;
      else high = middle;
    }
    return low < end && positions[low] === k ? low : -1;
  }
}

// The largest weights, at most `count`, without zeros.
export function heaviest(weights: Weight[], count: number): Weight[] {
  return weights.filter((w) => w.weight > 0).sort((a, b) => b.weight - a.weight || a.token - b.token).slice(0, count);
}
