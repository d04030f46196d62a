// The colours of lines, which come with the data, and the ramp of numbers (viridis).
import { Style } from "./data";

export interface LineStyle {
  color: string;
  mark: string;
  dash: number[]; // in pixels; empty: solid
}

// Lines are half as wide again as in printed figures, and so are their dashes.
export function lineStyle(style: Style, dark: boolean): LineStyle {
  return { color: dark ? style.dark : style.light, mark: style.mark, dash: style.dash.map((length) => 1.5 * length) };
}

export function familyOf(slug: string): string {
  return slug.split("_")[0];
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
