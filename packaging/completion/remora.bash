# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# packaging/completion/remora.bash - bash asks remora how its line could go on
#
# Bash cuts words at '=', and what it is given takes the place of the last piece.

_remora()
{
    local i word words=() files=
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == = && ${#words[@]} -gt 0 ]]; then
            words[-1]+='='
            continue
        fi
        if [[ ${#words[@]} -gt 0 && ${words[-1]} == --*= ]]; then
            words[-1]+=$word
        else
            words+=("$word")
        fi
    done
    COMPREPLY=()
    while IFS= read -r word; do
        if [ "$word" = :files ]; then
            files=yes
        else
            COMPREPLY+=("$(printf '%q' "$word")")
        fi
    done < <("${COMP_WORDS[0]}" complete -- "${words[@]}" 2>/dev/null)
    [ -z "$files" ] || compopt -o default
}

complete -F _remora remora
