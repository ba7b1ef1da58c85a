#!/usr/bin/env bash
# container.sh [run|demo|space|build]: builds the image and starts it; the app is then on http://localhost:7860.
#   run     the app for you alone: runs are kept in ./logs, keys are read from ./.env, a GPU is used if there is one
#   demo    the bundled task to its verdict, in batch
#   space   the app as visitors of a Hugging Face Space get it: shared, no keys, no GPU, runs end with the container
#   build   the image only
# Uses docker or podman, whichever works (CONTAINER_TOOL names one). PORT=N takes another port, GPU=none leaves the GPU
# alone, EXTRA=ml adds torch (done by itself with a GPU), BASE=IMAGE names another base image, and BUILD_OPTIONS are
# further options for the build, for example a pip.conf: --volume FILE:/etc/pip.conf:ro with podman.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
port="${PORT:-7860}"

stop() {
    echo "$*" >&2
    exit 2
}

find_tool() {
    local candidate seen=""
    for candidate in ${CONTAINER_TOOL:-docker podman}; do
        command -v "$candidate" >/dev/null 2>&1 || continue
        seen="$seen $candidate"
        if "$candidate" info >/dev/null 2>&1; then
            tool="$candidate"
            kind=docker
            case "$("$tool" --version)" in *podman*) kind=podman ;; esac # podman may go by the name of docker
            return
        fi
    done
    [ -z "$seen" ] || stop "Installed but not usable by you:$seen. See what \`${seen##* } info\` says: a service that does" \
        "not run, or rights that you lack (docker: be in its group; podman: needs none)."
    stop "Neither docker nor podman is installed: take one of them (Debian: apt-get install podman)."
}

# Image and layers need about 3 GB, with torch 10 GB.
check_disk() {
    local folder needed free
    folder="$("$tool" info --format "$([ "$kind" = podman ] && echo '{{.Store.GraphRoot}}' || echo '{{.DockerRootDir}}')")"
    [ -d "$folder" ] || return 0 # the tool works on another machine
    needed=$([ "$extra" = core ] && echo 3 || echo 10)
    free=$(($(df -Pk "$folder" | awk 'NR == 2 {print $4}') / 1000000))
    [ "$free" -ge "$needed" ] || stop "The image needs $needed GB in $folder, $free GB are free: make room there."
}

check_port() {
    if (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
        stop "Port $port is taken: PORT=N names another one."
    fi
}

has_gpu() {
    [ "${GPU:-}" != none ] && command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi --list-gpus 2>/dev/null | grep -q GPU
}

gpu_options() {
    command -v nvidia-ctk >/dev/null 2>&1 ||
        stop "There is a GPU, but containers cannot use it: install the NVIDIA Container Toolkit, or go without: GPU=none."
    case "$kind" in
    podman)
        nvidia-ctk cdi list 2>/dev/null | grep -q 'nvidia.com/gpu=all' ||
            stop "There is a GPU, but podman knows no way to it: nvidia-ctk cdi generate --output /etc/cdi/nvidia.yaml" \
                "makes one; or go without: GPU=none."
        options+=(--device nvidia.com/gpu=all)
        ;;
    *) options+=(--gpus all) ;;
    esac
}

# The program runs as the owner of ./logs, so that runs and keys are readable for their owner inside and outside.
owner_options() {
    [ "$(uname)" = Linux ] || return 0 # elsewhere the tool maps users by itself
    local owner
    owner="$(stat -c %u:%g logs)"
    if [ "${owner%%:*}" = 0 ]; then
        owner=1000:1000
        echo "logs/ is given to uid 1000, the user of the container (it belonged to root)." >&2
        chown -R "$owner" logs || stop "logs/ belongs to root: give it to yourself first."
    fi
    options+=(--user "$owner")
    if [ "$kind" = podman ] && [ "$(id -u)" != 0 ]; then
        options+=(--userns keep-id)
    fi
}

build() {
    check_disk
    # shellcheck disable=SC2086  # several options
    "$tool" build ${BASE:+--build-arg "BASE=$BASE"} --build-arg "EXTRA=$extra" --build-arg "TORCH=$torch" \
        ${BUILD_OPTIONS:-} --tag copilot .
}

# Keys travel as a file, not in the environment: no process has them there, and `inspect` does not show them.
# COPILOT_HOSTS: a page of a stranger whose name leads to this machine is not answered.
own_options() {
    options+=(--volume "$PWD/logs:/data/logs:z" --env COPILOT_SHARED=0 --env COPILOT_HOSTS=localhost)
    [ ! -f .env ] || options+=(--volume "$PWD/.env:/home/user/app/.env:ro,z")
    owner_options
    [ "$gpu" = no ] || gpu_options
}

options=(--rm --cap-drop all --security-opt no-new-privileges --shm-size 1g)
publish=(--publish "127.0.0.1:$port:7860")
action="${1:-run}"
gpu=no
case "$action" in
run | demo | build) ! has_gpu || gpu=yes ;;
space) ;;
*) sed -n '2,9p' container.sh >&2 && exit 2 ;;
esac
extra="${EXTRA:-$([ "$gpu" = yes ] && echo ml || echo core)}"
torch="${TORCH:-$([ "$gpu" = yes ] && echo pip || echo cpu)}" # on Linux, pip's own wheels of torch come with CUDA
find_tool

case "$action" in
build) build ;;
demo)
    own_options
    build
    exec "$tool" run "${options[@]}" copilot copilot run demo
    ;;
run)
    check_port
    own_options
    build
    exec "$tool" run "${options[@]}" "${publish[@]}" copilot
    ;;
space)
    check_port
    build
    exec "$tool" run "${options[@]}" "${publish[@]}" copilot
    ;;
esac
