#!/usr/bin/env bash
# Tests of and with Python: scripts/test_python.sh [package] [old] [new] [llama_cpp] [lm_eval_old] [lm_eval_new], by default all.
# package: the Python package, built as a wheel and installed, without torch. old and new: the Python files that apply masks in
# transformers and TransformerLens (src/prune/python), folders with heads cut out, and the package's scores of transformers models,
# with an old and a new version of both; llama_cpp: GGUF files with heads cut out in llama.cpp; lm_eval_old and lm_eval_new: the
# package as a model of lm-evaluation-harness. Needs build/idleheads, the model (scripts/fetch_model.sh), python3 with venv, and pip,
# which installs tests/python/requirements_*.txt into build/python the first time.
set -euo pipefail
cd "$(dirname "$0")/.."

for needed in build/idleheads models/SmolLM2-135M-Instruct.Q4_1.gguf; do
  [[ -e $needed ]] || { echo "test_python: $needed is missing; make build and scripts/fetch_model.sh give it" >&2; exit 1; }
done

# environment NAME: its packages, unless they are there
environment() {
  local wanted=tests/python/requirements_$1.txt place=build/python/$1
  [[ -e $wanted ]] || { echo "test_python: there is no $wanted; valid: package, old, new, llama_cpp, lm_eval_old, lm_eval_new" >&2; exit 2; }
  cmp --quiet "$wanted" "$place/installed.txt" && return
  rm -rf "$place"
  mkdir -p build/python
  echo "test_python: installing $wanted into $place (some minutes)" >&2
  if ! { python3 -m venv "$place" && "$place/bin/pip" install -r "$wanted"; } >"$place.log" 2>&1; then
    echo "test_python: $wanted could not be installed, which needs venv and a package index that pip reaches; see $place.log" >&2
    exit 1
  fi
  cp "$wanted" "$place/installed.txt"
}

# The package as it is now, in an environment; the wheel is built once.
install_package() {
  [[ ${built-} ]] || scripts/build_wheel.sh
  built=yes
  "build/python/$1/bin/pip" install --quiet --no-index --no-deps --force-reinstall dist/idleheads-*.whl
}

[[ $# -gt 0 ]] || set -- package old new llama_cpp lm_eval_old lm_eval_new
for version in "$@"; do
  environment "$version"
  case $version in
    llama_cpp) tests=test_llama_cpp.py ;;
    lm_eval_*) tests=test_lm_eval.py ;;
    package) tests="test_package.py test_package_refusals.py test_scores.py test_studies.py test_tasks.py test_hub.py test_notebook.py" ;;
    *) tests="test_ablate.py test_cut_folder.py test_scores.py test_transformers_scores.py test_transformers_refusals.py" ;;
  esac
  [[ $version == llama_cpp ]] || install_package "$version"
  for test in $tests; do
    HF_HUB_OFFLINE=1 "build/python/$version/bin/python" "tests/python/$test"
  done
done
