/** plugin.json by the rules of Grafana's catalogue. */
import Ajv from 'ajv';
import { validRange } from 'semver';

const text = { type: 'string', minLength: 1 };
const link = { type: 'object', required: ['name', 'url'], properties: { name: text, url: { pattern: '^https://' } } };
const picture = { type: 'object', required: ['name', 'path'], properties: { name: text, path: text } };

const validate = new Ajv({ allErrors: true, strictTypes: false }).compile({
  type: 'object',
  required: ['id', 'type', 'name', 'info', 'dependencies'],
  properties: {
    id: { type: 'string', pattern: '^[0-9a-z]+-([0-9a-z]+-)?(app|panel|datasource)$' },
    type: { const: 'datasource' },
    name: text,
    info: {
      type: 'object',
      required: ['description', 'author', 'keywords', 'logos', 'links', 'screenshots', 'updated', 'version'],
      properties: {
        description: text,
        author: { type: 'object', required: ['name'], properties: { name: text } },
        keywords: { type: 'array', minItems: 1, items: text },
        logos: { type: 'object', required: ['small', 'large'], properties: { small: text, large: text } },
        links: { type: 'array', minItems: 1, items: link },
        screenshots: { type: 'array', minItems: 1, items: picture },
        updated: { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}$' },
        version: { type: 'string', pattern: '^\\d+\\.\\d+\\.\\d+$' },
      },
    },
    includes: { type: 'array', items: picture },
    dependencies: { type: 'object', required: ['grafanaDependency'], properties: { grafanaDependency: text } },
  },
});

export interface Manifest {
  id: string;
  info: { version: string; updated: string; logos: Record<string, string>; screenshots: Array<{ path: string }> };
  includes: Array<{ path: string }>;
  dependencies: { grafanaDependency: string };
}

/** @returns what is wrong, one sentence each; with a manifest that is not even of its shape, nothing further is looked at */
export function manifestProblems(manifest: Manifest, version: string): string[] {
  if (!validate(manifest)) {
    return validate.errors!.map(({ instancePath, message }) => `plugin.json${instancePath} ${message}`);
  }
  const { info, dependencies } = manifest;
  return [
    ...(info.version === version ? [] : [`plugin.json has version ${info.version}, package.json ${version}`]),
    ...(Number.isNaN(Date.parse(info.updated)) ? [`plugin.json was updated on no date: ${info.updated}`] : []),
    ...(validRange(dependencies.grafanaDependency) ? [] : ['plugin.json depends on no range of Grafana versions']),
    ...(/%[A-Z_]+%/.test(JSON.stringify(manifest)) ? ['plugin.json has a placeholder left'] : []),
  ];
}

/** Every file that it names, relative to it. */
export function pathsOf({ info, includes }: Manifest): string[] {
  return [...Object.values(info.logos), ...[...info.screenshots, ...includes].map(({ path }) => path)];
}
