/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What should be counted on a connection: llhttp, the parser of Node, reads both directions a byte at a time, and each
 * answer goes to the oldest request that waits. It gives up where what it reads is not HTTP/1.x to the letter, and where
 * Ringside differs from it as docs/design/010-hostile-bytes.md says.
 */
#ifndef RINGSIDE_FUZZ_REFERENCE_H
#define RINGSIDE_FUZZ_REFERENCE_H

#include <stddef.h>

#include "totals.h"

void reference_reset(void);
/* Reads on in one direction. Of each byte it says in is_body whether it is one of a body. False: it has given up. */
bool reference_read(bool answers, const uint8_t *bytes, size_t length, uint64_t now_ns, uint8_t *is_body);
/* The answers have ended (a FIN, a RST, or the socket's end). */
void reference_end(uint64_t now_ns);
/* Whether the connection has become something else than HTTP: what follows is nobody's until its end. */
bool reference_is_tunnel(void);
const struct totals *reference_totals(void);

#endif
