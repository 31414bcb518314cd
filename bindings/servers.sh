# What the tests of a package talk to, for their scripts to source.
#   start_servers PORTAL PYTHON LANGUAGE    a portal, and a Socket.IO server where the Python tests have
#                                           installed one: ROAMIO_PORTAL_URL, ROAMIO_SERVER_URL
#   skip WHAT REASON                        count tests that cannot run
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")

skip() {
    (cd "$root" && .ci/skip "$1" "$2")
}

start_servers() {
    local portal=$1 python=$2 language=$3 line
    exec 3< <(exec "$portal" --port 0)
    programs=$!
    trap 'kill $programs 2>/dev/null' EXIT
    read -rt 10 line <&3 || { echo "the portal did not start" >&2; exit 1; }
    export ROAMIO_PORTAL_URL=${line#listening on }
    if [ ! -x "$python" ]; then
        skip "$language tests of sockets" "the Python tests have not installed their server"
        return
    fi
    # It ends with its input, and so with the portal.
    exec 4< <(exec "$python" "$root/tests/conformance/servers/python/server.py" aiohttp <&3)
    programs="$programs $!"
    read -rt 10 line <&4 || { echo "the server did not start" >&2; exit 1; }
    export ROAMIO_SERVER_URL=http://127.0.0.1:$(sed 's/.*"port": *\([0-9]*\).*/\1/' <<<"$line")
}
