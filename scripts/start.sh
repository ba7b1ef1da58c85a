#!/bin/sh
# First program in the container: tries the folders for runs (COPILOT_LOGS) and downloads (COPILOT_CACHE), says so when
# runs end with the container because nothing is mounted there, and becomes the command that it was given.
set -eu

stop() {
    echo "$*" >&2
    exit 2
}

# What a journal asks of its folder: files can be made, added to, locked and renamed. Says what cannot be done.
try() {
    mkdir -p "$1" && file="$(mktemp "$1/.try.XXXXXX")" && echo line | tee -a "$file" >/dev/null &&
        flock --nonblock "$file" true && mv "$file" "$file.moved" && rm "$file.moved"
}

check() {
    problem="$(LC_ALL=C try "$1" 2>&1)" && return
    case "$problem" in
    *"Read-only"*) stop "Nothing can be kept in $1: it is mounted read-only. Mount it writable." ;;
    *"Permission denied"*)
        stop "Nothing can be kept in $1: it is closed to uid $(id -u), the user of this container." \
            "Outside of the container, give the folder to that user (chown -R $(id -u) FOLDER)," \
            "or start the container as the folder's owner (--user UID)."
        ;;
    *"No space"* | *"quota exceeded"*) stop "Nothing can be kept in $1: the disk is full. Make room there." ;;
    *) stop "Nothing can be kept in $1: files cannot be made, locked and renamed there ($problem)." ;;
    esac
}

check "$COPILOT_LOGS"
check "$COPILOT_CACHE"
[ ! -e .env ] || [ -r .env ] ||
    stop "The keys in .env are closed to uid $(id -u), the user of this container: chown $(id -u) .env outside of it."
if [ "$(stat -c %m "$COPILOT_LOGS")" = / ]; then
    export COPILOT_RUNS_KEPT=0 # the app says so, too
    echo "Runs are kept inside this container and end with it: mount a volume at /data to keep them." >&2
fi
case "${CPU_CORES:-}" in # said by a Space; what the kernel says is the number of its host
"" | *[!0-9]*) ;;
*) export COPILOT_MAX_ENGINES="${COPILOT_MAX_ENGINES:-$(((CPU_CORES + 1) / 2))}" ;;
esac
[ -w "$HOME" ] || export HOME=/tmp
exec "$@"
