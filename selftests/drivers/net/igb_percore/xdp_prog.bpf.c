// SPDX-License-Identifier: GPL-2.0
/*
 * Programs of xdp.sh. They act on frames that carry IP protocol 253 (RFC 3692)
 * and let the rest pass. What comes back has its MAC addresses swapped.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define OURS		253
#define META_MAGIC	0x70657263
#define HEAD_BYTES	4

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} cpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} target SEC(".maps");

static __always_inline void count(__u32 key)
{
	__u64 *value = bpf_map_lookup_elem(&counts, &key);

	if (value)
		__sync_fetch_and_add(value, 1);
}

static __always_inline int is_ours(void *data, void *end)
{
	struct ethhdr *eth = data;
	struct iphdr *iph = (void *)(eth + 1);

	return (void *)(iph + 1) <= end &&
	       eth->h_proto == bpf_htons(ETH_P_IP) && iph->protocol == OURS;
}

#define START(ctx)	((void *)(long)(ctx)->data)
#define END(ctx)	((void *)(long)(ctx)->data_end)
#define IS_OURS(ctx)	is_ours(START(ctx), END(ctx))

static __always_inline int swap(struct xdp_md *ctx)
{
	struct ethhdr *eth = START(ctx);
	__u8 dest[ETH_ALEN];

	if ((void *)(eth + 1) > END(ctx))
		return -1;
	__builtin_memcpy(dest, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, dest, ETH_ALEN);
	return 0;
}

/* Takes no fragments, unlike all the others */
SEC("xdp")
int x_plain(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp.frags")
int x_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp.frags")
int x_drop(struct xdp_md *ctx)
{
	return IS_OURS(ctx) ? XDP_DROP : XDP_PASS;
}

SEC("xdp.frags")
int x_aborted(struct xdp_md *ctx)
{
	return IS_OURS(ctx) ? XDP_ABORTED : XDP_PASS;
}

/* No action has this number */
SEC("xdp.frags")
int x_invalid(struct xdp_md *ctx)
{
	return IS_OURS(ctx) ? 77 : XDP_PASS;
}

SEC("xdp.frags")
int x_tx(struct xdp_md *ctx)
{
	if (!IS_OURS(ctx))
		return XDP_PASS;
	return swap(ctx) ? XDP_ABORTED : XDP_TX;
}

/* Puts HEAD_BYTES in after the MAC addresses, and takes three bytes off the
 * end of a frame of odd length; behind one of even length it puts "tail". The type of Ethernet is no IP, so
 * that nobody on the way looks for a header.
 */
SEC("xdp.frags")
int x_edit(struct xdp_md *ctx)
{
	static const __u8 tail[4] = "tail";
	static const __u8 mark[HEAD_BYTES] = { 0x88, 0xb5, 0xbe, 0xef };
	__u32 bytes = bpf_xdp_get_buff_len(ctx);
	__u8 macs[2 * ETH_ALEN];
	void *data;

	if (!IS_OURS(ctx))
		return XDP_PASS;
	if (swap(ctx) || bpf_xdp_load_bytes(ctx, 0, macs, sizeof(macs)) ||
	    bpf_xdp_adjust_head(ctx, -HEAD_BYTES))
		return XDP_ABORTED;
	data = START(ctx);
	if (data + sizeof(macs) + sizeof(mark) > END(ctx))
		return XDP_ABORTED;
	__builtin_memcpy(data, macs, sizeof(macs));
	__builtin_memcpy(data + sizeof(macs), mark, sizeof(mark));
	if (bytes % 2)
		return bpf_xdp_adjust_tail(ctx, -3) ? XDP_ABORTED : XDP_TX;
	if (bpf_xdp_adjust_tail(ctx, sizeof(tail)) ||
	    bpf_xdp_store_bytes(ctx, bytes + HEAD_BYTES, (void *)tail,
				sizeof(tail)))
		return XDP_ABORTED;
	return XDP_TX;
}

/* Sends back the first 100 bytes, and zeros if there are less */
SEC("xdp.frags")
int x_cut(struct xdp_md *ctx)
{
	if (!IS_OURS(ctx))
		return XDP_PASS;
	if (swap(ctx) ||
	    bpf_xdp_adjust_tail(ctx, 100 - (int)bpf_xdp_get_buff_len(ctx)))
		return XDP_ABORTED;
	return XDP_TX;
}

/* Sends back the Ethernet header, less than the device can send */
SEC("xdp.frags")
int x_short(struct xdp_md *ctx)
{
	struct ethhdr *eth;

	if (!IS_OURS(ctx))
		return XDP_PASS;
	if (swap(ctx) || bpf_xdp_adjust_tail(ctx, ETH_HLEN -
					     (int)bpf_xdp_get_buff_len(ctx)))
		return XDP_ABORTED;
	eth = START(ctx);
	if ((void *)(eth + 1) > END(ctx))
		return XDP_ABORTED;
	eth->h_proto = bpf_htons(ETH_P_802_EX1);
	return XDP_TX;
}

SEC("xdp.frags")
int x_redirect(struct xdp_md *ctx)
{
	return IS_OURS(ctx) ? bpf_redirect_map(&ports, 0, 0) : XDP_PASS;
}

/* Nobody is behind this key */
SEC("xdp.frags")
int x_nowhere(struct xdp_md *ctx)
{
	return IS_OURS(ctx) ? bpf_redirect(0x7fffffff, 0) : XDP_PASS;
}

SEC("xdp.frags")
int x_cpu(struct xdp_md *ctx)
{
	__u32 zero = 0, *cpu = bpf_map_lookup_elem(&target, &zero);

	if (!IS_OURS(ctx) || !cpu)
		return XDP_PASS;
	return bpf_redirect_map(&cpus, *cpu, 0);
}

/* In front of the frame: the magic, and the frame's length */
SEC("xdp.frags")
int x_meta(struct xdp_md *ctx)
{
	__u32 *meta;

	if (!IS_OURS(ctx))
		return XDP_PASS;
	if (bpf_xdp_adjust_meta(ctx, -2 * (int)sizeof(*meta)))
		return XDP_ABORTED;
	meta = (void *)(long)ctx->data_meta;
	if ((void *)(meta + 2) > START(ctx))
		return XDP_ABORTED;
	meta[0] = META_MAGIC;
	meta[1] = bpf_xdp_get_buff_len(ctx);
	return XDP_PASS;
}

/* The stack's side of x_meta: 0 counts what is as it should be, 1 the rest */
SEC("tc")
int x_meta_seen(struct __sk_buff *skb)
{
	__u32 *meta = (void *)(long)skb->data_meta;

	if (!IS_OURS(skb))
		return TC_ACT_OK;
	if ((void *)(meta + 2) <= START(skb) && meta[0] == META_MAGIC &&
	    meta[1] == skb->len)
		count(0);
	else
		count(1);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
