#!/bin/sh
# Watches over a time-travelling kernel: guard.sh <run's folder> <CPUs> <program> <its arguments …>
# Says on standard output when it is not shut in, and when it has ended. Standard input is the lifeline: when it closes, the kernel and all its helpers
# end, and the run's folder, if there is one, goes too unless it has been moved to its place by then.
#
# guard.sh --can-shut-in tells by its exit code whether the kernel will be shut in here.
apart='--user --map-root-user --mount --net --ipc --pid --fork --kill-child --mount-proc'
[ "$1" != --can-shut-in ] || exec unshare $apart mount -t tmpfs tmpfs "${TMPDIR:-/tmp}"
folder=$1
cpus=$2
shift 2
exec 3<&0
# What our caller had open is not for the kernel: hostfs would open it, past all mounts. Of higher numbers, which this shell
# cannot name, whoever starts us keeps us free (src/linux/descriptors.ts).
exec 5<&- 6<&- 7<&- 8<&- 9<&-
# User-Mode Linux is one CPU in many processes, of which one runs at a time. On a CPU of their own they hand over several
# times as fast. A lock on the CPU's folder in sysfs, which ends with us, tells other labs that it is taken.
cpu=
for number in $cpus; do
  [ -r "/sys/devices/system/cpu/cpu$number" ] || continue
  exec 4<"/sys/devices/system/cpu/cpu$number"
  flock -n 4 2>/dev/null && cpu=$number && break
  exec 4<&-
done
[ -n "$cpu" ] || cpu=${cpus%% *}
# It keeps a folder with its process id, by default in the home folder, which may not be there; killed, it would leave it.
uml=$(mktemp -d "${TMPDIR:-/tmp}/uml-idlelab.XXXXXX")
# Where namespaces of our own are allowed the kernel is shut in (src/engines/virtual/jail.ts): whatever gets out of it meets a
# few files, read-only, no network and no other process. Else it has the rights of whoever started us.
jail=$IDLELAB_JAIL
unset IDLELAB_JAIL
# Its place stands in a table whose fields end at spaces.
case $uml in *[!A-Za-z0-9/._-]*) jail= ;; esac
if [ -n "$jail" ] && unshare $apart mount -t tmpfs tmpfs "$uml" 2>/dev/null; then
  set -- unshare $apart sh -c "$jail" jail "$uml" "$@" uml_dir=/run/uml
else
  set -- "$@" "uml_dir=$uml"
  (trap '' PIPE; echo '{"type":"jail","jail":"none"}') 2>/dev/null
fi
if [ -n "$cpu" ] && taskset -c "$cpu" true 2>/dev/null; then set -- taskset -c "$cpu" "$@"; fi
"$@" </dev/null 3<&- 4<&- &
kernel=$!
# User-Mode Linux makes itself the leader of a process group, in which its helpers are.
(
  exec 4<&-
  cat <&3 >/dev/null
  kill -KILL -- -$kernel 2>/dev/null
  kill -KILL $kernel 2>/dev/null
) &
reader=$!
# Perhaps nobody will be left to hear us; the kernel was started before and is not concerned.
trap '' PIPE
wait $kernel
code=$?
[ -z "$uml" ] || rm -rf "$uml"
exec 4<&-
# From here on that number may be somebody else's.
kill $reader 2>/dev/null
echo "{\"type\":\"ended\",\"code\":$code}" 2>/dev/null
cat <&3 >/dev/null
[ -z "$folder" ] || rm -rf "$folder"
