"""Studies in Python against what the program exports of them, bad input, and figures.

Run by scripts/test_python.sh in the environment that has the package installed, with pandas, polars and matplotlib.
"""
import csv
import html
import json
import math
import re
import shutil
import sqlite3
import tempfile
import threading
import unittest
import warnings
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas
import polars

import idleheads as ih
from idleheads.plots import stroke_of_study
from program import ROOT, run

MODEL = ROOT / "models/SmolLM2-135M-Instruct.Q4_1.gguf"
QUESTIONS = ROOT / "examples/everyday_questions.jsonl"
STORED = ROOT / "tests/data/study"


def setUpModule():
    """A study with static masks, one of another model file that stops when it knows, and what is exported of the first."""
    global folder, first, second, exported
    place = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(place.cleanup)
    folder = Path(place.name)
    first, second = folder / "first.db", folder / "second.db"
    common = [MODEL, "--task", QUESTIONS, "--limit", 40, "--scores", "ahon_ln,awft,random"]
    run("study", *common, "--shares", "0,10,20", "--static", "-o", first)
    run("study", *common, "--shares", "0,20", "--dtype", "f32", "-o", second)
    run("export", first, "--csv", "-o", folder / "csv")
    run("export", first, "--npz", "-o", folder / "first.npz")
    exported = json.loads(run("export", first, "--json"))


def table_of(name):
    with open(folder / "csv" / f"{name}.csv", newline="") as file:
        return list(csv.DictReader(file))


def same_cell(value, text):
    """A value from Python and a cell of CSV, where text that a spreadsheet would run has ' before it."""
    if value is None:
        return text == ""
    if isinstance(value, str):
        return value == text or "'" + value == text
    return float(text) == value or np.float32(text) == np.float32(value)


class Tables(unittest.TestCase):
    def test_equal_csv(self):
        study = ih.Study(first)
        for name in ("curves", "shares", "heads", "documents", "static"):
            rows, expected = getattr(study, name)(frame="dicts"), table_of(name)
            self.assertGreater(len(rows), 0, name)
            self.assertEqual(len(rows), len(expected), name)
            for row, cells in zip(rows, expected):
                self.assertEqual(list(row), list(cells))
                for column, value in row.items():
                    self.assertTrue(same_cell(value, cells[column]), (name, column, value, cells[column]))

    def test_subjects(self):
        rows = ih.Study(first).subjects("dicts")
        self.assertEqual([row["name"] for row in rows], [row["name"] for row in exported["subjects"]])
        for row, expected in zip(rows, exported["subjects"]):
            self.assertEqual([row["depth"], row["questions"], row["accuracy"], row["stderr"]],
                             [expected["depth"], *(expected["accuracy"]["acc"][key] for key in ("n", "value", "stderr"))])

    def test_decisions(self):
        """Of a study that has not all results, on the way."""
        cut = folder / "cut.db"
        cut_short(first, cut)
        study = ih.Study(cut)
        self.assertFalse(study.complete)
        run("export", cut, "--csv", "-o", folder / "cut_csv")
        with open(folder / "cut_csv" / "decisions.csv", newline="") as file:
            expected = list(csv.DictReader(file))
        rows = study.decisions("dicts")
        self.assertGreater(len(rows), 0)
        self.assertEqual([[row["score"], row["decision"]] for row in rows], [[row["score"], row["decision"]] for row in expected])
        self.assertTrue(all(same_cell(row[column], cells[column]) for row, cells in zip(rows, expected) for column in cells))
        self.assertEqual(ih.Study(first).decisions("dicts"), [])

    def test_one_score(self):
        study = ih.Study(first)
        rows = study.heads("awft", frame="dicts")
        self.assertEqual(len(rows), 270)
        self.assertEqual(rows, [row for row in study.heads(frame="dicts") if row["score"] == "awft"])

    def test_frames(self):
        study = ih.Study(first)
        in_pandas, in_polars, rows = study.curves(), study.curves("polars"), study.curves("dicts")
        self.assertIsInstance(in_pandas, pandas.DataFrame)
        self.assertIsInstance(in_polars, polars.DataFrame)
        self.assertEqual(list(in_pandas.columns), list(rows[0]))
        self.assertEqual(in_polars.to_dicts(), rows)
        np.testing.assert_array_equal(in_pandas["threshold"], [math.nan if row["threshold"] is None else row["threshold"] for row in rows])
        self.assertEqual(in_pandas["lost"].dtype, float, "None is NaN")
        self.assertEqual(study.static()["kl_bound"].dtype, float, "without any value")
        self.assertEqual(study.static("polars").height, len(table_of("static")))
        self.assertEqual(len(ih.Study(second).static()), 0)
        with self.assertRaisesRegex(ValueError, "frame 'arrow': expected 'pandas', 'polars' or 'dicts'"):
            study.curves("arrow")


