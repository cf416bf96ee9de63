/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Eight bytes of text at a time, in a register. */
#ifndef RINGSIDE_WORDS_H
#define RINGSIDE_WORDS_H

#define BYTES_OF(byte) ((byte) * 0x0101010101010101ULL)
#define WORD(a, b, c, d, e, f, g, h)                                                                                   \
	((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 | (__u64)(f) << 40 |    \
	 (__u64)(g) << 48 | (__u64)(h) << 56)

/*
 * The bytes of a word that are no line feeds, each by its top bit: a byte is not zero after the exclusive or. No branches:
 * the verifier would follow both sides of each.
 */
static __always_inline __u64 others_in(__u64 word)
{
	__u64 zero_at = word ^ BYTES_OF('\n');

	return (((zero_at & BYTES_OF(0x7f)) + BYTES_OF(0x7f)) | zero_at) & BYTES_OF(0x80);
}

/* Bit i of byte k becomes bit k of byte i: blocks of one, two and four bits change places across the diagonal. */
static __always_inline __u64 transposed(__u64 bits)
{
	__u64 moved = (bits ^ (bits >> 7)) & 0x00aa00aa00aa00aaULL;

	bits ^= moved ^ (moved << 7);
	moved = (bits ^ (bits >> 14)) & 0x0000cccc0000ccccULL;
	bits ^= moved ^ (moved << 14);
	moved = (bits ^ (bits >> 28)) & 0x00000000f0f0f0f0ULL;
	return bits ^ moved ^ (moved << 28);
}

/* How many bits are 0 below the lowest one that is 1; 64 if none is. */
static __always_inline __u64 trailing_zeros(__u64 word)
{
	__u64 below = (word & -word) - 1;

	below -= (below >> 1) & BYTES_OF(0x55);
	below = (below & BYTES_OF(0x33)) + ((below >> 2) & BYTES_OF(0x33));
	below = (below + (below >> 4)) & BYTES_OF(0x0f);
	return (below * BYTES_OF(0x01)) >> 56;
}

static __always_inline __u64 low_bytes(__u64 word, __u32 count)
{
	return count >= 8 ? word : word & ((1ULL << (8 * (count & 7))) - 1);
}

#endif
