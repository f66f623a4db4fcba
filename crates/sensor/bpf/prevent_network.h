/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The preventions that an address and a port are met by. */
#pragma once

#define LOOPBACK4 __builtin_bswap32(0x7f000001)

static __always_inline u64 met_by_port(struct network_rule *rule, u16 port)
{
	u64 met = rule->bits;
	u32 index;

	for (index = 0; index < PORT_RANGES; index++) {
		struct port_range *range = &rule->ports[index];

		if (range->first <= port && port <= range->last)
			met |= range->bits;
	}
	return met;
}

/* `address` as packets have it, `port` as people write it. */
static __always_inline u64 met_by_address4(struct question *question, u32 address, u16 port)
{
	struct network4_key key = { .bits = 32, .address = address ? address : LOOPBACK4 };
	struct network_rule *rule = bpf_map_lookup_elem(&networks4, &key);

	question->object = OBJECT_ADDRESS4;
	question->port = port;
	question->address[0] = address;
	if (!rule)
		return 0;
	return met_by_port(rule, port) & (question->enforced | question->observed);
}

/* An address that stands for one of version 4 is that one; none at all is this machine, as for the
 * kernel. */
static __noinline u64 met_by_address6(struct question *question, u32 *words, u16 port)
{
	struct network6_key key = { .bits = 128 };
	struct network_rule *rule;

	if (!words[0] && !words[1] && words[2] == __builtin_bswap32(0xffff))
		return met_by_address4(question, words[3], port);
	key.address[0] = words[0] | (u64)words[1] << 32;
	key.address[1] = words[2] | (u64)words[3] << 32;
	question->object = OBJECT_ADDRESS6;
	question->port = port;
	question->address[0] = key.address[0];
	question->address[1] = key.address[1];
	if (!key.address[0] && !key.address[1])
		key.address[1] = 1ULL << 56;
	rule = bpf_map_lookup_elem(&networks6, &key);
	if (!rule)
		return 0;
	return met_by_port(rule, port) & (question->enforced | question->observed);
}

/* The beginnings of `sockaddr_in` and `sockaddr_in6`. */
struct address4 {
	u16 family, port;
	u32 address;
};

struct address6 {
	u16 family, port;
	u32 flow;
	u32 address[4];
};

/* An address that the kernel has copied already. Sending takes one without a family as one of the
 * socket's, where that is of version 4. */
static __always_inline int connect_to(struct socket *socket, u64 address_at, int sends)
{
	struct question question = {};
	struct address4 short_one = {};
	struct address6 long_one = {};
	u16 family;
	u64 met = 0;

	if (!address_at || !may_be_refused_inside(&question, ACT_CONNECT))
		return 0;
	bpf_probe_read_kernel(&short_one, sizeof(short_one), (void *)address_at);
	family = short_one.family;
	if (family == FAMILY_UNSPECIFIED && sends &&
	    BPF_CORE_READ(socket, sk, __sk_common.skc_family) == FAMILY_INET)
		family = FAMILY_INET;
	if (family == FAMILY_INET)
		met = met_by_address4(&question, short_one.address, __builtin_bswap16(short_one.port));
	if (family == FAMILY_INET6) {
		bpf_probe_read_kernel(&long_one, sizeof(long_one), (void *)address_at);
		met = met_by_address6(&question, long_one.address, __builtin_bswap16(long_one.port));
	}
	return answer(&question, met);
}
