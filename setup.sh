#!/bin/sh
# Set up what Whim needs on Debian or Ubuntu: compilers, and a Python environment in .venv. For
# "demo" that is little; "test" and "train" add the compiler for the chips and the extra of that name
# in pyproject.toml. The Makefile calls it every time, so it is quick when all is there. Packages of
# the system are installed where that needs no password; otherwise a sentence says which.
set -eu
cd "$(dirname "$0")"
extra=${1:-test}
if [ "$extra" = demo ]; then cross= project=.
else cross=gcc-riscv64-unknown-elf project=".[$extra]"
fi
packages="gcc libc6-dev $cross python3 python3-venv"

say() { echo "whim: $*" >&2; }
fail() { say "$*"; exit 1; }

compiles() { echo '#include <stdio.h>' | cc -E - >/dev/null 2>&1; }

# The compiler for the chips; PlatformIO would fetch one where there is none.
cross_compiles() { [ -z "$cross" ] || command -v riscv64-unknown-elf-gcc >/dev/null; }

# The first Python that is new enough and can make a virtual environment.
find_python() {
    for python in python3 python3.14 python3.13 python3.12 python3.11; do
        "$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' \
            2>/dev/null && return
    done
    return 1
}

install_packages() {
    for_you="apt-get install $packages"
    command -v apt-get >/dev/null || fail "A C compiler (cc) with its headers and Python" \
        "3.11 or newer with venv are needed${cross:+, and riscv64-unknown-elf-gcc}; on Debian or" \
        "Ubuntu they are: $for_you"
    if [ "$(id -u)" = 0 ]; then sudo=
    elif sudo -n true 2>/dev/null; then sudo=sudo
    else fail "Some packages are missing. Please run: sudo $for_you"
    fi
    say "Installing $packages"
    $sudo apt-get -q update >/dev/null || say "apt-get update failed; trying with the lists at hand"
    # shellcheck disable=SC2086
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends \
        -o DPkg::Lock::Timeout=120 $packages >/dev/null ||
        fail "apt-get could not install them. Please run: sudo $for_you"
}

if ! compiles || ! cross_compiles || ! find_python; then
    install_packages
    compiles || fail "The C compiler cc does not work, although gcc is installed."
    cross_compiles || fail "The compiler riscv64-unknown-elf-gcc does not work, although" \
        "gcc-riscv64-unknown-elf is installed."
    find_python || fail "Python 3.11 or newer is needed and $(python3 --version 2>&1) is here." \
        "Please install one, for example the packages python3.11 and python3.11-venv."
fi

# FatFs, for boards with a bare card slot: "demo" needs none. Quick when it is there.
fetch_fatfs() { [ "$extra" = demo ] || .venv/bin/python platforms/whim/fatfs.py; }

# .venv/ready says what was installed: pyproject.toml's checksum, then the extras. It is not there
# while pip works, so without it the environment is new, half made or broken, and is made anew.
want=$(cksum <pyproject.toml)
have=$(cat .venv/ready 2>/dev/null || true)
if [ -z "$have" ] || ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    have=
    rm -rf .venv
    "$python" -m venv .venv || fail "$python could not make a virtual environment."
fi
case "$have " in
"$want:"*" $extra "*) fetch_fatfs; exit ;;
"$want:"*) ;;
*) have=$want: ;;
esac
say "Installing Python packages into .venv (a minute or two)"
rm -f .venv/ready
export PIP_DISABLE_PIP_VERSION_CHECK=1
if ! .venv/bin/python -m pip install --quiet --editable "$project"; then
    echo incomplete >.venv/ready
    fail "pip could not install what pyproject.toml lists. Is PyPI reachable?"
fi
# A newer PlatformIO would ask its registry about what an older one left here.
rm -rf .pio/core .pio/packages
echo "$have $extra" >.venv/ready
fetch_fatfs
