/** deploy/kubernetes as kubectl renders it: valid, no more rights than needed, and in agreement with itself and the agent. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { buildCommand } from '../../agent/cli/command';
import { readConfig, type Config } from '../../agent/config';
import { NODE_FLAGS } from '../../scripts/start/agent';
import { ROOT } from '../../scripts/setup/steps.mjs';
import { faultsOf, KUBERNETES, render, renderTogether, type Manifest } from './support/manifests';

const OVERLAYS = ['token', 'mtls', 'pods-only', 'prometheus'];
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

const rendered: Record<string, Manifest[]> = {
  base: render('base'),
  ...Object.fromEntries(OVERLAYS.map((name) => [name, render(`overlays/${name}`)])),
  'token + pods-only + prometheus': renderTogether('overlays/token', 'options/pods-only', 'options/prometheus'),
  'mtls + pods-only': renderTogether('overlays/mtls', 'options/pods-only'),
  'mtls + prometheus': renderTogether('overlays/mtls', 'options/prometheus-mtls'),
  'pods-only + prometheus': renderTogether('overlays/pods-only', 'options/prometheus'),
};
const names = Object.keys(rendered);

const find = (manifests: Manifest[], kind: string) => manifests.filter((manifest) => manifest.kind === kind);
const only = (manifests: Manifest[], kind: string): Manifest => {
  const found = find(manifests, kind);
  expect(found).toHaveLength(1);
  return found[0];
};
const daemonSetOf = (name: string) => only(rendered[name], 'DaemonSet');
const podOf = (name: string) => daemonSetOf(name).spec.template.spec;
const agentOf = (name: string) => {
  expect(podOf(name).containers).toHaveLength(1);
  expect(podOf(name).initContainers).toBeUndefined();
  return podOf(name).containers[0];
};

interface Variable {
  name: string;
  value?: string;
  valueFrom?: { fieldRef: { fieldPath: string } };
}

/** What the agent's environment says in the pod: the container's own variables take precedence over the ConfigMap's. */
function environmentOf(name: string): Record<string, string> {
  const flags = find(rendered[name], 'ConfigMap').flatMap(({ metadata, data }) =>
    agentOf(name).envFrom.some((from: { configMapRef: { name: string } }) => from.configMapRef.name === metadata.name)
      ? Object.entries(data as Record<string, string>)
      : []
  );
  const own = (agentOf(name).env as Variable[]).map(({ name, value, valueFrom }) => [
    name,
    value ?? `<${valueFrom?.fieldRef.fieldPath}>`,
  ]);
  return Object.fromEntries([...flags, ...own]);
}

/** As the agent in the pod would read it. */
function configOf(name: string): Config {
  const before = process.env;
  process.env = { ...environmentOf(name), RINGSIDE_NODE: 'node-1' };
  try {
    return readConfig(['node', 'ringside-agent', ...(agentOf(name).args ?? [])]);
  } finally {
    process.env = before;
  }
}

