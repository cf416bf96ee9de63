/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two streams and the segments that carry them, made from a fuzzer's bytes.
 *
 * An input is text with marks in it. Its first two bytes are flags and the size of pieces; after them every byte is one
 * of the stream that is being written, but for these, of which some take the byte or the two bytes after them:
 *
 *   01     from here on requests            02     from here on answers
 *   03 n   the last n bytes once more       04 n   this segment begins n bytes earlier
 *   05 n   its first n bytes come later     06     those come now
 *   07     FIN                              08     RST
 *   0b n   it goes in pieces of n bytes     0c     it is never seen
 *   0e k n a whole message of kind k        0f     from here on the cgroup is excluded
 *   10 b   the byte b, whatever it is
 */
#ifndef RINGSIDE_FUZZ_CONVERSATION_H
#define RINGSIDE_FUZZ_CONVERSATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_STREAM 2048
#define MAX_STEPS 4096

enum step_kind {
	STEP_SEGMENT,
	/* Bytes that reach the other side without passing the hooks. */
	STEP_MISSED,
	STEP_EXCLUDE,
};

struct step {
	enum step_kind kind;
	bool answers;
	bool fin;
	bool rst;
	/* Where in the stream. */
	uint32_t from;
	uint32_t to;
};

struct conversation {
	/* The socket is the server's: requests come in and answers go out. */
	bool is_server;
	bool ipv6;
	bool refuses_storage;
	/* So many segments come while the socket is still the listener's. */
	uint32_t early;
	uint32_t first_seq;
	/* How the same bytes are cut the second time; 0: not at all. */
	uint32_t piece;
	/* Every byte is seen, none before those it follows, and nobody is excluded. */
	bool is_orderly;
	uint8_t bytes[2][MAX_STREAM];
	uint32_t length[2];
	uint32_t steps_count;
	struct step steps[MAX_STEPS];
};

void conversation_decode(struct conversation *conversation, const uint8_t *input, size_t size);
/* The same bytes in the same order, in other segments. Only of orderly ones. */
void conversation_cut_again(const struct conversation *from, struct conversation *to);
void conversation_print(const struct conversation *conversation);

#endif
