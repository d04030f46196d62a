"""What the installed package refuses, and what ends a run: bad input, closed models, several threads, Ctrl-C.

Run by scripts/test_python.sh with the package in an environment of its own; nothing is imported from the source folder.
"""
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from unittest import mock

import numpy as np

import idleheads as ih

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "tests/data/golden/families/llama_bias"
CHAT = ROOT / "models/SmolLM2-135M-Instruct.Q4_1.gguf"
PROMPTS = [[97, 3, 12], [5, 17, 3, 44, 9, 30, 21, 8]]


class RefusalTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = ih.Model(TINY, dtype="f32", threads=2)

    def refused(self, message, function, *arguments, **named):
        with self.assertRaisesRegex(ih.Error, message):
            function(*arguments, **named)

    def test_error(self):
        self.assertTrue(issubclass(ih.Error, ValueError))
        self.assertEqual(f"{ih.Error.__module__}.{ih.Error.__qualname__}", "idleheads.Error")
        self.assertEqual(str(pickle.loads(pickle.dumps(ih.Error("of a worker")))), "of a worker")

    def test_models(self):
        self.refused("no/such", ih.Model, "no/such")
        self.refused("dtype 'f16'", ih.Model, TINY, dtype="f16")
        self.refused("tpu", ih.Model, TINY, device="tpu")
        for name in ("threads", "context", "memory", "gpu_memory"):
            self.refused(f"{name} -1", ih.Model, TINY, **{name: -1})
        self.refused("memory", ih.Model, TINY, memory=1)
        with self.assertRaises(TypeError):
            ih.Model(3)
        with tempfile.NamedTemporaryFile(suffix=".gguf") as file:
            file.write(b"GGUF, or rather not")
            file.flush()
            self.refused("gguf", ih.Model, file.name)

    def test_prompts(self):
        score = ih.score
        self.refused("no prompt", score, self.model, [])
        self.refused("no prompt", score, self.model, np.zeros((0, 3), int))
        self.refused("prompt 0: no tokens", score, self.model, [[]])
        self.refused("prompt 1: no tokens", score, self.model, [[1], np.array([], int)])
        self.refused("prompt 0: token ids are integers, these are float64", score, self.model, [[1.5, 2]])
        self.refused("integers, these are float32", score, self.model, np.ones(3, np.float32))
        self.refused("integers, these are bool", score, self.model, [[True, False]])
        self.refused("integers, these are complex128", score, self.model, [np.ones(2, complex)])
        self.refused("integers, these are <U1", score, self.model, [["a", "b"], ["c"]])
        self.refused("integers, these are object", score, self.model, [[1, None]])
        self.refused("integers, these are object", score, self.model, [[1, 2**70]])
        self.refused("one list of integers", score, self.model, [[[1, 2], [3]]])  # ragged
        self.refused("one list of integers", score, self.model, [[1, [2, 3]]])
        self.refused("2 dimensions", score, self.model, np.ones((2, 2, 2), int))
        self.refused("0 dimensions", score, self.model, [None])
        self.refused("this is NoneType", score, self.model, None)
        self.refused("this is dict", score, self.model, {"role": "user", "content": "Hello"})
        for ids in ([4, -1], [256], [4, 2**40], np.array([2**63 + 1], np.uint64)):
            self.refused(r"prompt 1: -?\d+ is not a token id \(0 to 255\)", score, self.model, [[3], ids])
        self.refused("context is", score, self.model, [[1] * (self.model.context + 1)])
        self.refused("tokenizer", score, self.model, "text, and a model without a tokenizer")
        self.refused("tokenizer", ih.generate, self.model, [[1]])
        self.refused("chat template", score, self.model, [{"role": "user", "content": "Hello"}])
        for message in ({"role": "user"}, {"role": "user", "content": 3}, {"role": "user", "content": "x", "name": "y"}, "text"):
            self.refused("a chat message has", self.model.chat, [message])
        with self.assertRaises((TypeError, UnicodeEncodeError)):
            self.model.encode("\udcff")
        with self.assertRaises(TypeError):
            self.model.encode(b"bytes")
        with ih.Model(CHAT) as model:
            for ids in ([-1], [10**6]):
                self.refused("not a token id", model.decode, ids)
            self.refused("prompt 0: no tokens", score, model, [""])

    def test_rules(self):
        for rule, message in [("ahon_lm<1", "unknown score 'ahon_lm'"), ("ahon>1", "write ahon<"), ("", "unknown score"),
                              ("ahon<nan", "not a number"), ("ahon_ln@101%", "percent"), ("ahon_ln@15", "percent"),
                              ("L9H0", "L9H0 does not exist"), ("L0H6", "L0H6 does not exist"), ("L1H2,", "not a head"),
                              ("sink>0.5", "sink"), ("sink@5%", "sink"), ("no/such.json", "no/such.json"), (3, "int is no rule"),
                              (np.zeros((3, 6)), "this is float64"), (np.zeros((2, 3, 6), bool), r"\[2, 3, 6\]"),
                              (np.ones((4, 6), bool), "does not exist"), ({5: [1]}, "does not exist"), ({"a": [1]}, "layer: .heads.. with numbers"), ({1: 2}, "layer: .heads.."), ({1: [-1]}, "not below"),
                              (None, "NoneType is no rule")]:
            with self.subTest(rule):
                self.refused(message, ih.run, self.model, PROMPTS, [rule])
        scored = ih.score(self.model, PROMPTS)
        self.refused("unknown score 'ahon_l'", scored.scores, "ahon_l")
        self.refused("no learned sinks", scored.scores, "sink")
        self.refused("has no threshold", scored.threshold, "L0H1")
        self.refused("L3H0", scored.mask, "L3H0")
        self.refused("axis has 7", ih.Scored(np.zeros((1, 2, 3, 7), np.float32), False).scores, "ahon")
        self.refused("there are none", ih.Scored(np.zeros((0, 2, 3, 10), np.float32), False).mask, "L0H0")
        self.refused("all are NaN", ih.Scored(np.full((1, 2, 3, 10), np.nan, np.float32), False).threshold, "ahon@5%")
        with self.assertRaises(TypeError):
            ih.Scored("stats", False).scores("ahon")
        with self.assertRaises(TypeError):
            ih.Scored(np.zeros((2, 3, 10), np.float32), False).scores("ahon")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "m.json")
            file.write_text('{"0": [1')
            self.refused("m.json", ih.run, self.model, PROMPTS, file)

    def test_attention(self):
        for heads, message in [("L0", "'L0' is not a head"), ("", "'' is not a head"), (["L1H2,L0H0"], "not a head"),
                               ("L0H6", "L0H6 does not exist"), ([(3, 0)], "L3H0 does not exist"), ([(-1, 0)], "L-1H0' is not a head"),
                               ((1, 2), "1 is no head; expected .layer, head."), ([(1, 2, 3)], "is no head"), ([(1.0, 2)], "is no head"),
                               ([None], "None is no head"), (3, "int names no heads"), ({"L0H0": 1}, "dict names no heads")]:
            with self.subTest(heads):
                self.refused(message, ih.score, self.model, PROMPTS, attention=heads)
                self.refused(message, ih.run, self.model, PROMPTS, attention=heads)
        with ih.Model(CHAT, memory="600MiB") as model:
            self.refused("attention patterns take", ih.score, model, [[1] * 2000] * 30, attention=["L0H0", "L1H0"])

    def test_continuations(self):
        self.refused("2 prompts, but 1 continuations", ih.run, self.model, PROMPTS, (), [[1]])
        self.refused("continuation 1: no tokens", ih.run, self.model, PROMPTS, (), [[1], []])
        self.refused("continuation 1: 256 is not", ih.run, self.model, PROMPTS, (), [[1], [256]])
        self.refused("no prompt", ih.run, self.model, [], (), [])
        self.refused("continuation 0: no tokens", self.model.loglikelihood, [([1], [])])
        self.refused("prompt 0: no tokens", self.model.loglikelihood, [([], [1])])
        self.refused("list is no rule", self.model.loglikelihood, [([1], [1])], ["L0H0", "L0H1"])
        self.refused("max_new_tokens 0", ih.generate, self.model, PROMPTS, max_new_tokens=0)

    def test_libraries_that_are_not_there(self):
        scored = ih.score(self.model, PROMPTS)
        hidden = dict.fromkeys(("pandas", "polars", "xarray"))
        with mock.patch.dict(sys.modules, hidden):
            for name in hidden:
                self.refused(f"pip install {name}", getattr(scored, f"to_{name}"))

    def test_light(self):
        """Importing the package imports none of the libraries that only some need."""
        code = "import sys, idleheads; print(sorted({'torch', 'pandas', 'polars', 'xarray', 'tqdm', 'matplotlib'} & set(sys.modules)))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, "[]\n")


