// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/*
 * TCP, from the kernel's own tracepoints: nothing runs per packet.
 *
 * A connection is followed from its first segment (SYN_SENT, or SYN_RECV of an accepted one) to its end (CLOSE) in the
 * table `connections`, by the address of its socket; the entry stays until the kernel frees the socket, because the reset
 * that ends a connection is sent after the change to CLOSE. Counts go to the slot of its owner as they happen. Bytes and
 * round-trip times are the kernel's own: read at the end, and from every open connection when user space asks
 * (walk_connections).
 *
 * The kernel does not run a tracing program again on a CPU where it is already running, so a change of state that a
 * softirq makes in that moment is never seen. Each later one therefore makes good what must have happened before it.
 */
#include "kernel.h"
#include "scope.h"
#include "tcp.h"
#include "tcp_maps.h"
#include "tcp_socket.h"

#define S_IFMT 0170000
#define S_IFSOCK 0140000

static __always_inline void on_handshake(struct sock *sk, u32 role)
{
	struct tcp_connection connection = {
		.started_ns = bpf_ktime_get_ns(),
		.uncounted_sent = syn_bytes(role),
		.role = role,
	};

	if (!is_measured(sk))
		return;
	connection.slot = slot_of_owner(sk, role);
	account(seen);
	if (!follow(sk, &connection, BPF_ANY))
		account(untracked);
}

/* Established, and nobody knows since when it was tried: there was no room for it, or its beginning was missed. */
static __always_inline void on_established_unknown(struct sock *sk, int old_state)
{
	u32 role = old_state == TCP_SYN_RECV ? TCP_SERVER : TCP_CLIENT;
	struct tcp_connection connection = {
		.established_ns = bpf_ktime_get_ns(),
		.uncounted_sent = syn_bytes(role),
		.role = role,
		.flags = ESTABLISHED,
	};
	struct tcp_slot *slot;

	if (!is_measured(sk))
		return;
	connection.slot = slot_of_owner(sk, role);
	slot = slot_at(connection.slot);
	count(slot, opened, 1);
	follow(sk, &connection, BPF_ANY);
}

static __always_inline void on_established(struct sock *sk, int old_state)
{
	struct tcp_connection *connection = find(sk);
	struct tcp_slot *slot;

	if (!connection || connection->flags & ENDED) {
		on_established_unknown(sk, old_state);
		return;
	}
	if (connection->flags & ESTABLISHED)
		return;
	connection->established_ns = bpf_ktime_get_ns();
	connection->flags |= ESTABLISHED;
	slot = slot_at(connection->slot);
	count(slot, opened, 1);
	if (slot && connection->role == TCP_CLIENT)
		histogram_record(&slot->connect, connection->established_ns - connection->started_ns,
				 LATENCY_MIN_EXPONENT);
}

static __always_inline void record_rtt(struct tcp_slot *slot, struct sock *sk)
{
	u64 ns = rtt_ns(sk);

	if (slot && ns)
		histogram_record(&slot->rtt, ns, LATENCY_MIN_EXPONENT);
}

/* The end of a connection that is not in the table. */
static __always_inline void on_closed_unknown(struct sock *sk, int old_state)
{
	struct tcp_accounts *sums = bpf_map_lookup_elem(&accounts, &zero);
	u32 role = guess_role(sk, old_state);
	struct tcp_slot *slot;

	if (!is_measured(sk))
		return;
	slot = slot_at(slot_of_owner(sk, role));
	if (!is_established(old_state)) {
		count(slot, failed[failure_of(sk, false)], 1);
		return;
	}
	account(untimed);
	count(slot, closed, 1);
	record_rtt(slot, sk);
	/* As long as there was room for all it began before the programs, and its bytes are from then. */
	if (!sums || !sums->untracked)
		return;
	count(slot, bytes_sent, above(bytes_acknowledged(sk, old_state), syn_bytes(role)));
	count(slot, bytes_received, bytes_received(sk));
}

