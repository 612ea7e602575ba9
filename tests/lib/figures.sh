# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/figures.sh - what tests/bench found, for programs and for README
#
#     figures_add TITLE most|least LIMIT FORMAT MEDIAN [LEAST GREATEST]
#     figures_json LOAD     all that were added
#     figures_table FILE    what figures_json wrote, as a table in Markdown
#
# Two commits are compared by the 'median' of a 'title' in the files of each.
# Contract: figures_add and figures_json inside a bed (bed.sh).
# Needs:    jq

figures_add()
{
    jq -n -c --arg title "$1" --arg sense "$2" --argjson limit "$3" \
        --arg form "$4" --argjson median "$5" --argjson least "${6-null}" \
        --argjson greatest "${7-null}" '{$title, $sense, $limit,
            digits: ([$form | capture("\\.(?<n>[0-9])f").n][0] // "0" | tonumber),
            $median, $least, $greatest,
            met: (if $sense == "most" then $median <= $limit
                else $median >= $limit end)}' >>"$BED/log/figures"
}

figures_json()
{
    jq -s --arg load "$1" --arg ceph "$(ceph --version)" \
        --arg kernel "$(uname -r)" --argjson processors "$(nproc)" \
        '{$processors, $load, $kernel, $ceph, figures: .}' "$BED/log/figures"
}

figures_table()
{
    jq -r '
        def short($n): . * pow(10; $n) | round / pow(10; $n);
        "| what | wanted | measured | from, to |", "|---|---|---|---|",
        (.figures[] | .digits as $n |
            "| \(.title) | at \(.sense) \(.limit) | \(.median | short($n))" +
            "\(if .met then "" else " (missed)" end) | " +
            (if .least == null then "|"
                else "\(.least | short($n)), \(.greatest | short($n)) |" end))
    ' "$1"
}
