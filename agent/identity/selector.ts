/**
 * Kubernetes' label selectors, as `kubectl get --selector` takes them: `app=web,tier in (front, back),!canary`.
 *
 * The grammar and what it matches are those of Parse in k8s.io/apimachinery/pkg/labels: `=`, `==`, `!=`, `in`, `notin`,
 * `key`, `!key`, `>`, `<`; requirements are joined by commas and all of them must hold. As there, `!=` and `notin` also
 * hold for whoever has no such label, `a=` asks for an empty value, and the empty selector selects everything. One thing
 * is taken that Parse refuses: a list that ends in two commas.
 */
import { cleanName } from './names';

/** Says what was expected, what was found instead, and where. */
export class SelectorError extends Error {
  override readonly name = 'SelectorError';
}

export interface Selector {
  matches(labels: ReadonlyMap<string, string>): boolean;
}

/** @throws SelectorError */
export function parseSelector(text: string): Selector {
  const requirements = new Parser(text).parse();
  return { matches: (labels) => requirements.every((requirement) => requirement(labels)) };
}

type Requirement = (labels: ReadonlyMap<string, string>) => boolean;

interface Token {
  /** A symbol as it is written, "word" for a key, a value or an operator in letters, "end" after the last. */
  kind: string;
  text: string;
  /** Of its first character, counted from 0. */
  at: number;
}

/** A symbol, the longest first, or a word: all that is neither symbol nor white space. */
const TOKEN = /[ \t\r\n]*(?:(==|!=|[=!(),<>])|([^ \t\r\n=!(),<>]+)|$)/y;

/** At most this much of the selector is quoted. */
const QUOTED_LENGTH = 200;

const MAX_NAME_LENGTH = 63;
const MAX_PREFIX_LENGTH = 253;
const NAME = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const PREFIX = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
/** A label cannot begin with a sign. */
const WHOLE_NUMBER = /^[0-9]+$/;
const MAX_NUMBER = 2n ** 63n - 1n;

