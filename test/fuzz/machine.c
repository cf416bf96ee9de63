/* SPDX-License-Identifier: Apache-2.0 */
/* The programs as they are, and below them as much of a kernel as they ask for. */
#include "machine.h"

#include "http.bpf.c"

#include <stdlib.h>
#include <string.h>

/* What the kernel allows after the program that is attached (MAX_TAIL_CALL_CNT). */
#define TAIL_CALLS 33
#define SLOTS MAX_SERIES
#define CGROUP_ID 4711

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define TCP_HEADER 20
#define MAX_PACKET 65536

static struct {
	u64 now_ns;
	u32 tail_calls;
	u32 loads;
	u32 failed_loads;
	bool exhausted;
	bool refuses_storage;
	bool is_excluded;

	struct bpf_sock sock;
	struct bpf_tcp_sock tcp;
	struct __sk_buff skb;
	u8 packet[MAX_PACKET];

	struct http_connection *connection;
	bool is_stranger;
	u8 stranger;
	struct http_connection *early;
	struct http_flow early_flow;

	struct http_counters counters;
	u32 series_of_owner;
	bool has_owner;
	u32 slot_count;
	struct http_key keys[SLOTS];
	u32 numbers[SLOTS];
	struct http_slot slots[SLOTS];
} kernel;

bool may_tail_call(void)
{
	if (kernel.tail_calls < TAIL_CALLS) {
		kernel.tail_calls++;
		return true;
	}
	kernel.exhausted = true;
	return false;
}

long bpf_skb_load_bytes(const void *skb, u32 offset, void *to, u32 length)
{
	const struct __sk_buff *packet = skb;

	kernel.loads++;
	if (offset > packet->len || length > packet->len - offset) {
		kernel.failed_loads++;
		memset(to, 0, length);
		return -14;
	}
	memcpy(to, kernel.packet + offset, length);
	return 0;
}

const u8 *packet_start(void)
{
	return kernel.packet;
}

u64 bpf_ktime_get_ns(void)
{
	return kernel.now_ns;
}

u32 bpf_get_smp_processor_id(void)
{
	return 0;
}

u64 bpf_sk_cgroup_id(void *sk)
{
	return CGROUP_ID;
}

struct bpf_sock *bpf_sk_fullsock(struct bpf_sock *sk)
{
	return sk;
}

struct bpf_tcp_sock *bpf_tcp_sock(struct bpf_sock *sk)
{
	return &kernel.tcp;
}

void *bpf_sk_storage_get(void *map, void *sk, const void *value, u64 flags)
{
	bool creates = flags & BPF_SK_STORAGE_GET_F_CREATE && !kernel.refuses_storage;

	if (map == &strangers) {
		kernel.is_stranger |= creates;
		return kernel.is_stranger ? &kernel.stranger : NULL;
	}
	if (!kernel.connection && creates) {
		kernel.connection = calloc(1, sizeof(*kernel.connection));
		if (value)
			*kernel.connection = *(const struct http_connection *)value;
	}
	return kernel.connection;
}

long bpf_sk_storage_delete(void *map, void *sk)
{
	free(kernel.connection);
	kernel.connection = NULL;
	return 0;
}

static u32 *find_series(const struct http_key *key)
{
	for (u32 i = HTTP_ROLES; i < kernel.slot_count; i++) {
		if (key->status == kernel.keys[i].status && key->method == kernel.keys[i].method)
			return &kernel.numbers[i];
	}
	return NULL;
}

void *bpf_map_lookup_elem(void *map, const void *key)
{
	u32 at = *(const u32 *)key;

	if (map == &counters)
		return &kernel.counters;
	if (map == &slots)
		return at < SLOTS ? &kernel.slots[at] : NULL;
	if (map == &excluded)
		return kernel.is_excluded ? &kernel.is_excluded : NULL;
	if (map == &series_of_owner)
		return kernel.has_owner ? &kernel.series_of_owner : NULL;
	if (map == &early)
		return kernel.early && !memcmp(key, &kernel.early_flow, sizeof(kernel.early_flow)) ? kernel.early : NULL;
	return find_series(key);
}

long bpf_map_update_elem(void *map, const void *key, const void *value, u64 flags)
{
	if (map == &series_of_owner) {
		kernel.has_owner = true;
		kernel.series_of_owner = *(const u32 *)value;
	} else if (map == &early) {
		if (kernel.refuses_storage)
			return -12;
		if (!kernel.early)
			kernel.early = calloc(1, sizeof(*kernel.early));
		*kernel.early = *(const struct http_connection *)value;
		kernel.early_flow = *(const struct http_flow *)key;
	} else {
		u32 slot = *(const u32 *)value;

		kernel.keys[slot] = *(const struct http_key *)key;
		kernel.numbers[slot] = slot;
	}
	return 0;
}

long bpf_map_delete_elem(void *map, const void *key)
{
	free(kernel.early);
	kernel.early = NULL;
	return 0;
}

long bpf_map_push_elem(void *map, const void *value, u64 flags)
{
	return 0;
}

long bpf_map_pop_elem(void *map, void *value)
{
	if (kernel.slot_count == SLOTS)
		return -2;
	*(u32 *)value = kernel.slot_count++;
	return 0;
}

void machine_reset(bool refuses_storage)
{
	free(kernel.connection);
	free(kernel.early);
	kernel.connection = NULL;
	kernel.early = NULL;
	kernel.is_stranger = false;
	kernel.is_excluded = false;
	kernel.refuses_storage = refuses_storage;
	kernel.exhausted = false;
	kernel.failed_loads = 0;
	kernel.has_owner = false;
	kernel.series_of_owner = 0;
	memset(&kernel.counters, 0, sizeof(kernel.counters));
	memset(kernel.slots, 0, kernel.slot_count * sizeof(kernel.slots[0]));
	kernel.slot_count = HTTP_ROLES;
}

