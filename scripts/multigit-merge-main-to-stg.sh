#!/bin/sh
exec multigit backmerge main stg "$@"
