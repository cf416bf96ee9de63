/** Variables in queries, and Go templates in plugin.json's routes: as Grafana has both. */
import { type Variable, templateSrv } from '../../preview/page/runtime/templateSrv';
import { renderGoTemplate } from '../../preview/server/goTemplate';

const variable = (name: string, value: string | string[], rest: object = {}) =>
  ({ name, type: 'query', current: { text: value, value }, options: [], ...rest }) as unknown as Variable;

beforeEach(() =>
  templateSrv.setVariables([
    variable('one', 'a.b'),
    variable('two', ['a.b', 'c']),
    variable('all', ['$__all'], { options: [{ value: '$__all' }, { value: 'x' }, { value: 'y' }] }),
    variable('custom', ['$__all'], { allValue: '.*', options: [{ value: '$__all' }] }),
  ])
);

test.each([
  ['$one', 'a.b'],
  ['${one}', 'a.b'],
  ['[[one]]', 'a.b'],
  ['before-${one}-after', 'before-a.b-after'],
  ['$two', '{a.b,c}'],
  ['${two:csv}', 'a.b,c'],
  ['${two:pipe}', 'a.b|c'],
  ['${two:regex}', '(a\\.b|c)'],
  ['${one:regex}', 'a\\.b'],
  ['${two:json}', '["a.b","c"]'],
  ['${two:singlequote}', "'a.b','c'"],
  ['${two:queryparam}', 'var-two=a.b&var-two=c'],
  ['$all', '{x,y}'],
  // What a dashboard's author wrote for All is put in as it is, whatever the format.
  ['${custom:regex}', '.*'],
  ['$nowhere', '$nowhere'],
  ['${nowhere:csv}', '${nowhere:csv}'],
])('%s becomes %s', (template, expected) => {
  expect(templateSrv.replace(template)).toBe(expected);
});

test('the value of a repeated panel wins over the dashboard’s', () => {
  expect(templateSrv.replace('$one', { one: { text: 'own', value: 'own' } })).toBe('own');
});

test('a formatter gets the values and the variable, and an all value of the author’s passes it by', () => {
  const seen: unknown[] = [];
  const format = (value: unknown, { name }: { name: string }) => {
    seen.push([name, value]);
    return '!';
  };
  expect(templateSrv.replace('$two $custom', {}, format)).toBe('! .*');
  expect(seen).toEqual([['two', ['a.b', 'c']]]);
});

test('knows which texts hold a variable', () => {
  expect(['$one', '${__interval}', '$nowhere', 'none'].map((text) => templateSrv.containsTemplate(text))).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

const HEADER =
  '{{ if .SecureJsonData.token }}Bearer {{ .SecureJsonData.token }}{{ else }}{{ .JsonData.other }}{{ end }}';

test.each([
  [{ SecureJsonData: { token: 'abc' } }, 'Bearer abc'],
  [{ SecureJsonData: {}, JsonData: { other: 7 } }, '7'],
  [{ SecureJsonData: { token: '' } }, ''],
])('a route’s header with %j is "%s"', (data, expected) => {
  expect(renderGoTemplate(HEADER, data)).toBe(expected);
});
