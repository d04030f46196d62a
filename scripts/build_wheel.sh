#!/usr/bin/env bash
# Builds the Python package (docs/python.md): dist/idleheads-*.whl. pip installs what building it needs, nanobind and
# scikit-build-core, from a package index; what is compiled stays in build/python.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! cargo=$(scripts/find_cargo.sh); then
  echo "build_wheel: no Rust 1.85 or later found (cargo and rustc, on the PATH or in ~/.cargo/bin)" >&2
  exit 1
fi
RUSTC=$(dirname "$cargo")/rustc
export RUSTC CMAKE_ARGS="-DCARGO=$cargo"
place=build/python/wheel
[[ -x $place/bin/pip ]] || python3 -m venv "$place"
rm -f dist/idleheads-*.whl
if ! "$place/bin/pip" wheel . --no-deps --wheel-dir dist >"$place.log" 2>&1; then
  tail -n 40 "$place.log" >&2
  echo "build_wheel: the package could not be built; all that was said is in $place.log" >&2
  exit 1
fi
ls -l dist/idleheads-*.whl
