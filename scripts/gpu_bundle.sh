#!/usr/bin/env bash
# One archive with what scripts/gpu_check.sh needs on a machine that has a GPU and nothing of the build:
# scripts/gpu_bundle.sh [ARCHIVE] (default build/gpu_bundle.tar.xz). Builds what goes in.
set -euo pipefail
cd "$(dirname "$0")/.."
archive=${1:-build/gpu_bundle.tar.xz}

scripts/build_cuda.sh idleheads engine_bench device_tests
stage=build/gpu_bundle
rm -rf "$stage"
mkdir -p "$stage/lib"
cp build/idleheads build/bench/engine_bench build/device_tests build/libidleheads_cuda.so "$stage"
strip "$stage"/idleheads "$stage"/engine_bench "$stage"/device_tests "$stage"/libidleheads_cuda.so
# What a bare machine has: the C and C++ libraries. cuBLASLt comes with PyTorch or the toolkit.
ldd "$stage"/idleheads "$stage"/engine_bench "$stage"/device_tests "$stage"/libidleheads_cuda.so |
  awk '$3 ~ /^\// {print $3}' | sort -u |
  { grep -vE '/(libc|libm|libdl|libpthread|librt|libstdc\+\+|libgcc_s|libcublasLt)\.so' || true; } |
  xargs -I{} cp {} "$stage/lib"
mkdir -p "$stage/tests/data/golden" "$stage/scripts" "$stage/bench/peers"
cp -r tests/data/golden/families "$stage/tests/data/golden"
cp -r tests/data/cut_models "$stage/tests/data"
cp scripts/gpu_check.sh "$stage/scripts"
cp bench/gpu_table.py "$stage/bench"
cp bench/peers/random_llama.py bench/peers/torch_device.py "$stage/bench/peers"
tar -C build -cJf "$archive" gpu_bundle
du -h "$archive" | cut -f1 | xargs echo "$archive:"