static __noinline void end(struct sock *sk, struct tcp_connection *connection, int old_state)
{
	struct tcp_slot *slot = slot_at(connection->slot);

	/* First of all, so that a walk that comes now does not count the bytes as those of an open connection. */
	connection->flags |= ENDED;
	if (!(connection->flags & ESTABLISHED)) {
		if (!is_established(old_state)) {
			count(slot, failed[failure_of(sk, connection->flags & RESET_RECEIVED)], 1);
			return;
		}
		account(missed);
		count(slot, opened, 1);
	}
	count(slot, closed, 1);
	count(slot, bytes_sent, above(bytes_acknowledged(sk, old_state), connection->uncounted_sent));
	count(slot, bytes_received, above(bytes_received(sk), connection->uncounted_received));
	record_rtt(slot, sk);
	if (!connection->established_ns)
		account(untimed);
	else if (slot)
		histogram_record(&slot->lifetime, bpf_ktime_get_ns() - connection->established_ns,
				 LIFETIME_MIN_EXPONENT);
}

static __always_inline void on_closed(struct sock *sk, int old_state)
{
	struct tcp_connection *connection;

	if (old_state == TCP_LISTEN || old_state == TCP_CLOSE)
		return;
	connection = find(sk);
	if (!connection)
		on_closed_unknown(sk, old_state);
	else if (!(connection->flags & ENDED))
		end(sk, connection, old_state);
}

/* The slot of something that happened on a socket; NULL if it is out of scope. */
static __always_inline struct tcp_slot *slot_of_socket(struct sock *sk, struct tcp_connection *connection, int state)
{
	if (connection)
		return slot_at(connection->slot);
	if (!is_measured(sk))
		return NULL;
	return slot_at(slot_of_owner(sk, guess_role(sk, state)));
}

/* The tracepoints. They run before the socket's state is the new one. */

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_state, struct sock *sk, int old_state, int new_state)
{
	/* Half of the changes are of no interest: how a connection takes leave. */
	if (new_state != TCP_SYN_SENT && new_state != TCP_SYN_RECV && new_state != TCP_ESTABLISHED && new_state != TCP_CLOSE)
		return 0;
	if (!is_tcp(sk))
		return 0;
	switch (new_state) {
	case TCP_SYN_SENT:
		on_handshake(sk, TCP_CLIENT);
		break;
	case TCP_SYN_RECV:
		/* From SYN_SENT it is a client that met another client. */
		if (old_state != TCP_SYN_SENT)
			on_handshake(sk, TCP_SERVER);
		break;
	case TCP_ESTABLISHED:
		on_established(sk, old_state);
		break;
	case TCP_CLOSE:
		on_closed(sk, old_state);
		break;
	}
	return 0;
}

SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(tcp_destroy, struct sock *sk)
{
	struct tcp_connection *connection = find(sk);
	u64 key = (u64)sk;

	if (!connection)
		return 0;
	if (!(connection->flags & ENDED)) {
		account(missed);
		/* The old state is lost: with this one a byte may be missing, never too many. */
		end(sk, connection, connection->flags & ESTABLISHED ? TCP_LAST_ACK : TCP_SYN_SENT);
	}
	bpf_map_delete_elem(&connections, &key);
	return 0;
}

SEC("tp_btf/tcp_retransmit_skb")
int tcp_retransmit(u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	void *control = (void *)ctx[1] + bpf_core_field_offset(struct sk_buff, cb);
	struct tcp_slot *slot;

	/* Since 6.17 those that could not be sent are told, too. Volatile, or the load might come before the check. */
	if (bpf_core_field_exists(struct trace_event_raw_tcp_retransmit_skb, err) && (int)*(volatile u64 *)&ctx[2])
		return 0;
	slot = slot_of_socket(sk, find(sk), socket_state(sk));
	count(slot, retransmits, BPF_CORE_READ((struct tcp_skb_cb *)control, tcp_gso_segs));
	return 0;
}

