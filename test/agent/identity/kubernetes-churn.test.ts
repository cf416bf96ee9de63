/** Whatever happens to pods, connections and the server, in whatever order: in the end both know the same pods. */
import { KubernetesPods } from '../../../agent/identity/kubernetes/kubernetes-pods';
import { ApiServer, podObject, type PodObject } from '../../support/api-server';
import { sleep, until } from '../../support/wait';
import fc from '../../support/properties';

const NODE = 'node-1';
const TIMING = { backoff: { minMs: 1, maxMs: 5 }, answerMs: 2_000, goodWatchMs: 5 };

interface World {
  server: ApiServer;
  /** Names containers. */
  made: number;
}

type Act = (world: World, pod: number) => unknown;

const upsert: Act = (world, pod) => {
  const id = (++world.made).toString(16).padStart(64, '0');
  world.server.upsertPod(
    podObject({
      uid: `uid-${pod}`,
      name: `pod-${pod}`,
      // Some are not scheduled yet, some are elsewhere.
      node: pod % 5 === 0 && world.made % 2 === 0 ? undefined : pod % 7 === 0 ? 'node-2' : NODE,
      labels: { round: String(world.made % 3) },
      containers: [{ name: `app-${world.made % 4}`, id }],
    })
  );
};

const ACTS: Record<string, Act> = {
  upsert,
  'upsert again': upsert,
  delete: ({ server }, pod) => server.deletePod(`uid-${pod}`),
  'advance and tell': ({ server }) => (server.advance(3), server.sendBookmark()),
  cut: ({ server }) => server.cut(),
  'end watches': ({ server }) => server.endWatches(),
  compact: ({ server }) => server.compact(),
  'down, change, up': async (world, pod) => {
    await world.server.down();
    upsert(world, pod);
    world.server.deletePod(`uid-${pod + 1}`);
    await world.server.up();
  },
  'down, compact, up': async (world, pod) => {
    await world.server.down();
    world.server.deletePod(`uid-${pod}`);
    world.server.compact();
    await world.server.up();
  },
  'rotate token': ({ server }) => server.rotateToken(),
  garbage: ({ server }) => server.send('{"type":\n'),
  'half a line': ({ server }) => (server.send('{"type":"DELETED","object":{"metadata":{'), server.cut()),
  'no leader': ({ server }) => server.sendError(500, 'InternalError', 'no leader'),
  'refuse once': ({ server }, pod) => server.fault({ status: [401, 410, 429, 500][pod % 4], times: 1 }),
  'a moment': () => sleep(10),
};

const script = fc.array(fc.tuple(fc.constantFrom(...Object.keys(ACTS)), fc.nat(12)), { maxLength: 40 });

/** What should be known of it. */
const factsOf = ({ metadata, status }: PodObject) => {
  const [{ name, containerID }] = status.containerStatuses as Array<{ name: string; containerID: string }>;
  return {
    pod: metadata.name,
    container: name,
    labels: metadata.labels,
    place: { path: '/', podUid: metadata.uid, containerId: containerID.slice(-64) },
  };
};

it('knows what the server knows', async () => {
  await fc.assert(
    fc.asyncProperty(script, fc.boolean(), async (acts, cache) => {
      const server = await ApiServer.start({ cache });
      const { url, caFile, tokenFile } = server;
      const source = new KubernetesPods({ url, caFile, tokenFile, node: NODE, timing: TIMING, pageSize: 3 });
      const world = { server, made: 0 };
      source.start();
      try {
        for (const [name, pod] of acts) {
          await ACTS[name](world, pod);
          await sleep(0);
        }
        server.heal();
        const present = [...server.pods.values()].filter(({ spec }) => spec.nodeName === NODE).map(factsOf);
        const told = () =>
          present.map((facts) => {
            const { pod, container, podLabels } = source.identify(facts.place) ?? {};
            return { ...facts, pod, container, labels: Object.fromEntries(podLabels ?? []) };
          });
        const same = () =>
          source.status.state === 'ready' &&
          source.status.known === present.length &&
          JSON.stringify(told()) === JSON.stringify(present);
        await until('both to know the same', same, { timeoutMs: 4_000 }).catch(() => {});
        expect(told()).toEqual(present);
        expect(source.status).toEqual({ state: 'ready', reason: '', known: present.length });
      } finally {
        await source.stop();
        await server.stop();
      }
    }),
    { numRuns: 40, interruptAfterTimeLimit: 30_000, markInterruptAsFailure: false }
  );
}, 60_000);
