/**
 * libbpf for Node: load BPF objects, attach their programs, read their maps. Knows nothing of Ringside's own programs. And
 * what of a query has to be fast from its first call on: adding up the history's records, and writing numbers as JSON.
 */
export { setUpAllocator, trimAllocator } from './allocator';
export { BpfError } from './errors';
export { lock } from './lock';
export { BpfMap, type Entries, type NewMap } from './map';
export { NUMBER_BYTES, writeNumbers } from './numbers';
export { BpfObject } from './object';
export { PinnedLink, PinnedProgram } from './pin';
export { addRecord, takeQuantiles, Total, TOTALS, UNKNOWN, UNWANTED, type Cursor, type RecordSums } from './records';
export { enableStats } from './stats';
export type { MapInfo, ProgramInfo, ProgramStats } from './binding';
