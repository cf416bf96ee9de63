/**
 * Steps with visible progress: one line each, with a tick and the seconds it took. What a step's commands print goes to
 * build/logs/, and to the screen only when the step fails.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LOGS = join(ROOT, 'build', 'logs');
const TAIL_LINES = 40;
const TITLE_WIDTH = 28;
const SPINNER = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';

/** A failure that is told to the user as it is, without a stack. Recognised by `name`, which also works across loaders. */
export class StepError extends Error {
  constructor(message) {
    super(message);
    this.name = 'StepError';
  }
}

/** Where a step's commands write: a file, whose end is shown when the step fails. */
class Log {
  #file;

  constructor(title) {
    mkdirSync(LOGS, { recursive: true });
    this.path = join(LOGS, `${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.log`);
    this.#file = openSync(this.path, 'w');
    /** The newest line, for the spinner. */
    this.newest = '';
  }

  write(text) {
    writeSync(this.#file, text);
    this.newest = text.trimEnd().split('\n').at(-1).trim() || this.newest;
  }

  close() {
    closeSync(this.#file);
  }

  tail() {
    return readFileSync(this.path, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  }
}

/**
 * Runs one step.
 *
 * @param title what it makes, "BPF programs"
 * @param work gets the step's log; a string it returns is shown instead of the seconds ("up to date")
 */
export async function step(title, work) {
  const log = new Log(title);
  const startedMs = performance.now();
  const seconds = () => `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
  const stopSpinning = process.stderr.isTTY ? spin(title, seconds, log) : () => {};
  const show = (sign, note) => {
    stopSpinning();
    console.error(`  ${sign} ${title.padEnd(TITLE_WIDTH)} ${note}`);
  };
  try {
    const note = await work(log);
    log.close();
    show('✓', typeof note === 'string' ? note : seconds());
  } catch (error) {
    log.close();
    show('✗', seconds());
    const tail = log.tail();
    if (tail) {
      console.error(`\n${tail}\n\n(all of it: ${log.path})`);
    }
    throw error;
  }
}

function spin(title, seconds, log) {
  let turn = 0;
  const timer = setInterval(() => {
    const line = `  ${SPINNER[turn++ % SPINNER.length]} ${title.padEnd(TITLE_WIDTH)} ${seconds()}  ${log.newest}`;
    process.stderr.write(`\r\x1b[2K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`);
  }, 100);
  return () => {
    clearInterval(timer);
    process.stderr.write('\r\x1b[2K');
  };
}

/** Runs a command to its end, its output into the log. Throws a StepError unless it ends with 0. */
export function run(log, command, args, options = {}) {
  return new Promise((resolve, reject) => {
    log.write(`$ ${[command, ...args].join(' ')}\n`);
    const child = spawn(command, args, { cwd: ROOT, ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.setEncoding('utf8').on('data', (text) => log.write(text));
    child.stderr.setEncoding('utf8').on('data', (text) => log.write(text));
    child.on('error', (error) => reject(new StepError(`${command} could not be run: ${error.message}`)));
    child.on('close', (code, signal) =>
      code === 0
        ? resolve()
        : reject(new StepError(`${[command, ...args].join(' ')} ended with ${signal ?? `code ${code}`}.`))
    );
  });
}
