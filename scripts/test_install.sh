#!/usr/bin/env bash
# The installed library as other projects find it: scripts/test_install.sh BUILD [STUDY.db MODEL.gguf]. Installs the build
# folder BUILD below itself, builds the examples against that by CMake and by pkg-config, compiles each public header alone
# with nothing else in the path, and runs what it built.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$(realpath "$1") study=${2:-build/demo.db} model=${3:-models/SmolLM2-135M-Instruct.Q4_1.gguf}
place=$build/install_test prefix=$build/install_test/prefix

rm -rf "$place"
mkdir -p "$place"
cmake --install "$build" --prefix "$prefix" > "$place/install.log"
for file in bin/idleheads share/man/man1/idleheads.1 include/idleheads/idleheads.h include/idleheads/studyfile.h; do
  [[ -e $prefix/$file ]] || { echo "test_install: $file is not installed" >&2; exit 1; }
done

echo "test_install: every public header alone"
find "$prefix/include" -name '*.h' -print0 |
  xargs -0 -P 2 -I{} sh -c 'echo "#include \"{}\"" | g++ -std=c++20 -fsyntax-only -Wall -Wextra -I "$0/include" -x c++ -' "$prefix"

for component in studyfile idleheads; do
  echo "test_install: find_package(idleheads COMPONENTS $component)"
  cmake -S tests/install -B "$place/$component" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Release -DCOMPONENT=$component \
    -DEXAMPLES="$PWD/examples" > "$place/$component.log"
  cmake --build "$place/$component" >> "$place/$component.log"
done
if cmake -S tests/install -B "$place/unknown" -DCMAKE_PREFIX_PATH="$prefix" -DCOMPONENT=engine -DEXAMPLES="$PWD/examples" > "$place/unknown.log" 2>&1; then
  echo "test_install: a component that does not exist was found" >&2
  exit 1
fi
if ldd "$place/studyfile/read_study" | grep -E 'dnnl|gomp'; then
  echo "test_install: reading a study links the engine's libraries" >&2
  exit 1
fi

echo "test_install: pkg-config"
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
g++ examples/read_study.cc -o "$place/read_study" $(pkg-config --cflags --libs idleheads-studyfile)
g++ examples/score_heads.cc -o "$place/score_heads" $(pkg-config --cflags --libs idleheads)

export LD_LIBRARY_PATH="$prefix/lib"
"$place/score_heads" 2>&1 | grep -q '^usage: score_heads' || { echo "test_install: score_heads does not run" >&2; exit 1; }
[[ ! -e $study ]] || "$place/studyfile/read_study" "$study" | grep -q 'heads off' || { echo "test_install: read_study does not read $study" >&2; exit 1; }
[[ ! -e $model ]] || "$place/idleheads/score_heads" "$model" "The capital of France is" | grep -q "next token ' Paris'" ||
  { echo "test_install: score_heads does not score $model" >&2; exit 1; }
echo "test_install: all is there"
