/** libbpf for Node: load BPF objects, attach their programs, read their maps. Knows nothing of Ringside's own programs. */
export { setUpAllocator, trimAllocator } from './allocator';
export { BpfError } from './errors';
export { lock } from './lock';
export { BpfMap, type Entries, type NewMap } from './map';
export { BpfObject } from './object';
export { PinnedLink, PinnedProgram } from './pin';
export { enableStats } from './stats';
export type { MapInfo, ProgramInfo, ProgramStats } from './binding';
