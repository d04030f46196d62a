#!/usr/bin/env bash
# The demo: which heads of SmolLM2-135M-Instruct do nothing, on questions that come with the project. A finished study
# is kept in build/demo.db, so a second run only shows it.
set -euo pipefail
cd "$(dirname "$0")/.."

model=models/SmolLM2-135M-Instruct.Q4_1.gguf
task=examples/everyday_questions.jsonl
study=build/demo.db
flags=(--shares 0,10,20)

build/idleheads study "$model" --task "$task" --output "$study" "${flags[@]}" > /dev/null  # show prints the summary; progress is on stderr
build/idleheads show "$study" --within-kl 0.1
build/idleheads report "$study" --within-kl 0.1 --output build/demo.html
cat <<END

The study is $study; build/demo.html has it as a page for a browser. Next:
  build/idleheads show $study --within-kl 0.1 --heads
  build/idleheads show $study --heatmap ahon_ln
  build/idleheads mask $study --rule ftvvn_ln@10% -o build/mask.json
END
