#!/usr/bin/env bash
# Configures and builds a preset of CMakePresets.json: scripts/build.sh PRESET [-DVARIABLE=VALUE...] [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
shift
variables=()
while [[ ${1-} == -D* ]]; do
  variables+=("$1")
  shift
done

if ! cargo=$(scripts/find_cargo.sh); then
  echo "build: no Rust 1.85 or later found (cargo and rustc, on the PATH or in ~/.cargo/bin)" >&2
  exit 1
fi
RUSTC=$(dirname "$cargo")/rustc # a newer cargo must not pick up an older rustc that comes first on the PATH
export RUSTC
cmake --preset "$preset" --log-level=NOTICE -DCARGO="$cargo" "${variables[@]}"
cmake --build --preset "$preset" --parallel "$(nproc)" ${1+--target "$@"}
