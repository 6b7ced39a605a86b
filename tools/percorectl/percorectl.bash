# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# bash completion for percorectl(8)

_percorectl() {
	local current=${COMP_WORDS[COMP_CWORD]} word verb= device= before=
	local verbs="status listeners shard ports plan apply revert bind release tsq top monitor"
	local options="--json --help --version"

	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		# What follows these is a value.
		[[ $word = -* || $before =~ ^--(peer|timeout)$ ]] ||
			{ device=$verb verb=${verb:-$word}; }
		before=$word
	done
	[[ ! $verb =~ ^(bind|release)$ ]] || options+=" --peer --timeout"
	if [[ $before =~ ^--(peer|timeout)$ ]]; then
		COMPREPLY=()
	elif [[ $current = -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
	elif [[ -z $verb ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$current")
	elif [[ $verb =~ ^(plan|apply|revert|bind|release)$ && -z $device ]]; then
		mapfile -t COMPREPLY < <(cd /sys/class/net && compgen -W "$(echo *)" -- "$current")
	elif [[ $verb = shard && -z $device ]]; then
		mapfile -t COMPREPLY < <(compgen -W "on off default" -- "$current")
	else
		COMPREPLY=()
	fi
}
complete -F _percorectl percorectl