def cut_short(source, target):
    """The study without half of the results of an intervention."""
    shutil.copy(source, target)
    with sqlite3.connect(target) as file:
        file.execute("DELETE FROM results WHERE intervention = 3 AND document >= 20")
    file.close()


class Numbers(unittest.TestCase):
    def test_attributes(self):
        study = ih.Study(first)
        self.assertEqual((study.model, study.task, study.shape, study.scores, study.complete),
                         (MODEL.name, "everyday_questions", (30, 9), ("ahon_ln", "awft", "random"), True))
        self.assertEqual(study.settings, exported["settings"])
        self.assertRegex(repr(study), r"^<idleheads\.Study '.*first\.db': SmolLM2\S+ on everyday_questions, 40 documents, 30 layers x 9 "
                                      r"heads, 3 scores>$")
        self.assertIn("can be off", str(study))

    def test_arrays_equal_npz(self):
        study, arrays = ih.Study(first), np.load(folder / "first.npz")
        self.assertEqual((study.stats().dtype, study.stats().shape[1:]), (np.float32, (30, 9, 10)))
        np.testing.assert_array_equal(study.stats(), arrays["stats"])
        samples = study.samples("dicts")
        self.assertEqual([row["document"] for row in samples], arrays["sample_document"].tolist())
        self.assertEqual([row["sample"] for row in samples], arrays["sample_number"].tolist())
        rules = arrays["intervention_rule"].tolist()
        for row in study.curves("dicts")[1:]:
            name = f"{row['score']}@{100 * row['share']:g}%"
            number = next(i for i, (score, share) in enumerate(zip(arrays["intervention_score"], arrays["intervention_share"]))
                          if (score, share) == (row["score"], row["share"]))
            masks = study.masks(name)
            self.assertEqual(masks.dtype, bool)
            np.testing.assert_array_equal(masks, arrays[f"masks_{number}"].astype(bool))
            self.assertAlmostEqual(100 * masks.mean(), row["percent_zeroed"], places=9)
            np.testing.assert_array_equal(study.masks(rules[number]), masks)
        self.assertEqual(study.mask_rows("awft@20%", "dicts"), [{"document": row["document"], "passes": 1} for row in samples])

    def test_xarray(self):
        study = ih.Study(first)
        data = study.to_xarray()
        self.assertEqual((list(data.sizes), set(data)), (["sample", "layer", "head"], {*ih.STATISTICS, "ahon_ln", "awft"}))
        np.testing.assert_array_equal(data["ahon_ln"].values, study.score("ahon_ln"))
        np.testing.assert_array_equal(data["entropy"].values, study.stats()[..., ih.STATISTICS.index("entropy")])
        of_last = data.where(data["document"] == study.samples("dicts")[-1]["document"], drop=True)
        np.testing.assert_array_equal(of_last["awft"].values[-1], study.score("awft")[-1])
        self.assertEqual(set(study.to_xarray(["avvn"])), {*ih.STATISTICS, "avvn"})

    def test_scores_equal_csv(self):
        study, rows = ih.Study(first), table_of("scores")
        for slug in ("awft", "ahon_ln", "lthon_hn"):
            expected = np.array([row[slug] or "nan" for row in rows], np.float32)
            np.testing.assert_array_equal(study.score(slug).ravel(), expected)

    def test_json(self):
        self.assertEqual(ih.Study(first).to_dict() | {"program": ""}, exported | {"program": ""})

    def test_terms(self):
        """What the options of the program do, and the seed, which is the program's by default."""
        strict = ih.Study(first, within=0.5, confidence=0.8).shares("dicts")
        run("export", first, "--csv", "--within", 0.5, "--confidence-level", 80, "-o", folder / "strict")
        with open(folder / "strict/shares.csv", newline="") as file:
            for row, cells in zip(strict, csv.DictReader(file)):
                self.assertTrue(all(same_cell(row[column], cells[column]) for column in cells))
        self.assertNotEqual(strict, ih.Study(first).shares("dicts"))
        draws = [ih.Study(first, seed=seed).curves("dicts") for seed in (1234, 1234, 5)]
        self.assertEqual(draws[0], draws[1])
        self.assertNotEqual(draws[0], draws[2])
        self.assertEqual(ih.Study(first).curves("dicts"), draws[0])

    def test_report(self):
        study = ih.Study(first)
        page = study.report()
        self.assertRegex(page, "(?i)^<!doctype html>")
        shown = re.search('<iframe srcdoc="([^"]*)" sandbox="allow-scripts allow-downloads"', study._repr_html_())
        self.assertEqual(html.unescape(shown[1]), page)
        self.assertGreater(study.report(ih.Study(second)).count("second.db"), 0)

    def test_two_threads(self):
        study = ih.Study(first)
        expected, seen = study.curves("dicts"), []
        threads = [threading.Thread(target=lambda: seen.append(study.curves("dicts"))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(seen, [expected] * 2)


class Comparisons(unittest.TestCase):
    def test_equal_program(self):
        comparison = ih.compare([ih.Study(first), ih.Study(second), ih.Study(first)])
        expected = json.loads(run("compare", first, second, first, "--json"))
        self.assertEqual(comparison.to_dicts(), expected)
        self.assertIn(run("compare", first, second).split("\n\n")[0], str(comparison))
        scores = comparison.scores("dicts")
        self.assertEqual([(row["other"], row["score"], row["ks"]) for row in scores],
                         [(number, row["score"], row["ks"]) for number, part in enumerate(expected, 1) for row in part["scores"]])
        self.assertEqual([(row["inactive_first"], row["inactive_other"]) for row in scores],
                         [tuple(row["largest_inactive_percent"]) for part in expected for row in part["scores"]])
        self.assertEqual([row["ks"] for row in comparison.layers("dicts") if (row["other"], row["score"]) == (1, "awft")],
                         [layer["ks"] for layer in expected[0]["scores"][0]["layers"]])
        self.assertEqual([row["off_in_both"] for row in comparison.changed_heads("dicts")],
                         [row["off_in_both"] for part in expected for row in part["changed_heads"]])
        self.assertEqual(comparison.overview()["documents"].tolist(), [40, 40])


class BadInput(unittest.TestCase):
    def refused(self, message, call, *arguments, kind=ih.Error, **named):
        with self.assertRaisesRegex(kind, message):
            call(*arguments, **named)

    def test_files(self):
        text = folder / "text.db"
        text.write_text("no study\n" * 100)
        newer, damaged = folder / "newer.db", folder / "damaged.db"
        shutil.copy(first, newer)
        with sqlite3.connect(newer) as file:
            file.execute("PRAGMA user_version = 99")
        file.close()
        damaged.write_bytes(first.read_bytes()[:20000])
        self.refused("missing.db", ih.Study, folder / "missing.db")
        self.refused("text.db", ih.Study, text)
        self.refused("newer", ih.Study, newer)
        self.refused("damaged.db", ih.Study, damaged)
        self.refused("", ih.Study, folder)
        self.refused("", ih.Study, 5, kind=TypeError)

    def test_gone(self):
        gone = folder / "gone.db"
        shutil.copy(first, gone)
        study = ih.Study(gone)
        gone.unlink()
        self.refused("gone.db", study.curves)
        self.refused("gone.db", study.stats)

    def test_replaced(self):
        """By a study of another model, of another shape."""
        place = folder / "replaced.db"
        shutil.copy(first, place)
        study = ih.Study(place)
        shutil.copy(STORED / "version6.study", place)
        self.assertEqual(study.stats().shape, (24, 3, 7, 10))
        self.assertEqual(study.score("awft").shape, (24, 3, 7))
        self.assertEqual(study.masks("ahon_ln@5%").shape, (24, 3, 7))
        self.assertEqual(study.plot_heatmap("ahon_ln").images[0].get_array().shape, (3, 7))

    def test_being_written(self):
        """A writer at work is not in the way, and what it has not finished is not seen."""
        busy = folder / "busy.db"
        shutil.copy(first, busy)
        writer = sqlite3.connect(busy, isolation_level=None)
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM results")
        self.assertEqual(ih.Study(busy).curves("dicts"), ih.Study(first).curves("dicts"))
        writer.execute("ROLLBACK")
        writer.close()

    def test_older_schemas(self):
        for version in range(1, 7):
            self.assertEqual(ih.Study(STORED / f"version{version}.study").stats().shape, (24, 3, 7, 10))

    def test_arguments(self):
        study = ih.Study(first)
        for named, message in [(dict(within=0), "within 0"), (dict(within=math.nan), "within nan"), (dict(within=101), "within 101"),
                               (dict(confidence=95), "confidence 95"), (dict(confidence=0.3), "confidence 0.3"),
                               (dict(within_kl=-1), "within_kl -1")]:
            self.refused(message, ih.Study, first, **named)
        self.refused("", ih.Study, first, seed=-1, kind=TypeError)
        self.refused("", ih.Study, first, within="1", kind=TypeError)
        self.refused("ahon_lm", study.score, "ahon_lm")
        self.refused("random", study.score, "random")
        self.refused("tested at", study.masks, "ahon_ln@15%")
        self.refused("ahon_ln@15%", study.masks, "L0H1")
        self.refused("no heads of it", study.heads, "sink")
        self.refused("random", study.plot_heatmap, "random")
        self.refused("avvn", study.plot_curves, ["avvn"])
        self.refused("no curve", ih.plot_curves, [study], "avvn")
        self.refused("0 studies", ih.plot_cdf, [], "awft")
        self.refused("expected studies", ih.plot_cdf, ["first.db"], "awft", kind=TypeError)
        self.refused("1 studies: expected 2", ih.compare, [study])
        self.refused("different tasks", ih.compare, [study, ih.Study(STORED / "version6.study")])


class Figures(unittest.TestCase):
    def tearDown(self):
        plt.close("all")

    def test_files(self):
        study = ih.Study(first)
        beginnings = {".svg": b"<?xml", ".pdf": b"%PDF", ".png": b"\x89PNG"}
        for ending, beginning in beginnings.items():
            path = folder / f"figure{ending}"
            for draw in (lambda: study.plot_curves(path=path), lambda: study.plot_heatmap("ahon_ln", path=path),
                         lambda: study.plot_heatmap("ahon_ln@20%", path=path), lambda: study.plot_cdf("awft", path=path),
                         lambda: ih.plot_cdf([study, ih.Study(second)], "awft", path=path),
                         lambda: ih.plot_curves([study, ih.Study(second)], "ahon_ln", path=path)):
                draw()
                self.assertTrue(path.read_bytes().startswith(beginning))
                path.unlink()
        with self.assertRaises(ValueError):
            study.plot_cdf("awft", path=folder / "figure.xyz")

    def test_curves(self):
        study = ih.Study(first)
        lines = {line.get_label(): line for line in study.plot_curves().get_lines()}
        for slug in study.scores:
            rows = sorted((row for row in study.curves("dicts") if row["score"] == slug), key=lambda row: row["percent_zeroed"])
            np.testing.assert_allclose(lines[slug].get_xdata(), [row["percent_zeroed"] for row in rows], rtol=1e-12)
            np.testing.assert_allclose(lines[slug].get_ydata(), [100 * row["accuracy"] for row in rows], rtol=1e-12)
        baseline = 100 * study.curves("dicts")[0]["accuracy"]
        self.assertEqual(lines["all heads on"].get_ydata()[0], baseline)
        self.assertAlmostEqual(lines["all heads on − 1"].get_ydata()[0], baseline - 1)

    def test_looks_of_studies(self):
        looks = [str(sorted(stroke_of_study(number).items())) for number in range(18)]
        self.assertEqual(len(set(looks)), 18)

    def test_bands(self):
        """The interval of the difference, at the level of all heads on."""
        study = ih.Study(first)
        ax = study.plot_curves(["ahon_ln"])
        rows = [row for row in study.curves("dicts") if row["score"] == "ahon_ln"]
        baseline = 100 * study.curves("dicts")[0]["accuracy"]
        corners = ax.collections[0].get_paths()[0].vertices
        for row in rows:
            at = corners[np.isclose(corners[:, 0], row["percent_zeroed"])][:, 1]
            self.assertAlmostEqual(at.min(), baseline + row["difference_low"])
            self.assertAlmostEqual(at.max(), baseline + row["difference_high"])

    def test_curves_on_the_way(self):
        cut = folder / "cut_curves.db"
        cut_short(first, cut)
        study = ih.Study(cut)
        lines = {line.get_label(): line for line in study.plot_curves(["awft"]).get_lines()}
        baseline = 100 * study.curves("dicts")[0]["accuracy"]
        losses = {row["percent_off"]: row["loss"] for row in study.decisions("dicts") if row["score"] == "awft"}
        for percent, value in zip(lines["awft"].get_xdata(), lines["awft"].get_ydata()):
            self.assertAlmostEqual(value, baseline - losses[percent])

    def test_heat_maps(self):
        study = ih.Study(first)
        means = next(row["mean"] for row in exported["distributions"] if row["score"] == "ahon_ln")
        np.testing.assert_array_equal(study.plot_heatmap("ahon_ln").images[0].get_array(), means)
        np.testing.assert_allclose(study.plot_heatmap("ahon_ln@20%").images[0].get_array(), 100 * study.masks("ahon_ln@20%").mean(0))

    def test_distributions(self):
        """A line passes through the share of the scores at or below it; 1,001 points of it, so up to 0.1 % beside that."""
        study = ih.Study(first)
        line = study.plot_cdf("ahon_ln").get_lines()[0]
        scores = np.sort(study.score("ahon_ln").ravel())
        for value, percent in zip(line.get_xdata()[::100], line.get_ydata()[::100]):
            self.assertLess(abs(100 * np.searchsorted(scores, value, "right") / len(scores) - percent), 0.1)
        both = ih.plot_cdf([study, ih.Study(second)], "ahon_ln")
        self.assertEqual([text.get_text() for text in both.get_legend().get_texts()],
                         [f"{MODEL.name} (first.db)", f"{MODEL.name} (second.db)"])

    def test_nothing_off(self):
        """A study of statistics alone has distributions and means, and no curve."""
        only = folder / "only.db"
        run("score", MODEL, "--task", QUESTIONS, "--limit", 10, "-o", only)
        study = ih.Study(only)
        self.assertEqual((study.scores, study.shares("dicts"), len(study.curves())), ((), [], 1))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            study.plot_heatmap("ahon_ln")
            study.plot_cdf("ahon_ln")
            study.plot_cdf("sink")  # 0 everywhere
        for refused in (study.plot_curves, lambda: study.plot_heatmap("ahon_ln@5%"), lambda: study.masks("ahon_ln@5%")):
            with self.assertRaisesRegex(ih.Error, "no curve|no result"):
                refused()

    def test_into_axes(self):
        """Several figures in one."""
        study = ih.Study(first)
        figure, axes = plt.subplots(1, 2)
        self.assertIs(study.plot_curves(ax=axes[0]), axes[0])
        self.assertIs(study.plot_cdf("awft", ax=axes[1]), axes[1])
        part = plt.figure().subfigures(1, 2)[0].subplots()
        study.plot_cdf("awft", ax=part, path=folder / "part.png")
        self.assertTrue((folder / "part.png").exists())


if __name__ == "__main__":
    unittest.main()
