"""Studies and evaluations of an open model in Python against what the program gives, stops, and bad input.

Run by scripts/test_python.sh in the environment that has the package installed.
"""
import json
import shutil
import tempfile
import threading
import unittest
import warnings
from pathlib import Path

import numpy as np

import idleheads as ih
from program import ROOT, run

DATA = ROOT / "tests/data"


def setUpModule():
    """The golden llama with the tiny tokenizer, and questions."""
    global folder, tiny, questions, model
    place = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(place.cleanup)
    folder = Path(place.name)
    tiny, questions = folder / "tiny", folder / "even.jsonl"
    shutil.copytree(DATA / "golden/tiny/llama", tiny)
    for file in (DATA / "tiny_tokenizer").glob("tokenizer*.json"):
        shutil.copy(file, tiny)
    lines = [{"question": f"Is {7 * i} even?", "choices": ["yes", "no"], "answer": i % 2} for i in range(12)]
    questions.write_text("".join(json.dumps(line) + "\n" for line in lines))
    model = ih.Model(tiny, dtype="f32", threads=2)
    unittest.addModuleCleanup(model.close)


class Studies(unittest.TestCase):
    def test_as_the_program(self):
        theirs = folder / "program.db"
        run("study", tiny, "--task", questions, "--scores", "ahon_ln,random", "--shares", "10,30", "--dtype", "f32", "--static", "-o", theirs)
        ours = ih.study(model, questions, folder / "python.db", scores=["ahon_ln", "random"], shares=[10, 30], static=True,
                        progress=False)
        theirs = ih.Study(theirs)
        self.assertTrue(ours.complete)
        for table in ("curves", "static", "documents"):
            self.assertEqual(getattr(ours, table)("dicts"), getattr(theirs, table)("dicts"), table)
        np.testing.assert_array_equal(ours.stats(), theirs.stats())
        self.assertIn("Is 7 even?", ours.documents("dicts")[1]["excerpt"])
        def decide(study):
            return {name: value for name, value in study.settings.items() if not name.startswith("info.")}

        self.assertEqual(decide(ours), decide(theirs))

    def test_without_excerpts(self):
        file = folder / "private.db"
        private = ih.study(model, questions, file, baseline_only=True, excerpts=False, progress=False)
        self.assertNotIn("excerpt", private.documents("dicts")[0])
        self.assertNotIn(b"Is 7 even?", file.read_bytes())

    def test_goes_on_after_a_stop(self):
        file = folder / "stopped.db"
        asked = dict(scores="ahon_ln", shares="10,30", cohort_rows=1, store_every=1)

        def stop(share):
            raise RuntimeError("enough")

        with self.assertRaisesRegex(RuntimeError, "enough"):
            ih.study(model, questions, file, progress=stop, **asked)
        self.assertFalse(ih.Study(file).complete)
        study = ih.study(model, questions, file, progress=False, **asked)
        self.assertTrue(study.complete)
        whole = ih.study(model, questions, folder / "whole.db", progress=False, **asked)
        self.assertEqual(study.curves("dicts"), whole.curves("dicts"))
        with self.assertLogs("idleheads", "INFO") as log:
            ih.study(model, questions, file, progress=False, **asked)
        self.assertIn("is complete already", log.output[0])

    def test_baseline_alone(self):
        study = ih.study(model, questions, folder / "baseline.db", baseline_only=True, progress=False)
        self.assertEqual(study.scores, ())
        self.assertEqual(study.stats().shape, (24, model.layers, model.heads, 10))

    def test_refused(self):
        def refused(message, task=questions, **named):
            with self.assertRaisesRegex(ih.Error, message):
                ih.study(model, task, folder / "refused.db", progress=False, **named)

        refused("piqa", task="piqu")
        refused("none.jsonl: cannot open", task=folder / "none.jsonl")
        refused("ahon_ln", scores="ahon_l")
        refused("shares '50:10:5'", shares="50:10:5")
        refused("how a chat is made", multiturn=True)
        refused("^static: ", static=True, decide=True)
        with self.assertRaisesRegex(TypeError, "unknown argument 'shot'.*shots"):
            ih.study(model, questions, folder / "refused.db", shot=3)
        with self.assertRaises(TypeError):
            ih.study(model, questions, folder / "refused.db", shots="three")
        other = ih.Model(tiny, dtype="f32", threads=1)
        other.close()
        with self.assertRaisesRegex(ih.Error, "closed"):
            ih.study(other, questions, folder / "refused.db")

    def test_two_threads_one_file(self):
        """One writes, the other is refused; or both wait for the model, and the second finds everything done."""
        errors, file = [], folder / "threads.db"

        def work():
            try:
                ih.study(model, questions, file, scores="ahon_ln", shares="20", progress=False)
            except ih.Error as error:
                errors.append(str(error))

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertLessEqual(len(errors), 1)
        self.assertTrue(ih.Study(file).complete)


class Evaluations(unittest.TestCase):
    def test_as_the_program(self):
        mask = folder / "mask.json"
        mask.write_text('{"0": [0, 1]}')
        theirs = json.loads(run("eval", tiny, "--task", questions, "--dtype", "f32", "--ablate", "ahon_ln@25%", "--mask", mask, "--json"))
        ours = ih.evaluate(model, questions, "ahon_ln@25%", mask=mask, progress=False)
        self.assertEqual(ours.runs, theirs["runs"])
        self.assertIn("ablate L0H0,L0H1", str(ours))
        frame = ours.frame("dicts")
        self.assertEqual({row["ablate"] for row in frame}, {run["ablate"] for run in theirs["runs"]})
        self.assertEqual(frame[0]["n"], 12)
        plain, *others = ours.runs
        self.assertIsNone(plain["against_baseline"])
        for one in others:
            difference = one["against_baseline"]
            value, before = (run["results"][0]["acc"]["value"] for run in (one, plain))
            self.assertAlmostEqual(difference["difference"], 100 * (value - before))
            self.assertEqual(difference["changed"] >= difference["won"] + difference["lost"], True)
        alone = ih.evaluate(model, questions, "ahon_ln@25%", mask=mask, baseline=False, progress=False)
        self.assertEqual([run["results"] for run in alone.runs], [run["results"] for run in others])

    def test_files(self):
        result = ih.evaluate(model, [questions], output=folder / "out", progress=False)
        self.assertEqual(len(result.files), 1)
        self.assertIn("results", json.loads(Path(result.files[0]).read_text()))
        self.assertTrue(list((folder / "out").rglob("samples_*.jsonl")))

    def test_long_prompts_warn(self):
        long = folder / "long.jsonl"
        long.write_text(json.dumps({"question": "why " * 2000, "choices": ["a", "b"], "answer": 0}) + "\n")
        with ih.Model(tiny, dtype="f32", threads=1, context=64) as short, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            ih.evaluate(short, long, progress=False)
        self.assertIn("lost their beginning", str(caught[0].message))

    def test_refused(self):
        for message, arguments in (("ahon_ln", ["ahon_ln"]), ("L9H0", ["L9H0"])):
            with self.assertRaisesRegex(ih.Error, message):
                ih.evaluate(model, questions, arguments, progress=False)
        with self.assertRaisesRegex(ih.Error, "at least one"):
            ih.evaluate(model, [], progress=False)
        with self.assertRaisesRegex(ih.Error, "none.json"):
            ih.evaluate(model, questions, mask=folder / "none.json", progress=False)


if __name__ == "__main__":
    unittest.main()
