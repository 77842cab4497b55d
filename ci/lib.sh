# Shared by the scripts of this folder: where the project is, how to install, how to tell.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

build_packages="build-essential cmake ninja-build pkg-config libuv1-dev libssl-dev
    libsodium-dev libsqlite3-dev"
# Only x86-64 has it, and it is optional.
[ "$(uname -m)" != x86_64 ] || build_packages="$build_packages libipsec-mb-dev"
test_packages="$build_packages clang libclang-rt-14-dev llvm clang-format libcmocka-dev valgrind git
    procps openssl tcpdump"

say() {
    printf '\n== %s\n' "$*"
}

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Installs those of the named Debian packages that are missing.
install_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
            missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    local run=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "neither root nor sudo: have somebody install ${missing[*]}"
        run=(sudo)
    fi
    say "installing ${missing[*]}"
    "${run[@]}" apt-get update -qq
    "${run[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Configures and builds a preset with warnings as errors. Quiet unless it fails.
build_preset() {
    local preset=$1
    shift
    local log="build/$preset.log"
    mkdir -p build
    if ! { cmake --preset "$preset" -DPEERSYNC_WERROR=ON "$@" &&
        cmake --build --preset "$preset" -j "$(nproc)"; } >"$log" 2>&1; then
        tail -n 60 "$log"
        die "the $preset build failed (all of it: $log)"
    fi
}
