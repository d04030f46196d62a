#!/usr/bin/env bash
# Tests of the pages that `idleheads report` and `idleheads probe --attention` write: makes small studies and patterns with the
# built program, and looks at their pages in a headless Chromium. Needs build/idleheads, the model (scripts/fetch_model.sh),
# Node 20 or newer, Chromium and python3.
# The studies are kept in build/web_test, so that a second run makes the pages alone.
set -euo pipefail
cd "$(dirname "$0")/.."

program=$PWD/build/idleheads
model=$PWD/models/SmolLM2-135M-Instruct.Q4_1.gguf
out=$PWD/build/web_test
questions=$PWD/build/web_test/questions/everyday_questions.jsonl
cut=$PWD/tests/data/cut_models/no_attention/cut.gguf
for needed in "$program" "$model"; do
  [[ -e $needed ]] || { echo "test_web: $needed is missing; make build and scripts/fetch_model.sh give it" >&2; exit 1; }
done
mkdir -p "$out/questions"
# The first question of every group.
python3 -c '
import json, sys
groups = set()
for line in sys.stdin:
    group = json.loads(line)["group"]
    if group not in groups:
        print(line, end="")
    groups.add(group)
' <examples/everyday_questions.jsonl >"$questions"

# study FILE MODEL QUESTIONS [flags]: unless it is there
study() {
  [[ -e $out/$1 ]] || "$program" study "$2" --task "$3" --shares 0,20 --quiet --output "$out/$1.part" "${@:4}"
  [[ -e $out/$1 ]] || mv "$out/$1.part" "$out/$1"
}

# copy_without FILE COPY STATEMENT...: a study as a killed run leaves it
copy_without() {
  cp "$out/$1" "$out/$2"
  python3 -c '
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as study:
    for statement in sys.argv[2:]:
        study.execute(statement)
' "$out/$2" "${@:3}"
}

# Names that would break a page which took them for HTML.
hostile=$out/hostile
mkdir -p "$hostile"
evil_model="$hostile/<img src=x onerror=window.hacked=3>.gguf"
evil_task="$hostile/<img src=x onerror=window.hacked=4> \"&quot;.jsonl"
ln -sf "$model" "$evil_model"
cat >"$evil_task" <<'END'
{"question": "What do bees make? <img src=x onerror=\"window.hacked = 7\">", "choices": ["Paper", "Honey"], "answer": 1, "category": "<b>bold</b>", "group": "</script><script>window.hacked = 1</script>"}
{"question": "Where do fish live?", "choices": ["In water", "In trees"], "answer": 0, "category": "<b>bold</b>", "group": "<img src=x onerror=\"window.hacked = 2\">"}
{"question": "What sound does a cow make?", "choices": ["Moo", "Woof"], "answer": 0, "category": "plain", "group": "\"quotes' & <!-- &lt;b&gt;"}
END

study plain.db "$model" "$questions"
study other.db "$model" "$questions" --dtype f32 --seed 7 --scores awft,ahon_ln,avvn_ln,random
study static.db "$model" "$questions" --dtype f32 --scores awft,ahon_ln,random --static --no-excerpts
study cut.db "$cut" "$questions" --dtype f32 --scores awft,ahon_ln,random
study hostile.db "$evil_model" "$evil_task" --scores awft,ahon_ln,random
[[ -e $out/scores_only.db ]] || "$program" score "$model" --task "$questions" --quiet --output "$out/scores_only.db"
copy_without plain.db running.db "DELETE FROM results WHERE intervention > 20 AND document > 3"
copy_without running.db unfinished.db "DELETE FROM document_order" # as an older idleheads wrote it
copy_without plain.db empty.db "DELETE FROM results" "DELETE FROM statistics" "DELETE FROM interventions" "DELETE FROM work"

page() { "$program" report "${@:2}" --output "$out/$1" >/dev/null; }
cd "$out"
page plain.html plain.db
page cut.html cut.db --within 99
page static.html static.db
page two.html plain.db other.db
page three.html plain.db other.db cut.db
page refused.html plain.db hostile.db
page running.html running.db
page unfinished.html unfinished.db
page empty.html empty.db
page scores_only.html scores_only.db
page hostile.html hostile.db
# As a browser sees it while the study runs; killed, as it would go on for ever.
rm -f "$out/watched.html"
"$program" report unfinished.db --watch 1 --output "$out/watched.html" 2>/dev/null &
watcher=$!
until [[ -e $out/watched.html ]]; do kill -0 $watcher && sleep 0.1; done
kill -KILL $watcher

# Patterns: heads and rules to choose from, text that would break a page, and a prompt of which not all weights are kept.
attention() { "$program" probe "$2" --dtype f32 --seed 1 "${@:3}" --output "$out/$1" 2>/dev/null; }
long=$out/long.txt
for ((i = 0; i < 230; ++i)); do printf 'Line %d: the cat sat on the mat.\n' "$i"; done >"$long"
attention attention.html "$model" --attention L5H3,L0H0,L29H8 --ablate 'ahon_ln<0.6' --ablate L5H3 \
  --text "The capital of France is Paris. The capital of Italy is Rome." --text "One two three"
attention attention_hostile.html "$evil_model" --attention L3H1 \
  --text $'</script><script>window.hacked = 5</script>\n<img src=x onerror="window.hacked = 6"> <!-- \t\u202e & &lt;b&gt;'
attention attention_long.html "$model" --attention L5H3 --text "$(cat "$long")"

cd ../../web
[[ -e node_modules/.package-lock.json && ! package-lock.json -nt node_modules/.package-lock.json ]] || npm ci
npm run check
npm test
