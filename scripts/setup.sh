# Sourced by run_demo.sh, run_tests.sh, dev.sh and the Dockerfile: `setup_environment core`, `ml` (core with torch and
# transformers) or `tests`. Makes .venv beside pyproject.toml and installs what is missing; a second call costs nothing.
# Uses uv when it is there, else plain venv and pip. TORCH says which wheels of torch uv takes (default: what fits here).

find_python() {
    for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
        if [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "Python 3.11 or newer is needed: install it, or name it with PYTHON=/path/to/python" >&2
    return 2
}

what_it_takes() {
    # Measured with plain pip; with torch it depends on the wheels: those for a GPU are several GB.
    case "$1" in
    ml | tests) echo "the packages of pyproject.toml with torch and transformers: 2.5 GB or more on disk, several minutes" ;;
    *) echo "the packages of pyproject.toml, without torch: about 1.1 GB on disk, one to four minutes" ;;
    esac
}

watched() {
    # Somebody sits before it: then progress is shown.
    [ -t 2 ]
}

package_lines() (
    # What pip says, as a line a package; ends as pip did, which the last line tells.
    while read -r word name _; do
        case "$word $name" in
        Collecting*) echo "  ${name%%[<>=!~\[]*}" >&2 ;;
        "Processing /"*.whl) name="${name##*/}" && echo "  ${name%%-*}" >&2 ;;
        "Installing collected") echo "  putting them in place ..." >&2 ;;
        ended*) exit "$name" ;;
        esac
    done
    exit 1
)

what_to_install() {
    case "$1" in
    ml) echo ".[ml]" ;;
    tests) echo ".[ml,dev]" ;;
    *) echo "." ;;
    esac
}

torch_wheels() {
    # An index of torch's own would hide a folder of wheels; without torch neither is needed.
    [ "$1" = core ] || [ -n "$UV_FIND_LINKS" ] || echo "--torch-backend=${TORCH:-auto}"
}

install_with_uv() {
    # uv does not read pip's own settings; a folder of wheels named for pip serves it as well.
    export UV_FIND_LINKS="${UV_FIND_LINKS:-${PIP_FIND_LINKS:-}}"
    [ -x .venv/bin/python ] || uv venv --quiet --python "$(find_python)" .venv
    # shellcheck disable=SC2046  # each is no option, or one
    uv pip install $(watched || echo --quiet) --python .venv/bin/python $(torch_wheels "$1") -c constraints.txt -e "$(what_to_install "$1")"
}

install_with_pip() {
    [ -x .venv/bin/python ] || "$(find_python)" -m venv .venv
    set -- .venv/bin/python -m pip install --disable-pip-version-check --prefer-binary -c constraints.txt \
        -e "$(what_to_install "$1")"
    if watched; then
        { "$@" && echo ended 0 || echo ended 1; } | package_lines
    else
        "$@" --quiet
    fi
}

setup_environment() {
    local wanted stamp
    wanted="$1 $(cat pyproject.toml constraints.txt | cksum)"
    stamp=".venv/.copilot-$1"
    if [ -x .venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        return 0
    fi
    echo "setting up .venv ($1; once):" >&2
    echo "  $(what_it_takes "$1")" >&2
    find_python >/dev/null || return 2
    if command -v uv >/dev/null 2>&1; then
        install_with_uv "$1" || return 2
    else
        install_with_pip "$1" || return 2
    fi
    echo "$wanted" >"$stamp"
}
