#!/usr/bin/env bash
# Builds the program and, beside it, its module for CUDA devices: build/libidleheads_cuda.so.
set -euo pipefail
cd "$(dirname "$0")/.."

nvcc=$(scripts/cuda_toolkit.sh)
export CUDACXX=$nvcc
scripts/build.sh release idleheads # configures what the next line adds to
cmake --preset release --log-level=NOTICE -DIDLEHEADS_CUDA=ON -DCMAKE_CUDA_COMPILER="$nvcc"
cmake --build --preset release --parallel "$(nproc)" --target idleheads idleheads_cuda
