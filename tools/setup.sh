#!/usr/bin/env bash
# Installs what tabd needs on Debian 12, and only what is missing. Safe to run again: then it does nothing.
#
#   tools/setup.sh [PROFILE...]
#
#   base        Debian packages to build, run and test tabd (the default), and the sources of Debian's libsecp256k1
#   chain       base, and what the local chain needs: Node.js and the pinned npm packages of tests/chain
#   playground  chain, and the npm packages of clients/js and playground/agents
#   bench       chain, and what `make bench` measures beside tabd: the official x402 packages, and ours
#   bank        base, and what checks bank files: ISO 20022 schemas, xmllint, a checker of NACHA files (needs PyPI and Go's
#               module proxy)
#   card        chain, and what checks the card rail: the provider's npm library, stripe-mock, localstripe (the same)
#   full        playground, card and bank, and what all tests need: the other npm packages, Chromium, a Python environment,
#               what makes and reads PDF files and QR codes
#   lint        clang-tidy, for `make lint`
#   fuzz        clang, for `make fuzz`
#   coverage    gcovr, for `make coverage`
#
# Works as root or with sudo. Nothing is installed outside Debian's packages but node_modules, .venv and build/sources in
# this folder.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

base_packages=(
  g++ cmake ninja-build ccache mold pkg-config git ca-certificates # to build
  librocksdb-dev libboost1.81-dev libboost-json1.81-dev capnproto libcapnp-dev libsecp256k1-dev libssl-dev
  prometheus-cpp-dev libtomlplusplus-dev libcli11-dev libspdlog-dev libfmt-dev libexpected-dev
  libhowardhinnant-date-dev tzdata libpugixml-dev libkainjow-mustache-dev libqrencode-dev # what tabd is made of
  libgtest-dev libgmock-dev libbenchmark-dev libcrypto++-dev # its tests and benchmarks
  python3 clang-format-14 prometheus dpkg-dev file # lint tests, a real Prometheus, the Debian package
)
# Debian's Node.js 18 is enough: it compiles the test token. Anvil's npm package asks for 20, but only its binary is used.
node_packages=(nodejs npm)
browser_packages=(chromium)
python_packages=(python3-venv python3-dev)
bank_packages=(libxml2-utils)
invoice_packages=(weasyprint poppler-utils zbar-tools python3-html5lib) # makes PDF; read PDF, QR codes and HTML back
lint_packages=(clang-tidy-14 clang-14)
fuzz_packages=(clang-14)
coverage_packages=(gcovr)

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "installing Debian packages needs root: run this as root, or install sudo"
  fi
}

# The packages of the arguments that are not installed, one a line.
missing() {
  local package
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || echo "$package"
  done
}

# Debian starts a service when its package is installed. We want Prometheus for tests only: not started, not at boot.
keep_prometheus_quiet() {
  if [ -d /run/systemd/system ]; then
    as_root systemctl disable --now prometheus prometheus-node-exporter >/dev/null 2>&1 || true
    say "the prometheus service is switched off: the tests start their own for a moment"
  fi
}

install_debian() {
  local wanted
  mapfile -t wanted < <(missing "$@")
  [ ${#wanted[@]} -gt 0 ] || return 0
  say "installing Debian packages: ${wanted[*]}"
  export DEBIAN_FRONTEND=noninteractive
  as_root apt-get -q update || say "the package lists could not be refreshed; trying with those that are here"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "${wanted[@]}"
  case " ${wanted[*]} " in *" prometheus "*) keep_prometheus_quiet ;; esac
}

# The sources of libsecp256k1, out of Debian's source package, for checking many signatures at once. From the archives that
# this machine's apt uses, into a folder of ours: apt's own lists and configuration stay as they are. What is fetched must
# have the hash of crypto/libsecp256k1.sha256. tabd builds and works without; CMake then says that it is slower.
fetch_sources() {
  local pinned=crypto/libsecp256k1.sha256 folder=build/sources work lists archive
  archive=$(awk '{print $2}' "$pinned")
  mkdir -p "$folder"
  if (cd "$folder" && sha256sum --quiet -c "../../$pinned" >/dev/null 2>&1); then return 0; fi
  say "fetching the sources of libsecp256k1 ($archive)"
  work=$(mktemp -d)
  lists=$work/sources.d
  mkdir -p "$lists" "$work/lists/partial" "$work/cache/archives/partial" "$work/here"
  # apt's own sources once more, as sources of sources.
  local file
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
    [ -f "$file" ] || continue
    case $file in
      *.sources) sed 's/^Types:.*/Types: deb-src/' "$file" >"$lists/$(basename "$file")" ;;
      *.list) sed -n 's/^deb-src /deb /; s/^deb /deb-src /p' "$file" >"$lists/$(basename "$file")" ;;
    esac
  done
  local options=(-q -o "Acquire::Retries=0" -o "Acquire::http::Timeout=15" -o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$lists" -o "Dir::State::lists=$work/lists"
    -o "Dir::Cache=$work/cache" -o "APT::Sandbox::User=$(id -un)")
  (cd "$work/here" && apt-get "${options[@]}" update && apt-get "${options[@]}" --download-only --only-source source libsecp256k1) \
    >"$work/log" 2>&1 || true
  if [ -f "$work/here/$archive" ] && (cd "$work/here" && sha256sum --quiet -c "$OLDPWD/$pinned" >/dev/null 2>&1); then
    mv "$work/here/$archive" "$folder/"
  else
    say "not fetched: $(tail -n 1 "$work/log"). tabd will check signatures one by one, at a third of the speed"
  fi
  rm -rf "$work"
}

