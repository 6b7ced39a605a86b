# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154
# What the tests of steering share; after tap.sh, net.sh and lib.sh, with a
# directory $tmp. The NICs are in the network namespace that in_ns enters.
#
#   state DEV...         every setting that a plan has, a line each
#   irqs_of DEV          numbers of the interrupts of its queues
#   scramble DEV         every setting to a value that no plan has
#   disagreements DEV    why its queues do not agree, a line each
#   agree DEV...         nothing of that
#   agree_soon DEV...    within $SOON seconds; says how long it took
#   steer 0|1
#   then_agree COMMAND.. does it, then as agree_soon
#   steer_tests DEV...   channel_tests DEV

SOON=${SOON:-2}
steer_knob=/proc/sys/net/percore/steer

in_ns() { "$@"; }

steer() { echo "$1" >$steer_knob; }

ctl() { in_ns "$PERCORECTL" "$@"; }

port_of() { ctl ports --json | jq -c ".[] | select(.ifname == \"$1\")"; }

irqs_of() {
	port_of "$1" | jq '.queues[] | .irq, .tx_irq | select(. != null)' | sort -nu
}

queue_files() { # DEV
	in_ns sh -c "ls -d /sys/class/net/$1/queues/*/?ps_cpus /sys/class/net/$1/queues/*/rps_flow_cnt 2>/dev/null"
}

# A file of a namespace's sysfs: FILE [VALUE]
queue_file() {
	if [ $# = 2 ]; then
		in_ns sh -c "echo $2 >$1"
	else
		in_ns cat "$1"
	fi
}

state() {
	local dev irq file

	for dev; do
		for irq in $(irqs_of "$dev"); do
			echo "$dev irq $irq $(</proc/irq/"$irq"/smp_affinity)"
		done
		for file in $(queue_files "$dev"); do
			# A device with one transmit queue has an empty file
			echo "$file $(queue_file "$file" 2>/dev/null)"
		done
		in_ns ethtool -x "$dev" 2>/dev/null | grep -E '^ *[0-9]+:'
	done
	true
}

have_xps() { [ "$(in_ns sh -c "ls -d /sys/class/net/$1/queues/tx-*" | wc -l)" -gt 1 ]; }
have_reta() { in_ns ethtool -x "$1" 2>/dev/null | grep -qE '^ *[0-9]+:'; }

# Interrupts to two cores, queues to three, RSS unevenly
scramble() {
	local dev=$1 irq file all mask n=0

	all=$(((1 << $(nproc)) - 1))
	for irq in $(irqs_of "$dev"); do
		mask=$((all & ~(1 << n % $(nproc)) & ~(2 << n % $(nproc))))
		# With two cores, both
		printf '%x\n' $((mask ? mask : all)) >"/proc/irq/$irq/smp_affinity" || return
		n=$((n + 1))
	done
	for file in $(queue_files "$dev"); do
		case $file in
		*xps_cpus)
			! have_xps "$dev" || queue_file "$file" "$(printf %x $((all & ~(1 << n % $(nproc)))))" || return
			;;
		*rps_cpus) queue_file "$file" "$(printf %x $((all & ~(1 << n % $(nproc)))))" || return ;;
		*flow_cnt) queue_file "$file" $((64 << n % 3)) || return ;;
		esac
		n=$((n + 1))
	done
	! have_reta "$dev" || in_ns ethtool -X "$dev" weight 5 1
}

# "Yet" passes with the next interrupt, which may never come.
disagreements() {
	port_of "$1" | jq -r '.queues[].why[] | select(contains(" is yet on ") | not)'
}

agree() {
	local dev why

	for dev; do
		[ -n "$(port_of "$dev")" ] || return
		why=$(disagreements "$dev")
		[ -z "$why" ] || {
			echo "$dev: $why"
			return 1
		}
	done
}

now_ms() { echo $(($(date +%s%N) / 1000000)); }

agree_soon() {
	local start took

	start=$(now_ms)
	until agree "$@"; do
		took=$(($(now_ms) - start))
		[ $took -lt $((SOON * 1000)) ] || {
			echo "not after $took ms"
			return 1
		}
	done
	took=$(($(now_ms) - start))
	echo "took $took ms"
}

healed() { port_of "$1" | jq .healed; }

same_state() { # FILE DEV...
	local file=$1

	shift
	state "$@" | diff "$file" -
}

# FILTER WANTED COMMAND...
json() {
	local filter=$1 want=$2 got

	shift 2
	got=$("$@" | jq -c "$filter") || return
	echo "want $want, got $got"
	[ "$got" = "$want" ]
}

