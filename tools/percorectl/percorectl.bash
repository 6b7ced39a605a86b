# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# bash completion for percorectl(8)

_percorectl() {
	local current=${COMP_WORDS[COMP_CWORD]} word verb=
	local verbs="status listeners ports"

	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		[[ $word = -* ]] || verb=$word
	done
	if [[ $current = -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W \
			"--json --help --version" -- "$current")
	elif [[ -z $verb ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$current")
	else
		COMPREPLY=()
	fi
}
complete -F _percorectl percorectl
