#!/bin/sh
exec multigit pull stg "$@"
