/** Turns what a schema says about a value into an error of ours: the field, what was received, what would do. */
import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { WireError, type ErrorDetails } from '../../wire/errors';
import { nearest } from '../query/nearest';

/** What a schema library reports; ajv's shape, which TypeBox and Fastify share. */
interface Fault {
  keyword: string;
  instancePath: string;
  params: object;
  message?: string;
}

export interface Checker {
  /** @returns what is wrong with the value, worst first, or nothing */
  (value: unknown, path?: string): WireError | undefined;
}

/** @param where what the value is called when it is wrong as a whole: `body`, `querystring` */
export function checker(schema: TSchema, where: string): Checker {
  const compiled = Compile(schema);
  return (value, path = '') => {
    if (compiled.Check(value)) {
      return undefined;
    }
    const fault = worstOf(compiled.Errors(value) as Fault[]);
    return fault && explain(fault, schema, value, path, where);
  };
}

/** A name that does not exist explains more than the field that is missing because of it. */
function worstOf(faults: Fault[]): Fault | undefined {
  // "boolean" repeats, property by property, what "additionalProperties" says of the object.
  const telling = faults.filter(({ keyword }) => keyword !== 'boolean');
  return telling.find(({ keyword }) => keyword === 'additionalProperties') ?? telling[0] ?? faults[0];
}

function explain(fault: Fault, schema: TSchema, value: unknown, path: string, where: string): WireError {
  const params = fault.params as Record<string, unknown>;
  const parent = fieldPath(path, fault.instancePath);
  const received = valueAt(value, fault.instancePath);
  if (fault.keyword === 'additionalProperties') {
    const [name] = params.additionalProperties as string[];
    const allowed = Object.keys(schemaAt(schema, fault.instancePath)?.properties ?? {});
    return unknownField(join(parent, name), name, allowed);
  }
  if (fault.keyword === 'required') {
    const [name] = params.requiredProperties as string[];
    const field = join(parent, name);
    return new WireError('invalid_field', `"${field}" is missing.`, { field });
  }
  const field = parent || where;
  const details: ErrorDetails = { field, received: shorten(received), ...limitsOf(fault.keyword, params) };
  return new WireError(
    'invalid_field',
    `"${field}" ${expectation(fault, params)}; received ${quote(received)}.`,
    details
  );
}

export function unknownField(field: string, name: string, allowed: readonly string[]): WireError {
  const likely = nearest(name, allowed);
  return new WireError(
    'unknown_field',
    `There is no field "${field}".` + (likely ? ` Did you mean "${likely}"?` : ''),
    { field, allowed, ...(likely && { nearest: likely }) }
  );
}

function expectation(fault: Fault, params: Record<string, unknown>): string {
  switch (fault.keyword) {
    case 'enum':
      return `must be one of ${(params.allowedValues as string[]).join(', ')}`;
    case 'type':
      return `must be ${article(String(params.type))}`;
    case 'minimum':
      return `must be at least ${params.limit}`;
    case 'maximum':
      return `must be at most ${params.limit}`;
    case 'minLength':
      return 'must not be empty';
    case 'maxLength':
      return `must have at most ${params.limit} characters`;
    case 'minItems':
      return `must have at least ${params.limit} ${params.limit === 1 ? 'entry' : 'entries'}`;
    case 'maxItems':
      return `must have at most ${params.limit} entries`;
    default:
      return fault.message ?? 'is not valid';
  }
}

function article(type: string): string {
  return `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`;
}

function limitsOf(keyword: string, params: Record<string, unknown>): Pick<ErrorDetails, 'allowed' | 'limit'> {
  if (keyword === 'enum') {
    return { allowed: params.allowedValues as string[] };
  }
  return typeof params.limit === 'number' ? { limit: params.limit } : {};
}

/** `/where/0/label` below `queries[1]` is `queries[1].where[0].label`. */
function fieldPath(base: string, pointer: string): string {
  return segmentsOf(pointer).reduce((path, name) => (/^\d+$/.test(name) ? `${path}[${name}]` : join(path, name)), base);
}

function join(path: string, name: string): string {
  const short = name.length > 100 ? `${name.slice(0, 100)}…` : name;
  return path ? `${path}.${short}` : short;
}

function segmentsOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function valueAt(value: unknown, pointer: string): unknown {
  return segmentsOf(pointer).reduce<unknown>(
    (at, name) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[name] : undefined),
    value
  );
}

interface SchemaNode {
  type?: string;
  properties?: Record<string, SchemaNode>;
  items?: SchemaNode;
}

function schemaAt(schema: TSchema, pointer: string): SchemaNode | undefined {
  return segmentsOf(pointer).reduce<SchemaNode | undefined>(
    (at, name) => at?.properties?.[name] ?? at?.items,
    schema as SchemaNode
  );
}

const ECHO_LENGTH = 100;

/** What was received, as JSON and short enough for one line of a log. */
export function quote(received: unknown): string {
  const text = received === undefined ? 'nothing' : JSON.stringify(received);
  return text.length > ECHO_LENGTH ? `${text.slice(0, ECHO_LENGTH)}…` : text;
}

/** The same for `details.received`: the value itself where it is small. */
export function shorten(received: unknown): unknown {
  const text = JSON.stringify(received);
  return text !== undefined && text.length > ECHO_LENGTH ? `${text.slice(0, ECHO_LENGTH)}…` : received;
}

/** For every route: what comes in a URL is text, and becomes what the schema asks for only where it is exactly that. */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const check = checker(schema, httpPart ?? 'body');
  const inUrl = httpPart === 'querystring' || httpPart === 'params';
  return (received: unknown) => {
    const value = inUrl ? readTexts(received as Texts, schema as SchemaNode) : received;
    const error = check(value);
    return error ? { error } : { value };
  };
};

type Texts = Record<string, string | string[]>;

function readTexts(texts: Texts, { properties = {} }: SchemaNode): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]) => {
      const type = properties[name]?.type;
      if (type === 'integer' && typeof text === 'string' && /^\d{1,15}$/.test(text)) {
        return [name, Number(text)];
      }
      return [name, type === 'array' ? [text].flat() : text];
    })
  );
}
