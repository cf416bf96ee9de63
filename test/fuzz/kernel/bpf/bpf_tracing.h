/* SPDX-License-Identifier: Apache-2.0 */
/* In place of libbpf's header of this name: a tracing program is a function of the arguments that it is traced with. */
#ifndef RINGSIDE_FUZZ_BPF_TRACING_H
#define RINGSIDE_FUZZ_BPF_TRACING_H

#define BPF_PROG(name, ...) name(__VA_ARGS__)

#endif
