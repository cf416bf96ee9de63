import type { Status } from '../wire/status';

/** An agent from before there were names says nothing about them. */
type Answered = Partial<Pick<Status, 'identity'>>;

/** Who is there, in the parts of a status line: `23 pods named`, `20 of 23 pods named`. */
export function describeOwners({ identity }: Answered): string[] {
  if (!identity) {
    return [];
  }
  const { pods, unnamedPods, kubernetes, docker, excluded } = identity;
  const named = unnamedPods === 0 ? '' : `${pods - unnamedPods} of `;
  return [
    ...(pods > 0 || kubernetes.state === 'ready' ? [`${named}${counted(pods, 'pod')} named`] : []),
    ...(docker.state === 'ready' ? [`${counted(docker.known, 'Docker container')} named`] : []),
    ...(excluded > 0 ? [`${counted(excluded, 'cgroup')} left out`] : []),
  ];
}

/** Why names are missing, a sentence a source. A source that is off is no loss where there is nothing to name. */
export function describeMissingNames({ identity }: Answered): string[] {
  if (!identity) {
    return [];
  }
  const { unnamedPods, kubernetes, docker } = identity;
  const lacksPods = kubernetes.state === 'failing' || (kubernetes.state !== 'ready' && unnamedPods > 0);
  const lacksContainers = docker.state === 'failing' || docker.state === 'connecting';
  return [
    ...(lacksPods ? [`Names of pods are missing: ${kubernetes.reason}`] : []),
    ...(lacksContainers ? [`Names of Docker containers are missing: ${docker.reason}`] : []),
  ];
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}