class EndTest(unittest.TestCase):
    """A model that is closed, in use, or of another process."""

    def test_closed(self):
        with ih.Model(TINY) as model:
            ih.score(model, PROMPTS)
        model.close()
        self.assertIn("closed", repr(model))
        uses = [lambda: ih.score(model, PROMPTS), lambda: ih.run(model, PROMPTS), lambda: ih.generate(model, PROMPTS),
                lambda: model.encode("x"), lambda: model.decode([1]), lambda: model.chat([]), lambda: model.layers,
                lambda: model.fingerprint, lambda: model.loglikelihood([([1], [2])])]
        for use in uses:
            with self.assertRaisesRegex(ih.Error, "the model is closed"):
                use()

    def test_threads(self):
        """Several threads on one model queue, and get what one alone gets; closing waits, and the rest is refused."""
        model = ih.Model(TINY, dtype="f32", threads=2)
        expected = ih.run(model, PROMPTS, "ahon_ln<0.9")[1].log_probs
        equal, refused = [], []

        def work():
            for _ in range(20):
                try:
                    equal.append(np.array_equal(ih.run(model, PROMPTS, "ahon_ln<0.9")[1].log_probs, expected))
                except ih.Error as error:
                    refused.append(str(error))
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads[:2]:
            thread.join()
        model.close()
        for thread in threads[2:]:
            thread.join()
        self.assertTrue(all(equal) and len(equal) >= 40, len(equal))
        self.assertEqual(len(equal) + len(refused), 80)
        self.assertTrue(all("closed" in message for message in refused))

    def test_progress_function(self):
        """It can raise, which ends the run, but not use the model that is at work for it."""
        with ih.Model(CHAT, threads=2) as model:
            prompts = [[7] * 400] * 8 + [[8] * 400] * 8

            def stop(share):
                raise KeyError("enough")
            with self.assertRaisesRegex(KeyError, "enough"):
                ih.score(model, prompts, progress=stop)
            seen = []

            def use(share):
                for again in (lambda: ih.score(model, PROMPTS), model.close):
                    try:
                        again()
                    except ih.Error as error:
                        seen.append(str(error))
                raise KeyError("enough")
            with self.assertRaises(KeyError):
                ih.score(model, prompts, progress=use)
            self.assertEqual(len(seen), 2)
            self.assertIn("at work", seen[0])
            self.assertEqual(ih.score(model, PROMPTS).stats.shape[0], 2)

    def test_fork(self):
        with ih.Model(TINY) as model:
            child = os.fork()
            if child == 0:
                try:
                    ih.score(model, PROMPTS)
                except ih.Error as error:
                    os._exit(7 if "fork" in str(error) else 8)
                os._exit(9)
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 7)
            self.assertEqual(ih.score(model, PROMPTS).stats.shape[0], 2)

    def test_memory(self):
        """What cannot be allocated is a MemoryError, and the model stays usable."""
        code = f"""
import os, resource
import idleheads as ih
model = ih.Model({str(CHAT)!r}, threads=1)
ih.score(model, [[1]])
used = int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 29), -1))
try:
    ih.run(model, [[1]] * 3000)  # of 49152 log-probabilities each, 1.1 GiB
except MemoryError:
    print("refused", ih.score(model, [[1]]).stats.shape)
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        self.assertEqual(done.stdout, "refused (1, 30, 9, 10)\n", done.stderr)

    def interrupted(self, work, then):
        """Work in a process that gets SIGINT once `shares` has something. -> what it prints then"""
        code = f"""
