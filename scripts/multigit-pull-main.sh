#!/bin/sh
exec multigit pull main "$@"
