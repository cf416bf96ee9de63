/** libbpf for Node: load BPF objects, attach their programs, read their maps. Knows nothing of Ringside's own programs. */
export { setUpAllocator, trimAllocator } from './allocator';
export { BpfError } from './errors';
export { BpfMap, type Entries } from './map';
export { BpfObject } from './object';
export { enableStats } from './stats';
export type { MapInfo, ProgramInfo, ProgramStats } from './binding';
