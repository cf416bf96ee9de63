/** `ringside-agent detach`: removes every trace of an agent that has pinned its programs. */
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { DEFAULT_PIN_DIRECTORY, PinDirectory, PinProblem, PinsAreHeld } from '../pin/pin-directory';
import { Refusal } from '../refusal';
import { pinFlag } from './command';

/** @param argv as `process.argv` */
export function isDetach(argv: readonly string[]): boolean {
  return argv[2] === 'detach';
}

/**
 * Does it, and says what was removed in one line each. Nothing to remove is fine.
 *
 * @throws CommanderError after its message is written; Refusal while an agent runs
 */
export async function detach(argv: readonly string[], say: (line: string) => void = console.log): Promise<void> {
  const command = new Command('ringside-agent detach')
    .description('Ends what an agent with --pin keeps counting in the kernel, and removes all of it, of every version.')
    .addOption(pinFlag('the directory the agent has pinned in'))
    .addHelpText('after', '\nStop the agent first. What it has told its history stays there.')
    .helpOption('-h, --help', 'print this help and exit')
    .showHelpAfterError('Run ringside-agent detach --help for what it does.')
    .exitOverride();
  const { pin: path = DEFAULT_PIN_DIRECTORY } = command.parse(argv.slice(3), { from: 'user' }).opts<{ pin?: string }>();
  if (!existsSync(path)) {
    say(`Nothing is pinned: there is no ${path}.`);
    return;
  }
  const directory = await openDirectory(path);
  try {
    const removed = directory.removeSets();
    removed.forEach((set) => say(`Removed ${set}.`));
    if (removed.length === 0) {
      say(`Nothing of Ringside’s is pinned in ${path}.`);
    }
    const foreign = directory.foreign();
    if (foreign.length > 0) {
      say(`Left in ${path}, as it is not Ringside’s: ${foreign.join(', ')}.`);
    }
  } catch (error) {
    throw new Refusal(`What is pinned in ${path} cannot be removed: ${(error as Error).message}.`);
  } finally {
    directory.leave();
  }
}

async function openDirectory(path: string): Promise<PinDirectory> {
  try {
    return await PinDirectory.open(path, 0);
  } catch (error) {
    if (error instanceof PinsAreHeld) {
      throw new Refusal(`${error.message} Stop it first.`);
    }
    throw error instanceof PinProblem ? new Refusal(error.message) : error;
  }
}