class Parser {
  readonly #text: string;
  readonly #tokens: Token[];
  #next = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokensOf(text);
  }

  parse(): Requirement[] {
    const requirements: Requirement[] = [];
    if (this.#peek.kind === 'end') {
      return requirements;
    }
    do {
      requirements.push(this.#requirement());
    } while (this.#take(','));
    if (this.#peek.kind !== 'end') {
      throw this.#unexpected('"," or the end of the selector');
    }
    return requirements;
  }

  #requirement(): Requirement {
    if (this.#take('!')) {
      const key = this.#key('a label after "!"');
      return (labels) => !labels.has(key);
    }
    const key = this.#key('a label, or "!" and a label');
    if (this.#peek.kind === ',' || this.#peek.kind === 'end') {
      return (labels) => labels.has(key);
    }
    if (this.#take('=') || this.#take('==')) {
      const value = this.#value();
      return (labels) => labels.get(key) === value;
    }
    if (this.#take('!=')) {
      const value = this.#value();
      return (labels) => labels.get(key) !== value;
    }
    if (this.#take('>')) {
      const bound = this.#number();
      return (labels) => (numberOf(labels.get(key)) ?? bound) > bound;
    }
    if (this.#take('<')) {
      const bound = this.#number();
      return (labels) => (numberOf(labels.get(key)) ?? bound) < bound;
    }
    if (this.#takeWord('in')) {
      return isIn(key, this.#values());
    }
    if (this.#takeWord('notin')) {
      const isListed = isIn(key, this.#values());
      return (labels) => !isListed(labels);
    }
    throw this.#unexpected('an operator (=, ==, !=, in, notin, > or <), "," or the end of the selector');
  }

  /** As in Kubernetes, `in` and `notin` are keys and values too, where a key or a value stands. */
  #key(expected: string): string {
    const { text, at } = this.#word(expected);
    const slash = text.indexOf('/');
    const prefix = slash < 0 ? undefined : text.slice(0, slash);
    const name = text.slice(slash + 1);
    if (prefix !== undefined && (prefix.length > MAX_PREFIX_LENGTH || !PREFIX.test(prefix))) {
      throw this.#error(
        at,
        `a label's prefix is a DNS name in lower case of at most ${MAX_PREFIX_LENGTH} characters, for example ` +
          `app.kubernetes.io, but found "${cut(prefix)}"`
      );
    }
    if (name.length > MAX_NAME_LENGTH || !NAME.test(name)) {
      throw this.#error(at, `a label's name is ${ALLOWED}, but found "${cut(name)}"`);
    }
    return text;
  }

  /** Nothing at all is the empty value. */
  #value(): string {
    return this.#peek.kind === ',' || this.#peek.kind === 'end' ? '' : this.#checkedValue(this.#word('a value'));
  }

  /** Between commas or brackets with nothing between them is the empty value. */
  #values(): Set<string> {
    if (!this.#take('(')) {
      throw this.#unexpected('"(" and a list of values');
    }
    const values = new Set<string>();
    do {
      const empty = this.#peek.kind === ',' || this.#peek.kind === ')';
      values.add(empty ? '' : this.#checkedValue(this.#word('a value, "," or ")"')));
    } while (this.#take(','));
    if (!this.#take(')')) {
      throw this.#unexpected('"," or ")"');
    }
    return values;
  }

  #number(): bigint {
    const token = this.#word('a whole number');
    const value = numberOf(token.text);
    if (value === undefined) {
      throw this.#error(token.at, `expected a whole number of at most ${MAX_NUMBER}, but found "${cut(token.text)}"`);
    }
    return value;
  }

  #checkedValue({ text, at }: Token): string {
    if (text.length > MAX_NAME_LENGTH || !NAME.test(text)) {
      throw this.#error(at, `a label's value is empty or ${ALLOWED}, but found "${cut(text)}"`);
    }
    return text;
  }

  get #peek(): Token {
    return this.#tokens[this.#next];
  }

  #take(symbol: string): boolean {
    const taken = this.#peek.kind === symbol;
    this.#next += taken ? 1 : 0;
    return taken;
  }

  #takeWord(word: string): boolean {
    const taken = this.#peek.kind === 'word' && this.#peek.text === word;
    this.#next += taken ? 1 : 0;
    return taken;
  }

  #word(expected: string): Token {
    if (this.#peek.kind !== 'word') {
      throw this.#unexpected(expected);
    }
    return this.#tokens[this.#next++];
  }

  #unexpected(expected: string): SelectorError {
    const { kind, text, at } = this.#peek;
    return this.#error(at, `expected ${expected}, but found ${kind === 'end' ? 'its end' : `"${cut(text)}"`}`);
  }

  #error(at: number, what: string): SelectorError {
    return new SelectorError(`The label selector "${cut(this.#text)}" is wrong at character ${at + 1}: ${what}.`);
  }
}

const ALLOWED = `1 to ${MAX_NAME_LENGTH} letters, digits, "-", "_" or "." that begin and end with a letter or a digit`;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (;;) {
    // Never null: every character is a symbol, a word's, or white space before one of them or the end.
    const [, symbol, word] = TOKEN.exec(text)!;
    const found = symbol ?? word ?? '';
    const kind = symbol ?? (word === undefined ? 'end' : 'word');
    tokens.push({ kind, text: found, at: TOKEN.lastIndex - found.length });
    if (kind === 'end') {
      return tokens;
    }
  }
}

function isIn(key: string, values: ReadonlySet<string>): Requirement {
  return (labels) => {
    const value = labels.get(key);
    return value !== undefined && values.has(value);
  };
}

/** @returns undefined for what Kubernetes does not compare as a number */
function numberOf(text: string | undefined): bigint | undefined {
  if (text === undefined || text.length > MAX_NAME_LENGTH || !WHOLE_NUMBER.test(text)) {
    return undefined;
  }
  const value = BigInt(text);
  return value <= MAX_NUMBER ? value : undefined;
}

/** For a message: it came from outside, and may be long. */
function cut(text: string): string {
  return cleanName(text, QUOTED_LENGTH);
}
