import type { Target } from '../../../agent/history/series';
import { Filter, type FilterOptions } from '../../../agent/identity/filter';
import { Owners, type Owner } from '../../../agent/identity/owners';
import type { Place } from '../../../agent/identity/place';
import type { Identity, IdentitySource, SourceStatus } from '../../../agent/identity/source';

const UID = '2f3a9a52-0000-4000-8000-1c2d3e4f5a6b';
const UNDERSCORED = UID.replaceAll('-', '_');
const POD = `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UNDERSCORED}.slice`;
const ID = '0123456789ab'.padEnd(64, 'c');
const CONTAINER = `${POD}/cri-containerd-${ID}.scope`;

/** A source that a test teaches by hand. */
class Taught implements IdentitySource {
  status: SourceStatus = { state: 'ready', reason: '', known: 0 };
  readonly known = new Map<string, Identity>();
  #listener = () => {};

  constructor(readonly name: IdentitySource['name']) {}

  teach(key: string, identity: Identity | undefined): void {
    if (identity) {
      this.known.set(key, identity);
    } else {
      this.known.delete(key);
    }
    this.#listener();
  }

  identify({ podUid, containerId }: Place): Identity | undefined {
    return this.known.get(containerId ?? '') ?? this.known.get(podUid ?? '');
  }

  onChange(listener: () => void): void {
    this.#listener = listener;
  }

  start(): void {}

  async stop(): Promise<void> {}
}

let nowMs: number;
let kubernetes: Taught;
let docker: Taught;

function open(filter: Partial<FilterOptions> = {}, remembered?: (path: string) => Target | undefined): Owners {
  nowMs = 1_000_000;
  kubernetes = new Taught('kubernetes');
  docker = new Taught('docker');
  return new Owners({
    node: 'n1',
    kubernetes,
    docker,
    filter: new Filter({ includeNamespaces: [], excludeNamespaces: [], ...filter }),
    monotonicMs: () => nowMs,
    remembered,
  });
}

const forgetAll = (owners: Owners) => owners.forget(() => false);
const WEB: Identity = { namespace: 'shop', pod: 'web-7d4b9-x2x', container: 'nginx', workload: 'web' };

describe('names', () => {
  test('what the path says is there at once, what the source says when it says it, for every holder of the target', () => {
    const owners = open();
    owners.made(7n, CONTAINER);
    const { target } = owners.ownerOf(7n);
    expect(target.labels).toEqual({
      node: 'n1',
      namespace: undefined,
      pod: UID,
      container: '0123456789ab',
      workload: UID,
      cgroup: CONTAINER,
    });
    kubernetes.teach(UID, { namespace: 'shop', pod: 'web-7d4b9-x2x', workload: 'web' });
    owners.refresh();
    expect(target.labels).toMatchObject({ namespace: 'shop', pod: 'web-7d4b9-x2x', container: '0123456789ab' });
    kubernetes.teach(ID, WEB);
    owners.refresh();
    expect(target.labels).toMatchObject({ ...WEB, node: 'n1', cgroup: CONTAINER });
  });

  test('are never taken back', () => {
    const owners = open();
    owners.made(7n, CONTAINER);
    kubernetes.teach(ID, WEB);
    owners.refresh();
    owners.removed(7n);
    kubernetes.teach(ID, undefined);
    owners.refresh();
    expect(owners.ownerOf(7n).target.labels).toMatchObject(WEB);
    kubernetes.teach(UID, { namespace: 'shop', pod: 'web-7d4b9-x2x' });
    owners.refresh();
    expect(owners.ownerOf(7n).target.labels).toMatchObject(WEB);
  });

  test('reach an owner that was gone before they were known', () => {
    const owners = open();
    owners.made(7n, CONTAINER);
    const { target } = owners.ownerOf(7n);
    owners.removed(7n);
    owners.released(7n);
    nowMs += 30_000;
    forgetAll(owners);
    kubernetes.teach(ID, WEB);
    owners.refresh();
    expect(target.labels).toMatchObject(WEB);
  });

  test('of a pod are the API server’s business, of everything else the engine’s', () => {
    const owners = open();
    owners.made(7n, CONTAINER);
    owners.made(8n, `/system.slice/docker-${ID}.scope`);
    docker.teach(ID, { container: 'k8s_POD_web', workload: 'k8s_POD_web' });
    owners.refresh();
    expect(owners.ownerOf(7n).target.labels.container).toBe('0123456789ab');
    expect(owners.ownerOf(8n).target.labels).toMatchObject({ container: 'k8s_POD_web' });
  });

  test('cgroups inside of a container, and one that is made again, have the container’s target', () => {
    const owners = open();
    owners.made(7n, CONTAINER);
    owners.made(8n, `${CONTAINER}/init.scope`);
    owners.made(9n, '/system.slice/nginx.service');
    const { target } = owners.ownerOf(9n);
    expect(owners.ownerOf(8n).target).toBe(owners.ownerOf(7n).target);
    owners.removed(9n);
    owners.made(10n, '/system.slice/nginx.service');
    expect(owners.ownerOf(10n).target).toBe(target);
    expect(target.labels).toMatchObject({ workload: 'nginx', cgroup: '/system.slice/nginx.service' });
  });

  test('workload is never empty', () => {
    const owners = open();
    owners.made(1n, '/');
    owners.made(2n, '/user.slice');
    owners.made(3n, `/docker/${ID}`);
    expect([1n, 2n, 3n].map((id) => owners.ownerOf(id).target.labels.workload)).toEqual([
      '/',
      '/user.slice',
      '0123456789ab',
    ]);
  });

  test('a path’s characters cannot do anything', () => {
    const owners = open();
    owners.made(1n, '/a\u001b[31mb\nc');
    expect(owners.ownerOf(1n).target.labels.cgroup).not.toMatch(/\p{Cc}/u);
  });
});

