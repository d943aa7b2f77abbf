#!/bin/sh
exec multigit promote stg main "$@"
