/** deploy/grafana: what the plugin and Grafana's data proxy read, and what deploy/kubernetes offers. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ROOT } from '../../scripts/setup/steps.mjs';
import { faultsOf, render } from './support/manifests';

const FOLDERS = ['one-cluster', 'several-clusters'];
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

interface DataSource {
  name: string;
  uid: string;
  type: string;
  access: string;
  url: string;
  jsonData?: Record<string, unknown>;
  secureJsonData: Record<string, string>;
}

const provisioned = FOLDERS.map((folder) => ({
  folder,
  file: parse(read(`deploy/grafana/${folder}/ringside.yml`)) as { apiVersion: number; datasources: DataSource[] },
}));
const sources = provisioned.flatMap(({ file }) => file.datasources);
const values = parse(read('deploy/grafana/helm-values.yaml'));
const plugin = JSON.parse(read('src/plugin.json'));

/** The fields of an interface of src/types.ts. */
function fieldsOf(name: string): string[] {
  const [, body] = new RegExp(`export interface ${name}[^{]*\\{([^}]*)\\}`).exec(read('src/types.ts'))!;
  return [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, field]) => field);
}

test('are all looked at here', () => {
  const entries = readdirSync(join(ROOT, 'deploy/grafana'), { withFileTypes: true });
  expect(entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)).toEqual(FOLDERS);
  expect(sources).toHaveLength(3);
});

test.each(sources)(
  '$name is a data source as the plugin reads it',
  ({ type, access, url, jsonData, secureJsonData }) => {
    expect([type, access]).toEqual([plugin.id, 'proxy']);
    expect(new URL(url).origin).toBe(url);
    expect(fieldsOf('RingsideSecureOptions')).toEqual(['token', 'tlsCACert', 'tlsClientCert', 'tlsClientKey']);
    expect(fieldsOf('RingsideSecureOptions')).toEqual(expect.arrayContaining(Object.keys(secureJsonData)));
    expect(fieldsOf('RingsideOptions')).toEqual(expect.arrayContaining(Object.keys(jsonData ?? {})));
    // Never in the file itself, and each under its own key.
    expect(Object.values(secureJsonData).filter((value) => !/^\$__file\{\/\S+\}$/.test(value))).toEqual([]);
  }
);

test.each(sources)('$name sends what its agents ask for', ({ url, jsonData = {}, secureJsonData }) => {
  if (url.startsWith('http:')) {
    // The header of plugin.json's route is made of it.
    expect(plugin.routes[0].headers[0].content).toContain('.SecureJsonData.token');
    expect(Object.keys(secureJsonData)).toEqual(['token']);
  } else {
    // Grafana looks at the three only where the settings say so.
    expect([jsonData.tlsAuth, jsonData.tlsAuthWithCACert, jsonData.tlsSkipVerify]).toEqual([true, true, undefined]);
    expect(Object.keys(secureJsonData).sort()).toEqual(['tlsCACert', 'tlsClientCert', 'tlsClientKey']);
  }
});

test('each file’s names and uids are its own, and uids what Grafana takes', () => {
  for (const { file } of provisioned) {
    expect(file.apiVersion).toBe(1);
    const { datasources } = file;
    expect(new Set(datasources.map(({ name }) => name)).size).toBe(datasources.length);
    expect(new Set(datasources.map(({ uid }) => uid)).size).toBe(datasources.length);
    expect(datasources.filter(({ uid }) => !/^[a-zA-Z0-9_-]{1,40}$/.test(uid))).toEqual([]);
  }
});

test('the address in the cluster is the Service’s', () => {
  const { metadata, spec } = render('overlays/token').find(({ kind }) => kind === 'Service')!;
  const host = `${metadata.name}.${metadata.namespace}.svc`;
  const inside = sources.filter(({ url }) => url.includes('.svc'));
  expect(inside.map(({ url }) => url)).toEqual([
    `http://${host}:${spec.ports[0].port}`,
    `http://${host}:${spec.ports[0].port}`,
  ]);
  expect(sources.at(-1)!.jsonData!.serverName).toBe(host);
});

test('Grafana has the Secret where the data source looks for it', () => {
  const { secret } = render('overlays/token')
    .find(({ kind }) => kind === 'DaemonSet')!
    .spec.template.spec.volumes.find((volume: { secret?: object }) => volume.secret);
  const [mount] = values.extraSecretMounts;
  expect(mount.secretName).toBe(secret.secretName);
  expect(sources[0].secureJsonData.token).toBe(`$__file{${mount.mountPath}/token}`);
  expect(values.envValueFrom.RINGSIDE_TOKEN.secretKeyRef).toEqual({ name: secret.secretName, key: 'token' });
  expect(values['grafana.ini'].plugins.allow_loading_unsigned_plugins).toBe(plugin.id);
});

test.each(FOLDERS)('%s is a ConfigMap that the sidecar finds, with the very file', (folder) => {
  const objects = render(`../grafana/${folder}`);
  expect(objects).toHaveLength(1);
  expect(objects.flatMap(faultsOf)).toEqual([]);
  expect(objects[0].kind).toBe('ConfigMap');
  expect(Object.keys(objects[0].metadata.labels!)).toEqual([values.sidecar.datasources.label]);
  expect(objects[0].data).toEqual({ 'ringside.yml': read(`deploy/grafana/${folder}/ringside.yml`) });
});

test('every dashboard has the menu of data sources that several clusters need', () => {
  const names = readdirSync(join(ROOT, 'src/dashboards')).filter((name) => name.endsWith('.json'));
  for (const name of names) {
    const { templating } = JSON.parse(read(`src/dashboards/${name}`));
    expect(templating.list).toContainEqual(
      expect.objectContaining({ name: 'datasource', type: 'datasource', query: plugin.id })
    );
  }
});
