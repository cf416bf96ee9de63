import { relative } from 'node:path';
import { buildAll } from './build/targets';
import { mountCgroup2, requireRoot } from './setup/kernel';
import { readOptions } from './soak/options';
import { Progress } from './soak/progress';
import { tableLines, writeReport } from './soak/report';
import { Run } from './soak/run';
import { Stage } from './soak/stage';
import { untilToldToStop } from './start/ending';

/**
 * `npm run soak [-- --hours N | --minutes N | --kills N]`: the agent for long, beside pods that come and go, ended and
 * started again, with an open dashboard; then a table of what it took and whether it told of everything (docs/soak.md).
 *
 * @returns the exit code: 1 when something is wrong
 */
export async function main(args: string[]): Promise<number> {
  const options = readOptions(args);
  requireRoot('npm run soak');
  mountCgroup2();
  await buildAll(['bpf', 'native', 'agent']);
  const told = untilToldToStop();
  const stage = await Stage.open(Date.now());
  try {
    const run = new Run(options, stage);
    const progress = new Progress(() => run.going);
    const report = await run.run(told).finally(() => progress.end());
    writeReport(stage.folder, report);
    console.log(`\n${tableLines(report.verdicts).join('\n')}\n`);
    console.log(`  ${relative(process.cwd(), stage.folder)}/report.html`);
    return report.isGood ? 0 : 1;
  } finally {
    await stage.close();
  }
}
