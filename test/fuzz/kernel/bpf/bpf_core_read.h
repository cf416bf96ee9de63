/* SPDX-License-Identifier: Apache-2.0 */
/* In place of libbpf's header of this name: the HTTP programs read no memory of the kernel's. */
#ifndef RINGSIDE_FUZZ_BPF_CORE_READ_H
#define RINGSIDE_FUZZ_BPF_CORE_READ_H

#endif
