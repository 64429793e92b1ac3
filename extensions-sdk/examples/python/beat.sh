#!/usr/bin/env bash
# Runs beat.py with the modules that the build made, from the root of the tree of the test.
folder=extensions-sdk/examples/python
PYTHONPATH=$folder/modules.zip exec /usr/bin/python3 "$folder/beat.py" "$@"
