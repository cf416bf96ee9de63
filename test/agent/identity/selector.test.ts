import { parseSelector, SelectorError } from '../../../agent/identity/selector';
import fc from '../../support/properties';

const labels = (entries: Record<string, string>) => new Map(Object.entries(entries));
const POD = labels({ app: 'web', tier: 'front', 'example.com/level': '7', empty: '', in: 'notin' });

it.each([
  ['', true],
  [' \t\n', true],
  ['app', true],
  ['none', false],
  ['!none', true],
  ['! app', false],
  ['app=web', true],
  ['app==web', true],
  ['app = db', false],
  ['none=web', false],
  ['app!=db', true],
  ['app!=web', false],
  ['none!=web', true],
  ['app in (web)', true],
  ['app in(db,web )', true],
  ['app in (db)', false],
  ['none in (web)', false],
  ['app notin (db)', true],
  ['app notin (db, web)', false],
  ['none notin (web)', true],
  ['empty=', true],
  ['app=', false],
  ['none=', false],
  ['empty in (,a)', true],
  ['empty in (a,)', true],
  ['app in (,)', false],
  ['empty in ()', true],
  ['app in ( )', false],
  ['empty in (a,,b)', true],
  ['app!=,tier=front', true],
  ['example.com/level>6', true],
  ['example.com/level > 7', false],
  ['example.com/level<8', true],
  ['example.com/level<7', false],
  ['app>1', false],
  ['none<1', false],
  ['in=notin', true],
  ['in in (in,notin)', true],
  ['notin', false],
  ['app=web,tier=front,!canary', true],
  ['app=web,tier=back', false],
  [' app = web , tier in ( front , back ) , ! canary ', true],
])('reads %j as Kubernetes does', (text, matches) => {
  expect(parseSelector(text).matches(POD)).toBe(matches);
});

it('compares numbers beyond the precision of JavaScript’s', () => {
  const { matches } = parseSelector('n>9007199254740992');
  expect(matches(labels({ n: '9007199254740993' }))).toBe(true);
  expect(matches(labels({ n: '9007199254740992' }))).toBe(false);
  expect(matches(labels({ n: '9223372036854775808' }))).toBe(false);
});

it.each([
  ['app=web,', 9, 'expected a label, or "!" and a label, but found its end'],
  [',app', 1, 'expected a label, or "!" and a label, but found ","'],
  [
    'app web',
    5,
    'expected an operator (=, ==, !=, in, notin, > or <), "," or the end of the selector, but found "web"',
  ],
  ['app=web tier=front', 9, 'expected "," or the end of the selector, but found "tier"'],
  ['app=(web)', 5, 'expected a value, but found "("'],
  ['app===web', 6, 'expected a value, but found "="'],
  ['!', 2, 'expected a label after "!", but found its end'],
  ['!!app', 2, 'expected a label after "!", but found "!"'],
  ['!app=web', 5, 'expected "," or the end of the selector, but found "="'],
  ['app in', 7, 'expected "(" and a list of values, but found its end'],
  ['app in web', 8, 'expected "(" and a list of values, but found "web"'],
  ['app in (web', 12, 'expected "," or ")", but found its end'],
  ['app in (web db)', 13, 'expected "," or ")", but found "db"'],
  ['app in (=)', 9, 'expected a value, "," or ")", but found "="'],
  ['app in (web))', 13, 'expected "," or the end of the selector, but found ")"'],
  ['app IN (web)', 5, 'expected an operator'],
  ['level>high', 7, 'expected a whole number of at most 9223372036854775807, but found "high"'],
  ['level<9223372036854775808', 7, 'expected a whole number'],
  ['level>', 7, 'expected a whole number, but found its end'],
  ['level>=3', 7, 'expected a whole number, but found "="'],
  ['-app', 1, 'a label\'s name is 1 to 63 letters, digits, "-", "_" or "."'],
  ['/app', 1, "a label's prefix is a DNS name"],
  ['Example.com/app', 1, 'but found "Example.com"'],
  ['example.com/', 1, "a label's name is"],
  ['a/b/c', 1, 'but found "b/c"'],
  ['app=-web', 5, "a label's value is empty or 1 to 63 letters"],
  ['app=wéb', 5, 'but found "wéb"'],
  [`${'x'.repeat(64)}`, 1, "a label's name is 1 to 63"],
  [`app=${'x'.repeat(64)}`, 5, "a label's value is"],
  [`${'x'.repeat(254)}/app`, 1, 'at most 253 characters'],
])('refuses %j and says where and why', (text, position, reason) => {
  expect(() => parseSelector(text)).toThrow(SelectorError);
  expect(() => parseSelector(text)).toThrow(`is wrong at character ${position}: `);
  expect(() => parseSelector(text)).toThrow(reason);
});

