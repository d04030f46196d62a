"""Rules, scores and thresholds of the package over arrays of statistics, by hand; needs numpy alone.

Run by scripts/test_python.sh with the package in the environment.
"""
import math
import sys
import unittest

import numpy as np

import idleheads as ih
from idleheads import _core


def stats_of(values, statistic):
    """Values [sample, layer, head] as one of the ten statistics, the others 0."""
    stats = np.zeros((*np.shape(values), len(ih.STATISTICS)), np.float32)
    stats[..., ih.STATISTICS.index(statistic)] = values
    return stats


class ScoresTest(unittest.TestCase):
    def test_rules(self):
        cases = [("ahon_lm<1", "unknown score 'ahon_lm'"), ("ahon>1", "write ahon<"), ("awft<1", "write awft>"),
                 ("ahon_ln", "ahon_ln<NUMBER"), ("mass=0.3", "mass<NUMBER"), ("ahon<", "'' is not a number"),
                 ("ahon<nan", "'nan'"), ("ahon< 1", "' 1' is not"), ("ahon<1_0", "not a number"), ("ahon<=1", "'=1'"),
                 ("ahon@15", "percent"), ("ahon@101%", "percent"), ("ahon@-1%", "percent"), ("ahon@nan%", "percent"),
                 ("L1", "not a head"), ("L1H", "not a head"), ("L1H2,", "not a head"), ("1.H2x", "not a head"),
                 ("L1H\u0662", "not a head"), ("", "unknown score ''")]
        for text, message in cases:
            with self.subTest(text), self.assertRaisesRegex(ih.Error, message):
                _core.Rule(text)
        for text, expected in [("L5H3,l5.h3,0-1,7.0", "L0H1,L5H3,L7H0"), ("none", "none"), ("ahon_ln<0.52", "ahon_ln<0.52"),
                               ("awft>1e-3", "awft>0.001"), ("ahon<inf", "ahon<inf")]:
            self.assertEqual(str(_core.Rule(text)), expected)
        rule = _core.Rule("L5H3,L0H1")
        self.assertEqual((rule.score, rule.heads, rule.threshold, rule.is_share, rule.has_means), (None, [(0, 1), (5, 3)], None, False, False))
        rule = _core.Rule("ahon<0.5")
        self.assertEqual((rule.score, rule.heads, rule.threshold, rule.is_share), ("ahon", None, 0.5, False))
        self.assertTrue(_core.Rule("ahon@5%").is_share)
        with self.assertRaisesRegex(ih.Error, "needs a calibration"):
            str(_core.Rule("ahon@5%"))

    def test_thresholds(self):
        """include/idleheads/heads/threshold.h, by hand."""
        values = [[[4, 1, math.nan], [3, 2, math.nan]]]
        for slug, statistic, share, expected in [
                ("ahon", "output_norm", 0, 1), ("ahon", "output_norm", 25, 1), ("ahon", "output_norm", 50, 2),
                ("ahon", "output_norm", 62.5, 2.5), ("ahon", "output_norm", 100, 4), ("awft", "first_weight", 0, 4),
                ("awft", "first_weight", 25, 3), ("awft", "first_weight", 37.5, 2.5), ("awft", "first_weight", 100, 1)]:
            scored = ih.Scored(stats_of(values, statistic), has_sinks=False)
            self.assertEqual(scored.threshold(f"{slug}@{share}%"), expected, (slug, share))
        at_it = ih.Scored(stats_of([[[math.nan, 0.1]]], "output_norm"), has_sinks=False)
        self.assertFalse(at_it.mask("ahon<0.1").any(), "strictly, as float32, and never a NaN")
        self.assertEqual(at_it.mask("ahon<0.2").tolist(), [[[False, True]]])

    def test_normalisers(self):
        """Zero gives NaN, also below a number that is not; a head that is not there is in no mean."""
        stats = np.zeros((1, 2, 3, 10), np.float32)
        stats[0, 0, :, 4:6] = [[1, 0], [0, 0], [3, 6]]
        stats[0, 1] = math.nan
        stats[0, 1, 0, 4:6] = [1, 2]
        stats[0, 1, 0, :4] = stats[0, 1, 0, 6:] = 0
        nan = math.nan
        scored = ih.Scored(stats, has_sinks=False)
        for slug, expected in [("lthon", [[1, 0, 3], [1, nan, nan]]), ("lthon_hn", [[nan, nan, 0.5], [0.5, nan, nan]]),
                               ("lthon_ln", [[0.5, 0, 1.5], [0.5, nan, nan]]), ("aeqd_ln", [[nan] * 3] * 2)]:
            np.testing.assert_array_equal(scored.scores(slug)[0], expected, slug)
        with self.assertRaisesRegex(ih.Error, "L1H2"):
            scored.mask("L1H2")  # a head that is not there
        with self.assertRaisesRegex(ih.Error, "L0H3 does not exist"):
            _core.Rule("L0H3").layer_mask(stats[0], 0)

    def test_needs_no_torch(self):
        self.assertNotIn("torch", sys.modules)


if __name__ == "__main__":
    unittest.main()
