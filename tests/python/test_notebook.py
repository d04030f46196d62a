"""The notebook of examples runs from its first cell to its last, and makes what it says.

Run by scripts/test_python.sh in the environment that has the package installed, with nbclient and ipykernel.
"""
import shutil
import tempfile
import unittest
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from program import ROOT


class Notebook(unittest.TestCase):
    def test_first_figures(self):
        notebook = nbformat.read(ROOT / "examples/first_figures.ipynb", as_version=4)
        self.assertFalse(any(cell.get("outputs") for cell in notebook.cells), "committed without outputs")
        with tempfile.TemporaryDirectory() as place:
            examples = Path(place) / "examples"
            examples.mkdir()
            (Path(place) / "models").symlink_to(ROOT / "models")
            shutil.copy(ROOT / "examples/everyday_questions.jsonl", examples)
            NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(examples)}}).execute()
            for made in ("first_figures.db", "curves.svg", "curves.csv", "report.html"):
                self.assertGreater((examples / made).stat().st_size, 0, made)
        shown = [output.data for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output]
        self.assertEqual(sum("image/png" in data for data in shown), 4)
        pages = [data["text/html"] for data in shown if "text/html" in data]
        self.assertEqual(["<iframe" in page for page in pages], [False, False, True], "two frames and the report")


if __name__ == "__main__":
    unittest.main()