describe('an owner that an earlier agent’s history remembers', () => {
  const labels = { ...WEB, node: 'n1', cgroup: CONTAINER };
  const remember = (target: Target) => (path: string) => (path === target.labels.cgroup ? target : undefined);

  test('goes on under the same target, by the name that it had, until a source says another one', () => {
    const target: Target = { labels, hidden: true };
    const owners = open({}, remember(target));
    kubernetes.status = { state: 'connecting', reason: 'The API server has not answered yet.', known: 0 };
    owners.made(7n, CONTAINER);
    owners.made(8n, `${CONTAINER}/inside`);
    expect(owners.ownerOf(7n).target).toBe(target);
    expect(owners.ownerOf(8n).target).toBe(target);
    expect(target.labels).toEqual(labels);
    kubernetes.teach(ID, { ...WEB, workload: 'web-2' });
    kubernetes.status = { state: 'ready', reason: '', known: 1 };
    owners.refresh();
    expect(target).toMatchObject({ labels: { ...labels, workload: 'web-2' }, hidden: false });
  });

  test('keeps its name when it is gone and no source knows it any more', () => {
    const target: Target = { labels, hidden: false };
    const owners = open({}, remember(target));
    owners.made(7n, CONTAINER);
    owners.removed(7n);
    owners.refresh();
    expect(owners.ownerOf(7n).target.labels).toEqual(labels);
    owners.made(9n, '/system.slice/cron.service');
    expect(owners.ownerOf(9n).target.labels.workload).toBe('cron');
  });
});

