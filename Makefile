# What a person types. The work is done by scripts/, so that each step can be read and run on its own.
.PHONY: build demo test check format sanitize fuzz clean

build:
	scripts/setup.sh build
	scripts/build.sh release

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

# What must hold besides the tests: layers, file sizes, formatting.
check:
	scripts/setup.sh check
	scripts/check_layers.py --self-test
	scripts/check_layers.py
	scripts/format.sh --check

format:
	scripts/setup.sh check
	scripts/format.sh

# All tests under the address and undefined-behaviour sanitizers.
sanitize:
	scripts/setup.sh build model
	scripts/build.sh sanitize
	scripts/fetch_model.sh
	ctest --preset sanitize

# Every fuzz target for 30 seconds.
fuzz:
	scripts/setup.sh build fuzz
	scripts/build.sh fuzz
	scripts/fuzz.sh 30

clean:
	rm -rf build build-debug build-sanitize build-fuzz
