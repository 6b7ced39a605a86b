# SPDX-License-Identifier: GPL-2.0
"""Which of the kernel's selftests are run, and where.

A test is one command in a directory of tools/testing/selftests. Its setup:

  remote   eth0 here, eth1 in netns remote, with addresses; driver loaded anew
  nics     eth0 and eth1 here, without addresses; driver loaded anew
  net      no NIC; the kernel as it is, or percore with sharding on
"""
import collections
import re

Test = collections.namedtuple("Test", "name setup seconds directory command")

# Seconds are of a slow emulation. LONG_NET takes many minutes.
DRIVER = """
remote 120 drivers/net      ./ping.py
remote 120 drivers/net      ./queues.py
remote 120 drivers/net      ./stats.py
remote 240 drivers/net/hw   ./csum.py
remote 600 drivers/net/hw   ./rss_ctx.py
remote 120 drivers/net/hw   ./pp_alloc_fail.py
remote  60 drivers/net/hw   ./devlink_port_split.py
nics   300 drivers/net/hw   ./ethtool.sh eth0 eth1
nics   200 drivers/net/hw   ./ethtool_extended_state.sh eth0 eth1
nics   120 drivers/net/hw   ./ethtool_mm.sh eth0 eth1
nics   600 drivers/net/hw   ./ethtool_rmon.sh eth0 eth1
nics   120 drivers/net/hw   ./loopback.sh eth0 eth1
nics   120 drivers/net/hw   ./hw_stats_l3.sh eth0 eth1
nics   120 drivers/net/hw   ./hw_stats_l3_gre.sh eth0 eth1
remote  60 drivers/net      ./netcons_basic.sh
"""
NET = """
net  60 net               ./reuseport_bpf
net  60 net               ./reuseport_bpf_cpu
net  60 net               ./reuseport_bpf_numa
net  60 net               ./reuseport_dualstack
net  60 net               ./reuseport_addr_any.sh
net  60 net               ./reuseaddr_conflict
net  60 net               ./reuseaddr_ports_exhausted.sh
net 240 net               ./stress_reuseport_listen.sh
net  60 net               ./so_incoming_cpu
net 300 net               ./tcp_fastopen_backup_key.sh
net 120 net               ./bind_bhash.sh -6
net 120 net               ./bind_bhash.sh -4
net  60 net               ./bind_wildcard
net  60 net               ./bind_timewait
net  60 net               ./sk_bind_sendto_listen
net  60 net               ./sk_connect_zero_addr
net  60 net               ./ip_local_port_range.sh
net  60 net               ./run_netsocktests
net  60 net               ./epoll_busy_poll
net 120 filesystems/epoll ./epoll_wakeup_test
net  60 net               ./in_netns.sh ./tcp_inq -4
net  60 net               ./in_netns.sh ./tcp_inq -6
net  90 net               ./fin_ack_lat.sh
net  60 net               ./rxtimestamp.sh
net 120 net               ./txtimestamp.sh
net 120 net               ./msg_zerocopy.sh
net 180 net               ./udpgso_bench.sh
net 180 net               ./io_uring_zerocopy_tx.sh
net 120 net/netfilter     ./nft_tproxy_tcp.sh
net 120 net/netfilter     ./nft_synproxy.sh
net 300 net/mptcp         ./diag.sh
net 300 net/mptcp         ./mptcp_sockopt.sh
"""
LONG_NET = """
net 900 net               ./fcnal-test.sh -t ipv4_tcp
net 900 net               ./fcnal-test.sh -t ipv6_tcp
net 900 net               ./fcnal-test.sh -t ipv4_bind
net 900 net               ./fcnal-test.sh -t ipv6_bind
net 1800 net/mptcp        ./mptcp_connect.sh
net 1800 net/mptcp        ./mptcp_connect_mmap.sh
net 3600 net/mptcp        ./mptcp_join.sh
"""
FAMILIES = ("4", "6")


def gro():
    """Of frames that come in on eth0."""
    return [f"nics 60 net ./gro.sh -i eth0 -p ipv{ip} -t {test}"
            for ip in FAMILIES
            for test in ("data", "ack", "flags", "tcp", "ip", "large")]


def toeplitz():
    """The hash that the NIC gives; the queue and CPU that follow from it."""
    return [f"nics 180 net ./toeplitz.sh -i eth0 -{proto} -{ip} {more}"
            for proto in "tu" for ip in FAMILIES
            for more in ("", "-rss -irq_prefix eth0-TxRx", "-rps 3")]


def txtimestamp():
    """Of TCP, UDP, raw and packet sockets, as txtimestamp.sh has them."""
    return [f"remote 60 net over_nics txtimestamp {ip} {more}"
            for ip in FAMILIES for more in ("", "-u", "-r", "-R", "-P", "-C",
                                            "-n")]


def msg_zerocopy():
    """As msg_zerocopy.sh has them."""
    return [f"remote 60 net over_nics msg_zerocopy {ip} {mode} {more}"
            for ip in FAMILIES for mode in ("tcp", "udp")
            for more in ("", "-z")]


def udpgso_bench():
    """As udpgso_bench.sh has them."""
    return [f"remote 60 net over_nics udpgso_bench {ip} {more}"
            for ip in FAMILIES
            for more in ("-t", "-t -z", "", "-S 0", "-S 0 -z", "-S 0 -T",
                         "-S 0 -z -a", "-S 0 -T -a", "-S 0 -T -z -a")]


def tcp_ao():
    """TCP authentication, where the kernel has it: connections and resets."""
    return [f"net 240 net/tcp_ao ./{name}_ipv{ip}" for ip in FAMILIES
            for name in ("connect", "connect-deny", "icmps-accept",
                         "icmps-discard", "key-management", "restore", "rst",
                         "self-connect", "seq-ext", "setsockopt-closed",
                         "unsigned-md5")]


def tls():
    """Not those that came to 6.12.y for what 6.12 has not: other keys later."""
    names = ("rekey", "rekey_fail", "rekey_peek", "rekey_peek_splice",
             "rekey_getsockopt", "rekey_poll_pending", "rekey_poll_delay",
             "rekey_rx", "rekey_tx", "splice_rekey")
    return ["net 400 net ./in_netns.sh ./tls" +
            "".join(f" -T {name}" for name in names)]


def parse(line):
    setup, seconds, directory, *command = line.split()
    words = " ".join(command).removeprefix("./")
    if "tls" in words:
        words = re.sub(" -T .*", "", words)     # cases that are left out
    return Test(f"{directory}/{words}", setup, int(seconds), directory, command)


def tests_of(part, long=False):
    """All tests of "driver" or "net"."""
    if part == "driver":
        lines = DRIVER.splitlines() + gro() + toeplitz() + txtimestamp() + \
            msg_zerocopy() + udpgso_bench()
    else:
        lines = NET.splitlines() + tls() + tcp_ao()
        if long:
            lines += LONG_NET.splitlines()
    return [parse(line) for line in lines if line.strip()]
