/** How the values of a variable are written into a text: Grafana's `${name:format}`. */
import { escapeRegExp } from 'lodash';

type Format = (values: string[], name: string) => string;

const many = (values: string[], write: (joined: string[]) => string) =>
  values.length === 1 ? values[0] : write(values);

export const FORMATS: Record<string, Format> = {
  glob: (values) => many(values, (all) => `{${all.join(',')}}`),
  csv: (values) => values.join(','),
  pipe: (values) => values.join('|'),
  raw: (values) => values.join(','),
  text: (values) => values.join(' + '),
  json: (values) => (values.length === 1 ? JSON.stringify(values[0]) : JSON.stringify(values)),
  regex: (values) => many(values.map(escapeRegExp), (all) => `(${all.join('|')})`),
  distributed: (values, name) => values.map((value, i) => (i === 0 ? value : `${name}=${value}`)).join(','),
  singlequote: (values) => values.map((value) => `'${value.replaceAll("'", "\\'")}'`).join(','),
  doublequote: (values) => values.map((value) => `"${value.replaceAll('"', '\\"')}"`).join(','),
  sqlstring: (values) => values.map((value) => `'${value.replaceAll("'", "''")}'`).join(','),
  percentencode: (values) => encodeURIComponent(FORMATS.glob(values, '')),
  queryparam: (values, name) => values.map((value) => `var-${name}=${encodeURIComponent(value)}`).join('&'),
};