describe('a cgroup id', () => {
  test('that nobody has seen is looked for, not more often than once a second, and found later', () => {
    const owners = open();
    const look = jest.fn();
    owners.onUnknown(look);
    const owner = owners.ownerOf(42n);
    expect(owner.target.labels).toMatchObject({ cgroup: 'removed:42', workload: 'removed:42' });
    expect(owners.ownerOf(42n)).toBe(owner);
    owners.ownerOf(43n);
    expect(look).toHaveBeenCalledTimes(1);
    nowMs += 1_001;
    owners.ownerOf(44n);
    expect(look).toHaveBeenCalledTimes(2);

    owners.made(42n, CONTAINER);
    expect(owners.ownerOf(42n)).toBe(owner);
    expect(owner.target.labels).toMatchObject({ pod: UID, cgroup: CONTAINER });
    expect(owner.removedForMs()).toBeUndefined();
  });

  test('that is looked for is answered with what the look has found', () => {
    const owners = open();
    owners.onUnknown(() => owners.made(42n, CONTAINER));
    expect(owners.ownerOf(42n).target.labels.pod).toBe(UID);
  });

  test('that the kernel uses again is another owner, who inherits nothing', () => {
    const owners = open();
    owners.made(7n, CONTAINER);
    kubernetes.teach(ID, WEB);
    owners.refresh();
    const before = owners.ownerOf(7n);
    owners.removed(7n);
    owners.released(7n);
    owners.made(7n, '/user.slice');
    const after = owners.ownerOf(7n);
    expect(after).not.toBe(before);
    expect(after.target.labels).toMatchObject({ cgroup: '/user.slice', pod: undefined, namespace: undefined });
    expect(before.target.labels).toMatchObject(WEB);
    expect([...owners.departed()]).toEqual([before]);
    nowMs += 121_000;
    forgetAll(owners);
    expect(owners.ownerOf(7n)).toBe(after);
  });

  test('of a pod itself has an owner as soon as somebody asks, and no other after its end', () => {
    const owners = open();
    owners.made(7n, POD);
    expect(owners.status().owners).toBe(1);
    kubernetes.teach(UID, { namespace: 'shop', pod: 'web-7d4b9-x2x', workload: 'web', observe: false });
    owners.refresh();
    const owner = owners.ownerOf(7n);
    expect(owner.target.labels).toMatchObject({ pod: 'web-7d4b9-x2x', container: undefined, cgroup: POD });
    expect(owners.refresh()).toEqual([owner]);
    owners.made(8n, POD);
    owners.made(8n, '/user.slice');
    expect(owners.ownerOf(8n).target.labels.cgroup).toBe('/user.slice');
    expect(owners.status().owners).toBe(2);
  });

  test('that is used again while nobody has heard of its end is another owner, too', () => {
    const owners = open();
    owners.made(7n, CONTAINER);
    const before = owners.ownerOf(7n);
    owners.made(7n, '/user.slice');
    expect(owners.ownerOf(7n).target.labels.cgroup).toBe('/user.slice');
    expect(before.released).toBe(true);
    expect([...owners.departed()]).toEqual([before]);
  });
});

describe('the end', () => {
  const left = (owners: Owners): Owner[] => [...owners.departed()];

  test('is forgotten when late names cannot come any more, and nothing is counted for it', () => {
    const owners = open();
    owners.made(7n, CONTAINER);
    const owner = owners.ownerOf(7n);
    owners.removed(7n);
    expect(owner.removedForMs()).toBe(0);
    nowMs += 200_000;
    forgetAll(owners);
    // Its sockets may still be open.
    expect(left(owners)).toEqual([owner]);
    owners.released(7n);
    owners.forget(() => true);
    expect(left(owners)).toEqual([owner]);
    forgetAll(owners);
    expect(left(owners)).toEqual([]);
    expect(owners.status().owners).toBe(0);
  });

  test('of which the kernel never says the last word is forgotten after an hour', () => {
    const owners = open();
    owners.made(7n, CONTAINER);
    owners.removed(7n);
    nowMs += 3_600_001;
    forgetAll(owners);
    expect(left(owners)).toEqual([]);
  });
});

