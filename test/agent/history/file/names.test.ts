/** Names in the file: of series that come and go by the thousand, and of more than there is room for. */
import { METRICS } from '../../../../wire/metrics';
import { Folder, Recording, Replay, endAll, live, told, type Life, type Write } from './paper';

const T0 = 1_790_000_040_000;
const [COUNTER] = METRICS.filter(({ kind }) => kind === 'counter');

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

const labelsOf = (pod: number) => ({
  node: 'n1',
  namespace: 'shop',
  pod: `web-7d4b9-${pod}`,
  workload: 'web',
  cgroup: `/kubepods.slice/kubepods-pod${pod}.slice/cri-containerd-${'0'.repeat(50)}${pod}.scope`,
});

it('are kept apart over many halves of the catalogue, and their ids stay few', () => {
  const path = folder.file();
  let life = live(path);
  let mostIds = 0;
  const PODS = 20_000;
  for (let pod = 1; pod < PODS; pod++) {
    const target = { labels: labelsOf(pod), hidden: false };
    const { id } = life.table.intern(COUNTER, target);
    life.history.record(T0 + pod * 1000, (into) => into.counter(id, pod));
    life.table.release(id);
    mostIds = Math.max(mostIds, life.table.capacity);
    if (pod % 2_500 === 0) {
      const next = live(path);
      expect(next.said).toEqual([]);
      expect(told(next)).toEqual(told(life));
      life = next;
    }
  }
  // Every name is written once, and again in each half that begins while a record still names it.
  expect(life.file.status.state).toBe('writing');
  expect(mostIds).toBeLessThan(5_000);
  const seen = told(life).flatMap(([, , ...events]) => events);
  expect(seen.length).toBeGreaterThan(500);
  for (const event of seen) {
    const [, pod, increase] = /web-7d4b9-(\d+) .* (\d+)$/.exec(event)!;
    expect(pod).toBe(increase);
  }
}, 120_000);

it('are the measure of what is remembered where there are too many for the file', () => {
  const path = folder.file();
  const life = live(path);
  // 8,000 names are 2 MB; the file of so small a history has room for a quarter of that.
  const PODS = 8_000;
  const tick = (second: number, from: number, end: number) => {
    const ids = Array.from(
      { length: end - from },
      (_, i) => life.table.intern(COUNTER, { labels: labelsOf(from + i), hidden: false }).id
    );
    life.history.record(T0 + second * 1000, (into) => ids.forEach((id) => into.counter(id, 1)));
    ids.forEach((id) => life.table.release(id));
  };
  // One a second, so that a few records of ten minutes together name more than there is room for.
  const SECONDS = 7_500;
  for (let second = 1; second <= SECONDS; second++) {
    tick(second, second, second + 1);
  }
  expect(life.said).toEqual([]);
  // What went, went from the oldest on; of the oldest that there is, a part may be left.
  const pods = told(life)
    .slice(1)
    .flatMap(([, , ...events]) => events.map((event) => Number(/web-7d4b9-(\d+)/.exec(event)![1])));
  expect(pods.length).toBeGreaterThan(1_000);
  expect(Math.max(...pods) - Math.min(...pods) + 1).toBe(pods.length);
  expect(Math.max(...pods)).toBe(SECONDS);
  expect(life.file.status).toMatchObject({ state: 'writing', reason: '' });
  expect(told(live(path))).toEqual(told(life));
  // All of them in one second: the record does not even fit into the catalogue.
  tick(SECONDS + 1, 0, PODS);
  const sentence = `--history-file ${path} has no room for the names of so many series at once; give --history-bytes more.`;
  expect(life.file.notices).toEqual([sentence]);
  for (let second = SECONDS + 2; second < SECONDS + 800; second++) {
    tick(second, second, second + 1);
  }
  expect(life.file.status).toMatchObject({ state: 'writing', reason: '' });
  expect(told(live(path))).toEqual(told(life));
}, 120_000);

it('are those of the half that is in use, whenever a process ends that begins the next one', () => {
  const path = folder.file();
  const recording = new Recording();
  const life = live(path, { open: recording.open });
  const replay = Replay.of(path);
  recording.writes.length = 0;
  /** What each tick wrote, and what there was when it had. */
  const ticks: Array<{ writes: Write[]; pods: Set<number> }> = [];
  const podsOf = (remembered: Life) => {
    const pods = new Set<number>();
    for (const [, , ...events] of told(remembered)) {
      for (const event of events) {
        const [, pod, increase] = /web-7d4b9-(\d+) .* (\d+)$/.exec(event)!;
        expect(pod).toBe(increase);
        pods.add(Number(pod));
      }
    }
    return pods;
  };
  const isNews = ({ writes }: (typeof ticks)[number]) => writes.some(({ bytes }) => bytes.length > 20_000);
  const PODS = 4_000;
  for (let pod = 1; pod < PODS && ticks.filter(isNews).length < 2; pod++) {
    const { id } = life.table.intern(COUNTER, { labels: labelsOf(pod), hidden: false });
    life.history.record(T0 + pod * 1000, (into) => into.counter(id, pod));
    life.table.release(id);
    ticks.push({ writes: recording.writes.splice(0), pods: new Set() });
    const isNear = isNews(ticks[ticks.length - 1]);
    ticks[ticks.length - 1].pods = isNear ? podsOf(life) : new Set();
  }
  expect(ticks.filter(isNews)).toHaveLength(2);
  let tried = 0;
  for (const { writes, pods } of ticks) {
    for (const write of writes) {
      for (const length of pods.size > 0 ? [0, Math.floor(write.bytes.length / 2)] : []) {
        replay.put(path, write, length);
        const next = live(path);
        expect(next.said).toEqual([]);
        const found = podsOf(next);
        // All but the one that it is just about, and the oldest, which may go with it.
        expect([...pods].filter((pod) => !found.has(pod)).length).toBeLessThanOrEqual(1);
        tried++;
        endAll();
      }
      replay.apply(write);
    }
  }
  expect(tried).toBeGreaterThan(10);
}, 120_000);
