/** Programs of others that take part where they are installed, and are named where they are not. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';

export interface Installed {
  path: string;
  version: string;
}

interface Wanted {
  program: string;
  /** Flags that make it print its version … */
  ask: readonly string[];
  /** … and where in what it prints. */
  version: RegExp;
  /** Debian's package, where its build prints none. */
  debianPackage?: string;
}

const WANTED = {
  nginx: { program: 'nginx', ask: ['-v'], version: /nginx\/(\S+)/ },
  haproxy: { program: 'haproxy', ask: ['-v'], version: /version (\d[\d.]*)/ },
  envoy: { program: 'envoy', ask: ['--version'], version: /\/(\d+\.\d+\.\d+)\// },
  prometheus: { program: 'prometheus', ask: ['--version'], version: /version (\d[\d.]*)/ },
  victoriaMetrics: {
    program: 'victoria-metrics',
    ask: ['-version'],
    version: /(\d+\.\d+\.\d+)/,
    debianPackage: 'victoria-metrics',
  },
  wrk: { program: 'wrk', ask: ['-v'], version: /wrk (?:debian\/)?(\d[\d.]*)/ },
} satisfies Record<string, Wanted>;

export type ProgramName = keyof typeof WANTED;

/** @returns undefined where it is not installed */
export function find(name: ProgramName, path = process.env.PATH ?? ''): Installed | undefined {
  const { program, ask, version, debianPackage }: Wanted = WANTED[name];
  // Servers live in sbin, which is not on everybody's path.
  const folders = [...path.split(':').filter(Boolean), '/usr/sbin', '/sbin'];
  const found = folders.map((folder) => `${folder}/${program}`).find(isExecutable);
  if (found === undefined) {
    return undefined;
  }
  const said = version.exec(outputOf(found, ask)) ?? version.exec(versionOfPackage(debianPackage));
  return { path: found, version: said?.[1] ?? 'of unknown version' };
}

function versionOfPackage(name: string | undefined): string {
  return name === undefined ? '' : outputOf('dpkg-query', ['-W', '-f', '${Version}', name]);
}

/** Of both streams: half of the programs print their version as if it were an error. */
function outputOf(program: string, flags: readonly string[]): string {
  const { stdout, stderr } = spawnSync(program, flags, { encoding: 'utf8', timeout: 10_000 });
  return `${stdout ?? ''}${stderr ?? ''}`;
}

/** Why it is left out, as the document says it. */
export function whyMissing(name: ProgramName): string {
  return `no ${WANTED[name].program} on the PATH`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
