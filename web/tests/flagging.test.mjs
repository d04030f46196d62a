import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./pure.mjs";

const { expectedAt, flaggedShare, quantileAt, shareBelow, thresholdFor } = await load("flagging");
const { roundLimits } = await load("axis");
const { fixed, range, share, significant } = await load("format");

test("the share below a value is that of the quantiles, linear between them", () => {
  const quantiles = [0, 1, 4];
  assert.deepEqual([-1, 0, 0.5, 1, 2.5, 4, 5].map((x) => shareBelow(quantiles, x)), [0, 0, 0.25, 0.5, 0.75, 1, 1]);
  assert.equal(shareBelow([], 1), 0);
  assert.equal(shareBelow([2, 2, 2], 2), 0); // nothing lies below the value that all have
  assert.equal(shareBelow([2, 2, 2], 2.1), 1);
});

test("a score that tells inactive heads by high values flags what lies above", () => {
  assert.equal(flaggedShare(true, [0, 1, 4], 2.5), 0.25);
  assert.equal(flaggedShare(false, [0, 1, 4], 2.5), 0.75);
  assert.equal(flaggedShare(true, [], 2.5), 0); // a head without numbers is never flagged
});

test("a threshold for a share flags that share", () => {
  const overall = Array.from({ length: 101 }, (_, i) => i * i);
  assert.equal(quantileAt(overall, 1), 10000);
  for (const above of [false, true]) {
    for (const wanted of [0, 0.105, 0.5, 1])
      assert.ok(Math.abs(flaggedShare(above, overall, thresholdFor(above, overall, wanted)) - wanted) < 1e-9);
  }
});

test("what to expect is linear between tested thresholds, and unknown beyond them", () => {
  const point = (threshold, percent, value) => ({ threshold, percent, value });
  const score = { points: [point(3, 30, 50), point(1, 0, 80), point(2, 10, 70), point(2.5, 12, null)] };
  assert.deepEqual(expectedAt(score, 1.5), { percent: 5, value: 75 });
  assert.deepEqual(expectedAt(score, 2.5), { percent: 20, value: 60 });
  assert.equal(expectedAt(score, 0.9), null);
  assert.equal(expectedAt(score, 3.1), null);
  assert.deepEqual(expectedAt({ points: [point(1, 0, 80)] }, 1), { percent: 0, value: 80 });
  assert.equal(expectedAt(undefined, 1), null);
});

test("numbers are shown without false signs, noise or missing zeros", () => {
  assert.equal(fixed(-0.04), "0.0");
  assert.equal(fixed(-3.25), "−3.3");
  assert.equal(fixed(null), "–");
  assert.equal(range([-1, 2.5]), "−1.0 to 2.5");
  assert.equal(share(0.15), "15\u00a0%");
  assert.equal(share(0.025), "2.5\u00a0%");
  assert.deepEqual([0.568, 1.13, 12345.6, 0, 2.7e-6].map(significant), ["0.5680", "1.130", "12346", "0.000", "2.70e−6"]);
});

test("an axis has whole steps, holds all values, and has room at its ends", () => {
  assert.deepEqual(roundLimits([52, 66], 0, 100), { min: 50, max: 68, interval: 2 });
  assert.deepEqual(roundLimits([50, 52, 66], 0, 100), { min: 48, max: 68, interval: 2 }); // 50 is not at the very end
  assert.deepEqual(roundLimits([2, 99], 0, 100), { min: 0, max: 100, interval: 20 });
  assert.deepEqual(roundLimits([70, 70], 0, 100), { min: 69, max: 71, interval: 0.5 });
});
