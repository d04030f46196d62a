#!/usr/bin/env bash
# Formats all C++ files with clang-format 14; with --check changes nothing and fails if a file is not formatted.
set -euo pipefail
cd "$(dirname "$0")/.."

options=(-i)
if [[ ${1-} == --check ]]; then options=(--dry-run --Werror); fi
shopt -s globstar nullglob
clang-format-14 "${options[@]}" {src,tests,examples,bench,python}/**/*.{h,cc,cu}