void machine_set_time(uint64_t now_ns)
{
	kernel.now_ns = now_ns;
}

void machine_exclude(void)
{
	kernel.is_excluded = true;
	kernel.counters.generation++;
}

static void run(bool ingress)
{
	kernel.sock.protocol = IPPROTO_TCP;
	kernel.skb.sk = &kernel.sock;
	kernel.tail_calls = 0;
	kernel.loads = 0;
	memset(kernel.skb.cb, 0, sizeof(kernel.skb.cb));
	if (ingress)
		http_ingress(&kernel.skb);
	else
		http_egress(&kernel.skb);
}

/* Addresses and ports are the same ones always, the local ones those of ingress segments' destination. */
static u32 write_ip(bool ipv6, bool ingress, u8 *to)
{
	u32 size = ipv6 ? IPV6_HEADER : IPV4_HEADER;

	memset(to, 0, size);
	if (ipv6) {
		to[0] = 0x60;
		to[6] = IPPROTO_TCP;
		to[ingress ? 8 : 24] = 0xfd;
	} else {
		to[0] = 0x45;
		to[9] = IPPROTO_TCP;
		to[ingress ? 12 : 16] = 10;
	}
	return size;
}

static void write_tcp(const struct seen_segment *segment, u8 *to)
{
	u32 seq = bpf_htonl(segment->seq), ack = bpf_htonl(segment->ack);

	memset(to, 0, TCP_HEADER);
	to[segment->ingress ? 3 : 1] = 80;
	memcpy(to + 4, &seq, 4);
	memcpy(to + 8, &ack, 4);
	to[12] = TCP_HEADER / 4 << 4;
	to[13] = 0x10 | (segment->fin ? 0x01 : 0) | (segment->rst ? 0x04 : 0);
}

void machine_show(const struct seen_segment *segment)
{
	u32 at = write_ip(segment->ipv6, segment->ingress, kernel.packet);

	write_tcp(segment, kernel.packet + at);
	at += TCP_HEADER;
	memcpy(kernel.packet + at, segment->payload, segment->length);
	kernel.skb.len = at + segment->length;
	kernel.skb.protocol = segment->ipv6 ? bpf_htons(0x86dd) : bpf_htons(ETH_P_IP);
	kernel.sock.state = segment->early ? TCP_LISTEN : TCP_ESTABLISHED;
	kernel.tcp.rcv_nxt = segment->rcv_nxt;
	kernel.tcp.bytes_received = segment->bytes_received;
	kernel.tcp.bytes_acked = segment->bytes_acked;
	kernel.tcp.packets_out = segment->packets_out;
	run(segment->ingress);
}

void machine_show_packet(bool ingress, bool ipv6, const uint8_t *packet, size_t length)
{
	memcpy(kernel.packet, packet, length);
	kernel.skb.len = length;
	kernel.skb.protocol = ipv6 ? bpf_htons(0x86dd) : bpf_htons(ETH_P_IP);
	kernel.sock.state = TCP_ESTABLISHED;
	run(ingress);
}

void machine_close(void)
{
	if (kernel.connection)
		http_close((struct sock *)&kernel.sock, TCP_ESTABLISHED, TCP_CLOSE);
	free(kernel.connection);
	kernel.connection = NULL;
}

static u32 events_of(const struct histogram *histogram)
{
	u32 events = 0;

	for (u32 i = 0; i < HISTOGRAM_BUCKETS; i++)
		events += histogram->buckets[i];
	return events;
}

/* Those that have a time and no fate. */
static u32 waiting(const struct http_connection *c)
{
	s32 requests = (s32)((c->overflowing ? c->overflow_from : c->head) - c->tail);

	return requests > 0 ? requests : 0;
}

void machine_count(struct totals *totals, bool with_series)
{
	const struct http_counters *counters = &kernel.counters;

	totals->seen = counters->seen;
	totals->recorded = counters->recorded;
	totals->in_flight = kernel.connection ? waiting(kernel.connection) : 0;
	totals->unparsed = counters->unparsed;
	totals->overflowed = counters->overflowed;
	totals->excluded = counters->excluded;
	totals->unmatched = counters->unmatched;
	if (!with_series)
		return;
	totals->series_count = 0;
	for (u32 i = HTTP_ROLES; i < kernel.slot_count; i++) {
		const struct http_slot *slot = &kernel.slots[i];
		struct series_total *series = series_total_of(totals, kernel.keys[i].method, kernel.keys[i].status);

		series->requests = events_of(&slot->duration);
		series->first_bytes = events_of(&slot->time_to_first_byte);
		series->duration_ns = slot->duration.sum_ns;
		series->first_byte_ns = slot->time_to_first_byte.sum_ns;
	}
}

static bool has_lost(const struct http_connection *c)
{
	return c->ignored || c->streams[STREAM_OF_REQUESTS].state == STREAM_LOST ||
	       c->streams[STREAM_OF_ANSWERS].state == STREAM_LOST;
}

bool machine_is_lost(void)
{
	return kernel.is_stranger || (kernel.connection && has_lost(kernel.connection)) ||
	       (kernel.early && has_lost(kernel.early));
}

bool machine_is_being_read(void)
{
	return kernel.connection && (kernel.connection->streams[0].readers || kernel.connection->streams[1].readers);
}

bool machine_is_early(void)
{
	return kernel.early;
}

bool machine_is_exhausted(void)
{
	return kernel.exhausted;
}

uint32_t machine_loads(void)
{
	return kernel.loads;
}

uint32_t machine_failed_loads(void)
{
	return kernel.failed_loads;
}
