#!/bin/sh
exec multigit promote dev stg "$@"
