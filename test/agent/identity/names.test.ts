import { cleanName } from '../../../agent/identity/names';
import fc from '../../support/properties';

const LONGEST_NAME = 253;

it('leaves names alone that Kubernetes and Docker allow, and other scripts', () => {
  const names = [
    'web',
    'kube-system',
    'app.kubernetes.io',
    'my_container.1-2',
    'ringside@1',
    'größe',
    '名前',
    'имя',
    '🚀',
  ];
  for (const name of ['', ...names, 'x'.repeat(LONGEST_NAME)]) {
    expect(cleanName(name)).toBe(name);
  }
});

it.each([
  ['a line break', 'a\nb', 'a\uFFFDb'],
  ['a carriage return, which overwrites a line', 'a\rb', 'a\uFFFDb'],
  ['a terminal’s commands', '\u001B[31mred\u001B]0;title\u0007', '\uFFFD[31mred\uFFFD]0;title\uFFFD'],
  ['the same in one character', '\u009B31mred', '\uFFFD31mred'],
  ['nothing', 'a\0b', 'a\uFFFDb'],
  ['text that runs backwards', 'safe\u202Egpj.exe', 'safe\uFFFDgpj.exe'],
  ['isolated text', '\u2066a\u2069', '\uFFFDa\uFFFD'],
  ['a space of no width', 'ad\u200Bmin', 'ad\uFFFDmin'],
  ['a mark of byte order', '\uFEFFweb', '\uFFFDweb'],
  ['letters that are not drawn', 'a\u3164b\u{E0041}', 'a\uFFFDb\uFFFD'],
  ['line and paragraph separators', 'a\u2028b\u2029c', 'a\uFFFDb\uFFFDc'],
  ['half a character', 'a\uD83Db\uDE80', 'a\uFFFDb\uFFFD'],
  ['no character', 'a\uFFFFb', 'a\uFFFDb'],
])('replaces %s', (_what, name, expected) => {
  expect(cleanName(name)).toBe(expected);
});

it('cuts what is too long, and says so', () => {
  expect(cleanName('x'.repeat(1_000_000))).toBe(`${'x'.repeat(LONGEST_NAME - 1)}…`);
  expect(cleanName('abcdef', 3)).toBe('ab…');
  expect(cleanName('abc', 3)).toBe('abc');
  // Not through the middle of a character.
  expect(cleanName('a🚀bc', 3)).toBe('a\uFFFD…');
});

it('makes of any text at all one that can be shown, no longer than allowed, and the same again', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.integer({ min: 1, max: 300 }), (text, maxLength) => {
      const name = cleanName(text, maxLength);
      expect(name.length).toBeLessThanOrEqual(maxLength);
      expect(name).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      expect(cleanName(name, maxLength)).toBe(name);
      expect(Buffer.from(name).toString()).toBe(name);
    }),
    { numRuns: 1_000 }
  );
});
