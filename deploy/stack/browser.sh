# The browser that the dashboard's tests drive: Chromium, its driver, and the accessibility checker axe-core.
# Nothing of it runs as a service: the suite starts and ends the driver. Sourced by stack.sh.
# shellcheck shell=bash

axe_version=4.14.1
# Of the package, as `npm view axe-core@VERSION dist.integrity` says it in base64.
axe_sha512=1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b734f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5

# Puts links or wrappers named `chromium` and `chromedriver` into $stack_dir/bin, and axe-core into $stack_dir/axe.
fetch_browser() {
    mkdir -p "$stack_dir/bin"
    if ! browser_works; then
        link_browser || install_browser || unpack_browser || {
            [[ ! -e $stack_dir/fetch-browser.log ]] || tail -n 20 "$stack_dir/fetch-browser.log" | sed 's/^/    /' >&2
            die "no Chromium with its driver found, and they could not be installed: install the Debian packages" \
                "chromium and chromium-driver, or set CHROME and CHROMEDRIVER to programs of the same version"
        }
    fi
    fetch_axe
}

# The first number of a program's version.
major_of() { "$1" --version 2>/dev/null </dev/null | sed -nE '1s/^[^0-9]*([0-9]+)\..*/\1/p'; } # program

# Whether a driver and a browser are of one version, which the driver insists on.
belong_together() { # browser, driver
    local browser
    [[ -x $1 && -x $2 ]] || return 1
    browser=$(major_of "$1")
    [[ -n $browser && $browser == "$(major_of "$2")" ]]
}

browser_works() {
    # What is asked for by a variable is used, whatever was found before.
    [[ -z ${CHROME:-}${CHROMEDRIVER:-} ]] && belong_together "$stack_dir/bin/chromium" "$stack_dir/bin/chromedriver"
}

# Those of CHROME and CHROMEDRIVER, or else of the PATH.
link_browser() {
    local name browser driver
    browser=${CHROME:-}
    for name in chromium chromium-browser google-chrome; do
        [[ -n $browser ]] || browser=$(command -v "$name") || true
    done
    driver=${CHROMEDRIVER:-$(command -v chromedriver || true)}
    belong_together "$browser" "$driver" || {
        [[ -z ${CHROME:-}${CHROMEDRIVER:-} ]] ||
            die "CHROME ('$browser') and CHROMEDRIVER ('$driver') must be programs of the same version"
        return 1
    }
    ln -sfn "$browser" "$stack_dir/bin/chromium"
    ln -sfn "$driver" "$stack_dir/bin/chromedriver"
}

# Installs Debian's packages where that needs no password.
install_browser() {
    local begun=$SECONDS
    local -a root=(env)
    command -v apt-get >/dev/null || return 1
    if ((EUID != 0)); then
        root=(sudo -n env)
        sudo -n true 2>/dev/null || return 1
    fi
    say "browser: installing the Debian packages chromium and chromium-driver"
    root+=(DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300)
    { "${root[@]}" update && "${root[@]}" install -y --no-install-recommends chromium chromium-driver; } \
        </dev/null >"$stack_dir/fetch-browser.log" 2>&1 9>&- || return 1
    link_browser || return 1
    say "browser: installed in $((SECONDS - begun)) s"
}

# Or unpacks them, with the libraries that this machine lacks, into the stack's folder: no root needed.
unpack_browser() {
    local files=$stack_dir/browser-files libraries begun=$SECONDS
    say "browser: fetching the Debian packages chromium and chromium-driver"
    unpack_packages "$files" chromium chromium-common chromium-driver >>"$stack_dir/fetch-browser.log" 2>&1 9>&- || return 1
    libraries=$(find "$files/usr/lib" "$files/lib" -name '*.so*' -printf '%h\n' 2>/dev/null | sort -u | paste -sd:)
    # The program itself: its wrapper names paths of an installation.
    run_with "$libraries" "$files/usr/lib/chromium/chromium" >"$stack_dir/bin/chromium"
    run_with "$libraries" "$files/usr/bin/chromedriver" >"$stack_dir/bin/chromedriver"
    chmod +x "$stack_dir/bin/chromium" "$stack_dir/bin/chromedriver"
    belong_together "$stack_dir/bin/chromium" "$stack_dir/bin/chromedriver" || return 1
    say "browser: fetched in $((SECONDS - begun)) s"
}

# One file of the package, by npm and the registry that it is set up for.
fetch_axe() {
    local axe=$stack_dir/axe package=axe-core-$axe_version.tgz
    [[ ! -r $axe/.complete || $(<"$axe/.complete") != "$axe_sha512" ]] || return 0
    command -v npm >/dev/null || die "no npm found, which fetches the accessibility checker: install the Debian package npm"
    say "axe-core: fetching $axe_version with npm"
    rm -rf "$axe"
    mkdir -p "$axe"
    (cd "$axe" && npm pack --silent "axe-core@$axe_version") </dev/null >"$stack_dir/fetch-axe.log" 2>&1 9>&- || {
        tail -n 20 "$stack_dir/fetch-axe.log" | sed 's/^/    /' >&2
        die "axe-core: npm could not fetch version $axe_version; the whole story is in $stack_dir/fetch-axe.log"
    }
    printf '%s  %s\n' "$axe_sha512" "$axe/$package" | sha512sum --check --quiet - ||
        die "axe-core: $axe/$package is not the package whose SHA-512 deploy/stack/browser.sh names"
    tar -x -z -f "$axe/$package" -C "$axe" --strip-components=1 package/axe.min.js package/LICENSE
    rm "$axe/$package"
    printf '%s' "$axe_sha512" >"$axe/.complete"
}
