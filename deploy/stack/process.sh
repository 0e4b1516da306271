# Starting, recognising, asking and stopping the stack's processes. An instance is a folder below
# $stack_dir/run with its data, its log and its pid. Sourced by stack.sh.
# shellcheck shell=bash

home_of() { printf '%s' "$stack_dir/run/$1"; }

# Prints the instance's pid while it runs. A recorded pid may since belong to another program, so it counts
# only if it stands in the instance's folder and its command line is the program we started there.
running_pid() { # instance
    local home pid program
    home=$(home_of "$1")
    [[ -r $home/pid && -r $home/program ]] || return 1
    pid=$(<"$home/pid")
    program=$(<"$home/program")
    [[ $pid =~ ^[0-9]+$ && $(readlink "/proc/$pid/cwd" 2>/dev/null) == "$home" ]] || return 1
    tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -- "$program" || return 1
    printf '%s' "$pid"
}

# Starts a program in the instance's folder, in a session of its own, so that a Ctrl-C at the terminal stays ours.
launch() { # instance, word of its command line to know it by, command...
    local home
    home=$(home_of "$1")
    printf '%s' "$2" >"$home/program"
    shift 2
    [[ ! -e $home/log ]] || mv -f "$home/log" "$home/log.before"
    (
        cd "$home" || exit 1
        exec setsid "$@" </dev/null >>"$home/log" 2>&1 9>&-
    ) &
    printf '%s' "$!" >"$home/pid"
}

port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A port that answers before we started anything belongs to another program.
claim_port() { # instance, port, variable that moves it
    port_taken "$2" || return 0
    say "port $2, wanted for $1, is taken by a process that this stack did not start:"
    ss -ltnp 2>/dev/null | grep -E "[:.]$2[[:space:]]" >&2 || true
    die "stop that process, or choose another port with $3"
}

# Sends bytes (in printf's escapes) to a loopback port; prints the first answered bytes as hex.
ask() { # port, request, bytes wanted
    # shellcheck disable=SC2016 # the inner shell expands these
    timeout 3 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1" && printf "$2" >&3 && head -c "$3" <&3 | od -An -v -tx1 | tr -d " \n"' \
        ask "$1" "$2" "$3" 2>/dev/null
}

# Waits until the instance's service answers; a process that ends first, or a deadline, is a failure.
await_answer() { # instance, probe...
    local instance=$1 waiting_since=$SECONDS launched told=0 passed
    shift
    launched=$(stat -c %Y "$(home_of "$instance")/pid")
    until "$@"; do
        running_pid "$instance" >/dev/null || fail_with_log "$instance" "ended before it answered"
        passed=$((SECONDS - waiting_since))
        ((passed < start_deadline_s)) || fail_with_log "$instance" "did not answer within $start_deadline_s s"
        if ((passed >= told + 5)); then
            told=$passed
            say "$instance: starting, $passed s"
        fi
        sleep 0.1
    done
    say "$instance: answers, running for $(($(date +%s) - launched)) s"
}

fail_with_log() { # instance, what happened
    local home
    home=$(home_of "$1")
    say "$1 $2; the end of $home/log:"
    tail -n 40 "$home/log" | sed 's/^/    /' >&2
    die "$1 $2"
}

# Asks the process to end, and makes it after 30 s. Nothing happens to a pid that is not ours.
stop_instance() { # instance
    local home pid begun=$SECONDS
    home=$(home_of "$1")
    if pid=$(running_pid "$1"); then
        say "$1: stopping (pid $pid)"
        kill -TERM "$pid" 2>/dev/null || true
        while running_pid "$1" >/dev/null; do
            ((SECONDS - begun < 30)) || kill -KILL "$pid" 2>/dev/null || true
            sleep 0.1
        done
    fi
    rm -f "$home/pid" "$home/program"
}
