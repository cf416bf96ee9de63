import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';

export interface RunningAgent {
  url: string;
  /** The last second it knows, milliseconds since 1970. */
  nowMs: number;
  stop(): Promise<void>;
}

/** Starts `agent.process.ts`. @param tokenPath where it shall put its token; without one it asks for none */
export async function runAgent(tokenPath?: string): Promise<RunningAgent> {
  const script = path.join(__dirname, 'agent.process.ts');
  // Its standard input is what ties it to this process: it ends when the pipe does, however the test ends.
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...(tokenPath ? [tokenPath] : [])], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const line = await firstLine(child);
  const { address, nowMs } = JSON.parse(line);
  return {
    url: address,
    nowMs,
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.stdin!.end();
      }),
  };
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout! }).once('line', resolve);
    child.once('exit', (code) => reject(new Error(`The test agent ended with code ${code} before it listened`)));
  });
}
