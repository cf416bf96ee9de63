/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Which way a branch nearly always goes. The compiler puts the other way aside, so that what every packet runs lies
 * together: between two packets the processor forgets the code, and what is fetched anew for each is most of a program's
 * cost.
 */
#ifndef RINGSIDE_EXPECT_H
#define RINGSIDE_EXPECT_H

#undef likely
#undef unlikely
#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

#endif
