/** docker-compose.yml as docker-compose itself understands it, and everything in it that must agree with something else. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { readConfig } from '../../agent/config';

const ROOT = join(__dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

interface Service {
  image: string;
  build: { target: string };
  command?: string;
  privileged?: boolean;
  cap_add?: string[];
  cap_drop?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  ports?: string[];
  depends_on?: Record<string, { condition: string }>;
}

const services: Record<string, Service> = parse(
  execFileSync('docker-compose', ['-f', join(ROOT, 'docker-compose.yml'), 'config'], { encoding: 'utf8' })
).services;
const dockerfile = read('Dockerfile');
const pluginId: string = JSON.parse(read('src/plugin.json')).id;

test('has Grafana, the agent, and the demo shop', () => {
  expect(Object.keys(services).sort()).toEqual([
    'agent',
    'catalog',
    'frontend',
    'grafana',
    'load',
    'payments',
    'token',
  ]);
});

test('every image is pinned to a version', () => {
  const bases = [...dockerfile.matchAll(/^ARG \w+=(.+)$/gm)].map(([, image]) => image);
  expect(bases).toHaveLength(3);
  const images = [...bases, ...Object.values(services).map(({ image }) => image)];
  expect(images.filter((image) => !/:\d+\.\d+/.test(image))).toEqual([]);
  // A stage that names its image directly would get round the arguments.
  const stages = [...dockerfile.matchAll(/^FROM (\S+) AS (\w+)$/gm)].map(([, from, name]) => ({ from, name }));
  const names = stages.map(({ name }) => name);
  expect(stages.filter(({ from }) => !from.startsWith('${') && !names.includes(from))).toEqual([]);
});

test('our own images have the version of package.json', () => {
  const { version } = JSON.parse(read('package.json'));
  const own = Object.values(services).map(({ image }) => image);
  expect(own.filter((image) => !image.startsWith('ringside/') || !image.endsWith(`:${version}`))).toEqual([]);
});

test('builds stages that the Dockerfile has', () => {
  const stages = [...dockerfile.matchAll(/^FROM .* AS (\w+)$/gm)].map(([, stage]) => stage);
  expect(Object.values(services).filter(({ build }) => !stages.includes(build.target))).toEqual([]);
});

test('what Grafana is provisioned with leads to the agent, with its token', () => {
  const [source] = parse(read('provisioning/datasources/ringside.yml')).datasources;
  const { listen, tokenFile } = readConfig(['node', 'ringside-agent', ...services.agent.command!.split(' ')]);
  expect(source.type).toBe(pluginId);
  expect(source.url).toBe(`http://agent:${listen.port}`);
  expect(source.secureJsonData.token).toBe(`$__file{${tokenFile}}`);
  expect(read('src/components/ConfigEditor.tsx')).toContain('secureJsonFields?.token');
  for (const service of ['agent', 'grafana']) {
    expect(services[service].volumes).toContain('token:/run/ringside:ro');
    expect(services[service].depends_on?.token.condition).toBe('service_completed_successfully');
  }
});

test('the token is made once, long, readable by Grafana’s user, and shared with no other service', () => {
  const holders = Object.keys(services).filter((name) =>
    services[name].volumes?.some((volume) => volume.startsWith('token:'))
  );
  expect(holders.sort()).toEqual(['agent', 'grafana', 'token']);
  const script = (parse(read('docker-compose.yml')).services.token.command as string[])[0];
  const folder = execFileSync('mktemp', ['-d'], { encoding: 'utf8' }).trim();
  const make = () => {
    execFileSync('sh', ['-c', script.replaceAll('/run/ringside', folder)]);
    return readFileSync(join(folder, 'token'), 'utf8');
  };
  try {
    const token = make();
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    expect(make()).toBe(token);
  } finally {
    execFileSync('rm', ['-r', folder]);
  }
});

test('the dashboards are those that the plugin brings, where its image has it', () => {
  const [provider] = parse(read('provisioning/dashboards/ringside.yml')).providers;
  const installed = /^COPY --from=plugin \S+ (\S+)$/m.exec(dockerfile)?.[1];
  expect(installed).toBe(`/var/lib/grafana/plugins/${pluginId}`);
  expect(provider.options.path).toBe(`${installed}/dashboards`);
  expect(readdirSync(join(ROOT, 'src/dashboards')).filter((name) => name.endsWith('.json')).length).toBeGreaterThan(1);
  expect(services.grafana.volumes).toContain(`${ROOT}/provisioning:/etc/grafana/provisioning:ro`);
  expect(existsSync(join(ROOT, 'provisioning/datasources/ringside.yml'))).toBe(true);
  expect(services.grafana.environment?.GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS).toBe(pluginId);
});

test('no service has more rights than it needs', () => {
  for (const [name, service] of Object.entries(services)) {
    expect([name, service.privileged ?? false]).toEqual([name, false]);
  }
  expect(services.agent.cap_drop).toEqual(['ALL']);
  expect([...services.agent.cap_add!].sort()).toEqual(['BPF', 'NET_ADMIN', 'PERFMON']);
  expect(services.agent.volumes).toEqual([
    '/sys/fs/cgroup:/sys/fs/cgroup:ro',
    '/sys/kernel/btf:/sys/kernel/btf:ro',
    'token:/run/ringside:ro',
  ]);
  // Grafana lets everybody in who reaches it, and so may be reached from this machine alone.
  expect(services.grafana.ports).toEqual(['127.0.0.1:3000:3000/tcp']);
  expect(Object.keys(services).filter((name) => services[name].ports)).toEqual(['grafana']);
});
