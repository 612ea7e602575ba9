#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/model.t - what the models of the claim and of the disk are searched for
#
# One result for each configuration of model/configurations, of which those
# with a safety measure left out have to show what it is there against.
#
# Needs: spin, gcc; no root, no remora.
# Reads: REMORA_FULL, larger searches.
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")
. "$here/lib/tap.sh"

# The results as they come, and what belongs to one that is not as it should be.
results()
{
    local line
    while IFS= read -r line; do
        case $line in
        'ok '*) pass "${line#ok }" ;;
        'not ok '*) fail "${line#not ok }" ;;
        *) diag "$line" ;;
        esac
    done < <("$here/model/run")
    wait $!
}

# The macros that leave a measure out: those that a model knows, and those that
# a configuration or the table of the README names.
mutants_of()
{
    grep -o -h -E '(\<|-D)M_[A-Z][A-Z_]*' "$@" | sed 's/^-D//' | sort -u
}

due=$("$here/model/run" --list | wc -l)
results
is 'the status says whether all are as expected' "$?" "$((TAP_FAILED > 0))"
is 'each configuration had a result' "$((TAP_COUNT - 1))" "$due"
is 'each measure is left out once' \
    "$(mutants_of "$here"/model/configurations)" \
    "$(mutants_of "$here"/model/*.pml)"
is 'the table says of each what goes wrong without it' \
    "$(mutants_of "$here"/model/README.md)" \
    "$(mutants_of "$here"/model/*.pml)"
tap_done
