/** What does it take of a node's memory to see its pods: one agent, or a proxy in each? */
import { version } from '../package.json';
import { Cgroup } from '../test/support/cgroup';
import { Nginx } from '../test/support/nginx';
import { sleep } from '../test/support/wait';
import { BenchAgent } from './support/agent';
import { anonymousBytes } from './support/memory';
import { Pods } from './support/pods';
import { proxiesHere, type Proxy, type ProxyKind } from './support/proxies';
import { ask, type Run } from './support/question';

const SIZES = [1, 50, 200];
const MB = 1_000_000;
const RINGSIDE = 'Ringside';
/** Requests of each pod and second. */
const PACE = 2;
/** As little as a sidecar is given: one thread. */
const WORKERS = 1;
/** Requests through each sidecar, so that it has taken what serving takes. */
const ASKED = 20;

const figureOf = (pods: number) => `pods${pods}`;
const nameOf = (pods: number) => `${pods} ${pods === 1 ? 'pod' : 'pods'}`;

void ask(__filename, {
  title: 'Memory, against sidecars',
  asks: 'What does a node with 1, 50 or 200 pods pay in memory for being seen?',
  method:
    'Anonymous memory: what a process has for itself; pages shared between processes count once, programs and libraries ' +
    'not at all. For Ringside, the memory of its kernel maps is added; its pods are real, with ten series each, and named ' +
    'by an API server. The proxies are all started, one a pod, each with one thread, and each has passed on requests.',
  rounds: 3,
  seconds: 20,
  figures: Object.fromEntries(
    SIZES.map((pods) => [
      figureOf(pods),
      {
        name: `Memory with ${nameOf(pods)}`,
        unit: 'MB',
        goals: pods === Math.max(...SIZES) ? [{ of: RINGSIDE, atMost: 40 }] : [],
      },
    ])
  ),
  ratios: SIZES.flatMap((pods) =>
    ['haproxy in front', 'nginx in front', 'Envoy in front'].map((of) => ({
      name: `${nameOf(pods)}, ${of} / Ringside`,
      figure: figureOf(pods),
      of,
      to: RINGSIDE,
    }))
  ),
  curves: { memory: { name: 'Memory', unit: 'MB', across: 'pods' } },
  run,
});

async function run({ rounds, seconds, recording, say }: Run): Promise<void> {
  const kinds = proxiesHere((name, reason) => recording.missed(name, reason));
  const observed = [
    { name: RINGSIDE, version, measure: (told: Told) => measureAgent(seconds, told) },
    ...kinds.map((kind) => ({ ...kind, measure: (told: Told) => measureProxies(kind, seconds, told) })),
  ];
  observed.forEach((each) => recording.took(each));
  for (let round = 0; round < rounds; round++) {
    for (const { name, measure } of observed) {
      await measure((pods, bytes) => {
        say(`round ${round + 1} of ${rounds}, ${nameOf(pods)}, ${name}: ${(bytes / MB).toFixed(1)} MB`);
        recording.add(figureOf(pods), name, bytes / MB);
        recording.place('memory', name, pods, bytes / MB);
      });
    }
  }
}

type Told = (pods: number, bytes: number) => void;

/** An agent of its own for each size: what it takes may not depend on what there was before. */
async function measureAgent(seconds: number, told: Told): Promise<void> {
  const cgroup = Cgroup.make();
  const pods = await Pods.open(cgroup);
  try {
    for (const size of SIZES) {
      await pods.grow(size, PACE);
      const agent = await BenchAgent.start(cgroup, pods.flags);
      await pods.seenBy(agent);
      told(
        size,
        await settled(seconds, async () => {
          const { anonymousBytes, kernelMapBytes } = (await agent.status()).memory;
          return anonymousBytes + kernelMapBytes;
        })
      );
      await agent.stop();
    }
  } finally {
    await pods.remove();
    await cgroup.remove();
  }
}

async function measureProxies(kind: ProxyKind, seconds: number, told: Told): Promise<void> {
  const [app, sidecars] = [Cgroup.make(), Cgroup.make()];
  const nginx = await Nginx.start(app, { hosts: ['127.0.0.1'], settings: 'access_log off;' });
  const proxies: Proxy[] = [];
  try {
    for (const size of SIZES) {
      while (proxies.length < size) {
        const proxy = await kind.start(sidecars, { port: nginx.port, workers: WORKERS });
        proxies.push(proxy);
        for (let n = 0; n < ASKED; n++) {
          await (await fetch(`http://127.0.0.1:${proxy.port}/status/200`)).text();
        }
      }
      told(size, await settled(seconds, async () => anonymousBytes(sidecars)));
    }
  } finally {
    await sidecars.remove();
    await nginx.remove();
    await app.remove();
    proxies.forEach((proxy) => proxy.remove());
  }
}

/** The least of some seconds: what is left when garbage has just been collected, which differs little from run to run. */
async function settled(seconds: number, measure: () => Promise<number>): Promise<number> {
  const samples: number[] = [];
  for (let second = 0; second < seconds; second++) {
    await sleep(1_000);
    samples.push(await measure());
  }
  return Math.min(...samples);
}
