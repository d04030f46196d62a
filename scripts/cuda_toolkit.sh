#!/usr/bin/env bash
# Prints the path of nvcc: CUDACXX, the one in PATH, or one that it puts into .cuda/ out of NVIDIA's Python packages
# (about 600 MB to download; a second call downloads nothing).
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ -n ${CUDACXX-} ]]; then echo "$CUDACXX"; exit; fi
if command -v nvcc; then exit; fi

# Of one release: nvcc without its own nvvm, crt and headers takes the newest, which do not fit.
packages=(nvidia-cuda-nvcc==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-cuda-runtime==13.0.96
  nvidia-cuda-cccl==13.0.85 nvidia-cublas==13.0.2.14)
folder=.cuda
stamp=$folder/packages
if [[ ! -f $stamp || $(<"$stamp") != "${packages[*]}" ]]; then
  echo "cuda_toolkit: downloading ${packages[*]}" >&2
  rm -rf "$folder"
  python3 -m venv "$folder" >&2
  "$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps "${packages[@]}" >&2
  toolkit=$(echo "$folder"/lib/python3*/site-packages/nvidia/cu13)
  # What makes a toolkit of them.
  ln -s lib "$toolkit/lib64"
  ln -s libcublasLt.so.13 "$toolkit/lib/libcublasLt.so"
  ln -s libcudart.so.13 "$toolkit/lib/libcudart.so"
  echo "${packages[*]}" >"$stamp"
fi
echo "$PWD"/"$folder"/lib/python3*/site-packages/nvidia/cu13/bin/nvcc
