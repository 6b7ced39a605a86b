// SPDX-License-Identifier: GPL-2.0
/*
 * Program of xsk.sh. It acts on frames of Ethertype 0x88b5 (IEEE 802, local
 * experiments), which say in the byte behind it what is to become of them, and
 * lets the rest pass.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u32);
} socks SEC(".maps");

static __always_inline int send_back(struct ethhdr *eth)
{
	__u8 dest[ETH_ALEN];

	__builtin_memcpy(dest, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, dest, ETH_ALEN);
	return XDP_TX;
}

SEC("xdp")
int x_sock(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	__u8 *action = (void *)(eth + 1);

	if ((void *)(action + 1) > end || eth->h_proto != bpf_htons(0x88b5))
		return XDP_PASS;
	switch (*action) {
	case 'S':
		return bpf_redirect_map(&socks, ctx->rx_queue_index, XDP_DROP);
	case 'M':
		/* With metadata, which is none of the frame's */
		return bpf_xdp_adjust_meta(ctx, -8) ? XDP_ABORTED : XDP_PASS;
	case 'P':
		return XDP_PASS;
	case 'T':
		return send_back(eth);
	case 'D':
		return XDP_DROP;
	default:
		return XDP_ABORTED;
	}
}

char _license[] SEC("license") = "GPL";
