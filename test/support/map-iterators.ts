/** Iterators over a map's elements: some kernels are built to refuse them, and take all others. */
import { BpfObject } from '../../native';
import type { Build } from './build';

const FIXTURE = 'test/native/fixtures/tracing.bpf.c';
/** Of it, the program that is one. */
export const OVER_A_MAP = 'every_pair';

export function mapsCanBeWalked(build: Build): boolean {
  const object = BpfObject.open(build.bpf(FIXTURE));
  try {
    object.load();
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === 'EPERM') {
      return false;
    }
    throw error;
  } finally {
    object.close();
  }
}

/** `test`, which is skipped and says why where the kernel refuses them. */
export function testOverMaps(build: Build): (name: string, body: () => void) => void {
  return mapsCanBeWalked(build)
    ? test
    : (name, body) => test.skip(`${name}: this kernel refuses iterators over maps`, body);
}
