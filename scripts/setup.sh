#!/usr/bin/env bash
# Makes sure that the Debian packages for the named jobs are installed: scripts/setup.sh build|model|check|sanitize|bench|slurm|cuda|python|web ...
# With nothing missing it runs nothing and needs no network. Otherwise it installs what is missing if it may (as root or
# with sudo that asks no password), else it names the command to run and exits with 1.
set -euo pipefail
cd "$(dirname "$0")/.."

packages_for() {
  case $1 in
    build)
      echo ca-certificates cmake g++ libbenchmark-dev libboost-math-dev libcli11-dev libcurl4-openssl-dev libdnnl-dev libfmt-dev libgmock-dev libgtest-dev libhwy-dev \
        libsqlite3-dev libutfcpp-dev libxxhash-dev ninja-build nlohmann-json3-dev pkg-config
      echo ocl-icd-opencl-dev # not used, but the CMake file of Debian's oneDNN looks for OpenCL
      scripts/find_cargo.sh >/dev/null || echo rustc-web cargo-web # Debian 12's plain rustc is too old
      ;;
    model) echo ca-certificates python3 python3-pip ;; # pip only downloads
    check) echo clang-format-14 python3 ;;
    bench) echo python3-dev python3-venv ;;
    slurm) echo munge slurm-wlm ;;
    cuda) echo python3 python3-venv ;; # for scripts/cuda_toolkit.sh where there is no nvcc
    python) echo python3 python3-dev python3-venv ;;
    web)
      echo chromium python3
      if ! [[ $(node --version 2>/dev/null) =~ ^v(2[0-9]|[3-9][0-9])\. ]]; then
        echo "setup: the tests of the report page need Node 20 or newer with npm (Debian 12's is too old)" >&2
        exit 1
      fi
      ;;
    sanitize) echo clang-19 libclang-rt-19-dev libomp-19-dev ;; # clang 14 lacks parts of C++20, 16 crashes on the engine
    *)
      echo "setup: unknown job '$1'; valid: build, model, check, sanitize, bench, slurm, cuda, python, web" >&2
      exit 2
      ;;
  esac
}

is_installed() { [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

needed=$(for job in "$@"; do packages_for "$job"; done)

if ! { command -v apt-get && command -v dpkg-query; } >/dev/null; then
  echo "setup: not a Debian system, so nothing is installed; needed are the equivalents of:" >&2
  echo "$needed" >&2
  exit 0 # they may well be there: the build tells
fi

missing=()
for package in $needed; do
  is_installed "$package" || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

install=(install -y --no-install-recommends "${missing[@]}")
if [[ $(id -u) == 0 ]]; then
  apt=(env)
elif sudo -n true 2>/dev/null; then
  apt=(sudo -n env)
else
  echo "setup: packages are missing; run this, then try again:" >&2
  echo "  sudo apt-get update && sudo apt-get ${install[*]}" >&2
  exit 1
fi
# --no-remove: an older Rust from Debian is replaced only by the user's own hand.
apt+=(DEBIAN_FRONTEND=noninteractive apt-get --quiet --no-remove -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0)

echo "setup: installing ${missing[*]}" >&2
if ! { "${apt[@]}" update && "${apt[@]}" "${install[@]}"; } >&2; then
  echo "setup: installing failed (apt-get says why above); run this by hand, then try again:" >&2
  echo "  apt-get update && apt-get ${install[*]}" >&2
  exit 1
fi
