/** The agent keeps to its budget, and does not grow with the pods. Beside proxies: `npm run bench -- sidecar-memory`. */
import { requireKernel } from '../support/requirements';
import { measureWorkingSets, SERIES_OF_A_POD, sumOf, type WorkingSet } from '../support/working-set';

const MB = 1_000_000;
const SIZES = [50, 100, 250, 500];
/** What DESIGN allows at 250 pods. */
const GOAL_BYTES = 40 * MB;
/** By so much the same agent differs from run to run, with when garbage was collected last. */
const NOISE_BYTES = MB;
/** From 50 to 500 pods. */
const GROWTH_BYTES = 2 * MB;

jest.setTimeout(600_000);

beforeAll(() => requireKernel());

it('takes about 40 MB at 250 pods, and as good as the same at 50 and at 500', async () => {
  const measured = await measureWorkingSets(SIZES, { asks: false });
  console.log(measured.map(lineOf).join('\n'));
  for (const { pods, series } of measured) {
    expect([pods, series]).toEqual([pods, pods * SERIES_OF_A_POD]);
  }
  expect(sumOf(measured[SIZES.indexOf(250)])).toBeLessThanOrEqual(GOAL_BYTES + NOISE_BYTES);
  const sums = measured.map(sumOf);
  expect(Math.max(...sums) - Math.min(...sums)).toBeLessThanOrEqual(GROWTH_BYTES + NOISE_BYTES);
});

function lineOf(measured: WorkingSet): string {
  const { pods, anonymousBytes, kernelMapBytes } = measured;
  const [anonymous, maps, sum] = [anonymousBytes, kernelMapBytes, sumOf(measured)].map((b) => (b / MB).toFixed(1));
  return `${pods} pods × ${SERIES_OF_A_POD} series: ${anonymous} MB anonymous + ${maps} MB of kernel maps = ${sum} MB`;
}