# The npm packages of a folder, exactly as its lock file says. Kept while the lock file is older.
install_npm() {
  local folder=$1
  [ -f "$folder/package-lock.json" ] || return 0
  if [ -f "$folder/node_modules/.package-lock.json" ] &&
    [ ! "$folder/package-lock.json" -nt "$folder/node_modules/.package-lock.json" ]; then
    return 0
  fi
  say "installing the pinned npm packages of $folder"
  (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error) ||
    fail "npm could not install the packages of $folder: is its registry (npm config get registry) within reach?"
  touch "$folder/node_modules/.package-lock.json"
}

# Whether a contract of the tests is newer than what was compiled from it, or was never compiled.
contracts_changed() {
  local source artifact
  for artifact in TestUSDC BatchSettlement ERC3009Collector ReadBatcher; do
    [ -f "tests/chain/build/$artifact.json" ] || return 0
    for source in tests/chain/contracts/*.sol tests/chain/build.mjs; do
      [ ! "$source" -nt "tests/chain/build/$artifact.json" ] || return 0
    done
  done
  return 1
}

install_node() {
  local major=0
  if command -v node >/dev/null; then major=$(node -p 'process.versions.node.split(".")[0]'); fi
  if [ "$major" -lt 18 ] || ! command -v npm >/dev/null; then install_debian "${node_packages[@]}"; fi
  command -v node >/dev/null || fail "Node.js is missing: install 18 or newer, and put node on the PATH"
  command -v npm >/dev/null || fail "npm is missing: install it (apt install npm), and put it on the PATH"
  major=$(node -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge 18 ] || fail "Node.js $(node --version) at $(command -v node) is too old: put 18 or newer first on the PATH"
  install_npm tests/chain
  if contracts_changed; then
    say "compiling the contracts of the tests"
    (cd tests/chain && npm run --silent build)
  fi
}

# The playground, and the package of clients/js that it uses.
install_playground() {
  local folder
  install_node
  for folder in clients/js playground/agents; do install_npm "$folder"; done
  (cd playground/agents && npm run --silent link)
}

# The JavaScript client as a program imports it. Kept while its sources are older.
build_client() {
  local built=clients/js/dist/esm/index.js
  if [ -f "$built" ] && [ -z "$(find clients/js/src clients/js/build.mjs -newer "$built" -print -quit)" ]; then return 0; fi
  say "compiling clients/js"
  (cd clients/js && npm run --silent build)
}

# A Python environment with what the Python client of the tests needs, and a card provider.
install_python() {
  local requirements=(tests/python/requirements.txt tests/card/requirements.txt)
  if [ -f .venv/requirements.installed ] && cat "${requirements[@]}" | cmp -s - .venv/requirements.installed; then return 0; fi
  python3 -c 'import venv, ensurepip' 2>/dev/null || install_debian "${python_packages[@]}"
  say "making the Python environment .venv"
  python3 -m venv .venv
  .venv/bin/python -m pip install -q --disable-pip-version-check "${requirements[@]/#/--requirement=}"
  cat "${requirements[@]}" >.venv/requirements.installed
}

# What judges the card rail, for tests alone.
install_card() {
  install_npm tests/card
  install_python
  say "the judge of card requests"
  tests/card/fetch.sh
}

# The schemas and the checker of bank files, for tests alone.
install_bank() {
  install_debian "${bank_packages[@]}"
  python3 -c 'import venv, ensurepip' 2>/dev/null || install_debian "${python_packages[@]}"
  say "the checkers of bank files"
  tests/bank/fetch.sh
}

command -v apt-get >/dev/null || fail "this is not Debian: install the packages that tools/setup.sh lists by hand"
for profile in "${@:-base}"; do
  case $profile in
    base) install_debian "${base_packages[@]}" ;;
    chain)
      install_debian "${base_packages[@]}"
      install_node
      ;;
    playground)
      install_debian "${base_packages[@]}"
      install_playground
      ;;
    bench)
      install_debian "${base_packages[@]}"
      install_node
      for folder in tests/x402 clients/js; do install_npm "$folder"; done
      build_client
      ;;
    card)
      install_debian "${base_packages[@]}"
      install_node
      install_card
      ;;
    bank)
      install_debian "${base_packages[@]}"
      install_bank
      ;;
    full)
      install_debian "${base_packages[@]}" "${browser_packages[@]}" "${invoice_packages[@]}"
      install_playground
      for folder in tests/x402 tests/browser; do install_npm "$folder"; done
      install_card
      install_bank
      ;;
    lint) install_debian "${base_packages[@]}" "${lint_packages[@]}" ;;
    fuzz) install_debian "${base_packages[@]}" "${fuzz_packages[@]}" ;;
    coverage) install_debian "${base_packages[@]}" "${coverage_packages[@]}" ;;
    -h | --help)
      sed -n '2,20s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *) fail "unknown profile $profile; there are: base, chain, playground, bench, bank, card, full, lint, fuzz, coverage" ;;
  esac
done
fetch_sources
say "everything is there (${*:-base})"
