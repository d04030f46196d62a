# What a person types. The work is done by scripts/, so that each step can be read and run on its own.
PREFIX ?= /usr/local

.PHONY: build install cuda gpu-bundle demo test test-cuda test-python test-slurm test-text test-web wheel check format sanitize fuzz bench clean

empty :=
space := $(empty) $(empty)

build:
	scripts/setup.sh build
	scripts/build.sh release

# The program, its manual page and completions: make install PREFIX=$HOME/.local
install: build
	cmake --install build --prefix "$(PREFIX)"

# The module for CUDA devices beside the program (docs/gpu.md).
cuda:
	scripts/setup.sh build cuda
	scripts/build_cuda.sh

# The same, and what can be seen of it without a device: that it loads and says what is missing.
test-cuda: cuda
	ctest --preset release -R '^CudaModule'

# An archive for a machine with a GPU, where gpu_bundle/scripts/gpu_check.sh does the rest (docs/gpu.md).
gpu-bundle:
	scripts/setup.sh build cuda
	scripts/gpu_bundle.sh

# Finds the inactive heads of a small language model and proves them by ablation.
demo:
	scripts/setup.sh build model
	scripts/build.sh release idleheads
	scripts/fetch_model.sh
	scripts/demo.sh

test:
	scripts/setup.sh build model
	scripts/build.sh release
	scripts/fetch_model.sh
	ctest --preset release

# The page of `idleheads report` in a headless Chromium; needs Node 20 or newer (web/README.md).
test-web:
	scripts/setup.sh build model web
	scripts/build.sh release idleheads
	scripts/fetch_model.sh
	scripts/test_web.sh

# The Python package (docs/python.md): dist/idleheads-*.whl.
wheel:
	scripts/setup.sh build python
	scripts/build_wheel.sh

# The Python package, the files that apply masks in transformers and TransformerLens (docs/other_tools.md), and cut models in llama.cpp
# (docs/pruning.md); pip installs all of them, with torch, in build/python. ENVIRONMENTS=package: the package alone, without torch.
ENVIRONMENTS ?=
test-python:
	scripts/setup.sh build model python
	scripts/build.sh release idleheads
	scripts/fetch_model.sh
	scripts/test_python.sh $(ENVIRONMENTS)

# A study in parts under Slurm on this machine alone (docs/cluster.md); as root, since it starts Slurm's daemons.
test-slurm:
	scripts/setup.sh build model slurm
	scripts/build.sh release idleheads
	scripts/fetch_model.sh
	scripts/test_slurm.sh

# What must hold besides the tests: layers, file sizes, formatting.
check:
	scripts/setup.sh check
	scripts/check_layers.py --self-test
	scripts/check_layers.py
	scripts/format.sh --check

format:
	scripts/setup.sh check
	scripts/format.sh

# The tests under the address and undefined-behaviour sanitizers; LAYERS chooses: make sanitize LAYERS="base format".
LAYERS ?= base strings format heads model engine analysis task studyfile study report prune evaluation hub cli
sanitize:
	scripts/setup.sh build model sanitize
	scripts/build.sh sanitize $(LAYERS:%=%_tests)
	scripts/fetch_model.sh
	ctest --preset sanitize -L '^($(subst $(space),|,$(LAYERS)))$$'

# Every fuzz target for some seconds, in the sanitizers' build: make fuzz SECONDS=300 SEED=7.
SECONDS ?= 30
SEED ?= 1
fuzz:
	scripts/setup.sh build sanitize
	scripts/build.sh sanitize fuzz_targets
	scripts/fuzz.sh $(SECONDS) $(SEED)

# The text library's own tests, and what Rust's linter says of it.
test-text:
	scripts/setup.sh build
	scripts/test_text.sh

# The engine and its peers side by side (docs/performance.md): make bench [MMLU=folder of its CSV files] [BENCH="more flags"]
# [RANDOM_8B=new folder: also a model of 16 GB in less memory].
# The peers, PyTorch and llama.cpp, go into a virtual environment in build/bench.
MODEL ?= models/SmolLM2-135M-Instruct.Q4_1.gguf
bench:
	scripts/setup.sh build model bench
	scripts/build.sh release idleheads engine_bench micro_bench
	scripts/fetch_model.sh
	build/bench/micro_bench
	bench/run.py $(MODEL) $(if $(MMLU),--data $(MMLU)) $(BENCH)
	$(if $(RANDOM_8B),bench/model_sizes.py --random-8b $(RANDOM_8B) --tokens 600 --memory 4GiB)

clean:
	rm -rf build build-debug build-sanitize dist
