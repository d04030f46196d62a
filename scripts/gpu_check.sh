#!/usr/bin/env bash
# Everything that only a GPU can show, in under 8 minutes: tests of whole models, compute-sanitizer, and a table of
# figures beside PyTorch's. On the machine with the GPU (nothing needs a network):
#
#   tar -xf gpu_bundle.tar.xz && gpu_bundle/scripts/gpu_check.sh
#
# The table comes last; logs go to $OUT (default: gpu_check in the current folder). Needs python3 with PyTorch, transformers
# and safetensors, and cuBLASLt (PyTorch's, or the toolkit's). DEVICE=cpu SHAPE=tiny rehearses it without a GPU.
set -uo pipefail
out=$(realpath -m "${OUT:-gpu_check}")
cd "$(dirname "$0")/.."
device=${DEVICE:-cuda} shape=${SHAPE:-8b}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
rm -f "$out"/steps

library=$(find "$(python3 -c 'import os, torch; print(os.path.dirname(os.path.dirname(torch.__file__)))')" /usr/local/cuda*/ \
  -name 'libcublasLt.so.1?' 2>/dev/null | head -1)
python=(env "LD_LIBRARY_PATH=${LD_LIBRARY_PATH-}" python3) # with this machine's libraries, not the archive's
export LD_LIBRARY_PATH=$PWD/lib:$(dirname "$library"):${LD_LIBRARY_PATH-} PYTHONUNBUFFERED=1

# step NAME SECONDS COMMAND...: its output into $out/NAME.log and one line into $out/steps.
step() {
  local name=$1 limit=$2 start=$SECONDS status=0
  shift 2
  timeout "$limit" "$@" >"$out/$name.log" 2>&1 || status=$?
  printf '%-14s %s  %d s\n' "$name" "$([[ $status = 0 ]] && echo ok || echo "FAILED ($status)")" $((SECONDS - start)) |
    tee -a "$out/steps"
}

{
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
  ./idleheads --version
  ./idleheads info --devices
  date -u +%F
} >"$out/machine.log" 2>&1

step checkpoint 200 "${python[@]}" bench/peers/random_llama.py "$work/llama" --shape "$shape" &
if [[ $device != cpu ]]; then
  step goldens 150 ./device_tests --gtest_brief=1
  # The kernels alone: cuBLASLt's are NVIDIA's.
  for tool in memcheck racecheck; do
    step "$tool" 60 compute-sanitizer --tool "$tool" --error-exitcode 9 ./device_tests \
      --gtest_filter=CudaMma.SamplesHaveTheSameBits
  done
fi
wait
bench() {
  local name=$1
  shift
  step "$name" 100 ./engine_bench "$@" --device "$device" --tokens "$work/llama/prompts.json"
}
bench forward forward "$work/llama"
bench stats forward "$work/llama" --stats
bench streamed forward "$work/llama" --stream --repeat 2
bench protocol protocol "$work/llama" --prompts 128
step torch 200 "${python[@]}" bench/peers/torch_device.py "$work/llama"

echo
"${python[@]}" bench/gpu_table.py "$out" | tee "$out/table.md"
