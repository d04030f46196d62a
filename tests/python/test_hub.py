"""Fetching in Python, from a Hub that this machine plays.

Run by scripts/test_python.sh in the environment that has the package installed.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import idleheads as ih
from program import ROOT

DATA = ROOT / "tests/data"


class Hub(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.folder = Path(place.name)
        model = self.folder / "repos/models/org/tiny/main"
        model.mkdir(parents=True)
        for name in ("config.json", "model.safetensors"):
            shutil.copy(DATA / "golden/families/qwen3" / name, model)
        shutil.copytree(DATA / "task_samples/parquet/gsm8k/main", self.folder / "repos/datasets/openai/gsm8k/main/main")
        hub = subprocess.Popen([sys.executable, ROOT / "tests/support/play_hub.py", self.folder], stdin=subprocess.PIPE)
        self.addCleanup(hub.wait)
        self.addCleanup(hub.stdin.close)
        while not (self.folder / "address").exists():
            time.sleep(0.01)
        before = dict(os.environ)
        self.addCleanup(os.environ.update, before)
        os.environ.update(HF_ENDPOINT=(self.folder / "address").read_text(), HF_HOME=str(self.folder / "home"), no_proxy="*")
        for name in ("HF_HUB_OFFLINE", "HF_HUB_CACHE", "TRANSFORMERS_OFFLINE"):
            os.environ.pop(name, None)

    def test_a_model_is_fetched_and_opened(self):
        seen = []
        folder = ih.fetch_model("org/tiny", progress=seen.append)
        self.assertTrue((folder / "config.json").is_file())
        with ih.Model("org/tiny") as model:
            self.assertEqual(model.family, "qwen3")
        self.assertTrue(seen and all(0 <= share <= 1 for share in seen), seen)

    def test_the_data_of_a_task(self):
        folder = ih.fetch_task("gsm8k", progress=False)
        self.assertEqual(folder.parent.parent.name, "datasets--openai--gsm8k")
        self.assertTrue(list(folder.glob("main/test-*.parquet")))

    def test_refusals(self):
        with self.assertRaisesRegex(ih.Error, "no such model"):
            ih.fetch_model("org/other")
        with self.assertRaisesRegex(ih.Error, "has no revision 'v9'"):
            ih.fetch_model("org/tiny", revision="v9")
        with self.assertRaisesRegex(ih.Error, "did you mean 'piqa'"):
            ih.fetch_task("piqqa")

    def test_what_progress_raises_stops_it(self):
        def stop(_):
            raise RuntimeError("enough")
        with self.assertRaisesRegex(RuntimeError, "enough"):
            ih.fetch_model("org/tiny", progress=stop)


if __name__ == "__main__":
    unittest.main()
