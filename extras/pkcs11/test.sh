#!/usr/bin/env bash
# Tests the package against SoftHSM. Installs what it needs: SoftHSM from Debian where it may, and its own dependencies.
# Run it with `npm run test:pkcs11` at the root, for the Node of the project.
set -euo pipefail

cd "$(dirname "$0")"
if ! command -v softhsm2-util >/dev/null; then
  [ "$(id -u)" -eq 0 ] || { echo 'SoftHSM is not installed: apt-get install softhsm2' >&2; exit 1; }
  apt-get update -qq && apt-get install -qq -y softhsm2 >/dev/null
fi
# The headers of the installed Node are enough for N-API, and need no download.
for prefix in /usr /usr/local; do
  if [ -z "${npm_config_nodedir:-}" ] && [ -e "$prefix/include/node/node_api.h" ]; then export npm_config_nodedir=$prefix; fi
done
npm ci --no-audit --no-fund
node ../../node_modules/typescript/bin/tsc -p tsconfig.test.json
node --conditions=source --test --test-reporter=spec 'src/**/*.test.ts'
