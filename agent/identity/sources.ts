/** Who is asked for names: the API server and the container engine, each where there is one. */
import { Absent } from './absent';
import { DockerSource } from './docker';
import { findKubernetes } from './kubernetes/find';
import { KubernetesPods } from './kubernetes/kubernetes-pods';
import type { IdentitySource } from './source';

export interface SourcesOptions {
  /** This node, as Kubernetes calls it. */
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

/** @param onLog hears when a source begins to fail and when it works again */
export function findSources(options: SourcesOptions, onLog: (sentence: string) => void): Sources {
  return { kubernetes: findPods(options, onLog), docker: findContainers(options) };
}

function findPods(options: SourcesOptions, onLog: (sentence: string) => void): IdentitySource {
  const { node, kubernetes, kubernetesTokenFile: tokenFile, kubernetesCaFile: caFile } = options;
  const found = findKubernetes(kubernetes, process.env, { tokenFile, caFile });
  return 'url' in found ? new KubernetesPods({ ...found, node, onLog }) : new Absent('kubernetes', found.reason);
}

function findContainers({ docker }: SourcesOptions): IdentitySource {
  return docker === 'off'
    ? new Absent('docker', 'No container engine: it is not asked, because of --docker off.')
    : new DockerSource(docker);
}
