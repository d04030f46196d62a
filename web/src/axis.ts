// The ends of an axis. Pure.

// Whole steps around all values, with room for a label at both ends, within what the values can be.
export function roundLimits(values: number[], least: number, most: number): { min: number; max: number; interval: number } {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = 0.06 * (high - low) || 1;
  const interval = [0.5, 1, 2, 5, 10].find((step) => (high - low) / step <= 8) ?? 20;
  const steps = (end: (x: number) => number, value: number) => interval * end(value / interval);
  return { min: Math.max(least, steps(Math.floor, low - room)), max: Math.min(most, steps(Math.ceil, high + room)), interval };
}
