# Redis: one process, the instance "redis", nothing kept on disk. Sourced by stack.sh.
# shellcheck shell=bash

redis_answers() { # port
    [[ $(ask "$1" 'PING\r\n' 5) == 2b504f4e47 ]]
}

redis_version() { "$stack_dir/bin/redis-server" --version 2>/dev/null | sed -nE 's/.* v=([^ ]+).*/\1/p'; }

redis_launch() {
    local home
    home=$(home_of redis)
    ! running_pid redis >/dev/null || return 0
    claim_port redis "$redis_port" TIDEGATE_STACK_REDIS_PORT
    mkdir -p "$home"
    say "redis: starting $(redis_version) on 127.0.0.1:$redis_port"
    launch redis redis-server "$stack_dir/bin/redis-server" --bind 127.0.0.1 --port "$redis_port" --dir "$home" \
        --save '' --appendonly no --maxmemory-policy noeviction
}