# STATUS PATTERN COMMAND...: that status, one line on stderr with PATTERN
refused() {
	local want=$1 pattern=$2 status

	shift 2
	"$@" >/dev/null 2>"$tmp/err"
	status=$?
	cat "$tmp/err"
	echo "status $status"
	[ $status = "$want" ] && [ "$(wc -l <"$tmp/err")" = 1 ] && grep -q "$pattern" "$tmp/err"
}

plan_is_idle() { ctl plan "$DEV" && same_state "$was" "${devs[@]}"; }
on() { steer 1 && agree "${devs[@]}"; }
off() { steer 0 && same_state "$was" "${devs[@]}"; }
then_agree() { "$@" && agree_soon "${devs[@]}"; }
cpu() { echo "$2" >"/sys/devices/system/cpu/cpu$1/online"; }
move_irq() { echo "$2" >"/proc/irq/$1/smp_affinity"; }
down_up() { in_ns ip link set "$DEV" down && in_ns ip link set "$DEV" up; }
channels() { in_ns ethtool -L "$DEV" combined "$1"; }

# What any driver is to live through. The first device is the one that drifts;
# all are scrambled first.
steer_tests() {
	local queue irq n

	DEV=$1 devs=("$@") was=$tmp/was queue=/sys/class/net/$1/queues
	steer 0
	for dev; do check "$dev: every setting to a value of its own" scramble "$dev"; done
	state "$@" >"$was"
	diag "$(wc -l <"$was") settings"

	check "plan changes nothing" plan_is_idle
	check "and names what it would change" json '[.steered, ([.queues[].agrees] | any)]' \
		'[false,false]' ctl plan "$DEV" --json
	check "apply" ctl apply "$DEV"
	check "all of it agrees" agree "$DEV"
	check "and says so" json .steered true ctl plan "$DEV" --json
	check "apply again is no error" ctl apply "$DEV"
	check "revert" ctl revert "$DEV"
	check "all is as it was" same_state "$was" "$@"
	check "there is nothing left to revert" refused 1 "$DEV is not steered" ctl revert "$DEV"
	check "apply once more" ctl apply "$DEV"
	check "steer=0 puts back what apply did" off

	check "steer=1: all agree on return" on
	check "revert is refused while steer=1" refused 1 "set it to 0" ctl revert "$DEV"
	irq=$(irqs_of "$DEV" | tail -n 1)
	check "smp_affinity heals" then_agree move_irq "$irq" 3
	check "rps_cpus heals" then_agree queue_file "$queue/rx-0/rps_cpus" 6
	! have_xps "$DEV" || check "xps_cpus heals" then_agree queue_file "$queue/tx-1/xps_cpus" 5
	! have_reta "$DEV" || check "ethtool -X heals" then_agree in_ns ethtool -X "$DEV" weight 1 0
	check "it counts" [ "$(healed "$DEV")" -ge 2 ]
	move_irq "$irq" 3
	queue_file "$queue/rx-0/rps_cpus" 6
	check "steer=0 puts back what was there, not what was drift" off

	check "steer=1 once more" on
	for ((n = $(nproc) - 1; n > 0; n -= 2)); do
		check "CPU $n goes" then_agree cpu $n 0
		check "CPU $n comes back" then_agree cpu $n 1
	done
	check "the interface goes down and up" then_agree down_up
	move_irq "$irq" 3
	queue_file "$queue/rx-0/rps_cpus" 6
	check "rmmod under drift" rmmod percore
	check "insmod" insmod "$MODULE"
	check "all is as it was before percore" same_state "$was" "$@"
}

# The number of queues is not the plan's; it follows, and so does revert.
channel_tests() {
	local n

	n=$(nproc) DEV=$1 devs=("$1")
	steer 0
	# With a table of its administrator's, ethtool -L refuses
	! have_reta "$DEV" || in_ns ethtool -X "$DEV" default
	check "steer=1" on
	check "ethtool -L: two queues" then_agree channels 2
	check "which share the cores by RPS" json '[.queues[].wanted.rps_cpus | length]' \
		"[$((n - n / 2)),$((n / 2))]" ctl plan "$DEV" --json
	check "one queue" then_agree channels 1
	check "as many as there are cores" then_agree channels "$n"
	check "steer=0" steer 0
	check "RPS is off, as the driver left it" json '[.queues[1:][].rps_cpus | length] | add' 0 \
		ctl plan "$DEV" --json
}
