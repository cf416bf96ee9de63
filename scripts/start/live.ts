import { askServices } from './services';
import { tableLines } from './table';

/** From the first request on: by then the rates have settled. */
const FIRST_MS = 4_000;
const REFRESH_MS = 2_000;
/** Where it cannot be drawn over the last one, a table now and then is enough. */
const REPEAT_MS = 10_000;

/** Prints the table of services for as long as the process lives: in place on a terminal, else one after the other. */
export function showServices(agentUrl: string, out: NodeJS.WriteStream = process.stdout): void {
  const sinceMs = Date.now();
  let drawn = 0;
  const draw = async () => {
    const lines = await linesOf(agentUrl, sinceMs);
    // Up over the last one, and wipe from there.
    out.write(`${out.isTTY && drawn > 0 ? `\x1b[${drawn}A\x1b[J` : ''}${lines.join('\n')}\n`);
    drawn = lines.length;
    setTimeout(draw, out.isTTY ? REFRESH_MS : REPEAT_MS).unref();
  };
  setTimeout(draw, FIRST_MS).unref();
}

async function linesOf(agentUrl: string, sinceMs: number): Promise<string[]> {
  try {
    return [...tableLines(await askServices(agentUrl, sinceMs)), ''];
  } catch (error) {
    return [`  No answer from the agent: ${(error as Error).message}`, ''];
  }
}
