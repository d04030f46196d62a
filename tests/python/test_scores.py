"""Rules and thresholds of python/idleheads, by hand; needs numpy alone.

Run by scripts/test_python.sh.
"""
import math
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))

import numpy as np

from idleheads import _scores


class ScoresTest(unittest.TestCase):
    def test_rules(self):
        cases = [("ahon_lm<1", "unknown score 'ahon_lm'"), ("random<1", "random"), ("ahon>1", "write ahon<"),
                 ("awft<1", "write awft>"),
                 ("ahon_ln", "ahon_ln<NUMBER"), ("mass=0.3", "mass>NUMBER"), ("ahon<", "'' is not a number"),
                 ("ahon<nan", "'nan'"),
                 ("ahon< 1", "' 1' is not"), ("ahon<1_0", "not a number"), ("ahon<=1", "'=1'"), ("ahon@15", "percent"),
                 ("ahon@101%", "percent"), ("ahon@-1%", "percent"), ("ahon@nan%", "percent"), ("L1", "not a head"),
                 ("L1H", "not a head"),
                 ("L1H2,", "not a head"), ("1.H2x", "not a head"), ("L1H\u0662", "not a head"), ("", "unknown score ''")]
        for text, message in cases:
            with self.subTest(text), self.assertRaisesRegex(ValueError, message):
                _scores.parse_rule(text)
        for text, expected in [("L5H3,l5.h3,0-1,7.0", "L0H1,L5H3,L7H0"), ("none", "none"), ("ahon_ln<0.52", "ahon_ln<0.52"),
                               ("awft>1e-3", "awft>0.001"), ("ahon<inf", "ahon<inf"), ("ahon_ln@12.5%", "ahon_ln@12.5%")]:
            self.assertEqual(str(_scores.parse_rule(text)), expected)

    def test_thresholds(self):
        """src/heads/threshold.h, by hand."""
        below, above = _scores.SCORES["ahon"], _scores.SCORES["awft"]
        values = np.array([[4, 1, math.nan], [3, 2, math.nan]], np.float32)
        for score, share, expected in [(below, 0, 1), (below, 0.25, 1), (below, 0.5, 2), (below, 0.625, 2.5), (below, 1, 4),
                                       (above, 0, 4), (above, 0.25, 3), (above, 0.375, 2.5), (above, 1, 1)]:
            self.assertEqual(_scores.threshold_for_share(score, values, share), expected, (score.slug, share))
        wide = np.array([1, 2, math.inf], np.float32)
        self.assertEqual(_scores.threshold_for_share(below, wide, 0.8), math.inf)
        with self.assertRaisesRegex(ValueError, "no value"):
            _scores.threshold_for_share(below, np.array([math.nan], np.float32), 0.5)
        at_it = np.array([math.nan, 0.1], np.float32)
        self.assertFalse(_scores.is_inactive(below, at_it, 0.1).any(), "strictly, as float32, and never a NaN")

    def test_normalisers(self):
        """Zero gives NaN, also below a number that is not; a head that is not there is in no mean."""
        stats = np.zeros((2, 3, 10), np.float32)
        stats[0, :, 4:6] = [[1, 0], [0, 0], [3, 6]]
        stats[1] = math.nan
        stats[1, 0, 4:6] = [1, 2]
        stats[1, 0, :4] = 0
        nan = math.nan
        for slug, expected in [("lthon", [[1, 0, 3], [1, nan, nan]]), ("lthon_hn", [[nan, nan, 0.5], [0.5, nan, nan]]),
                               ("lthon_ln", [[0.5, 0, 1.5], [0.5, nan, nan]]), ("aeqd_ln", [[nan] * 3] * 2)]:
            np.testing.assert_array_equal(_scores.compute_scores(_scores.SCORES[slug], stats), expected, slug)

    def test_needs_no_torch(self):
        self.assertNotIn("torch", sys.modules)


if __name__ == "__main__":
    unittest.main()
