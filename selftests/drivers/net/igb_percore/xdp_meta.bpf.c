// SPDX-License-Identifier: GPL-2.0
/*
 * Program of xdp.sh that asks the device what it knows of a frame. It is in a
 * file of its own as it needs a kernel with BTF.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum xdp_rss_hash_type;

extern int bpf_xdp_metadata_rx_hash(const struct xdp_md *ctx, __u32 *hash,
				    enum xdp_rss_hash_type *type) __ksym;
extern int bpf_xdp_metadata_rx_vlan_tag(const struct xdp_md *ctx,
					__be16 *proto, __u16 *tci) __ksym;
extern int bpf_xdp_metadata_rx_timestamp(const struct xdp_md *ctx,
					 __u64 *timestamp) __ksym;

/* Type of the hash, by the hash */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} hashes SEC(".maps");

/* How often, by protocol and tag */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} tags SEC(".maps");

/* The last timestamp */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} stamps SEC(".maps");

SEC("xdp.frags")
int x_info(struct xdp_md *ctx)
{
	__u32 hash = 0, type = 0, key;
	__u64 value = 1, stamp, *old;
	__be16 proto = 0;
	__u16 tci = 0;

	if (!bpf_xdp_metadata_rx_hash(ctx, &hash, (void *)&type)) {
		value = type;
		bpf_map_update_elem(&hashes, &hash, &value, BPF_ANY);
	}
	if (!bpf_xdp_metadata_rx_vlan_tag(ctx, &proto, &tci)) {
		key = (__u32)__builtin_bswap16(proto) << 16 | tci;
		value = 1;
		old = bpf_map_lookup_elem(&tags, &key);
		if (old)
			value += *old;
		bpf_map_update_elem(&tags, &key, &value, BPF_ANY);
	}
	if (!bpf_xdp_metadata_rx_timestamp(ctx, &stamp)) {
		key = 0;
		bpf_map_update_elem(&stamps, &key, &stamp, BPF_ANY);
	}
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
