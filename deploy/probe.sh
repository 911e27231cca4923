#!/bin/sh
# Whether the worker, or beat, in this container does its work: `sh deploy/probe.sh worker`, or `beat`. For Kubernetes,
# compose and other supervisors; it takes some milliseconds.
#
# Each process touches a file in the data folder every five seconds, from the loop that sends requests (of beat: that
# posts tasks). A busy process does so too, and one that waits for a database or Redis that is away: restarting it would
# help nobody. One that is suspended or hangs does not.
set -u
oldest=60
folder=${POSTBACKS_DATA_DIR:-var}/alive
now=$(date +%s)
status=1
for file in "$folder/$1-$(uname -n)"-*; do
    number=${file##*-}
    # What a killed process has left says nothing.
    [ -e "$file" ] && [ -d "/proc/$number" ] || continue
    age=$((now - $(stat -c %Y "$file")))
    if [ "$age" -gt "$oldest" ]; then
        echo "Process $number ($1) hangs: its loop has not turned for $age s." >&2
        exit 1
    fi
    status=0
done
[ "$status" = 0 ] || echo "No $1 has begun to work: there is no file of one in $folder." >&2
exit "$status"