import os, signal, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
import numpy as np
import idleheads as ih
model = ih.Model({str(CHAT)!r}, threads=2)
prompts = [np.full(2000, token) for token in range(20)]
shares = []
def tell():
    while not shares:
        time.sleep(0.01)
    print("working", flush=True)
threading.Thread(target=tell).start()
try:
    {work}
    print("finished")
except KeyboardInterrupt:
    print("interrupted", shares[-1] < 1, {then}, flush=True)
os._exit(0)
"""
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as child:
            self.assertEqual(child.stdout.readline(), "working\n")
            child.send_signal(signal.SIGINT)
            return child.stdout.read()

    def test_interrupt_of_work(self):
        """Ctrl-C raises KeyboardInterrupt before the work is done, and the model stays usable. list.append() is no Python code,
        which would see the signal by itself."""
        work = "model._core.run(prompts, [ih._core.Rule('none')], None, True, False, 1234, shares.append)"
        self.assertEqual(self.interrupted(work, "ih.score(model, [[1, 2]]).stats.shape"), "interrupted True (1, 30, 9, 10)\n")

    def test_interrupt_of_waiting(self):
        """Also of a thread that waits for another to be done with the model."""
        work = """threading.Thread(target=lambda: ih.score(model, prompts, progress=shares.append)).start()
    while not shares:
        time.sleep(0.01)
    ih.score(model, [[1, 2]])"""
        self.assertEqual(self.interrupted(work, "None"), "interrupted True None\n")


if __name__ == "__main__":
    unittest.main()
