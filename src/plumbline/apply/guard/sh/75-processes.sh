# shellcheck shell=dash
# Ending what a run still has at work on the host, so that nothing changes it while it is restored.

# Notes by which processes of this connection are known: the session's cgroup, and the connection itself.
remember_connection() {
    {
        grep -E '^(0:|[0-9]+:name=systemd):.*/session-[^/]*\.scope$' /proc/self/cgroup | sed 's/^/cgroup /'
        [ -z "${SSH_CONNECTION-}" ] || printf 'ssh %s\n' "$SSH_CONNECTION"
        connection | sed 's/^/connection /'
    } >> "$RUN/connections"
    sort -u -o "$RUN/connections" "$RUN/connections"
}

# Process ids of the run's connections, with all their descendants.
run_processes() {
    local line
    while IFS= read -r line; do
        case $line in
        cgroup*) grep -lFx -- "${line#cgroup }" /proc/[0-9]*/cgroup ;;
        ssh*) grep -lzFx -- "SSH_CONNECTION=${line#ssh }" /proc/[0-9]*/environ ;;
        connection*)
            line=${line#connection }
            [ "$(started "${line% *}")" != "${line#* }" ] || printf '/proc/%s/\n' "${line% *}" ;;
        esac
    done < "$RUN/connections" 2>/dev/null | cut -d/ -f3 | sort -un | descendants
}

descendants() {
    local pids
    pids=$(tr '\n' ' ')
    # Processes end while they are read, which awk would take for an error.
    cat /proc/[0-9]*/status 2>/dev/null | awk -v pids="$pids" 'BEGIN { count = split(pids, pid_of, " "); for (i = 1; i <= count; i++) mine[pid_of[i]] }
        /^Pid:/ { pid = $2 } /^PPid:/ { parent[pid] = $2 }
        END { do { more = 0; for (pid in parent) if (!(pid in mine) && parent[pid] in mine) { mine[pid]; more = 1 } } while (more)
            for (pid in mine) if (pid in parent) print pid }'
}

# Those of them to be ended: not ourselves, and not what works with packages, which is waited for. $1:
# `command` spares the connection, and who waits over it for what comes of the restore.
to_end() {
    local pid name waiting
    waiting=" $({ echo $$; [ "$1" != command ] || waiting; } | ancestors | tr '\n' ' ') "
    run_processes | while IFS= read -r pid; do
        name=$(cat "/proc/$pid/comm" 2>/dev/null) || continue
        case $name in sshd*) [ "$1" != command ] || continue ;; esac
        case $waiting in *" $pid "*) continue ;; esac
        below_packages "$pid" || printf '%s\n' "$pid"
    done
}

# Guards that wait for a restore.
waiting() {
    local pid
    grep -lzFx -- "$GUARD" /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3 | while IFS= read -r pid; do
        tr '\000' ' ' < "/proc/$pid/cmdline" 2>/dev/null | grep -qE "^[^ ]+ $GUARD (restore|result) " && echo "$pid"
    done
}

# The processes on stdin with all that they were started by.
ancestors() {
    local pid
    while IFS= read -r pid; do
        while [ "${pid:-0}" -gt 1 ]; do
            echo "$pid"
            pid=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null)
        done
    done
}

below_packages() {
    local pid=$1 name
    while [ "${pid:-0}" -gt 1 ]; do
        name=$(cat "/proc/$pid/comm" 2>/dev/null) || return 1
        case $name in apt | apt-get | dpkg | dpkg-* | aptitude) return 0 ;; esac
        pid=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null)
    done
    return 1
}

end_run() {
    local tries=0 list
    [ -s "$RUN/connections" ] && [ "$(fact boot)" = "$(boot_id)" ] || return 0
    while list=$(to_end "$1" | tr '\n' ' ') && [ -n "$list" ]; do
        tries=$((tries + 1))
        [ $tries -lt 60 ] || break
        # shellcheck disable=SC2086  # numbers
        if [ $tries = 1 ]; then kill -TERM $list 2>/dev/null; elif [ $tries -gt 20 ]; then kill -KILL $list 2>/dev/null; fi
        sleep 0.1
    done
    await_packages || :
}
