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

for component in studyfile idleheads hub; do
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
if ldd "$place/studyfile/read_study" "$place/idleheads/score_heads" | grep libcurl; then
  echo "test_install: what fetches nothing links the network's library" >&2
  exit 1
fi

echo "test_install: pkg-config"
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
g++ examples/read_study.cc -o "$place/read_study" $(pkg-config --cflags --libs idleheads-studyfile)
g++ examples/score_heads.cc -o "$place/score_heads" $(pkg-config --cflags --libs idleheads)
g++ examples/fetch_model.cc -o "$place/fetch_model" $(pkg-config --cflags --libs idleheads-hub)

export LD_LIBRARY_PATH="$prefix/lib"
# runs TEXT COMMAND...: prints TEXT, whatever it ends with
runs() {
  local text=$1 printed
  shift
  printed=$("$@" 2>&1) || true
  [[ $printed == *"$text"* ]] || { echo "test_install: $* prints no '$text': $printed" >&2; exit 1; }
}
runs "usage: score_heads" "$place/score_heads"
runs "usage: read_study" "$place/read_study"
runs "usage: fetch_model" "$place/fetch_model"
HF_HUB_OFFLINE=1 runs "HF_HUB_OFFLINE is set" "$place/hub/fetch_model" org/name
[[ ! -e $study ]] || runs "% of the heads off" "$place/studyfile/read_study" "$study"
[[ ! -e $model ]] || runs "next token ' Paris'" "$place/idleheads/score_heads" "$model" "The capital of France is"
echo "test_install: all is there"
