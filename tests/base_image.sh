#!/bin/sh
# Make the image that tests build on, where no registry is reached: Debian as it is on this machine, with Python.
# Usage: base_image.sh REFERENCE. As root; needs debootstrap and docker; a minute, 300 MB.
set -eu
reference=$1

# Several may want it at once: the first makes it.
exec 9>"${TMPDIR:-/tmp}/envkit-base-image.lock"
flock 9
if docker image inspect "$reference" >/dev/null 2>&1; then exit 0; fi

# The suite and the mirror of this machine.
suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | head -n 1)

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
trap 'exit 143' INT TERM
chmod 755 "$root"
# shellcheck disable=SC2086 # without a mirror it is left to debootstrap
debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates "$suite" "$root" $mirror >&2
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
tar -C "$root" --numeric-owner -c . |
  docker import --change 'LABEL envkit.test=base' --change 'CMD ["bash"]' - "$reference" >/dev/null
