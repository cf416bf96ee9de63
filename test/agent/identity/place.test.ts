import { placeOf } from '../../../agent/identity/place';
import {
  BURSTABLE,
  CGROUPFS,
  DOCKER,
  LAYOUTS,
  OTHER_CONTAINER_ID,
  OTHER_POD_UID,
  placeIn,
  POD_CONTAINERS,
  STATIC_POD_UID,
} from '../../support/layouts';
import fc from '../../support/properties';

const POD_UID = '2fc932ce-fdcc-454b-97bd-aadfdeb4c340';
const CONTAINER_ID = 'aaefb9d8feed2d453b543f6d928cede7a4dbefa6a0ae7c9b990dd234c56e93b9';

it.each(LAYOUTS.map((layout) => [layout.title, layout] as const))('%s', (_title, layout) => {
  const podUid = layout.static ? STATIC_POD_UID : POD_UID;
  expect(placeOf(layout.path(podUid, CONTAINER_ID))).toEqual(placeIn(layout, podUid, CONTAINER_ID));
});

it('has a layout for each title', () => {
  expect(new Set(LAYOUTS.map(({ title }) => title)).size).toBe(LAYOUTS.length);
});

/** What a container may call a cgroup of its own: anything without a slash, lookalikes above all. */
const hostileName = fc.oneof(
  fc.constantFrom(
    'kubepods',
    'kubepods.slice',
    'kubepods-burstable.slice',
    'burstable',
    `pod${OTHER_POD_UID}`,
    `kubepods-burstable-pod${OTHER_POD_UID.replaceAll('-', '_')}.slice`,
    `kubepods-pod${OTHER_POD_UID.replaceAll('-', '_')}.slice:cri-containerd:${OTHER_CONTAINER_ID}`,
    `cri-containerd-${OTHER_CONTAINER_ID}.scope`,
    `docker-${OTHER_CONTAINER_ID}.scope`,
    OTHER_CONTAINER_ID,
    'docker',
    'sshd.service',
    '.service',
    '\n',
    '\u001B[2J',
    'x'.repeat(255)
  ),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).map((text) => text.replaceAll('/', '-'))
);

it('credits whatever a container of a pod makes to that container', () => {
  fc.assert(
    fc.property(fc.constantFrom(...POD_CONTAINERS), fc.array(hostileName, { maxLength: 12 }), (layout, names) => {
      const podUid = layout.static ? STATIC_POD_UID : POD_UID;
      const path = [layout.path(podUid, CONTAINER_ID), ...names].join('/');
      expect(placeOf(path)).toEqual(placeIn(layout, podUid, CONTAINER_ID));
    }),
    { numRuns: 2_000 }
  );
});

it('never takes a container outside of pods for another container', () => {
  fc.assert(
    fc.property(fc.array(hostileName, { maxLength: 12 }), (names) => {
      const owner = DOCKER.path('', CONTAINER_ID);
      const place = placeOf([owner, ...names].join('/'));
      // It may have pods in it (a node of kind); everything else is itself.
      if (place.podUid === undefined) {
        expect(place).toEqual({ path: owner, containerId: CONTAINER_ID, runtime: 'docker' });
      } else {
        expect(place.podUid).toBe(OTHER_POD_UID);
      }
    }),
    { numRuns: 2_000 }
  );
});

it('has something to say about any path at all', () => {
  fc.assert(
    fc.property(fc.array(hostileName, { maxLength: 20 }), (names) => {
      const path = `/${names.join('/')}`;
      const place = placeOf(path);
      expect(path === place.path || path.startsWith(`${place.path}/`)).toBe(true);
      expect(place.unit ?? '').not.toMatch(/\p{Cc}/u);
      expect((place.unit ?? '').length).toBeLessThan(256);
    }),
    { numRuns: 2_000 }
  );
});

it.each([
  ['a digit too few', CONTAINER_ID.slice(1)],
  ['a digit too many', `${CONTAINER_ID}0`],
  ['capitals', CONTAINER_ID.toUpperCase()],
])('takes no container id with %s', (_what, id) => {
  expect(placeOf(`/system.slice/docker-${id}.scope`).containerId).toBeUndefined();
  expect(placeOf(BURSTABLE.path(POD_UID, id))).toEqual({
    path: BURSTABLE.path(POD_UID, id).replace(/\/cri-containerd-.*$/, ''),
    podUid: POD_UID,
  });
});

it.each([
  ['a digit too few', POD_UID.slice(1)],
  ['a digit too many', `${POD_UID}0`],
  ['no UID at all', 'XYZ'],
  ['a line break', `${POD_UID}\n`],
])('takes no pod with %s, nor one inside of it', (_what, podUid) => {
  const outer = CGROUPFS.path(podUid, CONTAINER_ID);
  expect(placeOf(outer)).toEqual({ path: outer, containerId: CONTAINER_ID });
  expect(placeOf(`${outer}${CGROUPFS.path(OTHER_POD_UID, OTHER_CONTAINER_ID)}`)).toEqual({
    path: outer,
    containerId: CONTAINER_ID,
  });
});

it('reads the longest path there is in no time', () => {
  const startedMs = performance.now();
  for (const name of [
    '-'.repeat(255),
    'a-'.repeat(127),
    'kubepods-'.repeat(28),
    ':'.repeat(255),
    '.service'.repeat(31),
  ]) {
    placeOf(`/${Array.from({ length: 16 }, () => name).join('/')}`);
  }
  expect(performance.now() - startedMs).toBeLessThan(100);
});
