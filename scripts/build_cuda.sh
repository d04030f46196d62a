#!/usr/bin/env bash
# Builds the program and, beside it, its module for CUDA devices, build/libidleheads_cuda.so; and what else is named:
# scripts/build_cuda.sh [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."

nvcc=$(scripts/cuda_toolkit.sh)
export CUDACXX=$nvcc
scripts/build.sh release -DIDLEHEADS_CUDA=ON -DCMAKE_CUDA_COMPILER="$nvcc" idleheads idleheads_cuda_module "$@"
