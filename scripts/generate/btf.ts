import { execFileSync } from 'node:child_process';

/** One type of an object's BTF, as `bpftool -j btf dump` writes it. Which fields there are depends on the kind. */
export interface BtfType {
  id: number;
  kind: string;
  name: string;
  /** What it points to, qualifies or repeats. */
  type_id: number;
  /** Bytes. */
  size: number;
  encoding: string;
  nr_elems: number;
  members: BtfMember[];
  values: Array<{ name: string; val: number }>;
  /** Of a DATASEC: its variables, each with its place in the section. */
  vars: Array<{ type_id: number; offset: number; size: number }>;
}

export interface BtfMember {
  name: string;
  type_id: number;
  bits_offset: number;
  bitfield_size?: number;
}

/** A global variable, and where it lies in its section. */
export interface Variable {
  name: string;
  typeId: number;
  offset: number;
  size: number;
}

const TRANSPARENT = new Set(['CONST', 'VOLATILE', 'RESTRICT', 'TYPEDEF', 'TYPE_TAG']);
const POINTER_BYTES = 8;

export const isNamed = (type: BtfType) => type.name !== '(anon)' && type.name !== '';

/** The types of one BPF object. */
export class Btf {
  readonly #types: Map<number, BtfType>;

  constructor(types: readonly BtfType[]) {
    this.#types = new Map(types.map((type) => [type.id, type]));
  }

  /** The object must have been through `bpftool gen object`: before that, all offsets in its sections are 0. */
  static ofFile(path: string): Btf {
    const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
    const json = execFileSync('bpftool', ['-j', 'btf', 'dump', 'file', path], {
      env,
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    // bpftool prints the 32 bits of an enumerator as 64 unsigned ones, more than a JSON number holds: -1 as 2^64 - 1.
    const exact = json.replace(/"val":(\d+)/g, (_, value: string) => `"val":${BigInt.asIntN(32, BigInt(value))}`);
    return new Btf(JSON.parse(exact).types);
  }

  get(id: number): BtfType {
    const type = this.#types.get(id);
    if (type === undefined) {
      throw new Error(`BTF has no type ${id}`);
    }
    return type;
  }

  /** The type behind typedefs and qualifiers. */
  resolve(id: number): BtfType {
    let type = this.get(id);
    while (TRANSPARENT.has(type.kind)) {
      type = this.get(type.type_id);
    }
    return type;
  }

  sizeOf(id: number): number {
    const type = this.resolve(id);
    switch (type.kind) {
      case 'ARRAY':
        return type.nr_elems * this.sizeOf(type.type_id);
      case 'PTR':
        return POINTER_BYTES;
      default:
        return type.size;
    }
  }

  /** The variables of a section: `.rodata`, `.bss`, `.maps`; none when there is no such section. */
  variables(section: string): Variable[] {
    const found = [...this.#types.values()].find(({ kind, name }) => kind === 'DATASEC' && name === section);
    return (found?.vars ?? []).map(({ type_id, offset, size }) => {
      const { name, type_id: typeId } = this.get(type_id);
      return { name, typeId, offset, size };
    });
  }
}
