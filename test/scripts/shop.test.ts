/** The demo shop is what the demo, the screenshots and the browser tests look at: it has to have something to show. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startShop, type Shop } from '../../demo/shop';
import { logNormalMs } from '../../demo/random';
import { Cgroup } from '../support/cgroup';
import { requireRoot } from '../support/requirements';

jest.setTimeout(60_000);
beforeAll(requireRoot);

describe('the shop', () => {
  let parent: Cgroup;
  let shop: Shop;
  let seen: string[] | undefined;

  beforeAll(async () => {
    parent = Cgroup.make();
    shop = await startShop({
      parentCgroup: parent.path,
      requestsPerSecond: 20,
      prepare: async (cgroup) => {
        seen = childrenOf(cgroup);
      },
    });
  });
  afterAll(async () => {
    await shop?.stop();
    await parent?.remove();
  });

  test('each process is in a cgroup of its own, below the given one', () => {
    expect(join(shop.cgroup, '..')).toBe(parent.path);
    expect(childrenOf(shop.cgroup).sort()).toEqual(['catalog', 'frontend', 'load', 'payments']);
    for (const name of childrenOf(shop.cgroup)) {
      const pids = readFileSync(join(shop.cgroup, name, 'cgroup.procs'), 'utf8')
        .trim()
        .split('\n');
      expect(pids).toHaveLength(1);
      expect(readFileSync(`/proc/${pids[0]}/cmdline`, 'utf8')).toContain(`main.js\0${name}\0`);
    }
  });

  test('what is attached by prepare() comes before the first process', () => {
    expect(seen).toEqual([]);
  });

  test('answers with successes, errors of the caller and of its own, and sometimes not at all', async () => {
    const outcomes = await outcomesOf(1500, `${shop.urls.payments}/charges`, 'POST');
    expect(Object.keys(outcomes).sort()).toEqual(['201', '402', '500', 'none']);
    expect(outcomes['201']).toBeGreaterThan(1200);
    expect((await outcomesOf(1, `${shop.urls.catalog}/items/401`))['404']).toBe(1);
    expect((await outcomesOf(1, `${shop.urls.frontend}/nowhere`))['404']).toBe(1);
  });

  test('the frontend answers from the other two', async () => {
    const outcomes = await outcomesOf(60, `${shop.urls.frontend}/checkout/7`, 'POST');
    expect(outcomes['201']).toBeGreaterThan(20);
  });
});

test('a shop that cannot be started leaves no cgroup', async () => {
  const parent = Cgroup.make();
  const failure = startShop({ parentCgroup: parent.path, prepare: () => Promise.reject(new Error('on purpose')) });
  await expect(failure).rejects.toThrow('on purpose');
  expect(childrenOf(parent.path)).toEqual([]);
  await parent.remove();
});

test('durations are spread as the service says', () => {
  const sorted = Array.from({ length: 20_000 }, () => logNormalMs(10, 0.5)).sort((a, b) => a - b);
  expect(sorted[10_000] / 10).toBeCloseTo(1, 1);
  // e^(2.326 × 0.5): how far the 99th percentile lies above the median.
  expect(sorted[19_800] / 10 / 3.2).toBeCloseTo(1, 0.7);
});

function childrenOf(cgroup: string): string[] {
  return readdirSync(cgroup, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

/** How often each status came; "none" is a connection that ended without one. */
async function outcomesOf(requests: number, url: string, method = 'GET'): Promise<Record<string, number>> {
  const outcomes: Record<string, number> = {};
  const one = async () => {
    const status = await fetch(url, { method }).then(
      async (response) => {
        await response.arrayBuffer();
        return String(response.status);
      },
      () => 'none'
    );
    outcomes[status] = (outcomes[status] ?? 0) + 1;
  };
  for (let left = requests; left > 0; left -= 50) {
    await Promise.all(Array.from({ length: Math.min(50, left) }, one));
  }
  return outcomes;
}
