#!/bin/sh
# The first program of a kernel that is only tried: says that it is there, after an hour of its own clock, and waits to be ended.
export PATH=/.idlelab:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
stty raw -echo <&1 2>/dev/null
before=$(cut -d. -f1 /proc/uptime)
sleep 3600
echo "alive $(($(cut -d. -f1 /proc/uptime) - before))"
sleep 2000000000
