// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The network of an isolated container: packets of its sockets, in both directions, are dropped
 * unless the other end is on the operator's list or is the container itself.
 *
 * Attached to the container's control group, so what is below is held as well, connections that
 * are open already among it. One copy of the object an isolation: the lists are its own.
 */
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

enum bpf_map_type { BPF_MAP_TYPE_LPM_TRIE = 11 };

/* The kernel's promise to programs (uapi/linux/bpf.h), as far as it is read here. */
struct __sk_buff {
	__u32 len;
	__u32 pkt_type;
	__u32 mark;
	__u32 queue_mapping;
	__u32 protocol;
	__u32 vlan_present;
	__u32 vlan_tci;
	__u32 vlan_proto;
	__u32 priority;
	__u32 ingress_ifindex;
	__u32 ifindex;
};

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define DROP 0
#define PASS 1
#define PROTOCOL_V4 0x0800
#define PROTOCOL_V6 0x86dd
/* Of source and destination in their headers. */
#define V4_SOURCE 12
#define V4_DESTINATION 16
#define V6_SOURCE 8
#define V6_DESTINATION 24
/* The loopback of a network namespace is the first device in it. */
#define LOOPBACK 1
/* Where Docker answers questions for names, on the container's loopback: it asks the world. */
#define DOCKER_RESOLVER 0x7f00000b
#define NO_PREALLOC 1
/* ICMPv6 without options before it: solicitations and advertisements of routers and neighbours. */
#define V6_NEXT_HEADER 6
#define V6_HEADER_BYTES 40
#define ICMP_V6 58
#define FIRST_DISCOVERY 133
#define LAST_DISCOVERY 136

/* Networks that an operator keeps are few. */
#define KEPT_MAX 1024

struct key_v4 {
	__u32 prefix;
	__u8 address[4];
};

struct key_v6 {
	__u32 prefix;
	__u8 address[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, NO_PREALLOC);
	__uint(max_entries, KEPT_MAX);
	__type(key, struct key_v4);
	__type(value, __u8);
} kept_v4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, NO_PREALLOC);
	__uint(max_entries, KEPT_MAX);
	__type(key, struct key_v6);
	__type(value, __u8);
} kept_v6 SEC(".maps");

/* Not where the loopback is the host's. */
const volatile __u32 keeps_loopback = 1;

static __always_inline int judge_v4(struct __sk_buff *packet, __u32 other)
{
	struct key_v4 key = { .prefix = 32 };
	__u32 resolver = bpf_htonl(DOCKER_RESOLVER), source, destination;

	if (bpf_skb_load_bytes(packet, other, key.address, sizeof(key.address)))
		return DROP;
	if (bpf_map_lookup_elem(&kept_v4, &key))
		return PASS;
	if (!keeps_loopback || packet->ifindex != LOOPBACK)
		return DROP;
	if (bpf_skb_load_bytes(packet, V4_SOURCE, &source, sizeof(source)) ||
	    bpf_skb_load_bytes(packet, V4_DESTINATION, &destination, sizeof(destination)))
		return DROP;
	return source == resolver || destination == resolver ? DROP : PASS;
}

/*
 * Without neighbours there is no network that could be kept, and the kernel's own socket for that is
 * of the container's group. What is sent to a link-local or multicast address of the link goes no
 * further.
 */
static __always_inline int is_discovery(struct __sk_buff *packet, const __u8 *other)
{
	__u8 next, type;

	if (!(other[0] == 0xfe && (other[1] & 0xc0) == 0x80) && !(other[0] == 0xff && other[1] == 0x02))
		return 0;
	if (bpf_skb_load_bytes(packet, V6_NEXT_HEADER, &next, sizeof(next)) || next != ICMP_V6 ||
	    bpf_skb_load_bytes(packet, V6_HEADER_BYTES, &type, sizeof(type)))
		return 0;
	return type >= FIRST_DISCOVERY && type <= LAST_DISCOVERY;
}

static __always_inline int judge_v6(struct __sk_buff *packet, __u32 other)
{
	struct key_v6 key = { .prefix = 128 };

	if (bpf_skb_load_bytes(packet, other, key.address, sizeof(key.address)))
		return DROP;
	if (bpf_map_lookup_elem(&kept_v6, &key) || is_discovery(packet, key.address))
		return PASS;
	return keeps_loopback && packet->ifindex == LOOPBACK ? PASS : DROP;
}

SEC("cgroup_skb/egress")
int isolate_egress(struct __sk_buff *packet)
{
	switch (bpf_ntohs(packet->protocol)) {
	case PROTOCOL_V4:
		return judge_v4(packet, V4_DESTINATION);
	case PROTOCOL_V6:
		return judge_v6(packet, V6_DESTINATION);
	default:
		return DROP;
	}
}

SEC("cgroup_skb/ingress")
int isolate_ingress(struct __sk_buff *packet)
{
	switch (bpf_ntohs(packet->protocol)) {
	case PROTOCOL_V4:
		return judge_v4(packet, V4_SOURCE);
	case PROTOCOL_V6:
		return judge_v6(packet, V6_SOURCE);
	default:
		return DROP;
	}
}
