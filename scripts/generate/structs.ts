import { type Btf, type BtfType, isNamed } from './btf';
import { camelCase, pascalCase } from './names';

/** How a value is typed and read: `read('at + 8')` is an expression over `view`. */
interface Reader {
  type: string;
  read(at: string): string;
}

interface Field extends Reader {
  name: string;
  offset: number;
}

const ARRAYS: Record<number, string> = { 1: 'Uint8Array', 2: 'Uint16Array', 4: 'Uint32Array', 8: 'BigUint64Array' };

/**
 * TypeScript for C structs, unions and enums: an interface, a size, the fields' offsets and a reader for each, and for
 * those they contain. Refuses what it cannot render exactly.
 */
export class Structs {
  readonly #btf: Btf;
  readonly #declarations = new Map<string, string>();

  constructor(btf: Btf) {
    this.#btf = btf;
  }

  /** Declarations so far, what is used before what uses it. */
  text(): string {
    return [...this.#declarations.values()].join('\n');
  }

  /** Declares what a variable, key or value is made of, if that is a struct, union or enum. Returns it. */
  declare(typeId: number): BtfType {
    let type = this.#btf.resolve(typeId);
    while (type.kind === 'ARRAY' || type.kind === 'PTR') {
      if (type.type_id === 0) {
        return type;
      }
      type = this.#btf.resolve(type.type_id);
    }
    if (type.kind === 'ENUM' || ((type.kind === 'STRUCT' || type.kind === 'UNION') && isNamed(type))) {
      this.#reader(type.id);
    }
    return type;
  }

  #reader(typeId: number): Reader {
    const type = this.#btf.resolve(typeId);
    switch (type.kind) {
      case 'INT':
        return integer(type);
      case 'PTR':
        return { type: 'bigint', read: (at) => `view.getBigUint64(${at}, true)` };
      case 'ENUM':
        return this.#enumeration(type);
      case 'ARRAY':
        return this.#array(type);
      case 'STRUCT':
      case 'UNION':
        return this.#struct(type);
    }
    throw new Error(`Cannot read a ${type.kind} (${type.name})`);
  }

  #array(type: BtfType): Reader {
    const element = this.#btf.resolve(type.type_id);
    const bytes = type.nr_elems * this.#btf.sizeOf(type.type_id);
    if (element.kind === 'INT' && element.encoding !== 'BOOL') {
      if (element.name === 'char') {
        return { type: 'string', read: (at) => `readString(view, ${at}, ${bytes})` };
      }
      const array = element.encoding === 'SIGNED' ? ARRAYS[element.size].replace('Uint', 'Int') : ARRAYS[element.size];
      return { type: array, read: (at) => `new ${array}(copy(view, ${at}, ${bytes}))` };
    }
    const { type: one, read } = this.#reader(type.type_id);
    const stride = this.#btf.sizeOf(type.type_id);
    return {
      type: `Array<${one}>`,
      read: (at) => {
        // Arrays of arrays: each level counts with a letter of its own.
        const index = 'ijklmn'[(at.match(/\* \d/g) ?? []).length];
        return `Array.from({ length: ${type.nr_elems} }, (_, ${index}) => ${read(`${at} + ${index} * ${stride}`)})`;
      },
    };
  }

  #enumeration(type: BtfType): Reader {
    const signed = type.values.some(({ val }) => val < 0);
    const reader = { type: 'number', read: (at: string) => `view.get${signed ? 'Int' : 'Uint'}32(${at}, true)` };
    if (type.size !== 4) {
      throw new Error(`enum ${type.name} has ${type.size} bytes instead of 4`);
    }
    if (!isNamed(type)) {
      const constants = type.values.map(({ name, val }) => `export const ${name} = ${val};\n`);
      this.#declarations.set(`enum ${type.id}`, constants.join(''));
      return reader;
    }
    const name = pascalCase(type.name);
    this.#declarations.set(
      `enum ${type.name}`,
      `export enum ${name} {\n${type.values.map((value) => `  ${value.name} = ${value.val},\n`).join('')}}\n`
    );
    return { ...reader, type: name };
  }

  #struct(type: BtfType): Reader {
    if (!isNamed(type)) {
      throw new Error(`A ${type.kind} of ${type.size} bytes that is the type of a field or element needs a name`);
    }
    const name = pascalCase(type.name);
    const key = `struct ${type.name}`;
    if (!this.#declarations.has(key)) {
      // Contained structs declare themselves first, in here.
      const fields = this.#fields(type, type.name);
      const at = (offset: number) => (offset === 0 ? 'at' : `at + ${offset}`);
      this.#declarations.set(
        key,
        `/** \`${type.kind.toLowerCase()} ${type.name}\` */
export interface ${name} {
${fields.map((field) => `  ${field.name}: ${field.type};\n`).join('')}}

/** Bytes. */
export const ${type.name.toUpperCase()}_SIZE = ${type.size};

/** Bytes from the start of the ${type.kind.toLowerCase()}. */
export const ${name}Offsets = {
${fields.map((field) => `  ${field.name}: ${field.offset},\n`).join('')}} as const;

export function read${name}(view: DataView, at = 0): ${name} {
  return {
${fields.map((field) => `    ${field.name}: ${field.read(at(field.offset))},\n`).join('')}  };
}
`
      );
    }
    return { type: name, read: (at) => `read${name}(view, ${at})` };
  }

  /** Those of unnamed structs and unions inside count as its own, as in C. */
  #fields(type: BtfType, path: string, base = 0): Field[] {
    return type.members.flatMap((member) => {
      const where = `${path}.${member.name}`;
      if (member.bitfield_size) {
        throw new Error(`${where} is a bitfield`);
      }
      const offset = base + member.bits_offset / 8;
      const inner = this.#btf.resolve(member.type_id);
      if (member.name === '(anon)' || member.name === '') {
        return this.#fields(inner, path, offset);
      }
      try {
        return [{ name: camelCase(member.name), offset, ...this.#reader(member.type_id) }];
      } catch (cause) {
        throw new Error(`${where}: ${(cause as Error).message}`, { cause });
      }
    });
  }
}

function integer({ size, encoding }: BtfType): Reader {
  if (encoding === 'BOOL') {
    return { type: 'boolean', read: (at) => `view.getUint8(${at}) !== 0` };
  }
  const sign = encoding === 'SIGNED' || encoding === 'CHAR' ? 'Int' : 'Uint';
  const method = size === 8 ? `Big${sign}64` : `${sign}${size * 8}`;
  if (![1, 2, 4, 8].includes(size)) {
    throw new Error(`an integer of ${size} bytes`);
  }
  return {
    type: size === 8 ? 'bigint' : 'number',
    read: (at) => `view.get${method}(${at}${size > 1 ? ', true' : ''})`,
  };
}