describe.each(names)('%s', (name) => {
  test('is valid', () => {
    expect(rendered[name].length).toBeGreaterThan(6);
    expect(rendered[name].flatMap(faultsOf)).toEqual([]);
  });

  test('has every object once, and all of them in the namespace it makes', () => {
    const keys = rendered[name].map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(new Set(keys).size).toBe(keys.length);
    const { metadata } = only(rendered[name], 'Namespace');
    const cluster = ['Namespace', 'ClusterRole', 'ClusterRoleBinding', 'PriorityClass'];
    for (const object of rendered[name]) {
      expect([object.kind, object.metadata.namespace]).toEqual([
        object.kind,
        cluster.includes(object.kind) ? undefined : metadata.name,
      ]);
    }
  });

  test('is not privileged, and has exactly the rights the agent asks for', () => {
    const pod = podOf(name);
    expect([pod.hostNetwork, pod.hostPID, pod.hostIPC]).toEqual([false, false, false]);
    expect(pod.securityContext).toEqual({
      runAsUser: 0,
      runAsGroup: 0,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(agentOf(name).securityContext).toEqual({
      privileged: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'], add: ['BPF', 'PERFMON', 'NET_ADMIN'] },
    });
    expect(agentOf(name).ports.filter((port: { hostPort?: number }) => port.hostPort)).toEqual([]);
  });

  test('mounts of the host what is named here, and a secret read-only', () => {
    const { volumes } = podOf(name);
    const host = volumes.filter((volume: { hostPath?: object }) => volume.hostPath);
    expect(host).toEqual([
      { name: 'cgroup', hostPath: { path: '/sys/fs/cgroup', type: 'Directory' } },
      { name: 'btf', hostPath: { path: '/sys/kernel/btf', type: 'Directory' } },
      { name: 'bpffs', hostPath: { path: '/sys/fs/bpf/ringside', type: 'DirectoryOrCreate' } },
      { name: 'history', hostPath: { path: '/var/lib/ringside', type: 'DirectoryOrCreate' } },
    ]);
    const mounts: Array<{ name: string; mountPath: string; readOnly?: boolean }> = agentOf(name).volumeMounts;
    const written = mounts.filter(({ readOnly }) => !readOnly).map(({ mountPath }) => mountPath);
    expect(written).toEqual(['/sys/fs/bpf', '/var/lib/ringside']);
    // What the agent leaves on the node is there, and nowhere else.
    expect([configOf(name).pin, configOf(name).historyFile]).toEqual(['/sys/fs/bpf', '/var/lib/ringside/history']);
    expect(mounts.map((mount) => mount.name).sort()).toEqual(volumes.map((volume: Manifest) => volume.name).sort());
    for (const { secret } of volumes.filter((volume: { secret?: object }) => volume.secret)) {
      // Missing, it has to keep the pod from starting; there, it is for root alone.
      expect([secret.optional, secret.defaultMode]).toEqual([undefined, 0o400]);
    }
  });

  test('sets variables that are flags of the agent’s, with values it takes', () => {
    const command = buildCommand({ node: '', objects: '' });
    const known = command.options.map(({ envVar }) => envVar).filter((variable) => variable !== undefined);
    expect(known.length).toBeGreaterThan(10);
    expect(Object.keys(environmentOf(name)).filter((variable) => !known.includes(variable))).toEqual([]);
    expect(agentOf(name).args).toBeUndefined();
    expect(environmentOf(name).RINGSIDE_NODE).toBe('<spec.nodeName>');
    expect(configOf(name).node).toBe('node-1');
  });

  test('reads files that it mounts', () => {
    const { volumes } = podOf(name);
    const mounts: Array<{ name: string; mountPath: string }> = agentOf(name).volumeMounts;
    const written = ['RINGSIDE_PIN', 'RINGSIDE_HISTORY_FILE'];
    const paths = Object.entries(environmentOf(name)).filter(
      ([variable, value]) => value.startsWith('/') && !written.includes(variable)
    );
    for (const [variable, path] of paths) {
      const mount = mounts.find(({ mountPath }) => path.startsWith(`${mountPath}/`));
      const { secret } = volumes.find((volume: { name: string }) => volume.name === mount?.name) ?? {};
      expect([variable, secret?.secretName]).toEqual([variable, expect.stringMatching(/^ringside-(token|tls)$/)]);
      const items = secret.items?.map((item: { path: string }) => item.path) ?? ['token'];
      expect(items).toContain(path.slice(mount!.mountPath.length + 1));
    }
  });

  test('selects the agents’ pods wherever it selects', () => {
    const { labels } = daemonSetOf(name).spec.template.metadata;
    const selectors = [
      daemonSetOf(name).spec.selector.matchLabels,
      only(rendered[name], 'Service').spec.selector,
      ...find(rendered[name], 'NetworkPolicy').map(({ spec }) => spec.podSelector.matchLabels),
      ...find(rendered[name], 'PodMonitor').map(({ spec }) => spec.selector.matchLabels),
    ];
    expect(selectors.length).toBeGreaterThan(2);
    for (const selector of selectors) {
      // As many as there are: a selector that is looser would take in pods of others.
      expect(selector).toEqual(labels);
    }
  });

  test('lets in on the port where the agent answers, and nowhere else', () => {
    const ports: Array<{ name: string; containerPort: number }> = agentOf(name).ports;
    const http = ports.find((port) => port.name === 'http')!.containerPort;
    const health = ports.find((port) => port.name === 'health')!.containerPort;
    const { listen, healthListen, loopbackOnly } = configOf(name);
    expect(listen.port).toBe(http);
    expect(listen.host).toBe(loopbackOnly ? '127.0.0.1' : '');
    expect(healthListen).toEqual({ host: '', port: health });
    expect(only(rendered[name], 'Service').spec).toMatchObject({
      clusterIP: 'None',
      ports: [{ name: 'http', port: http, targetPort: 'http' }],
    });
    for (const { spec } of find(rendered[name], 'NetworkPolicy')) {
      expect(spec.policyTypes).toContain('Ingress');
      expect(spec.ingress).toHaveLength(1);
      expect(spec.ingress[0].ports).toEqual([{ protocol: 'TCP', port: http }]);
      expect(spec.ingress[0].from).toHaveLength(1);
    }
  });

  test('is probed where it answers probes, and restarted only after long', () => {
    const { startupProbe, livenessProbe, readinessProbe } = agentOf(name);
    for (const [probe, path] of [
      [startupProbe, '/healthz'],
      [livenessProbe, '/healthz'],
      [readinessProbe, '/readyz'],
    ]) {
      expect(probe.httpGet).toEqual({ path, port: 'health' });
      // Otherwise one is sent before the last is given up.
      expect(probe.timeoutSeconds).toBeLessThanOrEqual(probe.periodSeconds);
    }
    expect(livenessProbe.periodSeconds * livenessProbe.failureThreshold).toBeGreaterThanOrEqual(120);
    expect(readinessProbe.periodSeconds * readinessProbe.failureThreshold).toBeLessThanOrEqual(15);
  });

  test('runs the image of this version, on every Linux node, with the memory that is promised', () => {
    const { version } = JSON.parse(read('package.json'));
    expect(agentOf(name).image).toBe(`localhost/ringside/agent:${version}`);
    expect(podOf(name).tolerations).toEqual([{ operator: 'Exists' }]);
    expect(podOf(name).nodeSelector).toEqual({ 'kubernetes.io/os': 'linux' });
    expect(podOf(name).priorityClassName).toBe(only(rendered[name], 'PriorityClass').metadata.name);
    expect(only(rendered[name], 'PriorityClass').preemptionPolicy).toBe('Never');
    expect(agentOf(name).resources.requests.memory).toBe('40Mi');
    expect(parseInt(agentOf(name).resources.limits.memory, 10)).toBeGreaterThan(40);
    expect(agentOf(name).resources.limits.cpu).toBeUndefined();
  });

  test('may list and watch pods, and nothing else', () => {
    const role = only(rendered[name], 'ClusterRole');
    expect(role.rules).toEqual([{ apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] }]);
    const account = only(rendered[name], 'ServiceAccount');
    expect(only(rendered[name], 'ClusterRoleBinding')).toMatchObject({
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role.metadata.name },
      subjects: [{ kind: 'ServiceAccount', name: account.metadata.name, namespace: account.metadata.namespace }],
    });
    expect(podOf(name).serviceAccountName).toBe(account.metadata.name);
    expect([account.automountServiceAccountToken, podOf(name).automountServiceAccountToken]).toEqual([false, true]);
  });
});

