# The first process of the guest: what a distribution would have mounted, then the tests, then off.
/bin/busybox --install -s /bin
# The real programs before those of busybox.
export PATH=/usr/sbin:/usr/bin:/bin HOME=/
mount -t devtmpfs none /dev
mount -t proc none /proc
mount -t sysfs none /sys
mount -t cgroup2 none /sys/fs/cgroup
mount -t bpf none /sys/fs/bpf
mount -t tracefs none /sys/kernel/tracing
mount -t tmpfs none /tmp
mount -t tmpfs none /run
mkdir /run/netns
for module in /modules/*; do insmod "$module"; done
ip link set lo up
# Into the evaluated line exactly what is written to it.
stty -F /dev/ttyS1 raw
cd /ringside
export RINGSIDE_TEST_PATIENCE=10 FORCE_COLOR=0
node --require tsx/cjs test/kernels/guest/main.ts > /dev/ttyS1
poweroff -f
