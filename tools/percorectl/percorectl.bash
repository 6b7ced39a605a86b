# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# bash completion for percorectl(8)

_percorectl() {
	local current=${COMP_WORDS[COMP_CWORD]} word verb= device=
	local verbs="status listeners ports plan apply revert tsq"

	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		[[ $word = -* ]] || { device=$verb verb=${verb:-$word}; }
	done
	if [[ $current = -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W \
			"--json --help --version" -- "$current")
	elif [[ -z $verb ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$current")
	elif [[ $verb =~ ^(plan|apply|revert)$ && -z $device ]]; then
		mapfile -t COMPREPLY < <(cd /sys/class/net && compgen -W "$(echo *)" -- "$current")
	else
		COMPREPLY=()
	fi
}
complete -F _percorectl percorectl
