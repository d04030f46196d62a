#!/usr/bin/env bash
# Runs every fuzz target of the sanitizers' build for some seconds: scripts/fuzz.sh SECONDS [SEED]. Inputs that reach new code are kept
# in build-sanitize/corpus/; one that crashes a target is written to build-sanitize/ and fails the run.
set -euo pipefail
cd "$(dirname "$0")/../build-sanitize"

for target in fuzz/*; do
  name=$(basename "$target")
  corpus=("corpus/$name")
  mkdir -p "${corpus[0]}"
  if [[ -d ../tests/fuzz/corpus/$name ]]; then corpus+=("../tests/fuzz/corpus/$name"); fi # only read
  echo "fuzz: $name, $1 s"
  "$target" -seed="${2-1}" -max_total_time="$1" -timeout=10 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1 \
    -artifact_prefix="$name-" "${corpus[@]}"
done
