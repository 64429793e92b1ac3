#!/bin/sh
# protoc-gen-c 1.4.1 under a name of ours, so that a build names its plug-in as a file.
exec /usr/bin/protoc-gen-c
