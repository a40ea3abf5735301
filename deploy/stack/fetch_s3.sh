#!/bin/sh
# Builds the S3 server that the stack and the tests start, once, into var/s3/bin.
set -eu
cd "$(dirname "$0")/../.."
command -v go >/dev/null || { echo 'versitygw is built with Go: apt-get install golang, or https://go.dev/dl' >&2; exit 1; }
mkdir -p var/s3/bin
GOBIN="$PWD/var/s3/bin" go install github.com/versity/versitygw/cmd/versitygw@v1.8.0
