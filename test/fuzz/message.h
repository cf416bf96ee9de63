/* SPDX-License-Identifier: Apache-2.0 */
/* Whole messages, well-formed to the letter, for a fuzzer to begin with. */
#ifndef RINGSIDE_FUZZ_MESSAGE_H
#define RINGSIDE_FUZZ_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

/* Writes the message of a kind, with a body of so many bytes if it has one. Returns its length; 0 if there is no room. */
uint32_t message_write(bool answer, uint8_t kind, uint8_t size, uint8_t *to, uint32_t room);

#endif