/* The answer to a SYN, sent again by the listening socket. */
SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(tcp_retransmit_synack, struct sock *sk)
{
	struct tcp_slot *slot;

	if (!is_measured(sk))
		return 0;
	slot = slot_at(slot_of_owner(sk, TCP_SERVER));
	count(slot, retransmits, 1);
	return 0;
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(tcp_receive_reset, struct sock *sk)
{
	struct tcp_connection *connection = find(sk);
	struct tcp_slot *slot = slot_of_socket(sk, connection, socket_state(sk));

	if (connection)
		connection->flags |= RESET_RECEIVED;
	count(slot, resets_received, 1);
	return 0;
}

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(tcp_send_reset, struct sock *sk)
{
	/* Since 6.10 there may be no socket. */
	int state = sk ? socket_state(sk) : TCP_TIME_WAIT;
	struct tcp_slot *slot;

	if (state == TCP_NEW_SYN_RECV) {
		sk = BPF_CORE_READ(sk, __sk_common.skc_listener);
		state = sk ? TCP_LISTEN : TCP_TIME_WAIT;
	}
	/* What is left of a connection in TIME_WAIT is no full socket, and does not know its owner. */
	if (state == TCP_TIME_WAIT) {
		account(resets_unowned);
		return 0;
	}
	if (state == TCP_LISTEN)
		slot = is_measured(sk) ? slot_at(slot_of_owner(sk, TCP_SERVER)) : NULL;
	else
		slot = slot_of_socket(sk, find(sk), state);
	count(slot, resets_sent, 1);
	return 0;
}

/* The iterators. User space starts them, and reads what they left in `live`. */

/*
 * Adds the open connections up. The socket may be freed at any moment, but not its memory (SLAB_TYPESAFE_BY_RCU, and the
 * walk holds the RCU read lock): the worst that is read is another connection's numbers, for one walk.
 */
static __always_inline void walk_connection(struct sock *sk, struct tcp_connection *connection)
{
	struct tcp_walk *order = bpf_map_lookup_elem(&walk, &zero);
	struct tcp_live *sums;
	int state;
	u32 slot;

	if (!order || connection->generation == order->generation)
		return;
	/* An entry that is freed and used again during the walk can be met twice. */
	connection->generation = order->generation;
	slot = connection->slot;
	sums = bpf_map_lookup_elem(&live, &slot);
	if (!sums)
		return;
	sums->followed++;
	if (connection->flags & ENDED)
		return;
	state = socket_state(sk);
	if (!is_established(state)) {
		sums->handshakes++;
		return;
	}
	if (state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT)
		sums->active++;
	sums->bytes_sent += above(bytes_acknowledged(sk, state), connection->uncounted_sent);
	sums->bytes_received += above(bytes_received(sk), connection->uncounted_received);
	if (order->sample_rtt)
		record_rtt(slot_at(slot), sk);
}

SEC("iter/bpf_map_elem")
int tcp_walk(struct bpf_iter__bpf_map_elem *ctx)
{
	struct tcp_connection *connection = ctx->value;
	u64 *key = ctx->key;

	if (key && connection)
		walk_connection((struct sock *)*key, connection);
	return 0;
}

static long walk_one(struct bpf_map *map, u64 *key, struct tcp_connection *connection, void *context)
{
	walk_connection((struct sock *)*key, connection);
	return 0;
}

/*
 * The same where the kernel has no iterator over a map's elements, as some are built: one over all maps, which asks for
 * the elements of ours at its end (since 5.13, commit 69c087ba6225).
 */
SEC("iter/bpf_map")
int tcp_walk_at_once(struct bpf_iter__bpf_map *ctx)
{
	if (!ctx->map)
		bpf_for_each_map_elem(&connections, walk_one, NULL, 0);
	return 0;
}

/* Finds the connections that were there before the programs, by the files of all tasks, in every network namespace. */
SEC("iter/task_file")
int tcp_find(struct bpf_iter__task_file *ctx)
{
	struct tcp_connection connection = {};
	struct file *file = ctx->file;
	struct socket *socket;
	struct sock *sk;
	int state;

	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	/* A file opened with O_PATH on the name of a Unix socket has no socket behind it. */
	socket = BPF_CORE_READ(file, private_data);
	if (!socket || BPF_CORE_READ(socket, file) != file)
		return 0;
	sk = BPF_CORE_READ(socket, sk);
	if (!sk || !is_tcp(sk) || find(sk) || !is_measured(sk))
		return 0;
	state = socket_state(sk);
	if (!is_established(state))
		return 0;
	connection.role = guess_role(sk, state);
	connection.slot = slot_of_owner(sk, connection.role);
	connection.flags = ESTABLISHED;
	connection.uncounted_sent = bytes_acknowledged(sk, state);
	connection.uncounted_received = bytes_received(sk);
	if (follow(sk, &connection, BPF_NOEXIST))
		account(found);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
