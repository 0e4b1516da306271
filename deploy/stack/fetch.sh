# Fetching what the services are made of with the ordinary package clients, into the stack's folder.
# Sourced by stack.sh.
# shellcheck shell=bash

# Sets `java` to a Java runtime that all services run on: JAVA_HOME's, the PATH's, or else one of Debian's.
# Kafka wants 17 or newer; Cassandra needs the security manager, which is gone from 24 on.
java=""
need_java() {
    local candidate major seen=""
    [[ -z $java ]] || return 0
    for candidate in "${JAVA_HOME:+$JAVA_HOME/bin/java}" "$(command -v java || true)" /usr/lib/jvm/*/bin/java; do
        [[ -n $candidate && -x $candidate ]] || continue
        major=$("$candidate" -version 2>&1 | sed -nE 's/.*version "([0-9]+).*/\1/p' | head -n 1)
        if ((${major:-0} >= 17 && ${major:-0} <= 23)); then
            java=$candidate
            return 0
        fi
        seen+=" $candidate (${major:-unknown})"
    done
    die "no Java 17 to 23 found${seen:+, only$seen}: install the Debian package openjdk-17-jre-headless (or openjdk-21-jre-headless), or set JAVA_HOME"
}

version_in() { sed -nE 's/.*<service.version>(.*)<.*/\1/p' "$1"; } # pom.xml

# Copies a pom's jars into $stack_dir/jars/NAME, once per content of the pom.
fetch_jars() { # name
    local pom=$stack_here/$1/pom.xml jars=$stack_dir/jars/$1 sum try begun=$SECONDS
    sum=$(sha256sum <"$pom")
    [[ ! -r $jars/.complete || $(<"$jars/.complete") != "$sum" ]] || return 0
    command -v mvn >/dev/null || die "no mvn found: install the Debian package maven"
    say "$1: fetching $(version_in "$pom") with Maven"
    for try in 1 2 3; do
        rm -rf "$jars"
        if mvn -q -B -ntp -f "$pom" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$jars" \
            </dev/null >"$stack_dir/fetch-$1.log" 2>&1 9>&-; then
            printf '%s' "$sum" >"$jars/.complete"
            say "$1: fetched in $((SECONDS - begun)) s ($(du -sh "$jars" | cut -f1))"
            return 0
        fi
        say "$1: try $try of 3 failed"
    done
    tail -n 20 "$stack_dir/fetch-$1.log" | sed 's/^/    /' >&2
    die "$1: Maven could not fetch $pom; the whole story is in $stack_dir/fetch-$1.log"
}

# Puts redis-server and redis-cli into $stack_dir/bin: those of the PATH, or else Debian's packages unpacked
# into the stack's folder, which needs no root and leaves the system as it is.
fetch_redis() {
    local bin=$stack_dir/bin tool
    [[ ! -x $bin/redis-server || ! -x $bin/redis-cli ]] || return 0
    mkdir -p "$bin"
    if command -v redis-server >/dev/null && command -v redis-cli >/dev/null; then
        for tool in redis-server redis-cli; do ln -sfn "$(command -v "$tool")" "$bin/$tool"; done
        return 0
    fi
    unpack_redis 4>&2 >"$stack_dir/fetch-redis.log" 2>&1 9>&- || {
        tail -n 20 "$stack_dir/fetch-redis.log" | sed 's/^/    /' >&2
        die "no redis-server found, and its package could not be fetched: install the Debian package redis-server"
    }
}

unpack_redis() {
    local files=$stack_dir/redis-files libraries tool begun=$SECONDS
    say "redis: fetching the Debian packages" 2>&4
    unpack_packages "$files" redis-server redis-tools || return 1
    libraries=$(dirname "$(find "$files/usr/lib" -name 'libjemalloc.so*' -o -name 'liblzf.so*' | head -n 1)")
    for tool in redis-server redis-cli; do
        [[ -x $files/usr/bin/$tool ]] || return 1
        run_with "$libraries" "$files/usr/bin/$tool" >"$stack_dir/bin/$tool"
        chmod +x "$stack_dir/bin/$tool"
    done
    "$stack_dir/bin/redis-server" --version || return 1
    say "redis: fetched in $((SECONDS - begun)) s" 2>&4
}

# Unpacks Debian packages, and those that they need and this machine lacks, into a folder of its own.
unpack_packages() { # folder, packages...
    local apt=$stack_dir/apt files=$1 package
    local -a apt_options packages
    shift
    command -v apt-get && command -v dpkg || return 1
    rm -rf "$apt" "$files"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$files"
    # Package lists of our own: no root needed, and a stale list of the system cannot name a file that is gone.
    apt_options=(-q -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root -o Acquire::Retries=3)
    apt-get "${apt_options[@]}" update || return 1
    # What an installation would add here: the packages, unless they are installed, and those libraries that are not.
    mapfile -t packages < <(
        printf '%s\n' "$@"
        apt-get "${apt_options[@]}" -s --no-install-recommends install "$@" | awk '$1 == "Inst" { print $2 }'
    )
    mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u)
    (cd "$apt" && apt-get "${apt_options[@]}" download "${packages[@]}") || return 1
    for package in "$apt"/*.deb; do dpkg -x "$package" "$files" || return 1; done
    rm -rf "$apt"
}

# A script that runs a program with libraries from these folders.
run_with() { # folders, program
    printf '#!/bin/sh\nLD_LIBRARY_PATH=%q exec %q "$@"\n' "$1" "$2"
}