test('the agent asks the API server for pods alone', () => {
  const folder = join(ROOT, 'agent/identity/kubernetes');
  const sources = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  const paths = sources.flatMap((text) => [...text.matchAll(/['"`](\/apis?\/[^'"`]*)/g)].map(([, path]) => path));
  expect(paths).toEqual(['/api/v1/pods']);
});

test('what the agents leave in the kernel is removed with no rights at all, where they have left it', () => {
  const detach = only(render('detach'), 'DaemonSet');
  expect(faultsOf(detach)).toEqual([]);
  const agent = daemonSetOf('base').spec.template.spec;
  const pod = detach.spec.template.spec;
  const [container, ...others] = pod.initContainers;
  expect(others).toEqual([]);
  expect(detach.metadata.namespace).toBe(only(rendered.base, 'Namespace').metadata.name);
  expect([pod.nodeSelector, pod.tolerations]).toEqual([agent.nodeSelector, agent.tolerations]);
  expect(pod.volumes).toEqual(agent.volumes.filter(({ name }: { name: string }) => name === 'bpffs'));
  expect(container.volumeMounts).toEqual([{ name: 'bpffs', mountPath: configOf('base').pin }]);
  expect(container.args).toEqual(['detach', '--pin', configOf('base').pin]);
  expect(container.image).toBe(agentOf('base').image);
  for (const { securityContext } of [container, ...pod.containers]) {
    expect(securityContext).toMatchObject({ privileged: false, capabilities: { drop: ['ALL'] } });
    expect(securityContext.capabilities.add).toBeUndefined();
  }
});

describe('who may ask', () => {
  test('by itself the base answers on loopback only', () => {
    expect(configOf('base')).toMatchObject({ loopbackOnly: true, listen: { host: '127.0.0.1' } });
  });

  test.each(names.filter((name) => name !== 'base'))('%s asks everyone for something', (name) => {
    const { loopbackOnly, tokenFile, tls, listen } = configOf(name);
    expect(loopbackOnly).toBe(false);
    expect(listen.host).toBe('');
    expect(tokenFile !== undefined || tls?.clientCa !== undefined).toBe(true);
    expect(environmentOf(name).RINGSIDE_INSECURE).toBeUndefined();
  });

  test('mtls asks for client certificates over TLS, token for a token', () => {
    expect(configOf('mtls')).toMatchObject({
      tls: {
        cert: '/etc/ringside/tls/tls.crt',
        key: '/etc/ringside/tls/tls.key',
        clientCa: '/etc/ringside/tls/ca.crt',
      },
    });
    expect(configOf('mtls').tokenFile).toBeUndefined();
    expect(configOf('token')).toMatchObject({ tokenFile: '/etc/ringside/token/token' });
  });

  test('pods-only leaves out what is no pod, alone and together with others', () => {
    const limited = names.filter((name) => configOf(name).podsOnly);
    expect(limited).toEqual(names.filter((name) => name.includes('pods-only')));
    expect(limited).toHaveLength(4);
  });
});

test('Prometheus scrapes the agent’s port with what the agents ask for, and leaves the labels of what is measured alone', () => {
  const withMonitor = names.filter((name) => find(rendered[name], 'PodMonitor').length > 0);
  expect(withMonitor).toEqual(names.filter((name) => name.includes('prometheus')));
  for (const name of withMonitor) {
    const [endpoint, ...others] = only(rendered[name], 'PodMonitor').spec.podMetricsEndpoints;
    expect(others).toEqual([]);
    expect(agentOf(name).ports.map((port: { name: string }) => port.name)).toContain(endpoint.port);
    const { tokenFile, tls } = configOf(name);
    const { secret } = podOf(name).volumes.find((volume: { secret?: object }) => volume.secret);
    expect(endpoint.authorization).toEqual(
      tokenFile && { type: 'Bearer', credentials: { name: secret.secretName, key: tokenFile.split('/').at(-1) } }
    );
    const { metadata } = only(rendered[name], 'Service');
    const own = (key: string) => ({ name: 'ringside-prometheus-tls', key });
    expect([endpoint.scheme, endpoint.tlsConfig]).toEqual(
      tls
        ? [
            'https',
            {
              serverName: `${metadata.name}.${metadata.namespace}.svc`,
              ca: { secret: own('ca.crt') },
              cert: { secret: own('tls.crt') },
              keySecret: own('tls.key'),
            },
          ]
        : [undefined, undefined]
    );
    expect(endpoint.path).toBe('/metrics');
    expect(endpoint.honorLabels).toBe(true);
    const dropped = new RegExp(`^(?:${endpoint.relabelings[0].regex})$`);
    expect(['namespace', 'pod', 'container'].filter((label) => !dropped.test(label))).toEqual([]);
    expect(['node', 'job', 'instance'].filter((label) => dropped.test(label))).toEqual([]);
    const callers = find(rendered[name], 'NetworkPolicy').map(
      ({ spec }) => spec.ingress[0].from[0].podSelector.matchLabels['app.kubernetes.io/name']
    );
    expect(callers.sort()).toEqual(['grafana', 'prometheus']);
  }
});

describe('what is wrong is found', () => {
  const changed = (change: (daemonSet: Manifest) => void) => {
    const copy = structuredClone(daemonSetOf('token'));
    change(copy);
    return faultsOf(copy);
  };

  test.each<[string, (daemonSet: Manifest) => void, string]>([
    [
      'a misspelt field',
      ({ spec }) => (spec.template.spec.containers[0].securityContext.readOnlyRootFileSystem = true),
      '/spec/template/spec/containers/0/securityContext/readOnlyRootFileSystem: unknown',
    ],
    [
      'a field at the wrong level',
      ({ spec }) => (spec.template.spec.allowPrivilegeEscalation = false),
      '/spec/template/spec/allowPrivilegeEscalation: unknown',
    ],
    [
      'a value of another type',
      ({ spec }) => (spec.template.spec.containers[0].livenessProbe.periodSeconds = '20'),
      '/spec/template/spec/containers/0/livenessProbe/periodSeconds: type {"type":"integer"}',
    ],
    [
      'a field that has to be there',
      ({ spec }) => delete spec.selector,
      '/spec: required {"missingProperty":"selector"}',
    ],
    ['another version', (object) => (object.apiVersion = 'apps/v2'), 'no schema for apps/v2 DaemonSet'],
  ])('%s', (_what, change, fault) => {
    expect(changed(change)).toEqual([fault]);
  });

  test('a misspelt field of the custom resource', () => {
    const monitor = structuredClone(only(rendered.prometheus, 'PodMonitor'));
    monitor.spec.podMetricsEndpoints[0].authorisation = {};
    expect(faultsOf(monitor)).toEqual(['/spec/podMetricsEndpoints/0/authorisation: unknown']);
  });
});

describe('the files', () => {
  test('explain every volume in a comment in front of it', () => {
    const folders = ['base', ...OVERLAYS.map((name) => `overlays/${name}`)];
    const files = folders
      .map((folder) => join(KUBERNETES, folder, 'daemonset.yaml'))
      .filter((path) => existsSync(path));
    const explained = files.flatMap((path) => {
      const lines = readFileSync(path, 'utf8').split('\n');
      const volumes = parse(lines.join('\n')).spec.template.spec.volumes as Array<{ name: string }>;
      const from = lines.findIndex((line) => /^ {6}volumes:$/.test(line));
      return volumes.map(({ name }) => {
        const at = lines.findIndex((line, index) => index > from && line === `        - name: ${name}`);
        return [name, /^ {8}# .+/.test(lines[at - 1])];
      });
    });
    expect(explained).toEqual([
      ['cgroup', true],
      ['btf', true],
      ['bpffs', true],
      ['history', true],
      ['token', true],
      ['tls', true],
    ]);
  });

  test('are all rendered by some overlay', () => {
    const overlays = readdirSync(join(KUBERNETES, 'overlays')).sort();
    expect(overlays).toEqual([...OVERLAYS].sort());
    const options = readdirSync(join(KUBERNETES, 'options')).sort();
    expect(options).toEqual(['pods-only', 'prometheus', 'prometheus-mtls']);
    for (const folder of ['base', ...options.map((o) => `options/${o}`), ...OVERLAYS.map((o) => `overlays/${o}`)]) {
      const {
        resources = [],
        bases = [],
        patchesStrategicMerge = [],
        patchesJson6902 = [],
      } = parse(readFileSync(join(KUBERNETES, folder, 'kustomization.yaml'), 'utf8'));
      const present = readdirSync(join(KUBERNETES, folder)).filter((file) => file !== 'kustomization.yaml');
      const patches = patchesJson6902.map(({ path }: { path: string }) => path);
      expect([...resources, ...patchesStrategicMerge, ...patches].sort()).toEqual(present.sort());
      expect(bases.filter((base: string) => !existsSync(join(KUBERNETES, folder, base)))).toEqual([]);
    }
  });
});

test('the README lists all that the agents are given', () => {
  const [, section] = /^## Install in Kubernetes$([^]*?)^## /m.exec(read('README.md'))!;
  const listed = [...section.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name);
  const { volumes } = podOf('token');
  const paths = volumes.flatMap(({ hostPath }: { hostPath?: { path: string } }) => hostPath?.path ?? []);
  const [{ verbs }] = only(rendered.token, 'ClusterRole').rules;
  expect(listed).toEqual([...agentOf('token').securityContext.capabilities.add, ...paths, verbs[0]]);
});

test('the image starts the agent as `npm run agent` does', () => {
  const [, entrypoint] = /^ENTRYPOINT (.+)$/m.exec(read('Dockerfile'))!;
  expect(JSON.parse(entrypoint)).toEqual(['node', ...NODE_FLAGS, '/opt/ringside/main.js']);
});
