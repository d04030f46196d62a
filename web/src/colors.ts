// Colours that are told apart without telling red from green (after Okabe and Ito; viridis), with a contrast of at least
// 3 to 1 to the page, light and dark. Colour and mark tell the raw number, the stroke how it is normalised.

interface Family {
  light: string;
  dark: string;
  mark: string; // an SVG path in a box of 10 x 10
}

const FAMILIES: Record<string, Family> = {
  awft: { light: "#0063b0", dark: "#4c95ff", mark: "M5 0A5 5 0 1 1 5 10A5 5 0 1 1 5 0Z" },
  aeqd: { light: "#b87700", dark: "#f0b323", mark: "M1 1H9V9H1Z" },
  ftvvn: { light: "#00835c", dark: "#1fc795", mark: "M5 0L10 9H0Z" },
  avvn: { light: "#c2528f", dark: "#f08fc4", mark: "M0 1H10L5 10Z" },
  lthon: { light: "#2592cf", dark: "#8fdcff", mark: "M5 0L10 5L5 10L0 5Z" },
  ahon: { light: "#d04a00", dark: "#ff7a33", mark: "M3.5 0H6.5V3.5H10V6.5H6.5V10H3.5V6.5H0V3.5H3.5Z" },
  afhon: { light: "#74451c", dark: "#c9a57e", mark: "M5 0L6.5 3.5L10 3.8L7.3 6.2L8.1 10L5 8L1.9 10L2.7 6.2L0 3.8L3.5 3.5Z" },
  mass: { light: "#5e4fa2", dark: "#b3a7f2", mark: "M0 5L5 0L10 5L8 7L5 4L2 7Z" },
  sink: { light: "#000000", dark: "#ffffff", mark: "M0 0H10V3H0ZM0 7H10V10H0Z" },
  random: { light: "#333333", dark: "#e0e0e0", mark: "M1.5 0L5 3.5L8.5 0L10 1.5L6.5 5L10 8.5L8.5 10L5 6.5L1.5 10L0 8.5L3.5 5L0 1.5Z" },
};

export interface ScoreStyle {
  color: string;
  mark: string;
  dash: number[]; // empty: solid
}

export function familyOf(slug: string): string {
  return slug.split("_")[0];
}

// What a stroke tells of a score (ScoreInfo).
interface Stroked {
  slug: string;
  relative_to: "none" | "layer" | "head";
  random: boolean;
}

export function familyStyle(name: string, dark: boolean): ScoreStyle {
  const family = FAMILIES[name] ?? FAMILIES.random;
  return { color: dark ? family.dark : family.light, mark: family.mark, dash: [] };
}

export function scoreStyle(score: Stroked, dark: boolean): ScoreStyle {
  const dotted = score.random || score.relative_to === "head";
  return { ...familyStyle(familyOf(score.slug), dark), dash: dotted ? [2, 3] : score.relative_to === "layer" ? [] : [7, 4] };
}

// The first study, the second, ...: colour and stroke.
const STUDIES = ["awft", "ahon", "ftvvn", "avvn", "aeqd", "lthon"];
const DASHES = [[], [7, 4], [2, 3]];

export function studyStyle(index: number, dark: boolean): ScoreStyle {
  return { ...familyStyle(STUDIES[index % STUDIES.length], dark), dash: DASHES[index % DASHES.length] };
}

const RAMP = ["#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"];

export const RAMP_GRADIENT = `linear-gradient(90deg, ${RAMP.join(", ")})`;

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
