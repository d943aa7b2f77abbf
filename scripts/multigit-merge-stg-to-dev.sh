#!/bin/sh
exec multigit backmerge stg dev "$@"
