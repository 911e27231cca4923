#!/usr/bin/env bash
# Restore the cluster of a pgBackRest stanza as it was at a moment, into an empty folder beside the one that runs:
#
#   restore-to-time.sh STANZA "2026-11-26 14:03:00+00" /var/lib/postgresql/15/restored [OPTION…]
#
# Run it as the user of PostgreSQL, with web, workers and beat stopped. OPTIONs go to pgbackrest, such as --config=FILE.
# It starts nothing: docs/backup.md says what comes next.
set -euo pipefail

if [ "$#" -lt 3 ]; then
    sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
stanza=$1 moment=$2 folder=$3
shift 3

# Without a zone, PostgreSQL would take the moment in the zone of its server, which may not be the one that was meant.
case $moment in
*[+-][0-9][0-9] | *[+-][0-9][0-9]:[0-9][0-9] | *[+-][0-9][0-9][0-9][0-9]) ;;
*)
    echo "The moment “$moment” has no UTC offset. Write one, such as “2026-11-26 14:03:00+00”." >&2
    exit 2
    ;;
esac
if [ -e "$folder" ] && [ -n "$(ls -A "$folder")" ]; then
    echo "$folder is not empty. Name a new folder: what is left of the old cluster may still be needed." >&2
    exit 2
fi
mkdir -p "$folder"
chmod 700 "$folder"

# Up to the moment, and no further: the server then opens on a timeline of its own. It stops before the first transaction
# that was committed at this moment or later. It archives nothing until you have looked at it: otherwise its WAL would lie
# beside that of the old cluster before anybody has decided that it is the right one.
pgbackrest --stanza="$stanza" --pg1-path="$folder" --type=time --target="$moment" --target-action=promote \
    --target-exclusive --archive-mode=off "$@" restore

echo "Restored into $folder as of $moment. Start PostgreSQL on it, then run: python manage.py after_restore"
