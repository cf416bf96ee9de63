#!/bin/sh
# Unmounts a file system of pinned programs, and removes a cgroup with what runs in it, when the process that started this
# is gone, however it ended: it holds the other end of standard input. Usage: janitor.sh <mount point> <cgroup>
#
# Nothing that is meant for the others reaches this one.
trap '' HUP INT TERM PIPE

cat > /dev/null

grep -qF " $1 bpf " /proc/mounts && umount "$1"
exec "$(dirname "$0")/../../demo/janitor.sh" "$2" < /dev/null
