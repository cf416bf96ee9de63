#!/bin/sh
# Unmounts a file system of pinned programs, and removes a cgroup with what runs in it, when the process that started this
# is gone, however it ended: it holds the other end of standard input. Usage: janitor.sh <mount point> <cgroup>
#
# Nothing that is meant for the others reaches this one.
trap '' HUP INT TERM PIPE

cat > /dev/null

# Busy until the agent is gone, too, which has a lock in there.
attempt=0
while grep -qF " $1 bpf " /proc/mounts && [ "$attempt" -lt 100 ]; do
  umount "$1" 2> /dev/null || sleep 0.1
  attempt=$((attempt + 1))
done
exec "$(dirname "$0")/../../demo/janitor.sh" "$2" < /dev/null
