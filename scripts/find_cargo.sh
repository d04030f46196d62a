#!/usr/bin/env bash
# Prints the path of a cargo whose rustc is recent enough for the crates of text/. Exit code 1 if there is none.
set -euo pipefail
oldest=1.85

for cargo in ~/.cargo/bin/cargo "$(command -v cargo || true)" /usr/bin/cargo; do
  rustc=$(dirname "$cargo")/rustc
  [[ -x $cargo && -x $rustc ]] || continue
  version=$("$rustc" --version 2>/dev/null | cut -d' ' -f2) || continue
  if printf '%s\n' "$oldest" "$version" | sort --version-sort --check=silent; then
    echo "$cargo"
    exit
  fi
done
exit 1
