/** Runs one file of tests with Jest's own runner, without all that is around it, and tells how each of them ended. */
import * as circus from 'jest-circus';
import { expect } from 'expect';
import { PATIENCE } from '../../support/wait';
import { SUITES } from '../suites';
import type { Told } from './told';

/** What Jest's runner looks for in the place where Jest would put it. */
const setting = (name: string, value: unknown) => Reflect.set(globalThis, Symbol.for(name), value);

async function main(name: string): Promise<void> {
  const { describe, test, it, beforeAll, beforeEach, afterAll, afterEach } = circus;
  const jest = { setTimeout: (milliseconds: number) => setting('TEST_TIMEOUT_SYMBOL', milliseconds * PATIENCE) };
  Object.assign(globalThis, { describe, test, it, beforeAll, beforeEach, afterAll, afterEach, expect, jest });
  jest.setTimeout(5_000);
  // As the kernel tests have it on any machine.
  setting('RETRY_TIMES', 1);
  // On the guest's console: where it is, should it come no further.
  beforeEach(() => console.log(circus.getState().currentlyRunningTest?.name));
  require(`../../kernel/${name}.test.ts`);
  const { only } = SUITES.find((suite) => suite.name === name)!;
  circus.setState({ ...circus.getState(), testNamePattern: only });
  const { testResults, unhandledErrors } = await circus.run();
  for (const { testPath, errors, duration, status, retryReasons } of testResults) {
    if (status === 'done') {
      const [, ...names] = testPath;
      // The first try says what was wrong; the second may have failed of what the first has left behind.
      const reasons = [...retryReasons, ...errors].join('\n') || undefined;
      const told = errors.length > 0 ? { failure: reasons } : { firstFailure: reasons };
      await tell({ event: 'test', name: names.join(' › '), milliseconds: duration ?? 0, ...told });
    }
  }
  await tell({ event: 'ended', failure: unhandledErrors.join('\n') || undefined });
}

function tell(told: Told): Promise<void> {
  return new Promise((resolve) => process.send!(told, () => resolve()));
}

main(process.argv[2]).then(
  () => process.exit(),
  async (error: Error) => {
    await tell({ event: 'ended', failure: error.stack });
    process.exit(1);
  }
);
