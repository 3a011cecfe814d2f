#!/bin/sh
# Watches over a time-travelling kernel: guard.sh <run's folder> <program> <its arguments …>
# Says on standard output when it has ended. Standard input is the lifeline: when it closes, the kernel and all its helpers
# end, and the run's folder goes too unless it has been moved to its place by then.
folder=$1
shift
exec 3<&0
"$@" </dev/null 3<&- &
kernel=$!
# User-Mode Linux makes itself the leader of a process group, in which its helpers are.
(
  cat <&3 >/dev/null
  kill -KILL -- -$kernel 2>/dev/null
  kill -KILL $kernel 2>/dev/null
) &
reader=$!
# Perhaps nobody will be left to hear us; the kernel was started before and is not concerned.
trap '' PIPE
wait $kernel
code=$?
# From here on that number may be somebody else's.
kill $reader 2>/dev/null
echo "{\"type\":\"ended\",\"code\":$code}" 2>/dev/null
cat <&3 >/dev/null
rm -rf "$folder"
