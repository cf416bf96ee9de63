import { spawnSync } from 'node:child_process';
import { StepError } from '../setup/steps.mjs';

/** Packs a folder as Linux unpacks it at its start; several files one behind the other are one archive to it. */
export function archive(folder: string, file: string): void {
  const pack = 'find . -mindepth 1 | cpio --create --format=newc --quiet > "$0"';
  const { status, stderr } = spawnSync('/bin/sh', ['-c', pack, file], { cwd: folder, encoding: 'utf8' });
  if (status !== 0) {
    throw new StepError(`${folder} could not be packed: ${stderr}`);
  }
}
