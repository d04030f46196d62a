#!/usr/bin/env python3
"""Tries to break a built idleheads from outside: kills, full disks, limits, closed descriptors, devices and links as
outputs, files that are taken away. Prints a table; exits with 1 if anything failed. Takes a few minutes.

    tools/campaign.py build/idleheads tests/data/golden/tiny/llama --tokenizer tests/data/tiny_tokenizer [--kills 60] [--only TEST ...]

MODEL is the folder of a tiny model; files of --tokenizer are copied to it. Nothing outside a temporary folder is
touched: devices are made there (root only; else those tests are left out, as are those that need strace or mount).
No network, nothing but Python's standard library.
"""
import argparse
import filecmp
import os
import random
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

MIB = 1 << 20
HANG_SECONDS = 60
SHORT_HANG_SECONDS = 10  # of a run that takes far below a second
NOBODY = 61234  # a user without other processes


class Campaign:
    def __init__(self, program, model, tokenizer, kills, seed):
        self.program, self.kills = str(Path(program).resolve()), kills
        self.random = random.Random(seed)
        self.root = Path(tempfile.mkdtemp(prefix="idleheads_campaign_"))
        self.root.chmod(0o755)
        self.model = self.root / "model"
        shutil.copytree(model, self.model, copy_function=shutil.copyfile)
        for folder in [tokenizer] if tokenizer else []:
            shutil.copytree(folder, self.model, dirs_exist_ok=True, copy_function=shutil.copyfile)
        self.rows = []
        self.short, self.long = self.questions("short", 12), self.questions("long", 150)
        self.whole = self.root / "whole.db"
        assert self.run(*self.study(self.whole))[0] == 0, "the program does not run a plain study"

    def questions(self, name, count):
        path = self.root / f"{name}.jsonl"
        line = '{{"question": "What is {}?", "choices": ["a rose", "the sea"], "answer": {}}}\n'
        path.write_text("".join(line.format(i, i % 2) for i in range(count)))
        return path

    def study(self, output, questions=None, model=None, more=()):
        return ["study", str(model or self.model), "--task", str(questions or self.short), "-o", str(output), "-q", "-t",
                "1", "--dtype", "f32", "--scores", "awft,ahon_ln,random", "--shares", "0,20", "--cohort-rows", "1", *more]

    def folder(self):
        return Path(tempfile.mkdtemp(dir=self.root))

    def start(self, *arguments, before=None, **streams):
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL} | streams
        return subprocess.Popen([self.program, *map(str, arguments)], preexec_fn=before, **streams)

    def end(self, process, seconds=HANG_SECONDS):
        """(exit code, or minus the signal; None for a hang, errors as text)"""
        try:
            _, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return None, "hangs"
        return process.returncode, (errors or b"").decode(errors="replace")

    def run(self, *arguments, seconds=HANG_SECONDS, **how):
        return self.end(self.start(*arguments, **how), seconds)

    def add(self, name, outcomes):
        """`outcomes`: for each try "" (right) or what was wrong."""
        wrong = [text for text in outcomes if text]
        self.rows.append((name, len(outcomes), len(wrong), "; ".join(sorted(set(wrong)))[:150]))
        print(f"{self.rows[-1][0]:<58} {len(outcomes):>5} {len(wrong):>6}  {self.rows[-1][3]}", flush=True)

    @staticmethod
    def one_line(code, errors, codes=(1, 2)):
        """What is wrong with a failure that the user should see as one line."""
        if code is None:
            return "hangs"
        if code < 0:
            return f"ends by {signal.Signals(-code).name}"
        if code not in codes:
            return f"exit code {code}"
        lines = errors.strip().split("\n")
        return "" if len(lines) == 1 and lines[0].startswith("idleheads: ") else f"{len(lines)} lines, not one of ours"

    def same_results(self, file):
        """"" if the study equals the undisturbed one in every number."""
        folders = [self.folder(), self.folder()]
        for folder, db in zip(folders, (self.whole, file)):
            code, errors = self.run("export", db, "--csv", "-o", folder / "csv")
            if code != 0:
                return "cannot be exported: " + errors[:100]
        names = sorted(path.name for path in (folders[0] / "csv").iterdir())
        _, differ, missing = filecmp.cmpfiles(folders[0] / "csv", folders[1] / "csv", names, shallow=False)
        return "results differ" if differ or missing else ""

    def leftovers(self, folder, allowed):
        names = sorted(path.name for path in folder.iterdir() if path.name not in allowed)
        return f"leaves {names[0]}" if names else ""

    def readable(self, file):
        """`show` works or says that there is nothing yet."""
        if not file.exists():
            return ""
        code, errors = self.run("show", file)
        return "" if code == 0 or "there is no study in it yet" in errors else f"show: {errors.strip()[-90:]}"

    # What is tried.

    def kill_anywhere(self):
        kills, shown, resumed = 0, [], []
        while kills < self.kills:
            folder = self.folder()
            file = folder / "a.db"
            for _ in range(3):
                process = self.start(*self.study(file))
                time.sleep(self.random.uniform(0.0, 0.25))
                process.kill()
                if self.end(process)[0] == 0:
                    break
                kills += 1
                shown.append(self.readable(file))
            code, errors = self.run(*self.study(file))
            resumed.append(self.same_results(file) if code == 0 else errors)
            resumed[-1] = resumed[-1] or self.leftovers(folder, ["a.db"])
        self.add("kill -9 at random moments: show", shown)
        self.add("kill -9 at random moments: resumed and compared", resumed)

    def kill_at_calls(self):
        if not shutil.which("strace"):
            return print("left out: kills at system calls (no strace)")
        shown, resumed = [], []
        for call in ("unlink", "fdatasync"):
            for when in range(1, 7):
                file = self.folder() / "a.db"
                inject = f"inject={call}:signal=SIGKILL:when={when}"
                subprocess.run(["strace", "-f", "-o", "/dev/null", "-e", inject, self.program, *self.study(file)],
                               capture_output=True, check=False)
                shown.append(self.readable(file))
                code, errors = self.run(*self.study(file))
                resumed.append(self.same_results(file) if code == 0 else errors)
        self.add("kill -9 at the k-th unlink or fdatasync: show", shown)
        self.add("kill -9 at the k-th unlink or fdatasync: resumed", resumed)

    def full_disks(self):
        disk, outcomes = self.folder(), []
        for kib in (16, 32, 64, 128, 256):
            if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", disk], capture_output=True,
                              check=False).returncode != 0:
                return print("left out: full disks (cannot mount)")
            try:
                code, errors = self.run(*self.study(disk / "a.db"))
                if code != 0:
                    outcomes.append(self.one_line(code, errors))
                    moved = self.folder() / "a.db"
                    for path in disk.glob("a.db*"):
                        shutil.copy(path, moved.parent)
                    code, errors = self.run(*self.study(moved))
                    outcomes.append(self.same_results(moved) if code == 0 else errors)
                for path in disk.iterdir():
                    path.unlink()
                (disk / "filler").write_bytes(b"x" * max(0, (kib - 8) * 1024))
                for kind in (["report"], ["export", "--npz"], ["export", "--json"], ["export", "--csv"]):
                    code, errors = self.run(kind[0], self.whole, *kind[1:], "-o", disk / "out")
                    wrong = "" if code == 0 else self.one_line(code, errors) or self.leftovers(disk, ["filler"])
                    outcomes.append(wrong)
                    out = disk / "out"
                    shutil.rmtree(out) if out.is_dir() else out.unlink(missing_ok=True)
            finally:
                subprocess.run(["umount", disk], check=True)
        self.add("disk full: studies, reports, exports", outcomes)

    def file_size_limits(self):
        outcomes = []
        for kib in (1, 8, 64, 128):
            file = self.folder() / "a.db"
            code, errors = self.run(*self.study(file), before=lambda k=kib: limit(resource.RLIMIT_FSIZE, k << 10))
            outcomes.append("" if code == 0 else self.one_line(code, errors))
            code, errors = self.run(*self.study(file))
            outcomes.append(self.same_results(file) if code == 0 else errors)
        self.add("ulimit -f 1, 8, 64, 128; resumed", outcomes)

    def closed_descriptors(self):
        outcomes, folder = [], self.folder()
        for closed in ((2,), (0, 2), (0, 1, 2), (1,)):
            for arguments, expected in ((["report", self.whole, "-o", folder / "r.html"], 0),
                                        (["show", folder / "nope.db"], 1), (["shwo"], 2),
                                        (self.study(folder / f"{len(outcomes)}.db"), 0),
                                        (["show", self.whole], 1 if 1 in closed else 0)):
                code, _ = self.run(*arguments, before=lambda c=closed: [os.close(number) for number in c])
                outcomes.append("" if code == expected else f"exit code {code}")
        self.add("stdin, stdout, stderr closed", outcomes)

    def limits(self):
        probe = ["probe", self.model, "--text", "x", "--dtype", "f32"]
        if os.geteuid() == 0:
            outcomes = []
            for allowed in (1, 2, 3):
                for threads in (2, 8, 64):
                    def become(n=allowed):
                        os.setgroups([])
                        limit(resource.RLIMIT_NPROC, n)
                        os.setresuid(NOBODY, NOBODY, NOBODY)
                    code, errors = self.run(*probe, "-t", threads, before=become, seconds=SHORT_HANG_SECONDS)
                    outcomes.append("" if code == 0 else self.one_line(code, errors))
            self.add("RLIMIT_NPROC 1 to 3", outcomes)
        outcomes = []
        for mib in [*range(60, 104, 4), 120, 150, 200, 300, 400, 600, 800]:
            for threads in (1, 64):
                for arguments in ([*probe, "-t", threads], self.study(self.folder() / "a.db")):
                    code, errors = self.run(*arguments, before=lambda m=mib: limit(resource.RLIMIT_AS, m * MIB),
                                            seconds=SHORT_HANG_SECONDS)
                    # Else no room for the libraries, or none for what libgomp allocates before main.
                    if code != 127 and "libgomp: Out of memory" not in errors:
                        outcomes.append("" if code == 0 else self.one_line(code, errors))
        self.add("RLIMIT_AS 60 MiB to 800 MiB", outcomes)

    def devices_and_links(self):
        outcomes, folder = [], self.folder()
        kinds = [["report"], ["export", "--npz"], ["export", "--json"]]
        for number, (kind, *flags) in enumerate(kinds):
            def put(name, *flags_and_kind, stdout=subprocess.DEVNULL, **how):
                return self.run(kind, self.whole, *flags, "-o", name, stdout=stdout, **how)
            if os.geteuid() == 0:
                for name, minor in (("null", 3), ("full", 7)):
                    device = folder / f"{name}{number}"
                    os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, minor))
                    code, errors = put(device)
                    right = code == 0 if name == "null" else code == 1 and not self.one_line(code, errors)
                    wrong = "" if right else f"/dev/{name}: exit code {code}"
                    outcomes.append(wrong if stat.S_ISCHR(device.lstat().st_mode) else "a device is replaced")
            victim, page = folder / f"victim{number}", folder / f"page{number}"
            victim.write_text("victim")
            (folder / f"page{number}.part").symlink_to(victim)
            put(page)
            outcomes.append("" if victim.read_bytes() == b"victim" and page.exists() else "a planted link is followed")
            (folder / f"link{number}").symlink_to(victim)
            put(folder / f"link{number}")
            linked = (folder / f"link{number}").is_symlink() and victim.read_bytes() != b"victim"
            outcomes.append("" if linked else "a link is replaced")
            with open(folder / f"log{number}", "a", encoding="utf-8") as log:
                log.write("before\n")
                log.flush()
                put(f"/dev/fd/{log.fileno()}", pass_fds=[log.fileno()])
            written = (folder / f"log{number}").read_bytes()
            outcomes.append("" if written.startswith(b"before\n") and len(written) > 100 else "/dev/fd loses what is there")
        for place in (folder, "/dev/null"):
            outcomes.append(self.one_line(*self.run(*self.study(place))))
        (folder / "s.db.lock").symlink_to(folder / "planted")
        self.run(*self.study(folder / "s.db"))
        outcomes.append("a planted lock is followed" if (folder / "planted").exists() else "")
        self.add("outputs on devices, pipes, links", outcomes)

    def long_study(self, change, model=None, more=()):
        """Runs a study of some seconds; `change(file, process)` happens when results are stored. Returns its end."""
        file = self.folder() / "a.db"
        process = self.start(*self.study(file, self.long, model, more))
        log = Path(str(file) + "-wal")
        while process.poll() is None and not (log.exists() and log.stat().st_size > 100_000):
            time.sleep(0.002)
        change(file, process)
        code, errors = self.end(process)
        return file, code, errors

    def vanishing_studies(self):
        outcomes = []
        for change in (lambda file, _: file.unlink(), lambda file, _: os.truncate(file, 0),
                       lambda file, _: os.truncate(file, 5000), lambda file, _: file.rename(file.parent / "b.db"),
                       lambda file, _: (file.unlink(), shutil.copy(self.whole, file)),
                       lambda file, _: Path(str(file) + "-wal").unlink()):
            _, code, errors = self.long_study(change)
            outcomes.append(self.one_line(code, errors))
        self.add("study removed, emptied, cut, moved, replaced; log removed", outcomes)

    def changing_models(self):
        outcomes = []
        for number, change in enumerate((
                lambda path: os.truncate(path, path.stat().st_size // 2), lambda path: os.truncate(path, 0),
                lambda path: overwrite(path), lambda path: overwrite(path, keep_time=True))):
            model = self.root / f"changed{number}"
            shutil.copytree(self.model, model)
            weights = model / "model.safetensors"
            _, code, errors = self.long_study(lambda _file, _process, w=weights, c=change: c(w), model)
            outcomes.append(self.one_line(code, errors))
        self.add("model cut, emptied, overwritten, under its old time", outcomes)

    def signals(self):
        outcomes = []
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            file, code, errors = self.long_study(lambda _, process, n=number: process.send_signal(n))
            left = self.leftovers(file.parent, ["a.db"])
            outcomes.append("" if code == 130 and not left else f"{number.name}: exit code {code} {left}")
        self.add("SIGINT, SIGTERM, SIGHUP", outcomes)

    def two_writers(self):
        outcomes = []

        def second(other, remove_lock):
            def change(file, _):
                if remove_lock:
                    Path(str(file) + ".lock").unlink()
                name = file.parent / other
                if not name.exists():
                    os.link(file, name)
                outcomes.append(self.one_line(*self.run(*self.study(name, self.long))))
            return change

        for other, remove_lock in (("a.db", False), ("hard.db", False), ("a.db", True)):
            _, code, errors = self.long_study(second(other, remove_lock))
            outcomes.append("" if code == 0 else errors)
        self.add("two writers: same name, hard link, lock file deleted", outcomes)

    def reports_at_once(self):
        outcomes, folder = [], self.folder()
        page = folder / "r.html"
        assert self.run("report", self.whole, "-o", page)[0] == 0
        expected = page.read_bytes()

        def report():
            code, errors = self.run("report", self.whole, "-o", page)
            outcomes.append("" if code == 0 else errors.strip()[-80:])

        for _ in range(10):
            threads = [threading.Thread(target=report) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if page.read_bytes() != expected:
                outcomes.append("pages are mixed")
        outcomes.append(self.leftovers(folder, ["r.html"]))
        self.add("three reports at once onto one name", outcomes)


def limit(which, value):
    resource.setrlimit(which, (value, value))


def overwrite(path, keep_time=False):
    before = path.stat()
    with open(path, "r+b") as file:
        file.seek(-1000, os.SEEK_END)
        file.write(b"changed")
    if keep_time:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("--tokenizer", help="folder whose files are copied to the model's")
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", metavar="TEST", help="names of this script's methods: two_writers limits")
    given = parser.parse_args()
    campaign = Campaign(given.program, given.model, given.tokenizer, given.kills, given.seed)
    print(f"{'test':<58} {'tries':>5} {'failed':>6}  how")
    try:
        for test in (campaign.devices_and_links, campaign.closed_descriptors, campaign.file_size_limits,
                     campaign.limits, campaign.signals, campaign.vanishing_studies, campaign.changing_models,
                     campaign.two_writers, campaign.reports_at_once, campaign.full_disks, campaign.kill_at_calls,
                     campaign.kill_anywhere):
            if given.only is None or test.__name__ in given.only:
                test()
    finally:
        shutil.rmtree(campaign.root, ignore_errors=True)
    return 1 if any(failed for _, _, failed, _ in campaign.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