it('quotes what it was given, but not all of it, nor what a terminal obeys', () => {
  expect(() => parseSelector('app=\u001B[2J')).toThrow('The label selector "app=\uFFFD[2J" is wrong at character 5:');
  try {
    parseSelector(`${'x'.repeat(1_000_000)}!`);
    throw new Error('It was taken.');
  } catch (error) {
    expect(error).toBeInstanceOf(SelectorError);
    expect((error as Error).message.length).toBeLessThan(700);
  }
});

/** A requirement as text, and what the documentation says of it in the plainest words. */
interface Case {
  text: string;
  holds(pod: ReadonlyMap<string, string>): boolean;
}

const word = fc.stringMatching(/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,8}[A-Za-z0-9])?$/);
// Few of them, so that pods have some.
const key = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('app', 'in', 'notin', 'example.com/tier', 'a.b-c.d/E_f') },
  { weight: 1, arbitrary: word }
);
const value = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('', 'web', 'db', 'in', '7', '10') },
  { weight: 1, arbitrary: word }
);
const space = fc.constantFrom('', '', ' ', '\t', ' \n ');
const gap = fc.constantFrom(' ', '\t', ' \r\n');

const requirement: fc.Arbitrary<Case> = fc.oneof(
  key.map((k): Case => ({ text: k, holds: (pod) => pod.has(k) })),
  fc.tuple(key, space).map(([k, s]): Case => ({ text: `!${s}${k}`, holds: (pod) => !pod.has(k) })),
  fc.tuple(key, fc.constantFrom('=', '==', '!='), value, space, space).map(([k, operator, v, s, t]): Case => ({
    text: `${k}${s}${operator}${t}${v}`,
    holds: (pod) => (pod.get(k) === v) === (operator !== '!='),
  })),
  fc
    .tuple(key, fc.constantFrom('in', 'notin'), fc.array(value, { minLength: 1, maxLength: 4 }), gap, space)
    .map(([k, operator, values, g, s]): Case => ({
      text: `${k}${g}${operator}${s}(${values.join(`${s},`)}${s})`,
      holds: (pod) => (pod.has(k) && values.includes(pod.get(k)!)) === (operator === 'in'),
    })),
  fc.tuple(key, fc.constantFrom('>', '<'), fc.nat(20), space).map(([k, operator, bound, s]): Case => ({
    text: `${k}${s}${operator}${s}${bound}`,
    holds: (pod) => {
      const text = pod.get(k) ?? '';
      const difference = /^\d+$/.test(text) ? Number(text) - bound : 0;
      return operator === '>' ? difference > 0 : difference < 0;
    },
  }))
);

it('agrees with the plain words on any selector and any pod', () => {
  const pods = fc.dictionary(key, value, { maxKeys: 5 }).map(labels);
  fc.assert(
    fc.property(fc.array(requirement, { maxLength: 5 }), pods, space, (cases, pod, s) => {
      const selector = parseSelector(s + cases.map(({ text }) => text).join(`${s},${s}`) + s);
      expect(selector.matches(pod)).toBe(cases.every(({ holds }) => holds(pod)));
    }),
    { numRuns: 3_000 }
  );
});

it('takes any text or refuses it, with a position inside of it', () => {
  const symbols = fc.constantFrom(...'=!(),<> ', 'in', 'notin', 'app', 'x/y', '-', '7', 'é');
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(symbols, { maxLength: 12 }).map((parts) => parts.join(''))
  );
  fc.assert(
    fc.property(texts, (text) => {
      try {
        parseSelector(text).matches(POD);
      } catch (error) {
        expect(error).toBeInstanceOf(SelectorError);
        const position = Number(/ is wrong at character (\d+): [^]+\.$/.exec((error as Error).message)?.[1]);
        expect(position).toBeGreaterThanOrEqual(1);
        expect(position).toBeLessThanOrEqual(text.length + 1);
      }
    }),
    { numRuns: 3_000 }
  );
});
