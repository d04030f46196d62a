// Colours that are told apart without telling red from green (Okabe and Ito; viridis).

const FAMILIES: Record<string, string> = {
  awft: "#0072B2",
  aeqd: "#E69F00",
  ftvvn: "#009E73",
  avvn: "#CC79A7",
  lthon: "#56B4E9",
  ahon: "#D55E00",
  afhon: "#9A8700",
};

// One colour for each raw number; how it is normalised is told by the line.
export function scoreColor(slug: string): string {
  return FAMILIES[slug.split("_")[0]] ?? "#808080";
}

export function scoreDash(slug: string): "solid" | "dashed" | "dotted" {
  if (slug === "random" || slug.endsWith("_hn")) return "dotted";
  return slug.endsWith("_ln") ? "solid" : "dashed";
}

export function scoreSymbol(slug: string): string {
  return slug === "random" ? "diamond" : slug.endsWith("_ln") ? "circle" : slug.endsWith("_hn") ? "triangle" : "rect";
}

const RAMP = ["#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"];

function channels(color: string): number[] {
  return [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));
}

// `share` in [0, 1], dark to bright.
export function rampColor(share: number): string {
  const place = Math.min(Math.max(share, 0), 1) * (RAMP.length - 1);
  const below = Math.min(Math.floor(place), RAMP.length - 2);
  const [a, b] = [channels(RAMP[below]), channels(RAMP[below + 1])];
  return `rgb(${a.map((value, i) => Math.round(value + (place - below) * (b[i] - value))).join(",")})`;
}

export const STUDY_COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"];
export const STUDY_DASHES = ["solid", "dashed", "dotted"] as const;
