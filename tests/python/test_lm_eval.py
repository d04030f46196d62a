"""The model `idleheads` of lm-evaluation-harness against `idleheads eval`: the same numbers and texts on the same questions.

Run by scripts/test_python.sh in an environment with lm_eval. Tasks and their data are made here; nothing comes from a network.
With IDLEHEADS_DATA, a folder with a folder piqa in its original format, piqa's first 50 questions are compared as well.
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest
from importlib.metadata import entry_points, version
from pathlib import Path
from unittest import mock

FOLDER = tempfile.TemporaryDirectory()
os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", HF_HOME=FOLDER.name, TOKENIZERS_PARALLELISM="false")

import numpy as np  # noqa: E402
from lm_eval import simple_evaluate  # noqa: E402
from lm_eval.api.instance import Instance  # noqa: E402
from lm_eval.tasks import TaskManager  # noqa: E402

import idleheads as ih  # noqa: E402
from idleheads.lm_eval import IdleheadsLM, register  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "models/SmolLM2-135M-Instruct.Q4_1.gguf"
GOLDEN = ROOT / "tests/data/golden"
TMP = Path(FOLDER.name)
STOPS = ["Question:", "</s>", "<|im_end|>"]  # of gsm8k


def write(name, rows):
    path = TMP / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def task(name, data, **settings):
    return {"task": name, "dataset_path": "json", "dataset_kwargs": {"data_files": {"test": str(data)}},
            "test_split": "test", "num_fewshot": 0, "metadata": {"version": 1.0}, **settings}


def task_folder(config):
    """A folder with the one task, as users write them."""
    folder = TMP / "tasks" / config["task"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "task.yaml").write_text(json.dumps(config))  # JSON is YAML
    return folder


def choices(name, data, question="question", options="choices", answer="answer"):
    accuracy = [{"metric": metric, "aggregation": "mean", "higher_is_better": True} for metric in ("acc", "acc_norm")]
    return task(name, data, output_type="multiple_choice", doc_to_text=f"Question: {{{{{question}}}}}\nAnswer:",
                doc_to_choice=f"{{{{{options}}}}}", doc_to_target=answer, metric_list=accuracy)


def everyday(count):
    with open(ROOT / "examples/everyday_questions.jsonl", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file if line.strip()][:count]
    return [{"question": row["question"], "choices": row["choices"], "answer": row["choices"].index(row["answer"])
             if isinstance(row["answer"], str) else row["answer"]} for row in rows]


def program(*arguments):
    done = subprocess.run([sys.executable, "-m", "idleheads", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout


def program_samples(name, *arguments):
    """What `idleheads eval` writes of every document, in order, and its results."""
    with tempfile.TemporaryDirectory() as folder:
        program("eval", MODEL, "--dtype", "f32", "--threads", 2, "--no-baseline", "--output", folder, *arguments)
        samples, = Path(folder).rglob(f"samples_{name}_*.jsonl")
        results, = Path(folder).rglob("results_*.json")
        return ([json.loads(line) for line in samples.read_text().splitlines()],
                json.loads(results.read_text())["results"][name])


def evaluate(lm, config, **settings):
    """The samples of one task, in order, and its results."""
    tasks = TaskManager(include_path=str(task_folder(config)), include_defaults=False)
    results = simple_evaluate(model=lm, tasks=[config["task"]], task_manager=tasks, bootstrap_iters=0, **settings)
    samples = sorted(results["samples"][config["task"]], key=lambda sample: sample["doc_id"])
    return samples, results["results"][config["task"]]


def make(**arguments):
    return IdleheadsLM(**{"pretrained": str(MODEL), "dtype": "f32", "threads": 2, **arguments})


def likelihoods(samples):
    """As the program keeps them: sums of doubles, rounded to float32."""
    return np.float32([response[0][0] for sample in samples for response in sample["resps"]]).tolist()


def texts(samples):
    return [sample["resps"][0][0] for sample in samples]


class LikelihoodTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.questions = write("everyday.jsonl", everyday(50))

    def check(self, arguments, flags, *, count=100, config=None, name="everyday", asked=None, **settings):
        """The same log-likelihoods and accuracies as the program's task `name`."""
        lm = make(**arguments)
        ours, metrics = evaluate(lm, config or choices("everyday", self.questions), **settings)
        theirs, expected = program_samples(name, *(asked or ("--task", self.questions)), *flags)
        self.assertGreaterEqual(len(likelihoods(ours)), count)
        np.testing.assert_array_equal(likelihoods(ours), likelihoods(theirs))
        for metric in ("acc,none", "acc_norm,none"):
            self.assertEqual(metrics[metric], expected[metric])
        return lm, likelihoods(ours)

    def test_no_intervention(self):
        self.check({}, [])

    def test_rules(self):
        _, plain = self.check({}, [])
        for rule in ("ahon_ln<0.5", "awft>0.9", "ahon_ln@15%"):
            with self.subTest(rule):
                _, off = self.check({"ablate": rule}, ["--ablate", rule])
                self.assertNotEqual(off, plain)

    def test_heads(self):
        _, off = self.check({"ablate": "L5H3+L7H0+L29H8"}, ["--ablate", "L5H3,L7H0,L29H8"])
        mask = TMP / "mask.json"
        mask.write_text('{"5": [3], "7": [0], "29": [8]}')
        self.assertEqual(self.check({"mask": str(mask)}, ["--mask", mask])[1], off)

    def test_cut(self):
        """Prompts that are too long lose their beginning."""
        self.check({"context": 12, "ablate": "ahon_ln<0.5"}, ["--context", 12, "--ablate", "ahon_ln<0.5"])

    def test_bos(self):
        lm, with_bos = self.check({"add_bos_token": True}, ["--bos", "always"])
        self.assertNotEqual(with_bos, self.check({"add_bos_token": False}, ["--bos", "never"])[1])
        self.assertIs(lm.get_model_info()["add_bos_token"], True)
        self.assertEqual(lm.tok_encode("yes", add_special_tokens=False), lm.tok_encode("yes")[1:])

    def test_chat(self):
        """0.4.5 puts a space before the choices, as the program does; later versions put none there."""
        if version("lm_eval") == "0.4.5":
            self.check({"ablate": "L5H3"}, ["--chat", "--ablate", "L5H3"], apply_chat_template=True)
        lm = make(ablate="L5H3")
        samples, _ = evaluate(lm, choices("everyday", self.questions), apply_chat_template=True)
        prompts = [lm.model.chat([{"role": "user", "content": f"Question: {row['question']}\nAnswer:"}]) for row in everyday(50)]
        space = " " if version("lm_eval") == "0.4.5" else ""
        pairs = [lm.model.encode_pair(prompt, space + choice) for prompt, row in zip(prompts, everyday(50)) for choice in row["choices"]]
        expected = [value for value, _ in lm.model.loglikelihood(pairs, "L5H3")]
        self.assertEqual(likelihoods(samples), np.float32(expected).tolist())

    def test_piqa(self):
        """Piqa's task as the harness has it, on made-up rows, and on the first 50 of its own if they are there."""
        for folder in filter(None, (ROOT / "tests/data/task_samples/original", os.environ.get("IDLEHEADS_DATA"))):
            rows = [json.loads(line) for line in (Path(folder) / "piqa/valid.jsonl").read_text().splitlines()[:50]]
            labels = (Path(folder) / "piqa/valid-labels.lst").read_text().split()
            data = write(f"piqa{len(rows)}.jsonl", [{**row, "label": int(label)} for row, label in zip(rows, labels)])
            for rule in (None, "ahon_ln<0.5"):
                self.check({"ablate": rule}, ["--ablate", rule] if rule else [], count=2 * len(rows), name="piqa",
                           config=choices("made_piqa", data, "goal", "[sol1, sol2]", "label"),
                           asked=("--task", "piqa", "--data", folder, "--limit", 50))

    def test_rolling(self):
        """Texts of several windows, each token predicted once."""
        text = " ".join(row["question"] for row in everyday(40))
        lm = make(context=64, ablate="ahon_ln<0.5", masks=str(TMP / "rolling"))
        metrics = [{"metric": "word_perplexity", "aggregation": "weighted_perplexity", "higher_is_better": False}]
        config = task("mine", write("mine.jsonl", [{"text": text}]), output_type="loglikelihood_rolling", doc_to_text="",
                      doc_to_target="{{text}}", metric_list=metrics)
        samples, _ = evaluate(lm, config)
        file = TMP / "mine.txt"
        file.write_text(text)
        theirs, _ = program_samples("mine", "--task", file, "--context", 64, "--ablate", "ahon_ln<0.5")
        np.testing.assert_array_equal(np.float32(texts(samples)), np.float32(texts(theirs)))
        with np.load(TMP / "rolling/idleheads_masks.npz") as file:
            windows = -(-len(lm.model.encode(text)) // 64)
            self.assertGreater(windows, 3)
            self.assertEqual((file["masks"].shape, file["doc_id"].tolist()), ((windows, 30, 9), [0] * windows))

    def test_one_call(self):
        """All requests of a call go to the engine together; a share needs a pass before."""
        for rule, passes in (("ahon_ln<0.5", 1), ("ahon_ln@15%", 2)):
            lm = make(ablate=rule)
            with mock.patch.object(lm.model, "_run", wraps=lm.model._run) as run:
                evaluate(lm, choices("everyday", self.questions))
            self.assertEqual(run.call_count, passes)
            self.assertEqual(len(run.call_args.args[0]), sum(len(row["choices"]) for row in everyday(50)))


class GenerationTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.data = ROOT / "tests/data/task_samples/original"
        match = [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}]
        cls.gsm8k = task("made_gsm8k", cls.data / "gsm8k/test.jsonl", output_type="generate_until", doc_to_target="{{answer}}",
                         doc_to_text="Question: {{question}}\nAnswer:", metric_list=match,
                         generation_kwargs={"until": STOPS, "do_sample": False, "temperature": 0.0})

    def test_program(self):
        for rule in (None, "ahon_ln<0.3", "ahon_ln@10%"):
            with self.subTest(rule):
                ours, _ = evaluate(make(ablate=rule), self.gsm8k)
                theirs, _ = program_samples("gsm8k", "--task", "gsm8k", "--data", self.data, "--shots", 0,
                                            *(["--ablate", rule] if rule else []))
                self.assertEqual(len(ours), 3)
                self.assertEqual(texts(ours), texts(theirs)[:3])

    def test_settings(self):
        """Requests of different settings in one call: each ends where its own say, and texts come in the order of requests."""
        lm = make(context=64)
        given = [{"until": [" 7"], "max_gen_toks": 16}, {"until": "\n", "max_new_tokens": 4}, {"until": [" 7"], "max_gen_toks": 16},
                 {"max_gen_toks": 5.0, "do_sample": False, "temperature": 0.7, "top_p": 0.9, "num_beams": 1}]
        contexts = ["1, 2, 3, 4,", "1, 2, 3, 4,", "1, 2, 3,", "one, two, " * 60]
        requests = [Instance("generate_until", {}, pair, 0, ("made", number, 1)) for number, pair in enumerate(zip(contexts, given))]
        written = lm.generate_until(requests, disable_tqdm=True)
        self.assertEqual(written[0], " 5, 6,")
        self.assertEqual(written[2], " 4, 5, 6,")
        self.assertEqual(lm.model.encode(written[1]), lm.model.encode(" 5, 6, 7, 8")[:4])
        cut = lm.model.encode(contexts[3])[-(64 - 5):]
        self.assertEqual(written[3], ih.generate(lm.model, [cut], max_new_tokens=5)[0].texts[0])

    def test_masks(self):
        """A row for each run of new tokens under one mask; together the masks of every token."""
        lm = make(ablate="ahon_ln<0.4", masks=str(TMP / "generated"))
        evaluate(lm, self.gsm8k, gen_kwargs="max_gen_toks=12")
        rows = map(json.loads, (self.data / "gsm8k/test.jsonl").read_text().splitlines())
        prompts = [f"Question: {row['question']}\nAnswer:" for row in rows]
        expected = ih.generate(lm.model, prompts, max_new_tokens=12, ablate="ahon_ln<0.4", stop=STOPS)[1]
        with np.load(TMP / "generated/idleheads_masks.npz") as file:
            for number, masks in enumerate(expected.masks):
                rows = file["doc_id"] == number
                np.testing.assert_array_equal(np.repeat(file["masks"][rows], file["passes"][rows], axis=0), masks)
            self.assertLess(len(file["masks"]), sum(map(len, expected.masks)))
            self.assertGreater(len(file["masks"]), 3)
            self.assertEqual(set(file["intervention"]), {"ahon_ln<0.4"})


class SettingsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = everyday(12)
        cls.questions = write("twelve.jsonl", cls.rows)
        cls.config = choices("twelve", cls.questions)

    def test_masks(self):
        """The heads that were off in each request, and which request it was."""
        lm = make(ablate="ahon_ln@15%", masks=str(TMP / "masks"))
        evaluate(lm, self.config)
        rule, = lm.get_model_info()["interventions"]
        pairs = [lm.model.encode_pair(f"Question: {row['question']}\nAnswer:", f" {choice}")
                 for row in self.rows for choice in row["choices"]]
        expected = ih.run(lm.model, [context for context, _ in pairs], rule, [answer for _, answer in pairs])[1].masks
        with np.load(TMP / "masks/idleheads_masks.npz") as file:
            np.testing.assert_array_equal(file["masks"], expected)
            self.assertEqual((file["masks"].dtype, file["masks"].shape), (np.bool_, (len(pairs), 30, 9)))
            self.assertEqual(set(file["task"]), {"twelve"})
            self.assertEqual(file["doc_id"].tolist(), [number for number, row in enumerate(self.rows) for _ in row["choices"]])
            self.assertEqual(file["index"].tolist(), [index for row in self.rows for index in range(len(row["choices"]))])
            self.assertEqual((set(file["intervention"]), set(file["passes"])), ({rule}, {1}))
            settings = json.loads(str(file["settings"]))
        self.assertEqual((settings["interventions"], settings["add_bos_token"]), ([rule], False))
        self.assertEqual(settings["model_fingerprint"], lm.model.fingerprint)
        self.refused("is there already", ablate="ahon_ln<0.5", masks=str(TMP / "masks"))

    def test_study(self):
        """A study's threshold, which is not that of other requests."""
        study = TMP / "study.db"
        program("study", MODEL, "--task", self.questions, "--dtype", "f32", "--scores", "ahon_ln,awft", "--shares", "10,20",
                "--output", study)
        lm = make(ablate="ahon_ln@20%", study=str(study))
        evaluate(lm, choices("five", write("five.jsonl", self.rows[:5])))
        whole = make(ablate="ahon_ln@20%")
        evaluate(whole, self.config)
        few = make(ablate="ahon_ln@20%")
        evaluate(few, choices("five", TMP / "five.jsonl"))
        self.assertEqual(lm.get_model_info()["interventions"], whole.get_model_info()["interventions"])
        self.assertNotEqual(lm.get_model_info()["interventions"], few.get_model_info()["interventions"])
        self.refused("no threshold for ahon_ln@15%; its shares of ahon_ln: .*10%, 20%", ablate="ahon_ln@15%", study=str(study))
        self.refused("its shares of mass: none", ablate="mass@10%", study=str(study))
        self.refused("gives a share its threshold", ablate="ahon_ln<0.5", study=str(study))
        self.refused("gives a share its threshold", study=str(study))
        self.refused("no/such", ablate="ahon_ln@20%", study="no/such")
        self.refused("not a study file", ablate="ahon_ln@20%", study=str(MODEL))
        self.refused("of another model", ablate="ahon_ln@10%", study=str(ROOT / "tests/data/study/version6.study"))
        self.refused("no study", ablate="ahon_ln@10%", study=str(write("empty.db", [])))

    def test_chat(self):
        lm = make()
        turns = [{"role": "user", "content": "Hello"}]
        self.assertEqual(lm.apply_chat_template(turns), lm.model.chat(turns))
        self.assertEqual(lm.chat_template(True), lm.model.chat_template)
        self.assertIn("<|im_start|>", lm.chat_template(True))
        self.assertIsNone(lm.chat_template(False))
        self.assertIn("SmolLM2", lm.tokenizer_name)
        self.assertNotIn("/", lm.tokenizer_name)
        for begun, kept in (("The answer is", "The answer is"), ("It is ", "It is ")):
            goes_on = lm.apply_chat_template([*turns, {"role": "assistant", "content": begun}], add_generation_prompt=False)
            self.assertEqual(goes_on, lm.model.chat(turns) + kept)
        with self.assertRaisesRegex(ih.Error, "'rag'"):
            lm.chat_template("rag")

    def test_gemma(self):
        """Its family needs BOS, unless one says otherwise; the tiny model has no tokenizer to give one."""
        for name in ("gemma", "gemma2"):
            with ih.Model(GOLDEN / "families" / name) as gemma:
                self.assertIs(gemma._core.needs_bos, True)
            self.refused("tokenizer", pretrained=str(GOLDEN / "families" / name))
            self.assertIs(make(pretrained=str(GOLDEN / "families" / name), add_bos_token=False).add_bos_token, False)

    def refused(self, message, **arguments):
        with self.assertRaisesRegex(ih.Error, message):
            make(**arguments)

    def test_refused_arguments(self):
        self.refused("pretrained is missing", pretrained=None)
        self.refused("model argument 'ablat': not known; known: pretrained", ablat="ahon_ln<0.5")
        self.refused("one intervention", ablate="ahon_ln<0.5", mask="m.json")
        self.refused("expected one rule", ablate="ahon_ln<0.5+awft>0.9")
        self.refused("expected one rule", ablate=["ahon_ln<0.5"])
        self.refused("unknown score 'ahon'|unknown score 'ahom'", ablate="ahom<0.5")
        self.refused("no/such.json", mask="no/such.json")
        self.refused("no heads are switched off", masks=str(TMP / "none"))
        self.refused("no heads are switched off", masks=str(TMP / "none"), ablate="none")
        self.refused("cannot be made", masks=str(self.questions / "folder"), ablate="L5H3")
        self.refused("threads=2.5", threads=2.5)
        self.refused("context=0", context=0)
        self.refused("memory='8G'", memory="8G")
        self.refused("seed=-1", seed=-1)
        self.refused("add_bos_token='yes'", add_bos_token="yes")
        self.refused("dtype 'f16'", dtype="f16")

    def test_refused_requests(self):
        lm = make(context=32)

        def ask(message, **given):
            with self.assertRaisesRegex(ih.Error, message):
                lm.generate_until([Instance("generate_until", {}, ("1, 2,", given), 0, ("made", 0, 1))])
        ask("sampling", do_sample=True)
        ask("sampling", temperature=0.5)
        ask("num_beams=4", num_beams=4)
        ask("'repetition_penalty': not known", repetition_penalty=1.2)
        ask("until=3", until=3)
        ask("max_gen_toks=0", max_gen_toks=0)
        ask("32 new tokens do not fit", max_gen_toks=32)
        for pair, message in ((("a", ""), "no token of its own"), (("a", " b" * 40), "40 tokens, but the context is 32")):
            with self.assertRaisesRegex(ih.Error, message):
                lm.loglikelihood([Instance("loglikelihood", {}, pair, 0, ("made", 0, 1))])
        self.assertEqual((lm.loglikelihood([]), lm.loglikelihood_rolling([]), lm.generate_until([])), ([], [], []))

    def test_cache(self):
        """lm_eval's cache of responses knows nothing of heads: refused where some are off."""
        plain = evaluate(make(), self.config)[0]
        for _ in range(2):
            cached = evaluate(make(), self.config, use_cache=str(TMP / "cache"))[0]
            self.assertEqual(likelihoods(cached), likelihoods(plain))
        with self.assertRaisesRegex(ih.Error, "--use_cache"):
            evaluate(make(ablate="L5H3"), self.config, use_cache=str(TMP / "cache"))

    def test_entry_point(self):
        point, = entry_points(group="lm_eval.models", name="idleheads")
        self.assertIs(point.load(), IdleheadsLM)

    def test_name(self):
        """By its name, with arguments as text; a second registration is none."""
        register()
        register()
        samples, _ = evaluate("idleheads", self.config, model_args=f"pretrained={MODEL},dtype=f32,ablate=L5H3+L7H0", batch_size=4,
                              device="cpu")
        self.assertEqual(likelihoods(samples), likelihoods(evaluate(make(ablate="L5H3+L7H0"), self.config)[0]))

    def command(self, model_args, *arguments):
        command = [sys.executable, "-m", "idleheads.lm_eval", "--model", "idleheads", "--model_args", f"pretrained={MODEL},{model_args}",
                   "--include_path", task_folder(self.config), "--tasks", "twelve", *arguments]
        return subprocess.run(command, capture_output=True, text=True)

    def test_command(self):
        output = TMP / "output"
        done = self.command(f"dtype=f32,threads=2,ablate=ahon_ln@15%,masks={output}", "--output_path", output, "--log_samples")
        self.assertEqual(done.returncode, 0, done.stderr)
        results, = output.rglob("results_*.json")
        samples, = output.rglob("samples_twelve_*.jsonl")
        self.assertTrue((output / "idleheads_masks.npz").is_file())
        self.assertRegex(done.stdout + done.stderr, r"ahon_ln<0\.\d+: the threshold of 15% over \d+ inputs of these requests")
        written = sorted(map(json.loads, samples.read_text().splitlines()), key=lambda sample: sample["doc_id"])
        self.assertEqual(likelihoods(written), likelihoods(evaluate(make(ablate="ahon_ln@15%"), self.config)[0]))
        config = json.loads(results.read_text())["config"]
        self.assertEqual(config["model"], "idleheads")
        self.assertIn("ahon_ln@15%", str(config["model_args"]))
        if "model_fingerprint" in config:  # 0.4.5 asks models of transformers alone
            self.assertIs(config["add_bos_token"], False)
            self.assertRegex(config["interventions"][0], r"ahon_ln<0\.\d+")

    def test_command_refuses(self):
        done = self.command("layers=3")
        self.assertEqual(done.returncode, 1)
        self.assertIn("idleheads: model argument 'layers': not known", done.stderr)
        self.assertNotIn("Traceback", done.stderr)


if __name__ == "__main__":
    unittest.main()