describe('exclusion', () => {
  const excludedOf = (owners: Owners) => owners.refresh().map(({ cgroupId, excluded }) => [cgroupId, excluded]);

  test('comes and goes with what is known, and hides', () => {
    const owners = open({ excludeNamespaces: ['kube-system'] });
    owners.made(7n, CONTAINER);
    expect(excludedOf(owners)).toEqual([]);
    kubernetes.teach(ID, { ...WEB, namespace: 'kube-system' });
    expect(excludedOf(owners)).toEqual([[7n, true]]);
    expect(owners.ownerOf(7n).target.hidden).toBe(true);
    expect(owners.status()).toMatchObject({ owners: 1, excluded: 1 });
    expect(excludedOf(owners)).toEqual([]);
    kubernetes.teach(ID, WEB);
    expect(excludedOf(owners)).toEqual([[7n, false]]);
    expect(owners.ownerOf(7n).target.hidden).toBe(false);
  });

  test('holds from the first moment for a pod that is known before its container is there', () => {
    const owners = open();
    kubernetes.teach(UID, { ...WEB, observe: false });
    owners.made(7n, CONTAINER);
    expect(excludedOf(owners)).toEqual([[7n, true]]);
    kubernetes.teach(UID, WEB);
    expect(excludedOf(owners)).toEqual([[7n, false]]);
  });
});

test('the status counts pods, not containers, and says what the sources say', () => {
  const owners = open();
  owners.made(7n, CONTAINER);
  owners.made(8n, POD);
  owners.made(9n, CONTAINER.replaceAll('2f3a9a52', '00000000').replace(ID, ID.replaceAll('c', 'd')));
  owners.made(10n, '/system.slice/nginx.service');
  kubernetes.teach(ID, WEB);
  kubernetes.known.set(UID, WEB);
  kubernetes.status = { state: 'failing', reason: 'The API server is asleep.', known: 1 };
  owners.refresh();
  expect(owners.status()).toEqual({
    owners: 4,
    excluded: 0,
    pods: 2,
    unnamedPods: 1,
    kubernetes: { state: 'failing', reason: 'The API server is asleep.', known: 1 },
    docker: { state: 'ready', reason: '', known: 0 },
  });
});

describe('what another agent knew', () => {
  test('names a cgroup that was removed while no agent ran, until it is known better', () => {
    const owners = open();
    const labels = { node: 'of old', pod: 'web-1', namespace: 'shop', workload: 'web', cgroup: CONTAINER };
    owners.recall(7n, { path: CONTAINER, excluded: false, labels });
    const owner = owners.ownerOf(7n);
    expect(owner.target.labels).toEqual({ ...labels, node: 'n1' });
    expect([...owners.departed()]).toEqual([owner]);
    kubernetes.teach(ID, WEB);
    owners.refresh();
    expect(owner.target.labels).toMatchObject({ pod: WEB.pod, workload: WEB.workload });
    expect([...owners.known()]).toEqual([
      { cgroupId: 7n, path: CONTAINER, excluded: false, labels: owner.target.labels },
    ]);
  });

  test('says nothing of one that is there', () => {
    const owners = open();
    owners.made(7n, '/system.slice/now.service');
    owners.recall(7n, { path: '/system.slice/then.service', excluded: true });
    expect(owners.ownerOf(7n)).toMatchObject({ excluded: false, place: { path: '/system.slice/now.service' } });
    expect([...owners.departed()]).toEqual([]);
  });

  test('leaves an excluded pod out as long as the API server has not been heard', () => {
    const owners = open();
    kubernetes.status = { state: 'connecting', reason: 'It has not answered yet.', known: 0 };
    owners.made(7n, CONTAINER);
    expect(owners.recallExcluded(7n)).toBe(true);
    expect(owners.ownerOf(7n).excluded).toBe(true);
    // It is there, and knows nothing of the pod: as at any start, that is measured until it turns out to be excluded.
    kubernetes.status = { state: 'ready', reason: '', known: 0 };
    kubernetes.teach('another', WEB);
    owners.refresh();
    expect(owners.ownerOf(7n).excluded).toBe(false);
    kubernetes.teach(ID, { ...WEB, observe: false });
    owners.refresh();
    expect(owners.ownerOf(7n).excluded).toBe(true);
  });

  test('does not leave out what is gone, nor what nobody could ask for again', () => {
    const owners = open();
    expect(owners.recallExcluded(7n)).toBe(false);
    kubernetes.status = { state: 'off', reason: 'Nobody asked for it.', known: 0 };
    owners.made(8n, CONTAINER);
    expect(owners.recallExcluded(8n)).toBe(false);
    expect(owners.ownerOf(8n).excluded).toBe(false);
  });
});
