#!/bin/sh
case "${1:--}" in -*) ;; *) set -- -m "$@" ;; esac # the message comes first, as it always did
exec multigit push dev "$@"
