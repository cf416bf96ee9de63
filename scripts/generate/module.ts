import { type Btf } from './btf';
import { camelCase, pascalCase } from './names';
import { Structs } from './structs';

const IDENTIFIER = /^[A-Za-z_]\w*$/;

const READ_STRING = `
/** A C string: up to its NUL, or all of it. */
function readString(view: DataView, at: number, length: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at, length);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(bytes.slice(0, end < 0 ? length : end));
}
`;

const COPY = `
/** Bytes of their own, so that typed arrays over them are aligned. */
function copy(view: DataView, at: number, length: number): ArrayBuffer {
  return new Uint8Array(new Uint8Array(view.buffer, view.byteOffset + at, length)).buffer;
}
`;

/**
 * The text of `agent/collect/generated/<stem>.ts`, not yet formatted: what the object's maps and variables are made of,
 * as types, offsets and readers.
 */
export function moduleText(stem: string, btf: Btf): string {
  const structs = new Structs(btf);
  const maps = btf.variables('.maps').map(({ name, typeId }) => mapEntry(name, typeId, btf, structs));
  const sections = ['.rodata', '.data', '.bss'].map((section) => sectionTable(section, btf, structs));

  const body = [
    structs.text(),
    maps.length > 0 ? `/** By name. Sizes are in bytes. */\nexport const maps = {\n${maps.join('')}} as const;\n` : '',
    ...sections,
  ]
    .filter((part) => part !== '')
    .join('\n');
  const helpers = (body.includes('readString(') ? READ_STRING : '') + (body.includes('copy(') ? COPY : '');
  return `// Generated from bpf/${stem}.bpf.c by scripts/generate.ts. Do not edit.\n\n${body || 'export {};\n'}${helpers}`;
}

/** A map is declared in C as a struct of pointers: key and value to the types, numbers to arrays of that length. */
function mapEntry(name: string, typeId: number, btf: Btf, structs: Structs): string {
  const members = new Map(btf.resolve(typeId).members.map((member) => [member.name, btf.resolve(member.type_id)]));
  const number = (member: string) => {
    const pointer = members.get(member);
    return pointer && btf.resolve(pointer.type_id).nr_elems;
  };
  const side = (member: 'key' | 'value') => {
    const pointer = members.get(member);
    if (pointer === undefined) {
      const bytes = number(`${member}_size`);
      return bytes === undefined ? '' : `${member}Size: ${bytes}, `;
    }
    const type = structs.declare(pointer.type_id);
    // A reader for what is itself a struct, not for an array of them.
    const isStruct = ['STRUCT', 'UNION'].includes(btf.resolve(pointer.type_id).kind);
    const reader = isStruct ? `read${pascalCase(member)}: read${pascalCase(type.name)}, ` : '';
    return `${member}Size: ${btf.sizeOf(pointer.type_id)}, ${reader}`;
  };
  const entries = number('max_entries');
  return `  ${name}: { ${side('key')}${side('value')}${entries === undefined ? '' : `maxEntries: ${entries}`} },\n`;
}

function sectionTable(section: string, btf: Btf, structs: Structs): string {
  // The compiler puts string literals and the like there too, under names no program can use.
  const variables = btf.variables(section).filter(({ name }) => IDENTIFIER.test(name));
  variables.forEach(({ typeId }) => structs.declare(typeId));
  // A pointer is no constant of anybody's: it is how a program brings a type into its BTF that nothing else mentions.
  const lines = variables
    .filter(({ typeId }) => btf.resolve(typeId).kind !== 'PTR')
    .map(({ name, offset, size }) => `  ${camelCase(name)}: { offset: ${offset}, size: ${size} },\n`);
  if (lines.length === 0) {
    return '';
  }
  return `/** Where the variables of ${section} lie in its image, in bytes. */
export const ${section.slice(1)} = {
${lines.join('')}} as const;
`;
}
