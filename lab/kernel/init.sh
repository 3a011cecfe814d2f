#!/bin/sh
# The first program of the time-travelling kernel. The machine's files are its root, read-only; the run's folder is
# mounted beside them, writable. Everything else lives in memory and ends with the kernel. Nothing is mounted over /tmp: the
# project itself may lie there.
export PATH=/.idlelab:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/run TMPDIR=/run
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/out
mount -t hostfs -o "$IDLELAB_FOLDER" none /run/out
# The console is a terminal: lines must go out as they are.
stty raw -echo <&1 2>/dev/null
# What was compiled outside need not be compiled again.
export NODE_COMPILE_CACHE="$IDLELAB_COMPILE_CACHE"
# A sweep holds thousands of connections.
ulimit -n 65536
exec "$IDLELAB_NODE" --no-memory-reducer "$IDLELAB_PROGRAM" /run/out
