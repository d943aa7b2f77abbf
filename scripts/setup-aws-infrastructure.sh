#!/bin/sh
exec multigit infra apply "$@"
