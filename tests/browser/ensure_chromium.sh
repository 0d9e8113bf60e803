#!/bin/sh
# Makes sure that the browser tests find a Chromium; silent where one is there.
set -eu

for name in "${CRM_CHROMIUM:-}" chromium chromium-browser google-chrome; do
    if [ -n "$name" ] && command -v "$name" >/dev/null 2>&1; then
        exit 0
    fi
done

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Debian's chromium for the browser tests."
    export DEBIAN_FRONTEND=noninteractive
    { apt-get -q update && apt-get -q install --yes --no-install-recommends chromium; } >/dev/null ||
        echo "That failed: the browser tests will be skipped."
else
    echo "No chromium found: the browser tests will be skipped."
fi
