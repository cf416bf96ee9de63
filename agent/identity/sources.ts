/** Who is asked for names: the API server and the container engine, each where there is one. */
import { Absent } from './absent';
import type { IdentitySource } from './source';

export interface SourcesOptions {
  node: string;
  /** `auto`, `off`, or where it is: the API server's URL, the engine's socket. */
  kubernetes: string;
  kubernetesTokenFile?: string;
  kubernetesCaFile?: string;
  docker: string;
}

export interface Sources {
  kubernetes: IdentitySource;
  docker: IdentitySource;
}

export function findSources(_options: SourcesOptions, _log: (message: string) => void): Sources {
  return { kubernetes: new Absent('kubernetes', 'off'), docker: new Absent('docker', 'off') };
}
