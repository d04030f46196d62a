#!/usr/bin/env bash
# The text library's own tests, its format and its lints, where the Rust that is there has rustfmt and clippy.
set -euo pipefail
cd "$(dirname "$0")/../text"

cargo=$(../scripts/find_cargo.sh)
RUSTC=$(dirname "$cargo")/rustc
PATH=$(dirname "$cargo"):$PATH
export RUSTC PATH
"$cargo" test --release --locked --quiet
if "$cargo" fmt --version >/dev/null 2>&1; then "$cargo" fmt --check; else echo "test_text: no rustfmt, format not checked"; fi
if "$cargo" clippy --version >/dev/null 2>&1; then
  "$cargo" clippy --release --locked --quiet -- -D warnings
else
  echo "test_text: no clippy, lints not checked"
fi
