/** What does the agent take of a node's memory, with few pods and with many? Ten series each, names from Kubernetes. */
import { measureWorkingSets, sumOf, type WorkingSet } from '../test/support/working-set';

const SIZES = [50, 100, 250, 500];
const MB = 1_000_000;

async function main(): Promise<void> {
  const columns = ['pods', 'series', 'anonymous', 'kernel maps', 'working set', 'after queries'];
  console.log(`The agent's working set, in MB\n  ${columns.map((column) => column.padStart(14)).join('')}`);
  const onMeasured = (each: WorkingSet) => {
    const { pods, series, anonymousBytes, kernelMapBytes, anonymousBytesAfterQueries } = each;
    const figures = [anonymousBytes, kernelMapBytes, sumOf(each), anonymousBytesAfterQueries + kernelMapBytes];
    const cells = [pods, series, ...figures.map((bytes) => (bytes / MB).toFixed(1))];
    console.log(`  ${cells.map((cell) => String(cell).padStart(14)).join('')}`);
  };
  const measured = await measureWorkingSets(SIZES, { onMeasured });
  const sums = measured.map(sumOf);
  console.log(`  from the smallest to the largest: ${((Math.max(...sums) - Math.min(...sums)) / MB).toFixed(1)} MB`);
}

void main();
