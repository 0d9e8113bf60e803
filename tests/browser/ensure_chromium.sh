#!/bin/sh
# Makes sure that the browser tests find a Chromium, and a font of usual width for what has to
# fit on paper: Chromium's package comes with the wide DejaVu alone. Silent where both are there.
set -eu

wanted="chromium fonts-liberation"
for name in "${CRM_CHROMIUM:-}" chromium chromium-browser google-chrome; do
    if [ -n "$name" ] && command -v "$name" >/dev/null 2>&1; then
        wanted="fonts-liberation"
        break
    fi
done

if [ "$wanted" = fonts-liberation ]; then
    case "$(fc-match -f '%{family}' Arial 2>/dev/null || echo unknown)" in
        DejaVu*) ;;
        *) exit 0 ;;
    esac
fi

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing for the browser tests, from Debian: $wanted."
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086
    { apt-get -q update && apt-get -q install --yes --no-install-recommends $wanted; } >/dev/null ||
        echo "That failed: browser tests may be skipped, or find that pages do not fit on paper."
else
    echo "Not found: $wanted. Browser tests may be skipped, or find that pages do not fit on paper."
fi
