#!/usr/bin/env bash
# The Debian package: what is in it, what it depends on, and that its programs run as unpacked.
#
#   package_test.sh BUILD SOURCE
#
# With TABD_CLEAN_ROOT=1 (root, debootstrap and a Debian mirror needed; minutes) it is also installed by apt in a clean
# Debian 12, started, probed, stopped and removed there.
set -euo pipefail
build=$1
source=$2
folder=$(mktemp -d /tmp/tabd_package_XXXXXX)
root=
finish() {
  if [ -n "$root" ]; then umount "$root/proc" 2>/dev/null || true; fi
  rm -rf "$folder"
}
trap finish EXIT
fail() { echo "package: $*" >&2; exit 1; }

cpack -G DEB --config "$build/CPackConfig.cmake" -B "$folder/out" >"$folder/cpack.log" 2>&1 || { cat "$folder/cpack.log"; fail "cpack failed"; }
package=$(find "$folder/out" -maxdepth 1 -name 'tabd_*.deb')
[ -f "$package" ] || { cat "$folder/cpack.log"; fail "no package was made"; }

listing=$(dpkg-deb -c "$package")
for path in ./usr/bin/tabd ./usr/bin/tabctl ./etc/tabd/tabd.toml ./usr/lib/systemd/system/tabd.service \
  ./usr/lib/sysusers.d/tabd.conf ./usr/lib/tmpfiles.d/tabd.conf ./usr/share/doc/tabd/tabd.toml \
  ./usr/share/tabd/alerts.yml ./usr/share/tabd/dashboard.json ./usr/share/tabd/schema/tabd.capnp \
  ./usr/share/bash-completion/completions/tabctl ./usr/share/zsh/vendor-completions/_tabctl; do
  grep -q " $path\$" <<<"$listing" || fail "$path is not in the package"
done
if grep -E ' \./(usr/local|home|root|work|tmp)/' <<<"$listing"; then fail "a place that no package may use"; fi
if awk '{print $2}' <<<"$listing" | grep -qv '^root/root$'; then fail "files must belong to root"; fi

depends=$(dpkg-deb -f "$package" Depends)
for library in libcapnp libsecp256k1 libprometheus-cpp-core libc6 tzdata; do
  grep -q "$library" <<<"$depends" || fail "Depends lacks $library: $depends"
done
[ "$(dpkg-deb -f "$package" Version)" = "$("$build/daemon/tabd" --version | awk '{print $2}')" ] || fail "another version than tabd's"
dpkg-deb -e "$package" "$folder/control"
[ "$(cat "$folder/control/conffiles")" = /etc/tabd/tabd.toml ] || fail "conffiles"
for script in postinst prerm postrm; do
  sh -n "$folder/control/$script"
  [ -x "$folder/control/$script" ] || fail "$script is not executable"
done

dpkg-deb -x "$package" "$folder/unpacked"
cmp "$folder/unpacked/etc/tabd/tabd.toml" "$source/ops/deploy/tabd.toml" || fail "another configuration than the reference"
tabd=$folder/unpacked/usr/bin/tabd
"$tabd" --version
"$folder/unpacked/usr/bin/tabctl" --version >/dev/null
"$tabd" --init "$folder/tab" >/dev/null
"$tabd" --check-config "$folder/tab/tabd.toml"
if "$tabd" --check-config "$folder/unpacked/etc/tabd/tabd.toml" 2>"$folder/refused"; then fail "the shipped file lacks the network and was accepted"; fi
grep -q 'network: missing' "$folder/refused" || fail "$(cat "$folder/refused")"
if grep -R "$source" "$folder/unpacked/usr/lib" "$folder/unpacked/usr/share" "$folder/unpacked/etc"; then fail "a path of the build machine"; fi
grep -q '^ExecStart=/usr/bin/tabd --config /etc/tabd/tabd.toml$' "$folder/unpacked/usr/lib/systemd/system/tabd.service" || fail "the unit starts something else"
echo "package: $(basename "$package") is good ($(stat -c %s "$package") bytes)"
[ -n "${TABD_CLEAN_ROOT:-}" ] || exit 0

root=$folder/clean
debootstrap --variant=minbase bookworm "$root" ${TABD_MIRROR:-} >"$folder/debootstrap.log" 2>&1 || { tail "$folder/debootstrap.log"; fail "debootstrap failed"; }
cp /etc/resolv.conf "$root/etc/resolv.conf"
cp /etc/apt/apt.conf.d/* "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
mount -t proc proc "$root/proc"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
cp "$package" "$root/tmp/tabd.deb"
chroot "$root" apt-get -q update >/dev/null
chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends /tmp/tabd.deb >"$folder/apt.log" 2>&1 || { tail -n 30 "$folder/apt.log"; fail "apt could not install it"; }
chroot "$root" getent passwd tabd >/dev/null || fail "no user tabd"
[ "$(stat -c %a "$root/var/lib/tabd")" = 750 ] || fail "mode of /var/lib/tabd"
[ "$(stat -c %a "$root/etc/tabd/operator.key")" = 400 ] || fail "mode of the operator's key"
chroot "$root" sed -i 's/^#network = .*/network = "acme:tab"/; s/^listen = "127.0.0.1:9402"/listen = ""/' /etc/tabd/tabd.toml
chroot "$root" install -d -o tabd -g tabd /run/tabd /run/credentials
chroot "$root" install -o tabd -m 0400 /etc/tabd/operator.key /run/credentials/operator.key
CREDENTIALS_DIRECTORY=/run/credentials chroot --userspec=tabd:tabd "$root" /usr/bin/tabd --config /etc/tabd/tabd.toml >"$folder/tabd.log" 2>&1 &
pid=$!
for _ in $(seq 200); do grep -q ' ready ' "$folder/tabd.log" && break; sleep 0.1; done
grep -q ' ready ' "$folder/tabd.log" || { cat "$folder/tabd.log"; kill "$pid"; fail "it does not run there"; }
kill -TERM "$pid"
wait "$pid" || fail "it did not stop well"
chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get -q purge -y tabd >/dev/null
[ -d "$root/var/lib/tabd/ledger" ] || fail "a purge must leave the ledger"
echo "package: installed, ran, stopped and left its ledger in a clean Debian 12"
