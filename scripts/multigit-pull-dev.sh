#!/bin/sh
exec multigit pull dev "$@"
